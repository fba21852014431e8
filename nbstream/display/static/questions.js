// What waits for the reader, each on a card: calls with their arguments, which the reader may edit, what a tool asks for,
// code that may go into a new cell, and a prompt that seems to hold a secret. And the tools that are allowed for good,
// until that is revoked.

import { button, element, say, set } from "./elements.js";

/** @import { Question } from "./live_messages.js" */

export class QuestionCards {
  /** @type {Map<string, Card>} */
  cards = new Map();

  /**
   * @param {HTMLElement} root Where the cards are appended.
   * @param {(message: object) => void} send
   */
  constructor(root, send) {
    this.root = root;
    this.send = send;
    root.tabIndex = -1;
    this.allowed = allowances(root);
  }

  /**
   * @param {Question[]} questions
   * @param {string[]} [allowed]
   */
  draw(questions, allowed = []) {
    const focused = this.root.contains(document.activeElement);
    const open = new Set(questions.map(({ digest }) => digest));
    for (const [digest, card] of this.cards) {
      if (open.has(digest)) continue;
      card.root.remove();
      this.cards.delete(digest);
    }
    for (const question of questions) {
      if (!this.cards.has(question.digest)) this.cards.set(question.digest, new Card(question, this.root, this.send));
    }
    drawAllowances(this.allowed, allowed, (tool) => this.send({ type: "revoke", tool }));
    if (!focused || this.root.contains(document.activeElement)) return;
    // Never to a button: the key that has answered one question must not answer the next.
    const [next] = this.cards.values();
    (next?.root ?? this.root).focus({ preventScroll: true });
  }

  /**
   * @param {string} call
   * @param {string} words
   */
  refuse(call, words) {
    for (const card of this.cards.values()) if (card.question.call === call) card.refuse(words);
  }
}

/** @param {Element} parent */
export function allowances(parent) {
  const made = element("div", "nbs-allowances", parent);
  made.setAttribute("role", "status");
  made.tabIndex = -1;
  return made;
}

/**
 * @param {HTMLElement} root
 * @param {string[]} tools
 * @param {(tool: string) => void} revoke
 */
export function drawAllowances(root, tools, revoke) {
  if (root.getAttribute("data-tools") === String(tools)) return;
  set(root, "data-tools", String(tools));
  root.replaceChildren();
  for (const tool of tools) {
    const row = element("p", "nbs-allowance", root);
    element("strong", "", row).textContent = tool;
    row.append(" · Allowed for this notebook · ");
    button("nbs-revoke", "Revoke", `Ask again before ${tool} is called`, row, () => {
      row.remove();
      root.focus({ preventScroll: true });
      revoke(tool);
    });
  }
}

// What can be answered, each with what it does; before it, the question, where it is not about a tool.
const CALL = ["", "Allow", "Call it with these arguments", "Deny", "Do not call it, and tell the model so"];
const INPUT = ["", "Send", "Answer the tool with this", "Decline", "Tell the tool that you do not answer"];

/**
 * A question in a sentence.
 *
 * @param {Question} question
 */
export function asked({ kind, tool, words }) {
  return words?.[0] ?? (kind === "input" ? `${tool} asks you something` : `May the model call ${tool}?`);
}

class Card {
  /** @type {HTMLTextAreaElement | null} */
  editor = null;
  /** @type {HTMLInputElement | null} */
  reason = null;
  held = false; // while an answer is under way

