// What a panel does to the notebook that it is in.

import { element } from "../../../display/static/elements.js";

/** @typedef {{ hasCommand: (id: string) => boolean, execute: (id: string, options?: object) => Promise<unknown> }} Commands */

/**
 * What the front end lets a page do to the notebook. JupyterLab and Notebook 7 hand out their commands only when they
 * were started with --expose-app-in-browser; no widget can make a cell otherwise.
 *
 * @returns {Commands | null}
 */
export function notebookCommands() {
  const { jupyterapp } = /** @type {{ jupyterapp?: { commands: Commands } }} */ (globalThis);
  const commands = jupyterapp?.commands;
  return commands?.hasCommand("notebook:insert-cell-below") ? commands : null;
}

/** @param {string} code */
export async function toNewCell(code) {
  const commands = notebookCommands();
  await commands?.execute("notebook:insert-cell-below");
  await commands?.execute("notebook:replace-selection", { text: code.replace(/\n$/, "") });
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
