// The live table of a job: the widget's entry points.

import { TableDocument } from "./table_document.js";
import { TableView } from "./table_view.js";

/** @import { Channel } from "../../../display/static/live_messages.js" */

// A document is found by its widget's key, because each call passes a different model object.
/** @type {Map<string, TableDocument>} */
const documents = new Map();

export default {
  /** @param {{ model: Channel }} widget */
  initialize({ model }) {
    const doc = new TableDocument(model);
    documents.set(model.get("key"), doc);
    return () => {
      doc.close();
      documents.delete(model.get("key"));
    };
  },
  /** @param {{ model: Channel, el: HTMLElement }} widget */
  render({ model, el }) {
    const view = new TableView(/** @type {TableDocument} */ (documents.get(model.get("key"))), el);
    return () => view.remove();
  },
};
