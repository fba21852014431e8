// The cells of the notebook that a widget is in: JupyterLab and Notebook 7 let it see them.

/** @import { Channel } from "./live_messages.js" */

/** @type {WeakMap<object, Set<(cells: any) => void>>} */
const hearers = new WeakMap();

/**
 * Tell of the cells of the notebook that a widget is in, once to each hearer.
 *
 * @param {Channel} model
 * @param {(cells: any) => void} hear
 */
export function meetCells(model, hear) {
  try {
    const cells = model.widget_manager?.context?.model?.cells;
    const met = hearers.get(cells) ?? new Set();
    if (!cells || met.has(hear)) return;
    hearers.set(cells, met.add(hear));
    hear(cells);
  } catch {
    // A front end of another make.
  }
}
