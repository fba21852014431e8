// The calls that wait to be allowed, each on a card with its arguments, which the reader may edit.

import { button, element, say } from "./elements.js";

/** @import { Question } from "./live_messages.js" */

export class QuestionCards {
  /** @type {Map<string, Card>} */
  cards = new Map();

  /**
   * @param {Element} root Where the cards are appended.
   * @param {(message: object) => void} send
   */
  constructor(root, send) {
    this.root = root;
    this.send = send;
  }

  /** @param {Question[]} questions */
  draw(questions) {
    const open = new Set(questions.map(({ digest }) => digest));
    for (const [digest, card] of this.cards) {
      if (open.has(digest)) continue;
      card.root.remove();
      this.cards.delete(digest);
    }
    for (const question of questions) {
      if (!this.cards.has(question.digest)) this.cards.set(question.digest, new Card(question, this.root, this.send));
    }
  }

  /**
   * @param {string} call
   * @param {string} words
   */
  refuse(call, words) {
    for (const card of this.cards.values()) if (card.question.call === call) card.refuse(words);
  }
}

class Card {
  /** @type {HTMLTextAreaElement | null} */
  editor = null;

  /**
   * @param {Question} question
   * @param {Element} parent
   * @param {(message: object) => void} send
   */
  constructor(question, parent, send) {
    this.question = question;
    this.send = send;
    this.root = element("div", "nbs-question", parent);
    this.root.setAttribute("role", "group");
    const isInput = question.kind === "input";
    const called = isInput ? `${question.tool} asks you something` : `May the model call ${question.tool}?`;
    this.root.setAttribute("aria-label", called);
    const title = element("p", "nbs-question-title", this.root);
    if (!isInput) title.append("The model wants to call ");
    element("strong", "", title).textContent = question.tool;
    if (isInput) title.append(" asks you:");
    if (question.description) element("p", "nbs-question-about", this.root).textContent = question.description;
    this.shown = element("pre", "nbs-question-arguments", this.root);
    this.shown.textContent = question.arguments;
    this.shown.tabIndex = 0;
    this.fault = element("p", "nbs-question-fault", this.root);
    this.fault.setAttribute("role", "alert");
    const bar = element("div", "nbs-question-bar", this.root);
    this.buttons = isInput ? this.inputButtons(bar) : this.callButtons(bar);
    if (isInput) this.edit();
  }

  /** @param {Element} bar */
  inputButtons(bar) {
    return [
      button("nbs-allow", "Send", "Answer the tool with this", bar, () => this.answer(true)),
      button("nbs-deny", "Decline", "Tell the tool that you do not answer", bar, () => this.answer(false)),
    ];
  }

  /** @param {Element} bar */
  callButtons(bar) {
    const { kind, tool } = this.question;
    const always = `Call ${tool} without asking from now on, in this notebook`;
    const one = [
      button("nbs-allow", "Allow", "Call it with these arguments", bar, () => this.answer(true)),
      ...(kind === "remote" ? [] : [button("nbs-edit", "Edit", "Change the arguments before the call", bar, () => this.edit())]),
      button("nbs-deny", "Deny", "Do not call it, and tell the model so", bar, () => this.answer(false)),
    ];
    if (kind === "remote") return one;
    return [...one, button("nbs-always", "Always allow", always, bar, () => this.answer(true, true))];
  }

  edit() {
    if (this.editor) return;
    const editor = element("textarea", "nbs-question-editor");
    editor.value = this.question.arguments;
    editor.rows = Math.min(12, this.question.arguments.split("\n").length + 1);
    const isInput = this.question.kind === "input";
    editor.setAttribute("aria-label", isInput ? `Answer to ${this.question.tool}` : `Arguments of ${this.question.tool}`);
    editor.dataset.lmSuppressShortcuts = "true";
    editor.addEventListener("keydown", (event) => event.stopPropagation()); // not for the notebook
    this.shown.replaceWith(editor);
    this.editor = editor;
    if (this.question.kind !== "input") editor.focus(); // nobody has asked for it yet
  }

  /**
   * @param {boolean} allow
   * @param {boolean} always
   */
  answer(allow, always = false) {
    say(this.fault, "");
    this.hold(true);
    const { call, digest } = this.question;
    this.send({ type: "answer", call, digest, allow, always, arguments: this.editor?.value ?? null });
  }

  /** @param {string} words */
  refuse(words) {
    this.hold(false);
    say(this.fault, words);
    this.editor?.focus();
  }

  /** @param {boolean} held Whether an answer is under way. */
  hold(held) {
    for (const each of this.buttons) {
      if (held) each.setAttribute("aria-disabled", "true");
      else each.removeAttribute("aria-disabled");
    }
  }
}
