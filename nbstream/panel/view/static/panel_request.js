// What the file of the conversation asks for, with the buttons that allow or refuse it.

import { button, element } from "../../../display/static/elements.js";

/** @import { Viewer } from "./panel_document.js" */

const WORDS = "This conversation was saved with the following, which could send your messages elsewhere. It is used only if you trust it:";

export class SavedRequest {
  /** @type {string | null} */
  shown = null;

  /**
   * @param {Viewer} view
   * @param {Element} parent
   */
  constructor(view, parent) {
    this.view = view;
    this.root = element("div", "nbs-request", parent);
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", "What the saved conversation asks for");
    element("p", "", this.root).textContent = WORDS;
    this.list = element("ul", "", this.root);
    const row = element("div", "nbs-remedies", this.root);
    button("nbs-act", "Trust", "Use this from now on", row, () => this.answer("trust"));
    button("nbs-act", "Ignore", "Forget this", row, () => this.answer("distrust"));
  }

  draw() {
    const { untrusted } = this.view.doc.surroundings;
    this.root.hidden = untrusted.length === 0;
    if (this.shown === String(untrusted)) return;
    this.shown = String(untrusted);
    this.list.replaceChildren();
    for (const line of untrusted) element("li", "", this.list).textContent = line;
  }

  /** @param {string} action */
  answer(action) {
    this.view.doc.act(action);
    this.view.composer.field.focus({ preventScroll: true });
  }
}
