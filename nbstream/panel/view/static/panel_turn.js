// One turn in one view of a panel: an article that follows its stream, and stays as it is once that has ended.

import { AnswerView } from "../../../display/static/answer_view.js";
import { copyText } from "../../../display/static/code_bar.js";
import { button, element, place, say, set, slot } from "../../../display/static/elements.js";
import { TextEditor } from "./panel_text_editor.js";

/** @import { LiveDocument } from "../../../display/static/live_document.js" */
/** @import { Mark } from "../../../display/static/live_messages.js" */
/** @import { Viewer } from "./panel_document.js" */
/** @import { Attachment } from "./panel_messages.js" */

const NAMES = new Map([["user", "You"], ["assistant", "Assistant"]]);
export const SHOWN_IMAGE = /^data:image\/(?:png|jpeg|gif|webp);base64,/i;

/** @extends {AnswerView<LiveDocument | null>} */
export class Turn extends AnswerView {
  /**
   * @override
   * @type {LiveDocument | null}
   */
  doc = null; // its stream, while there is one
  /** @type {string | null} */
  version = null; // of what it shows
  /** @type {TextEditor | null} */
  editor = null;
  /** @type {number | undefined} */
  ticker;

  /**
   * @param {Viewer} panel
   * @param {string} id
   */
  constructor(panel, id) {
    const root = element("article", "nbs-turn");
    root.tabIndex = -1;
    const top = element("header", "nbs-who", root);
    super(root, null);
    this.panel = panel;
    this.id = id;
    this.who = element("strong", "", top);
    this.reasoning.hidden = true;
    this.files = element("div", "nbs-files");
    this.reasoning.after(this.files);
    this.note = element("p", "nbs-turn-note", root);
    this.remedies = element("div", "nbs-remedies", root);
    const foot = element("footer", "nbs-foot", root);
    this.branch = element("span", "nbs-branch", foot);
    this.facts = element("span", "nbs-turn-facts", foot);
    this.acts = element("div", "nbs-acts", foot);

    const ask = (/** @type {string} */ action) => () => this.panel.doc.act(action, { target: id });
    this.retry = actButton(this.remedies, "Retry", "Ask for another answer", ask("retry"));
    this.resume = actButton(this.remedies, "Continue", "Let the model continue from here", ask("resume"));
    this.include = actButton(this.remedies, "Include", "", () => this.toggle());
    this.back = actButton(this.branch, "◀", "Previous version", () => this.step(-1));
    this.place = element("span", "", this.branch);
    this.forth = actButton(this.branch, "▶", "Next version", () => this.step(1));
    this.back.setAttribute("aria-label", "Previous version");
    this.forth.setAttribute("aria-label", "Next version");
    this.copying = actButton(this.acts, "Copy", "Copy the text", () => this.copy());
    this.edit = actButton(this.acts, "Edit", "Edit and resend", () => this.startEditing());
    this.regenerate = actButton(this.acts, "Retry", "Ask for another answer", ask("regenerate"));
    this.deletion = actButton(this.acts, "Delete", "", ask("delete"));
  }

  get known() {
    return this.panel.doc.turn(this.id);
  }

  // --- what the kernel says about it ---

  drawHead() {
    const { head } = this.known;
    if (!head) return;
    const focused = this.root.contains(document.activeElement) ? document.activeElement : null;
    this.root.dataset.role = head.role;
    say(this.who, NAMES.get(head.role) ?? head.role);
    say(this.note, head.note);
    this.retry.hidden = !head.can_retry;
    this.resume.hidden = !head.can_continue;
    this.include.hidden = !head.can_include;
    say(this.include, head.included ? "Exclude" : "Include in conversation");
    this.include.title = head.included ? "Do not send this with later messages" : "Send this with later messages";
    this.remedies.hidden = !(head.can_retry || head.can_continue || head.can_include);
    this.edit.hidden = !head.can_edit || this.version === null;
    this.regenerate.hidden = !head.can_regenerate || head.can_retry; // that is beside the mark
    const question = head.role === "assistant" && head.siblings.length < 2 ? ", its question" : "";
    this.deletion.title = `Delete this${question} and what follows`;
    this.drawPlace(head.siblings);
    if (!this.doc) this.drawSettled();
    else if (this.doc.ended) this.drawMark(head.mark ?? this.doc.mark);
    // A button that is taken away would leave the focus nowhere.
    if (focused && !focused.checkVisibility({ visibilityProperty: true })) this.root.focus({ preventScroll: true });
  }

  /** @param {string[]} siblings */
  drawPlace(siblings) {
    const at = siblings.indexOf(this.id);
    this.branch.hidden = siblings.length < 2;
    say(this.place, `${at + 1}/${siblings.length}`);
    this.back.setAttribute("aria-disabled", String(at <= 0));
    this.forth.setAttribute("aria-disabled", String(at + 1 >= siblings.length));
  }

  drawSettled() {
    const { head, text } = this.known;
    if (!head) return;
    this.root.dataset.state = head.state;
    this.copying.hidden = !text;
    this.drawMark(head.mark);
    say(this.facts, head.facts.join(" · "));
    if (head.facts[0]) this.root.dataset.model = head.facts[0];
    this.deletion.hidden = ["pending", "streaming"].includes(head.state) || this.panel.doc.question === this.id;
  }

  /** @param {number} number */
  label(number) {
    const role = this.known.head?.role ?? "";
    set(this.root, "aria-label", `${NAMES.get(role) ?? role}, turn ${number}`);
  }

