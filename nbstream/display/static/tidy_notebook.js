// Takes away what is saved beside a live view.

import { cellsWith } from "./saved_text.js";

/** @import { Channel } from "./live_messages.js" */

/**
 * Take it from the page, which shows it if it was loaded from the file, and from the file once the view has given way.
 *
 * @param {Channel} model
 */
export function tidyNotebook(model) {
  cellsWith(model, model.get("key"), ({ sharedModel, outputs: shown }, outputs, view, beside) => {
    if (beside < 0) return;
    const isShown = beside < shown?.length;
    if (isShown || view < 0) sharedModel.updateOutputs(beside, beside + 1, [], isShown ? null : "silent-change");
    if (isShown && view >= 0) {
      sharedModel.updateOutputs(outputs.length - 1, outputs.length - 1, [outputs[beside]], "silent-change");
    }
  });
}
