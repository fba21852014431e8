// Stop for a kernel that reads no messages while a cell runs.

/** @import { Channel } from "./live_messages.js" */

const STOP = "nbstream: stop"; // what `interrupt_reason.py` looks for
// How long a Stop may go unacknowledged. A kernel that has answered a view reads messages while the cell runs: it may
// only be slow, and an interrupt that comes after the end would hit the code that follows in the cell.
const SILENT_MS = 300;
const ANSWERING_MS = 1500;
const LOST_MS = 5000; // after which an interrupt that has changed nothing is taken for lost, and sent again

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

/**
 * Interrupt a kernel that does not hear of a Stop while a cell blocks it, even if its view is drawn again meanwhile.
 *
 * @param {Channel} model
 * @param {() => Element | null | undefined} cell
 * @param {() => unknown} heard Whether there is nothing to stop any more.
 * @param {boolean} answers Whether the kernel has answered a message of this page.
 */
export function interruptUnlessHeard(model, cell, heard, answers) {
  const interruptIn = (/** @type {number} */ delay) => {
    setTimeout(() => {
      if (!isBusy(cell()) || heard()) return;
      interrupter(model)?.().catch(() => {});
      if (delay < LOST_MS) interruptIn(LOST_MS);
    }, delay);
  };
  interruptIn(answers ? ANSWERING_MS : SILENT_MS);
}

/**
 * Whether a cell runs, or waits to be run.
 *
 * @param {Element | null | undefined} cell
 */
export function isBusy(cell) {
  return Boolean(cell?.querySelector(".jp-InputPrompt")?.textContent?.includes("*"));
}