  // --- its text ---

  /**
   * Takes over what has arrived by its stream, or is given the HTML of its blocks, and of those of its reasoning.
   *
   * @param {string[] | null} blocks
   * @param {string[]} [thoughts]
   */
  settle(blocks, thoughts = []) {
    const { text, attachments, version } = this.known;
    this.follow(null);
    this.drawQuestions();
    if (blocks) {
      this.body.replaceChildren(...blocks.map((html) => settledSlot(html)));
      this.thoughts.replaceChildren(...thoughts.map((html) => settledSlot(html)));
    }
    this.version = version;
    this.reasoning.hidden = this.thoughts.childElementCount === 0;
    if (!this.reasoning.hidden && !this.summary.textContent) say(this.summary, "Reasoning");
    this.drawFiles(attachments);
    this.dropCaret();
    this.drawHead();
    this.panel.codeBar.forgetGone();
    this.panel.finish(this.root);
    this.copying.hidden = !text;
  }

  /** @param {LiveDocument | null} doc */
  follow(doc) {
    if (this.doc === doc) return;
    this.doc?.views.delete(this);
    clearInterval(this.ticker);
    this.doc = doc;
    if (!doc) return;
    doc.views.add(this);
    this.ticker = setInterval(() => this.drawState(), 250);
    this.redraw();
  }

  /**
   * @override
   * @param {Parameters<AnswerView<LiveDocument | null>["patch"]>[0]} change
   */
  patch(change) {
    super.patch(change);
    this.panel.codeBar.forgetGone();
  }

  /** @override */
  drawState() {
    const { doc } = this;
    this.drawQuestions();
    if (!doc) return;
    set(this.root, "data-state", doc.state);
    if (doc.reasoning) say(this.summary, doc.thinkingLine());
    this.reasoning.toggleAttribute("hidden", !doc.reasoning);
    this.copying.toggleAttribute("hidden", !doc.lost);
    this.deletion.toggleAttribute("hidden", true);
    say(this.facts, this.panel.stopping === this.id && !doc.ended ? "Stopping …" : this.statusLine(doc));
    this.drawMark(doc.ended ? doc.mark : null);
    if (doc.ended) clearInterval(this.ticker);
  }

  /**
   * How long the model thinks is said where the reasoning unfolds.
   *
   * @param {LiveDocument} doc
   */
  statusLine(doc) {
    return doc.reasoning && !doc.reasoning.over && !doc.retry ? doc.model.get("label") : doc.statusLine();
  }

  /**
   * @override
   * @param {Mark | null} mark
   */
  drawMark(mark) {
    const words = mark ? `${mark.word}. ${mark.sentence}` : "";
    if (this.mark.textContent !== words) super.drawMark(mark);
  }

  /** @param {Attachment[]} attachments */
  drawFiles(attachments) {
    this.files.replaceChildren(...attachments.map((file) => shownFile(file)));
  }

  // --- what the reader does ---

  async copy() {
    await copyText(this.known.text || this.body.innerText);
    say(this.copying, "Copied");
    this.panel.doc.announce("Copied");
    setTimeout(() => say(this.copying, "Copy"), 1500);
  }

  /** @param {number} by */
  step(by) {
    const siblings = this.known.head?.siblings ?? [];
    const target = siblings[siblings.indexOf(this.id) + by];
    if (target) this.panel.doc.act("select", { target });
  }

  toggle() {
    this.panel.doc.act("include", { target: this.id, included: !this.known.head?.included });
  }

  startEditing() {
    if (this.editor) return this.editor.focus();
    this.editor = new TextEditor({
      label: "Your text",
      text: this.known.text,
      optional: this.known.attachments.length > 0,
      done: "Resend",
      save: (text) => this.panel.doc.ask("edit", { target: this.id, text }),
      failed: (error) => this.panel.doc.say(error.message),
      closed: () => {
        this.editor = null;
        this.body.hidden = false;
        if (this.root.isConnected) this.edit.focus({ preventScroll: true });
      },
    });
    this.body.hidden = true;
    this.body.after(this.editor.root);
    this.editor.focus();
  }

  // The turn goes, as when another branch is shown; what was being written in its place does not.
  handOver() {
    const written = this.editor?.written;
    if (written) this.panel.doc.handOver(written, "The message that you were editing is no longer shown; your text is below.");
  }

  remove() {
    this.follow(null);
    this.thoughtsTail.observer.disconnect();
    this.root.remove();
  }
}

/**
 * @param {Element} parent
 * @param {string} name
 * @param {string} title
 * @param {() => unknown} onClick
 */
function actButton(parent, name, title, onClick) {
  const made = button("nbs-act", name, title, parent, onClick);
  made.dataset.act = name;
  return made;
}

/** @param {string} html */
function settledSlot(html) {
  const made = slot();
  place(made, 0, "", html);
  return made;
}

/**
 * What a file holds is never HTML: an image as such, a text to unfold, or only its name.
 *
 * @param {Attachment} file
 */
function shownFile({ name, url, text }) {
  if (SHOWN_IMAGE.test(url)) {
    const image = element("img", "nbs-image");
    Object.assign(image, { src: url, alt: name, title: name });
    return image;
  }
  if (!text) {
    const chip = element("span", "nbs-chip");
    chip.textContent = name;
    return chip;
  }
  const details = element("details", "nbs-file");
  element("summary", "", details).textContent = name;
  const shown = element("pre", "", details);
  shown.textContent = text;
  shown.tabIndex = 0;
  return details;
}
