// The Mermaid diagrams of turns that have ended, drawn by the front end's own Mermaid once they come into sight.
// JupyterLab and Notebook 7 lend widgets their Markdown parser, which knows it; elsewhere the code stays code. The kernel
// takes out of the code what could load, style or link something. Of what is drawn only an image is taken, in which
// nothing can act.

import { element } from "../../../display/static/elements.js";

/** @import { Manager } from "./panel_messages.js" */

const CODE = "pre:has(> code.language-mermaid)";
const DRAWN = /^data:image\/svg\+xml,/;

export class Diagrams {
  observer = new IntersectionObserver((seen) => {
    for (const { isIntersecting, target } of seen) if (isIntersecting) this.draw(target);
  });

  /**
   * @param {Manager | undefined} manager
   * @param {(code: string) => Promise<string>} harmless
   */
  constructor(manager, harmless) {
    this.parser = manager?.rendermime?.markdownParser;
    this.harmless = harmless;
  }

  /** @param {Element} node */
  watch(node) {
    if (this.parser && node.querySelector(CODE)) this.observer.observe(node);
  }

  /** @param {Element} node */
  draw(node) {
    this.observer.unobserve(node);
    for (const pre of node.querySelectorAll(CODE)) if (!pre.closest(".nbs-diagram")) this.drawOne(pre);
  }

  /** @param {Element} pre */
  async drawOne(pre) {
    try {
      const image = await this.imageOf(await this.harmless(pre.textContent ?? ""));
      if (!image || !pre.isConnected || pre.closest(".nbs-diagram")) return;
      const figure = element("figure", "nbs-diagram");
      pre.replaceWith(figure);
      const code = element("details", "nbs-file");
      element("summary", "", code).textContent = "Code";
      code.append(pre);
      figure.append(image, code);
    } catch {
      // What cannot be drawn, or not now, stays code.
    }
  }

  /** @param {string} code */
  async imageOf(code) {
    const fence = "`".repeat(Math.max(3, ...[...code.matchAll(/`+/g)].map(([run]) => run.length + 1)));
    const html = await this.parser?.render(`${fence}mermaid\n${code}\n${fence}\n`);
    const drawn = new DOMParser().parseFromString(html ?? "", "text/html").querySelector("img");
    if (!drawn || !DRAWN.test(drawn.src)) return null;
    const image = element("img", "");
    image.alt = drawn.alt || "Diagram";
    if (drawn.width) image.width = drawn.width;
    image.src = drawn.src;
    return image;
  }
}
