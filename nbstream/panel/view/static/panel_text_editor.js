// Fields for text of any length.

import { button, element } from "../../../display/static/elements.js";

/**
 * @typedef {object} Editing
 * @property {string} label
 * @property {string} text What it is before.
 * @property {boolean} [optional] Whether it may be empty.
 * @property {string} done The button that saves.
 * @property {(text: string) => Promise<unknown>} save
 * @property {(error: Error) => void} failed
 * @property {() => void} closed
 */

/** A text that is edited in place. While it is being saved, it stays as it is. */
export class TextEditor {
  /** @param {Editing} editing */
  constructor({ label, text, optional = false, done, save, failed, closed }) {
    this.text = text;
    this.closed = closed;
    this.root = element("div", "nbs-editor");
    this.field = element("textarea", "nbs-field", this.root);
    this.field.setAttribute("aria-label", label);
    Object.assign(this.field, { rows: 1, value: text, dir: "auto" });
    const row = element("div", "nbs-remedies", this.root);
    const finish = () => {
      if (this.field.readOnly || !(optional || this.field.value.trim())) return;
      this.field.readOnly = true;
      const again = (/** @type {Error} */ error) => {
        this.field.readOnly = false;
        failed(error);
      };
      save(this.field.value).then(() => this.close(), again);
    };
    button("nbs-act", done, "Enter", row, finish);
    button("nbs-act", "Cancel", "Esc", row, () => this.close());
    this.field.addEventListener("input", () => fitHeight(this.field));
    this.field.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "Enter" && !event.shiftKey) {
        event.preventDefault();
        finish();
      } else if (event.key === "Escape") {
        event.stopPropagation(); // here it does not stop an answer
        this.close();
      }
    });
  }

  // What nobody else has yet.
  get written() {
    const { readOnly, value } = this.field;
    return readOnly || value === this.text || !value.trim() ? "" : value;
  }

  focus() {
    this.field.focus();
    fitHeight(this.field);
  }

  // Once: the reader may have moved on by the time it is saved.
  close() {
    if (!this.root.parentElement) return;
    this.root.remove();
    this.closed();
  }
}

/** @param {HTMLTextAreaElement} field */
export function fitHeight(field) {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + field.offsetHeight - field.clientHeight}px`;
}
