// The text so far of an answer in the notebook as it is saved, which JupyterLab and Notebook 7 lend a widget.

/** @import { Channel } from "./live_messages.js" */

const WIDGET = "application/vnd.jupyter.widget-view+json";
const SILENT = "silent-change"; // of which the page draws nothing

/**
 * Tell of each cell that has the output of a widget, or the text that is saved beside it: at which places they are, or -1.
 *
 * @param {Channel} model
 * @param {string} id
 * @param {(cell: any, outputs: any[], view: number, beside: number) => void} tell
 */
export function cellsWith(model, id, tell) {
  try {
    for (const cell of model.widget_manager?.context?.model?.cells ?? []) {
      const outputs = cell.sharedModel.getOutputs?.() ?? [];
      const view = outputs.findIndex((/** @type {any} */ { data }) => data?.[WIDGET]?.model_id === id);
      const beside = outputs.findIndex((/** @type {any} */ { metadata }) => metadata?.nbstream?.partial === id);
      if (view + beside > -2) tell(cell, outputs, view, beside);
    }
  } catch {
    // A notebook of another make; the answer is kept when it is complete.
  }
}

/**
 * Put an answer into the saved notebook while the page goes on showing the widget. A page that is opened once the kernel
 * has ended shows nothing of an output with a widget, so the answer has an output of its own: the last one, because the
 * page counts its outputs without it. Once the kernel has ended, the answer takes the place of the widget.
 *
 * @param {Channel} model
 * @param {{ id: string, markdown: string }} kept
 * @param {boolean} alive
 */
export function keepInNotebook(model, { id, markdown }, alive) {
  const text = { "text/markdown": markdown, "text/plain": markdown };
  // Pages that share the notebook would show both.
  const own = alive && !model.widget_manager?.context?.model.collaborative;
  cellsWith(model, id, ({ sharedModel }, outputs, view, beside) => {
    const shown = outputs[view];
    if (!shown) return;
    const data = { ...(alive && { [WIDGET]: shown.data[WIDGET] }), ...(!own && text) };
    sharedModel.updateOutputs(view, view + 1, [{ ...shown, data }], SILENT);
    const made = own ? [{ output_type: "display_data", data: text, metadata: { nbstream: { partial: id } } }] : [];
    const place = beside < 0 ? outputs.length : beside;
    if (own || beside > 0) sharedModel.updateOutputs(place, beside < 0 ? place : place + 1, made, SILENT);
  });
}
