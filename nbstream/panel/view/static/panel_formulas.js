// The formulas of turns that have ended, set by the front end's own typesetter once they come into sight. JupyterLab and
// Notebook 7 lend theirs to widgets; elsewhere a formula stays as it was written. In the kernel, commands that make links
// or load something have been taken out of it.

/** @import { Manager } from "./panel_messages.js" */

export class Formulas {
  observer = new IntersectionObserver((seen) => {
    for (const { isIntersecting, target } of seen) if (isIntersecting) this.typeset(target);
  });

  /** @param {Manager | undefined} manager */
  constructor(manager) {
    this.typesetter = manager?.rendermime?.latexTypesetter;
  }

  /** @param {Element} node */
  watch(node) {
    if (this.typesetter && node.querySelector(".nbs-math")) this.observer.observe(node);
  }

  /**
   * One by one, because the typesetter would also read other dollars in the text as formulas.
   *
   * @param {Element} node
   */
  typeset(node) {
    this.observer.unobserve(node);
    for (const formula of /** @type {NodeListOf<HTMLElement>} */ (node.querySelectorAll(".nbs-math"))) {
      if (formula.childElementCount === 0) this.typesetOne(formula);
    }
  }

  /** @param {HTMLElement} formula */
  async typesetOne(formula) {
    await this.typesetter?.typeset(formula);
    const block = /** @type {HTMLElement | null} */ (formula.closest(".nbs-block"));
    for (const wide of [formula, block]) {
      if (wide && wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0; // so that keys can scroll it
    }
  }
}
