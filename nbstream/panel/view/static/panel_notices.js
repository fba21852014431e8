// What is said beside the conversation: each notice by itself, with what can be done about it.

import { button, element } from "../../../display/static/elements.js";

/** @import { Viewer } from "./panel_document.js" */

const DEAF =
  "The kernel has not answered yet. It will do what you asked as soon as it is free; to be answered now, interrupt " +
  "it (■). If it was restarted, run nbs.ChatPanel.restore() in a new cell to continue the saved conversation.";

/**
 * @typedef {object} Notice
 * @property {string} words
 * @property {[name: string, title: string, does: () => unknown]} [offer]
 * @property {() => unknown} [dismiss]
 * @property {boolean} [calm] whether nothing is wrong
 */

export class Notices {
  /** @type {Map<string, HTMLElement>} */
  shown = new Map();

  /**
   * @param {Viewer} view
   * @param {Element} parent
   */
  constructor(view, parent) {
    this.view = view;
    this.doc = view.doc;
    this.root = element("div", "nbs-notices", parent);
    this.root.setAttribute("role", "status");
    this.root.setAttribute("aria-atomic", "false"); // only what is new is said
  }

  draw() {
    const notices = new Map(this.all().map((notice) => [notice.words, notice]));
    for (const [words, made] of this.shown) {
      if (notices.has(words)) continue;
      this.shown.delete(words);
      made.remove();
    }
    let at = this.root.firstElementChild;
    for (const notice of notices.values()) {
      const made = this.shown.get(notice.words) ?? this.add(notice);
      if (made === at) at = at.nextElementSibling;
      else this.root.insertBefore(made, at);
    }
    this.root.hidden = notices.size === 0;
  }

  /** @returns {Notice[]} */
  all() {
    const { notices, deleted, paused } = this.doc.surroundings;
    const dismissing = (/** @type {string} */ words) => () => this.doc.act("dismiss", { target: words });
    return [
      ...(this.doc.deaf && !this.doc.lost ? [{ words: DEAF }] : []),
      ...(this.doc.remark ? [{ words: this.doc.remark, dismiss: () => this.doc.say("") }] : []),
      ...notices.map((words) => ({ words, dismiss: dismissing(words) })),
      ...(deleted ? [this.deleted(dismissing(""))] : []),
      ...(paused ? [this.paused(paused)] : []),
    ];
  }

  /**
   * @param {() => unknown} dismiss
   * @returns {Notice}
   */
  deleted(dismiss) {
    return { words: "Deleted.", offer: ["Undo", "Put back what was deleted", () => this.doc.act("undelete")], dismiss, calm: true };
  }

  /**
   * @param {string} words
   * @returns {Notice}
   */
  paused(words) {
    return { words, offer: ["Send next", "Send the first of these messages now", () => this.doc.act("send_next")] };
  }

  /** @param {Notice} notice */
  add({ words, offer, dismiss, calm }) {
    const root = element("div", calm ? "nbs-notice nbs-calm" : "nbs-notice");
    const said = element("p", "", root);
    element("span", "", said).textContent = words;
    const then = (/** @type {() => unknown} */ does) => () => {
      does();
      this.view.composer.field.focus({ preventScroll: true });
    };
    if (offer) button("nbs-act", offer[0], offer[1], said, then(offer[2]));
    if (dismiss) button("nbs-drop", "×", "Dismiss", root, then(dismiss)).setAttribute("aria-label", "Dismiss");
    this.shown.set(words, root);
    return root;
  }
}
