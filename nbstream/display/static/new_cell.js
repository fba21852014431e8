// Code of an answer into a new cell below, and back: JupyterLab and Notebook 7 lend a widget the notebook that it is in.

/** @import { Channel } from "./live_messages.js" */

/**
 * What a reader can do with code, where the front end lets it.
 *
 * @param {Channel} model
 */
export function newCells(model) {
  const notebook = model.widget_manager?.context?.model?.sharedModel;
  return notebook?.insertCell ? [new NewCell(notebook, model)] : [];
}

class NewCell {
  title = "Put this code into a new cell below";
  /** @type {{ pre: Element, cell: any } | null} */
  last = null; // with the code that is in it

  /**
   * @param {any} notebook
   * @param {Channel} model
   */
  constructor(notebook, model) {
    this.notebook = notebook;
    this.model = model;
  }

  /** @param {Element} pre */
  label(pre) {
    return this.last?.pre === pre ? "Inserted · Undo" : "Insert below";
  }

  /**
   * @param {Element} pre
   * @param {string} code
   * @returns {Promise<string>} What has happened.
   */
  async act(pre, code) {
    const { last, notebook } = this;
    this.last = null;
    if (last?.pre === pre) {
      const at = notebook.cells.indexOf(last.cell); // unless it was deleted
      if (at >= 0) notebook.deleteCell(at);
      return "Removed again";
    }
    const source = code.replace(/\n$/, "");
    const written = new Date().toISOString().replace(/\.\d+Z$/, "Z");
    const sha256 = await digest(source);
    const answer = /** @type {HTMLElement | null} */ (pre.closest("[data-model]"));
    const origin = { model: answer?.dataset.model ?? this.model.get("label") ?? "", written, sha256 };
    const above = /** @type {HTMLElement | null} */ (pre.closest(".jp-Cell"))?.dataset.windowedListIndex;
    const place = above === undefined ? notebook.cells.length : Number(above) + 1;
    const cell = notebook.insertCell(place, { cell_type: "code", source, metadata: { nbstream: origin } });
    this.last = { pre, cell };
    return "Inserted below";
  }
}

/** @param {string} text The first digits of its hash, as the kernel gives it; none in a page without HTTPS. */
async function digest(text) {
  const hash = await globalThis.crypto?.subtle?.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(hash ?? []).slice(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
