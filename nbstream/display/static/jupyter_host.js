// What JupyterLab and Notebook 7 lend a widget beside its messages: the kernel, and the notebook as it is saved. Other
// hosts lend nothing of it, and nothing here is needed there.

/** @import { Channel } from "./live_messages.js" */

const WIDGET = "application/vnd.jupyter.widget-view+json";
const ENDS = ["restarting", "autorestarting", "terminating", "dead"];

/**
 * Tell once that the kernel that a widget belongs to has ended; returns what ends the watch.
 *
 * @param {Channel} model
 * @param {() => void} tell
 */
export function whenKernelEnds(model, tell) {
  const kernel = model.widget_manager?.kernel;
  const look = (/** @type {object} */ _, /** @type {string} */ status) => ENDS.includes(status) && tell();
  kernel?.statusChanged?.connect(look);
  kernel?.disposed?.connect(tell);
  model.on("comm_live_update", tell); // of the widget manager, on a restart that it sees
  return () => {
    kernel?.statusChanged?.disconnect(look);
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
 * Put data into the saved notebook, beside the widget that the page shows and goes on showing. Without the widget where
 * its kernel has ended, because no page could show it again.
 *
 * @param {Channel} model
 * @param {{ id: string, markdown: string }} kept
 * @param {boolean} alive
 */
export function keepInNotebook(model, { id, markdown }, alive) {
  const data = { "text/markdown": markdown, "text/plain": markdown };
  try {
    for (const { sharedModel } of model.widget_manager?.context?.model?.cells ?? []) {
      const outputs = sharedModel.getOutputs?.() ?? [];
      outputs.forEach((/** @type {any} */ output, /** @type {number} */ index) => {
        const view = output.data?.[WIDGET];
        if (view?.model_id !== id) return;
        const changed = { ...output, data: alive ? { [WIDGET]: view, ...data } : data };
        sharedModel.updateOutputs(index, index + 1, [changed], "silent-change"); // the page draws nothing again
      });
    }
  } catch {
    // A notebook of another make; the answer is kept when it is complete.
  }
}
