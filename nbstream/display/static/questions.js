// What waits for the reader, each on a card: calls with their arguments, which the reader may edit, what a tool asks for,
// code that may go into a new cell, and a prompt that seems to hold a secret. And the tools that are allowed for good, until that is revoked.

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

// What stands before and after the name of the tool.
/** @type {{ [kind: string]: [before: string, after: string] }} */
const TITLES = {
  input: ["", " asks you:"],
  insert: ["Insert this code into a new cell below?", ""],
  secret: ["Send this prompt to ", "?"],
};

/**
 * A question in a sentence.
 *
 * @param {Question} question
 */
export function asked({ kind, tool }) {
  if (kind === "insert") return "Insert the code into a new cell below?";
  if (kind === "secret") return "Send a prompt that seems to hold a secret?";
  return kind === "input" ? `${tool} asks you something` : `May the model call ${tool}?`;
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
    const { kind, tool } = question;
    this.root.setAttribute("aria-label", asked(question));
    const title = element("p", "nbs-question-title", this.root);
    const [before, after] = TITLES[kind ?? ""] ?? ["The model wants to call ", ""];
    title.append(before);
    if (kind !== "insert") element("strong", "", title).textContent = tool;
    title.append(after);
    const about = kind === "input" ? "nbs-question-asks" : "nbs-question-about";
    if (question.description) element("p", about, this.root).textContent = question.description;
    const alone = kind === "insert" || kind === "secret"; // the code, or the prompt, is above
    this.shown = element("pre", "nbs-question-arguments", alone ? null : this.root);
    this.shown.textContent = question.arguments;
    this.shown.tabIndex = 0;
    this.fault = element("p", "nbs-question-fault", this.root);
    this.fault.setAttribute("role", "alert");
    const bar = element("div", "nbs-question-bar", this.root);
    const add = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ title, /** @type {() => void} */ act) =>
      button(name, label, title, bar, (event) => event.detail < 2 && act()); // not by the second click of two
    this.bar = bar;
    if (kind === "insert") {
      add("nbs-allow", "Insert", "Put the code into a new cell below; nothing runs it", () => this.answer(true));
      add("nbs-deny", "Don't insert", "Leave the notebook as it is", () => this.answer(false));
      return;
    }
    if (kind === "secret") {
      add("nbs-allow", "Send", "Send the prompt as it is", () => this.answer(true));
      add("nbs-deny", "Don't send", "Send nothing, and end here", () => this.answer(false));
      return;
    }
    if (kind === "input") {
      add("nbs-allow", "Send", "Answer the tool with this", () => this.answer(true));
      add("nbs-deny", "Decline", "Tell the tool that you do not answer", () => this.answer(false));
      this.write(`Answer to ${tool}`);
      return;
    }
    const always = `Call ${tool} without asking from now on, in this notebook`;
    add("nbs-allow", "Allow", "Call it with these arguments", () => this.answer(true));
    if (kind !== "remote") this.editing = add("nbs-edit", "Edit", "Change the arguments before the call", () => this.edit());
    add("nbs-deny", "Deny", "Do not call it, and tell the model so", () => this.answer(false));
    this.why = add("nbs-why", "Say why …", "Tell the model why you deny it", () => this.explain());
    if (kind !== "remote") add("nbs-always", "Always allow", always, () => this.answer(true, true));
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
