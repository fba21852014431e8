// What a panel does to the notebook that it is in.

import { element } from "../../../display/static/elements.js";
import { mark } from "../../../display/static/inserted_cells.js";

/** @typedef {{ hasCommand: (id: string) => boolean, execute: (id: string, options?: object) => Promise<unknown> }} Commands */
/** @typedef {{ commands: Commands, shell?: { currentWidget?: any } }} App */

/**
 * What the front end lets a page do to the notebook. JupyterLab and Notebook 7 hand out their commands only when they
 * were started with --expose-app-in-browser; no widget can make a cell otherwise.
 *
 * @returns {Commands | null}
 */
export function notebookCommands() {
  const commands = app()?.commands;
  return commands?.hasCommand("notebook:insert-cell-below") ? commands : null;
}

function app() {
  return /** @type {{ jupyterapp?: App }} */ (globalThis).jupyterapp;
}

/**
 * Put code into a new cell, whose metadata says which model has written it, and when.
 *
 * @param {string} code
 * @param {Element | null} pre Where it stands.
 */
export async function toNewCell(code, pre) {
  const commands = notebookCommands();
  const text = code.replace(/\n$/, "");
  const model = /** @type {HTMLElement | null | undefined} */ (pre?.closest("[data-model]"))?.dataset.model ?? "";
  await commands?.execute("notebook:insert-cell-below");
  await commands?.execute("notebook:replace-selection", { text });
  const written = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  mark(app()?.shell?.currentWidget?.content?.activeCell?.model, { model, written, sha256: await digest(text) });
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
