// What a panel does to the notebook that it is in.

import { element } from "../../../display/static/elements.js";
import { mark } from "../../../display/static/inserted_cells.js";

/** @typedef {{ hasCommand: (id: string) => boolean, execute: (id: string, options?: object) => Promise<unknown> }} Commands */
/** @typedef {{ commands: Commands, shell?: { currentWidget?: any } }} App */

/**
 * What the front end lets a page do to the notebook. JupyterLab and Notebook 7 hand themselves out only when they were
 * started with --expose-app-in-browser; no widget can make a cell otherwise.
 *
 * @returns {App | null}
 */
export function notebookApp() {
  const { jupyterapp } = /** @type {{ jupyterapp?: App }} */ (globalThis);
  return jupyterapp?.commands?.hasCommand("notebook:insert-cell-below") ? jupyterapp : null;
}

// Code into a new cell below, and back.
export class NewCell {
  title = "Insert this code into a new cell below";
  /** @type {{ pre: Element, cell: any } | null} */
  last = null; // with the code that is in it

  /** @param {Element} pre */
  label(pre) {
    return this.last?.pre === pre ? "Undo" : "Insert below";
  }

  /**
   * @param {Element} pre
   * @param {string} code
   */
  async act(pre, code) {
    const { last } = this;
    this.last = null;
    if (last?.pre === pre) {
      const { notebook } = last.cell; // unless it was deleted
      return notebook?.deleteCell(notebook.cells.indexOf(last.cell));
    }
    const app = notebookApp();
    const text = code.replace(/\n$/, "");
    await app?.commands.execute("notebook:insert-cell-below");
    await app?.commands.execute("notebook:replace-selection", { text });
    const made = app?.shell?.currentWidget?.content?.activeCell?.model;
    const cell = made?.sharedModel;
    this.last = cell && { pre, cell };
    const model = /** @type {HTMLElement | null} */ (pre.closest("[data-model]"))?.dataset.model ?? "";
    const written = new Date().toISOString().replace(/\.\d+Z$/, "Z");
    mark(made, { model, written, sha256: await digest(text) }); // which model has written it, and when
  }
}

/** @param {string} text The first digits of its hash, as the kernel gives it; none in a page without HTTPS. */
async function digest(text) {
  const hash = await globalThis.crypto?.subtle?.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(hash ?? []).slice(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The notebook keeps the conversation as an output of its own, for readers without a kernel. While the panel is on the
 * page, it is not shown twice.
 *
 * @param {string} key
 */
export function coverTranscript(key) {
  const style = element("style", "", document.head);
  style.textContent = `.nbs-transcript[data-panel="${key}"] { display: none }`;
  return style;
}
