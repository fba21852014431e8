// The formulas of turns that have ended, set by the front end's own typesetter once they come into sight. JupyterLab and
// Notebook 7 lend theirs to widgets; elsewhere a formula stays as it was written. In the kernel, commands that make links
// or load something have been taken out of it.

export class Formulas {
  constructor(manager) {
    this.typesetter = manager?.rendermime?.latexTypesetter;
    this.observer = new IntersectionObserver((seen) => {
      for (const { isIntersecting, target } of seen) if (isIntersecting) this.typeset(target);
    });
  }

  watch(node) {
    if (this.typesetter && node.querySelector(".nbs-math")) this.observer.observe(node);
  }

  // One by one, for the typesetter would take other dollars in the text for formulas too.
  typeset(node) {
    this.observer.unobserve(node);
    for (const formula of node.querySelectorAll(".nbs-math")) {
      if (formula.childElementCount === 0) this.typesetOne(formula);
    }
  }

  async typesetOne(formula) {
    await this.typesetter.typeset(formula);
    for (const wide of [formula, formula.closest(".nbs-block")]) {
      if (wide?.scrollWidth > wide?.clientWidth) wide.tabIndex = 0; // so that keys can scroll it
    }
  }
}
