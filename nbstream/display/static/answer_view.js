// What every view of a live document draws: the reasoning, the blocks of the answer and the caret. A subclass draws the
// state.

import { changeBlock } from "./block_list.js";
import { element, lastTextHolder } from "./elements.js";
import { QuestionCards } from "./questions.js";
import { Tail } from "./tail.js";

/** @import { Change } from "./block_list.js" */
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
    this.thoughts = element("div", "", box);
    this.thoughtsTail = new Tail(box, this.thoughts, () => Boolean(this.doc && !this.doc.ended));
    this.body = element("div", "nbs-body", root);
    this.body.setAttribute("aria-live", "off");
    this.questions = new QuestionCards(element("div", "nbs-questions", root), (message) => this.answer(message));
    this.mark = element("p", "nbs-mark", root);
  }

  redraw() {
    this.body.replaceChildren(...(this.doc?.blocks.copies() ?? []));
    this.thoughts.replaceChildren(...(this.doc?.thoughts.copies() ?? []));
    this.drawCaret();
    this.drawState();
  }

  drawState() {}

  drawQuestions() {
    const { doc } = this;
    // Where the kernel has not answered, it would hear no answer either: it asks with `input()`.
    this.questions.draw(doc?.kernelAnswers && !doc.ended ? doc.questions : [], doc && !doc.lost ? doc.allowed : []);
  }

  /** @param {object} message The reader's answer to a question. */
  answer(message) {
    this.doc?.model.send(message);
    if ("tool" in message) this.doc?.announce(`You will be asked before ${message.tool} is called`);
  }

  /**
   * @param {string} call
   * @param {string} words What is wrong with the arguments as they were edited.
   */
  refuse(call, words) {
    this.questions.refuse(call, words);
  }

  /** @param {Change} change */
  patch(change) {
    changeBlock(this.body, change);
    this.drawCaret();
  }

  /** @param {Change} change */
  think(change) {
    changeBlock(this.thoughts, change);
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

  /** @param {Mark | null} mark */
  drawMark(mark) {
    this.mark.replaceChildren();
    if (!mark) return;
    element("strong", "", this.mark).textContent = `${mark.word}.`;
    this.mark.append(` ${mark.sentence}`);
  }
}
