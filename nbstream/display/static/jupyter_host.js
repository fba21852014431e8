// What JupyterLab and Notebook 7 lend a widget beside its messages: the kernel, and the notebook as it is saved. Other
// hosts lend nothing of it, and nothing here is needed there.

import { CodeBar } from "./code_bar.js";

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

/**
 * Give the code of the static answer that takes a view's place the buttons that it had there.
 *
 * @param {HTMLElement} root The view, still on the page.
 * @param {(words: string) => void} announce
 * @returns {() => void} To call once the view has gone.
 */
export function keepCodeBar(root, announce) {
  const output = root.closest(".jp-OutputArea-child");
  const area = output?.parentElement;
  const index = area ? [...area.children].indexOf(/** @type {Element} */ (output)) : -1;
  return () => {
    const next = area?.children[index];
    if (!(next instanceof HTMLElement) || !next.querySelector(".jp-RenderedMarkdown")) return;
    next.classList.add("nbs-static");
    new CodeBar(next, announce, [], ".jp-RenderedMarkdown");
    const reachable = () => {
      for (const pre of next.querySelectorAll("pre")) pre.tabIndex = 0; // by the keyboard, and so scrolled
    };
    new MutationObserver(reachable).observe(next, { childList: true, subtree: true });
    reachable();
  };
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