  /**
   * @param {Question} question
   * @param {Element} parent
   * @param {(message: object) => void} send
   */
  constructor(question, parent, send) {
    this.question = question;
    this.send = send;
    this.root = element("div", "nbs-question", parent);
    this.root.tabIndex = -1;
    this.root.setAttribute("role", "group");
    const { kind, tool, words } = question;
    this.root.setAttribute("aria-label", asked(question));
    const input = kind === "input";
    const [whole, yes = "", does = "", no = "", leaves = ""] = words ?? (input ? INPUT : CALL);
    const title = element("p", "nbs-question-title", this.root);
    title.append(whole || (input ? "" : "The model wants to call "));
    if (!whole) element("strong", "", title).textContent = tool;
    if (input) title.append(" asks you:");
    const about = input ? "nbs-question-asks" : "nbs-question-about";
    if (question.description) element("p", about, this.root).textContent = question.description;
    this.shown = element("pre", "nbs-question-arguments", question.arguments ? this.root : null);
    this.shown.textContent = question.arguments;
    this.shown.tabIndex = 0;
    this.fault = element("p", "nbs-question-fault", this.root);
    this.fault.setAttribute("role", "alert");
    const bar = element("div", "nbs-question-bar", this.root);
    const add = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ title, /** @type {() => void} */ act) =>
      button(name, label, title, bar, (event) => event.detail < 2 && act()); // not by the second click of two
    this.bar = bar;
    const always = `Call ${tool} without asking from now on, in this notebook`;
    add("nbs-allow", yes, does, () => this.answer(true));
    const here = kind === "call"; // no other has arguments to edit
    if (here) this.editing = add("nbs-edit", "Edit", "Change the arguments before the call", () => this.edit());
    add("nbs-deny", no, leaves, () => this.answer(false));
    if (input) this.write(`Answer to ${tool}`);
    if (input || whole) return;
    this.why = add("nbs-why", "Say why …", "Tell the model why you deny it", () => this.explain());
    if (here) add("nbs-always", "Always allow", always, () => this.answer(true, true));
  }

  /** @param {string} label */
  write(label) {
    const editor = this.field("textarea", label, this.question.arguments, this.editing, () => this.edit());
    editor.rows = Math.min(12, editor.value.split("\n").length + 1);
    this.shown.replaceWith(editor);
    this.editor = editor;
  }

  edit() {
    if (!this.editing) return;
    if (this.editor) {
      this.editor.replaceWith(this.shown);
      this.editor = null;
    } else this.write(`Arguments of ${this.question.tool}`);
    say(this.fault, "");
    say(this.editing, this.editor ? "Undo edit" : "Edit");
    (this.editor ?? this.editing).focus();
  }

  explain() {
    if (this.reason) {
      this.reason.remove();
      this.reason = null;
    } else {
      this.reason = this.field("input", "Reason for denying, for the model", "", this.why, () => this.explain());
      this.reason.placeholder = "Why not? Enter denies.";
      this.reason.addEventListener("keydown", ({ key, isComposing }) => key === "Enter" && !isComposing && this.answer(false));
      this.root.append(this.reason);
    }
    if (this.why) set(this.why, "aria-expanded", String(Boolean(this.reason)));
    (this.reason ?? this.why)?.focus();
  }

  /**
   * Where the reader writes; Escape leaves it, and takes it away if nothing is lost with it.
   *
   * @template {"input" | "textarea"} K
   * @param {K} tag
   * @param {string} label
   * @param {string} text
   * @param {HTMLElement | undefined} opener
   * @param {() => void} close
   */
  field(tag, label, text, opener, close) {
    const field = element(tag, `nbs-question-${tag}`);
    field.setAttribute("aria-label", label);
    field.value = text;
    field.dataset.lmSuppressShortcuts = "true";
    field.addEventListener("keydown", (/** @type {Event} */ event) => {
      event.stopPropagation(); // not for the notebook
      if (/** @type {KeyboardEvent} */ (event).key !== "Escape") return;
      if (field.value === text) close();
      else opener?.focus();
    });
    return field;
  }

  /**
   * @param {boolean} allow
   * @param {boolean} always
   */
  answer(allow, always = false) {
    if (this.held) return;
    say(this.fault, "");
    this.hold(true);
    const { call, digest } = this.question;
    const written = { arguments: this.editor?.value ?? null, reason: this.reason?.value ?? "" };
    this.send({ type: "answer", call, digest, allow, always, ...written });
  }

  /** @param {string} words */
  refuse(words) {
    this.hold(false);
    say(this.fault, words);
    if (this.editor) set(this.editor, "aria-invalid", "true");
    this.editor?.focus();
  }

  /** @param {boolean} held */
  hold(held) {
    this.held = held;
    for (const each of this.bar.children) set(each, "aria-disabled", held ? "true" : null);
  }
}
