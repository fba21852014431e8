// What every view of a live document draws: the reasoning, the blocks of the answer and the caret. A subclass draws the
// state.

import { element, lastTextHolder, place, slot } from "./elements.js";
import { Tail } from "./tail.js";

/** @import { LiveDocument } from "./live_document.js" */
/** @import { Mark } from "./live_messages.js" */

/** @template {LiveDocument | null} D */
export class AnswerView {
  /** @type {Element | null} */
  caretAt = null;

  /**
   * @param {HTMLElement} root Where the parts of the answer are appended.
   * @param {D} doc
   */
  constructor(root, doc) {
    this.root = root;
    this.doc = doc;
    this.reasoning = element("details", "nbs-reasoning", root);
    this.summary = element("summary", "", this.reasoning);
    this.summary.dataset.lmSuppressShortcuts = "true";
    const box = element("div", "nbs-thoughts", this.reasoning);
    box.tabIndex = 0;
    const content = element("div", "", box);
    this.thoughts = content.appendChild(document.createTextNode(""));
    this.thoughtsTail = new Tail(box, content, () => true);
    this.body = element("div", "nbs-body", root);
    this.body.setAttribute("aria-live", "off");
    this.mark = element("p", "nbs-mark", root);
  }

  redraw() {
    this.body.replaceChildren(...(this.doc?.blocks ?? []).map((slot) => slot.cloneNode(true)));
    this.drawThoughts(0, this.doc?.reasoning?.text ?? "");
    this.drawCaret();
    this.drawState();
  }

  drawState() {}

  /**
   * @param {number} index
   * @param {number} depth
   * @param {string} commit
   * @param {string} tail
   */
  patch(index, depth, commit, tail) {
    while (this.body.childElementCount <= index) this.body.append(slot());
    place(/** @type {Element} */ (this.body.children[index]), depth, commit, tail);
    // An answer that began again may have left blocks without anything in them; the caret belongs to the last one with.
    while (this.body.lastElementChild?.childNodes.length === 0) this.body.lastElementChild.remove();
    this.drawCaret();
  }

  drawCaret() {
    this.dropCaret();
    this.caretAt = this.body.lastElementChild && lastTextHolder(this.body.lastElementChild);
    this.caretAt?.classList.add("nbs-caret");
  }

  dropCaret() {
    this.caretAt?.classList.remove("nbs-caret");
    this.caretAt = null;
  }

  /**
   * @param {number} keep
   * @param {string} text
   */
  drawThoughts(keep, text) {
    this.thoughts.replaceData(keep, this.thoughts.length - keep, text);
  }

  /** @param {Mark | null} mark */
  drawMark(mark) {
    this.mark.replaceChildren();
    if (!mark) return;
    element("strong", "", this.mark).textContent = `${mark.word}.`;
    this.mark.append(` ${mark.sentence}`);
  }
}
