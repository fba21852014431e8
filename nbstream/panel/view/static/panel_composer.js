// Where the reader writes: a field, the files that go with the message, and the buttons that send and stop.

import { button, element, say } from "../../../display/static/elements.js";
import { readFile } from "./panel_files.js";
import { fitHeight } from "./panel_text_editor.js";
import { SHOWN_IMAGE } from "./panel_turn.js";

/** @import { Viewer } from "./panel_document.js" */
/** @import { Attachment } from "./panel_messages.js" */

const MAX_FILES = 4_500_000; // bytes of one message, together
const EARLIER = new Map([["ArrowUp", 1], ["ArrowDown", -1]]);

export class Composer {
  recalled = -1; // which earlier prompt is in the field
  /** @type {Attachment[] | null} */
  attached = null;
  root = element("div", "nbs-composer");
  files = element("ul", "nbs-files", this.root);
  hint = element("p", "nbs-hint", this.root);
  field = element("textarea", "nbs-field", this.root);

  /**
   * @param {Viewer} panel
   * @param {Element} tools Where the buttons are appended.
   */
  constructor(panel, tools) {
    this.panel = panel;
    this.doc = panel.doc;
    Object.assign(this.field, { rows: 1, placeholder: "Ask something", dir: "auto" });
    this.field.setAttribute("aria-label", "Message");
    this.field.addEventListener("input", () => this.onInput());
    this.field.addEventListener("keydown", (event) => this.onKey(event));
    this.field.addEventListener("paste", (event) => this.onPaste(event));
    panel.root.addEventListener("dragenter", (event) => this.onDrag(event));
    panel.root.addEventListener("dragover", (event) => this.onDrag(event));
    panel.root.addEventListener("dragleave", ({ relatedTarget }) => {
      this.offer(panel.root.contains(/** @type {Node | null} */ (relatedTarget)));
    });
    panel.root.addEventListener("drop", (event) => this.takeFiles(event, event.dataTransfer?.files));
    this.picker = element("input", "", tools);
    Object.assign(this.picker, { type: "file", multiple: true, hidden: true, tabIndex: -1 });
    this.picker.addEventListener("change", () => this.attach([...(this.picker.files ?? [])]));
    this.attaching = button("nbs-tool", "Attach", "Attach images or text files", tools, () => this.picker.click());
    const end = element("span", "nbs-end", tools);
    this.queueing = button("nbs-queueing", "Queue", "Send this when the answer has ended (Enter)", end, () => this.send());
    // One button for both, so that the focus stays where it is.
    this.sending = button("nbs-send", "Send", "", end, () => (this.doc.running ? this.panel.askToStop() : this.send()));
  }

  draw() {
    const { text, attachments } = this.doc.draft;
    if (this.field.value !== text) {
      this.field.value = text;
      fitHeight(this.field);
    }
    if (this.attached !== attachments) {
      this.attached = attachments;
      this.files.hidden = attachments.length === 0;
      this.files.replaceChildren(...attachments.map((file, index) => this.chip(file, index)));
    }
    this.drawButtons();
  }

  drawButtons() {
    const { running, draft } = this.doc;
    const empty = !draft.text.trim() && draft.attachments.length === 0;
    const label = running ? "Stop" : "Send";
    say(this.sending, label);
    this.sending.title = running ? "Stop the answer and keep what has arrived (Esc)" : "Send (Enter)";
    this.sending.dataset.does = label;
    this.sending.setAttribute("aria-disabled", String(running ? this.panel.stopping === running : empty));
    this.queueing.hidden = !running || empty;
  }

  /**
   * @param {Attachment} file
   * @param {number} index
   */
  chip({ name, type, url }, index) {
    const item = element("li", "nbs-chip");
    if (SHOWN_IMAGE.test(url)) Object.assign(element("img", "", item), { src: url, alt: "" });
    element("span", "", item).textContent = name;
    const drop = button("nbs-drop", "×", `Remove ${name}`, item, () => {
      this.doc.write({ attachments: this.doc.draft.attachments.filter((_, other) => other !== index) });
      this.field.focus();
    });
    drop.setAttribute("aria-label", `Remove ${name}`);
    item.title = type;
    return item;
  }

  onInput() {
    this.recalled = -1;
    fitHeight(this.field);
    this.doc.write({ text: this.field.value }, this.panel);
    this.drawButtons();
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (event.isComposing || event.keyCode === 229) return; // Enter ends a composition
    const recalls = EARLIER.get(event.key);
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.send();
    } else if (recalls && !event.shiftKey && (this.recalled >= 0 || (recalls > 0 && !this.field.value))) {
      event.preventDefault();
      this.recall(recalls);
    }
  }

  /** @param {number} by */
  recall(by) {
    const prompts = this.doc.prompts();
    const next = Math.min(this.recalled + by, prompts.length - 1);
    if (next < -1) return;
    this.recalled = next;
    this.doc.write({ text: prompts[next] ?? "" });
    this.field.setSelectionRange(this.field.value.length, this.field.value.length);
  }

  send() {
    const { text, attachments } = this.doc.draft;
    if (!text.trim() && attachments.length === 0) return;
    this.recalled = -1;
    this.doc.write({ text: "", attachments: [] });
    this.panel.toTail();
    this.doc.send(text, attachments);
    this.field.focus({ preventScroll: true });
  }

  // --- files ---

  /**
   * A spreadsheet offers what was copied as a text and as an image: the text is meant.
   *
   * @param {ClipboardEvent} event
   */
  onPaste(event) {
    const copied = event.clipboardData;
    if (!copied?.types.includes("text/plain")) this.takeFiles(event, copied?.files);
  }

  /** @param {DragEvent} event */
  onDrag(event) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.stopPropagation(); // Jupyter would make a cell of it
    this.offer(true);
  }

  /** @param {boolean} on */
  offer(on) {
    this.panel.root.toggleAttribute("data-drop", on);
  }

  /**
   * @param {Event} event
   * @param {FileList | undefined} files
   */
  takeFiles(event, files) {
    this.offer(false);
    if (!files?.length) return;
    event.preventDefault();
    event.stopPropagation();
    this.attach([...files]);
    this.field.focus();
  }

  /** @param {File[]} files */
  async attach(files) {
    this.picker.value = "";
    const read = await Promise.all(files.map((file) => readFile(file).catch(() => ({ problem: `${file.name} could not be read.` }))));
    const attachments = [...this.doc.draft.attachments];
    const remarks = [];
    for (const each of read) {
      if ("problem" in each) remarks.push(each.problem);
      else if (sizeOf([...attachments, each.file]) <= MAX_FILES) {
        attachments.push(each.file);
        remarks.push(each.remark);
      } else remarks.push(`${each.file.name} was not attached. The files of a message can be up to ${MAX_FILES / 1e6} MB in all.`);
    }
    this.doc.say(remarks.filter(Boolean).join(" "));
    this.doc.write({ attachments });
  }
}

/** @param {Attachment[]} files */
function sizeOf(files) {
  return files.reduce((sum, { url, text }) => sum + 0.75 * url.length + new Blob([text]).size, 0);
}
