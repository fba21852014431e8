// What JupyterLab and Notebook 7 lend a widget beside its messages: the kernel, and the notebook as it is saved. Other
// hosts lend nothing of it, and nothing here is needed there.

/** @import { Channel } from "./live_messages.js" */

const WIDGET = "application/vnd.jupyter.widget-view+json";
const ENDS = ["restarting", "autorestarting", "terminating", "dead"];
// What a kernel itself says; the server writes others in its name. Each process of a kernel has a session of its own.
const OF_KERNELS = ["status", "comm_open", "comm_msg", "comm_close", "display_data", "update_display_data"];

/**
 * Tell that the kernel that a widget belongs to has ended; returns what ends the watch. Of a restart that another client
 * has asked for, a page hears nothing but what the next process says.
 *
 * @param {Channel} model
 * @param {() => void} tell
 */
export function whenKernelEnds(model, tell) {
  const kernel = model.widget_manager?.kernel;
  const look = (/** @type {object} */ _, /** @type {string} */ status) => ENDS.includes(status) && tell();
  let session = "";
  const hear = (/** @type {object} */ _, /** @type {any} */ { header }) => {
    if (!OF_KERNELS.includes(header?.msg_type)) return;
    if (session && session !== header.session) tell();
    session = header.session;
  };
  kernel?.statusChanged?.connect(look);
  kernel?.iopubMessage?.connect(hear);
  kernel?.disposed?.connect(tell);
  model.on("comm_live_update", tell); // of the widget manager, on a restart that it sees
  return () => {
    kernel?.statusChanged?.disconnect(look);
    kernel?.iopubMessage?.disconnect(hear);
    kernel?.disposed?.disconnect(tell);
    model.off("comm_live_update", tell);
  };
}

/**
 * Let a widget hear its kernel again. anywidget gives its code two seconds to load; on a busy page that takes longer, and
 * then anywidget turns away every message to the widget for good. This leaves it out and changes nothing else, so it does
 * no harm where the kernel is only slow.
 *
 * @param {Channel} model
 */
export async function hearAgain(model) {
  try {
    const widget = await model.widget_manager.get_model(model.get("key"));
    const { _handle_comm_msg: handle } = Object.getPrototypeOf(widget.constructor.prototype); // that of every widget
    widget.comm.on_msg((/** @type {object} */ message) => handle.call(widget, message));
  } catch {
    // A front end of another make, whose messages take another way.
  }
}

/**
 * Call back for each cell of the notebook that shows a widget's output, or has the text that is saved beside it.
 *
 * @param {Channel} model
 * @param {string} id
 * @param {(cell: any, outputs: any[], view: number, beside: number) => void} tell
 */
function cellsWith(model, id, tell) {
  try {
    for (const cell of model.widget_manager?.context?.model?.cells ?? []) {
      const outputs = cell.sharedModel.getOutputs?.() ?? [];
      const view = outputs.findIndex((/** @type {any} */ output) => output.data?.[WIDGET]?.model_id === id);
      const beside = outputs.findIndex((/** @type {any} */ output) => output.metadata?.nbstream?.partial === id);
      if (view >= 0 || beside >= 0) tell(cell, outputs, view, beside);
    }
  } catch {
    // A notebook of another make; the answer is kept when it is complete.
  }
}

/**
 * Put data into the saved notebook while the page shows the widget and goes on showing it. A page that is opened once
 * the kernel has ended shows nothing of an output with a widget, so the data has an output of its own, the last one,
 * because the page counts its outputs without it. Once the kernel has ended, it takes the place of the widget.
 *
 * @param {Channel} model
 * @param {{ id: string, markdown: string }} kept
 * @param {boolean} alive
 */
export function keepInNotebook(model, { id, markdown }, alive) {
  const data = { "text/markdown": markdown, "text/plain": markdown };
  // Pages that share the notebook would show both.
  const alone = !model.widget_manager?.context?.model?.collaborative;
  cellsWith(model, id, ({ sharedModel }, outputs, view, beside) => {
    const put = (/** @type {number} */ place, /** @type {number} */ count, /** @type {object[]} */ made) =>
      sharedModel.updateOutputs(place, place + count, made, "silent-change"); // the page draws nothing again
    const shown = outputs[view];
    if (!shown) return;
    if (alive && alone) {
      put(view, 1, [{ ...shown, data: { [WIDGET]: shown.data[WIDGET] } }]);
      const made = { output_type: "display_data", data, metadata: { nbstream: { partial: id } } };
      put(beside < 0 ? outputs.length : beside, beside < 0 ? 0 : 1, [made]);
      return;
    }
    put(view, 1, [{ ...shown, data: alive ? { [WIDGET]: shown.data[WIDGET], ...data } : data }]);
    if (beside >= 0) put(beside, 1, []);
  });
}

/**
 * Take what was saved beside a widget away again: from the page, which shows it if it was loaded from the file, and from
 * the file once the widget has given way.
 *
 * @param {Channel} model
 * @param {string} id
 */
export function tidyNotebook(model, id) {
  cellsWith(model, id, ({ sharedModel, outputs: shown }, outputs, view, beside) => {
    if (beside < 0) return;
    if (beside < (shown?.length ?? 0)) {
      sharedModel.updateOutputs(beside, beside + 1, []);
      if (view >= 0) sharedModel.updateOutputs(outputs.length - 1, outputs.length - 1, [outputs[beside]], "silent-change");
    } else if (view < 0) {
      sharedModel.updateOutputs(beside, beside + 1, [], "silent-change");
    }
  });
}
