// The messages that wait: on their way to the kernel, or for the answer in flight to end.

import { button, element, say } from "../../../display/static/elements.js";
import { TextEditor } from "./panel_text_editor.js";

/** @import { Viewer } from "./panel_document.js" */
/** @import { QueueItem } from "./panel_messages.js" */

/**
 * @typedef {QueueItem & { key: string, queued: boolean }} Waiting
 * @typedef {{ root: HTMLElement, words: HTMLElement, text: string, editor: TextEditor | null }} Item
 */

export class Queue {
  /** @type {Map<string, Item>} */
  items = new Map();

  /**
   * @param {Viewer} panel
   * @param {Element} parent
   */
  constructor(panel, parent) {
    this.panel = panel;
    this.doc = panel.doc;
    this.root = element("ol", "nbs-queue", parent);
    this.root.setAttribute("aria-label", "Queued messages");
  }

  draw() {
    const waiting = [
      ...this.doc.surroundings.queue.map((item) => ({ ...item, key: `queued ${item.id}`, queued: true })),
      ...this.doc.outbox.map((item) => ({ ...item, key: `sent ${item.id}`, queued: false })),
    ];
    const stay = new Set(waiting.map(({ key }) => key));
    for (const [key, made] of this.items) {
      if (stay.has(key)) continue;
      this.items.delete(key);
      this.handOver(made);
    }
    let at = this.root.firstElementChild;
    for (const item of waiting) {
      const made = this.items.get(item.key) ?? this.add(item);
      const { words, root } = made;
      made.text = item.text;
      say(words, [item.text, ...item.attachments.map(({ name }) => `[${name}]`)].filter(Boolean).join(" "));
      if (at && root === at) at = at.nextElementSibling;
      else this.root.insertBefore(root, at);
    }
    this.root.hidden = waiting.length === 0;
  }

  /** @param {Waiting} item */
  add(item) {
    const root = element("li", item.queued ? "nbs-queued" : "nbs-queued nbs-sent");
    const words = element("span", "nbs-words", root);
    words.dir = "auto";
    /** @type {Item} */
    const made = { root, words, text: item.text, editor: null };
    this.items.set(item.key, made);
    if (item.queued) this.buildButtons(made, item);
    return made;
  }

  /**
   * @param {Item} made
   * @param {Waiting} item
   */
  buildButtons(made, { id }) {
    const { root } = made;
    const edit = button("nbs-act", "Edit", "Change this before it is sent", root, () => {
      if (made.editor) return made.editor.focus();
      made.editor = new TextEditor({
        label: "Your text",
        text: made.text,
        done: "Save",
        save: (text) => this.doc.ask("change_queued", { target: id, text }),
        failed: ({ message }) => this.doc.say(message),
        closed: () => {
          made.editor = null;
          root.classList.remove("nbs-edited");
          edit.focus({ preventScroll: true });
        },
      });
      root.classList.add("nbs-edited");
      root.append(made.editor.root);
      made.editor.focus();
    });
    button("nbs-act", "Remove", "Do not send this", root, () => this.doc.act("drop_queued", { target: id }));
  }

  /**
   * The message goes; what was being written into it does not.
   *
   * @param {Item} item
   */
  handOver({ root, text, editor }) {
    const [here, written] = [root.contains(document.activeElement), editor?.field.value ?? text];
    root.remove();
    if (written.trim() && written !== text) {
      this.doc.handOver(written, "That message is no longer in the queue; what you wrote is below.");
    }
    if (here) this.panel.composer.field.focus({ preventScroll: true });
  }
}
