// What JupyterLab and Notebook 7 lend a widget beside its messages: the kernel, and the notebook as it is saved. Other
// hosts lend nothing of it, and nothing here is needed there.

/** @import { Channel } from "./live_messages.js" */

const ENDS = ["restarting", "autorestarting", "terminating", "dead"];
// What a kernel itself says; the server writes others in its name. Each process of a kernel has a session of its own.
const OF_KERNELS = ["status", "iopub_welcome", "comm_msg", "update_display_data"];

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
