// A cell that is deleted: JupyterLab and Notebook 7 let a widget see the cells of its notebook. That a view is gone means
// little: an output may be cleared, a cell moved, a notebook closed while its kernel goes on, or a page loaded again.

/** @import { Channel } from "./live_messages.js" */

const PATIENCE_MS = 5000; // in which a deletion may be undone, or a cell that was cut be pasted

/**
 * Tell the kernel if the cell of a widget is deleted, and answer when it asks whether the cell is here; returns what ends
 * the watch.
 *
 * @param {Channel} model
 * @param {() => boolean} ended Whether there is nothing to end any more.
 */
export function watchCell(model, ended) {
  const cell = model.get("cell");
  const cells = cellsOf(model);
  if (!cell || !cells?.changed || lacks(cells, cell)) return () => {};
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const gone = () => lacks(cellsOf(model), cell);
  const look = () => {
    clearTimeout(timer);
    if (gone()) timer = setTimeout(() => gone() && !ended() && model.send({ type: "deleted" }), PATIENCE_MS);
  };
  const hear = (/** @type {{ type: string }} */ { type }) => {
    if (type === "missing" && !gone()) model.send({ type: "here" });
  };
  cells.changed.connect(look);
  model.on("msg:custom", hear);
  return () => {
    clearTimeout(timer);
    cells.changed.disconnect(look);
    model.off("msg:custom", hear);
  };
}

/**
 * @param {Channel} model
 * @returns {any} Nothing once the notebook is closed, or in a host of another make.
 */
function cellsOf(model) {
  const context = model.widget_manager?.context;
  return context && !context.isDisposed ? context.model?.cells : null;
}

/**
 * @param {Iterable<{ id: string }> | null} cells
 * @param {string} id
 */
function lacks(cells, id) {
  return cells !== null && ![...cells].some((cell) => cell.id === id);
}
