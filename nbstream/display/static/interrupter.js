// Stop for a kernel that reads no messages while a cell runs.

/** @import { Channel } from "./live_messages.js" */

const STOP = "nbstream: stop"; // what `interrupt_reason.py` looks for

/**
 * What interrupts the kernel without a message to it: through the Jupyter server; nothing where the host lends no way.
 * Before, the kernel is told why, on the channel for answers to `input()`: that can be read while a cell runs.
 *
 * @param {Channel} model
 * @returns {(() => Promise<void>) | null}
 */
export function interrupter(model) {
  const kernel = model.widget_manager?.kernel;
  if (!kernel?.interrupt) return null;
  return () => {
    kernel.sendInputReply?.({ status: "ok", value: STOP }, {});
    return kernel.interrupt();
  };
}
