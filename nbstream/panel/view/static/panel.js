// The chat panel as a widget: where its views are, and its entry points.

import { PanelDocument } from "./panel_document.js";
import { coverTranscript } from "./panel_notebook.js";
import { PanelView } from "./panel_view.js";

/** @import { PanelModel } from "./panel_messages.js" */

/**
 * Where a view is shown. Jupyter redraws an output that is updated, and does not always tell the old view: the removed
 * elements stay in use, so that nothing the reader did is lost.
 */
class Place {
  /** @type {MutationObserver | null} */
  waiting = null;

  /**
   * @param {PanelDocument<PanelView>} doc
   * @param {HTMLElement} host
   */
  constructor(doc, host) {
    this.doc = doc;
    this.host = host;
    host.classList.add("nbs-host");
    this.view = this.take();
    this.observer = new ResizeObserver(() => {
      if (host.isConnected && !host.contains(this.view.root)) this.view = this.take();
    });
    this.observer.observe(host);
  }

  take() {
    const free = (/** @type {PanelView} */ { root, shown }) => !root.isConnected && (shown || !root.parentElement);
    const view = [...this.doc.views].find(free) ?? new PanelView(this.doc);
    view.shown = false;
    this.host.append(view.root);
    if (this.host.isConnected) view.arrive();
    else this.wait();
    return view;
  }

  // The host itself is put on the page a moment later; until then keys would be lost.
  wait() {
    this.waiting = new MutationObserver(() => {
      if (!this.host.isConnected) return;
      this.waiting?.disconnect();
      this.view.arrive();
    });
    this.waiting.observe(document, { childList: true, subtree: true });
  }

  leave() {
    this.observer.disconnect();
    this.waiting?.disconnect();
    if (!this.host.contains(this.view.root)) return;
    this.view.root.remove();
    if (this.doc.views.size > 1) this.view.remove();
  }
}

// A document is found by its widget's key, because each call passes a different model object.
/** @type {Map<string, PanelDocument<PanelView>>} */
const panels = new Map();

export default {
  /** @param {{ model: PanelModel }} widget */
  initialize({ model }) {
    /** @type {PanelDocument<PanelView>} */
    const doc = new PanelDocument(model);
    panels.set(model.get("key"), doc);
    new PanelView(doc); // waits for a place, and takes in what arrives meanwhile
    return () => {
      doc.close();
      panels.delete(model.get("key"));
    };
  },
  /** @param {{ model: PanelModel, el: HTMLElement }} widget */
  render({ model, el }) {
    const place = new Place(/** @type {PanelDocument<PanelView>} */ (panels.get(model.get("key"))), el);
    const cover = coverTranscript(model.get("key"));
    return () => {
      cover.remove();
      place.leave();
    };
  },
};
