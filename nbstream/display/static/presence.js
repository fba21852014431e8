// One view of a widget, as the kernel knows it: it says hello until it is answered, asks to stop, and says goodbye.

import { hearAgain } from "./jupyter_host.js";
import { interrupter } from "./interrupter.js";
import { tidyNotebook } from "./tidy_notebook.js";

/** @import { Channel } from "./live_messages.js" */

/**
 * What a page knows of the widget.
 *
 * @typedef {object} Shown
 * @property {Channel} model
 * @property {boolean} kernelAnswers Whether a message to the kernel has come back.
 * @property {boolean} ended
 * @property {boolean} stopping Whether the kernel has heard of a Stop.
 * @property {Set<any>} views
 */

// How long a Stop may go unacknowledged. A kernel that has answered this view reads messages while the cell runs: it may
// only be slow, and an interrupt that comes after the answer has ended would hit the code that follows it in the cell.
const SILENT_MS = 300;
const ANSWERING_MS = 1500;
const LOST_MS = 5000; // after which an interrupt that has changed nothing is taken for lost, and sent again
const DEAF_MS = 3000; // how long the kernel may be silent before the page looks for the fault in itself
let viewCount = 0;

export class Presence {
  id = `${Date.now().toString(36)}-${viewCount++}`;
  greeted = false;
  /** @type {number | undefined} */
  greeter;
  /** @type {Element | null | undefined} */
  cell = null;

  /**
   * @param {Shown} doc
   * @param {Element} root
   */
  constructor(doc, root) {
    this.doc = doc;
    this.root = root;
  }

  arrive() {
    setTimeout(tidyNotebook, 0, this.doc.model);
    this.greet(200);
  }

  /**
   * Say hello until the kernel answers: while a front end is still opening the channel that reaches a busy kernel, its
   * first messages queue up behind the running cell.
   *
   * @param {number} delay
   */
  greet(delay) {
    if (this.doc.kernelAnswers && this.greeted) return;
    this.greeted = true;
    if (delay > DEAF_MS) hearAgain(this.doc.model);
    this.doc.model.send({ type: "hello", view: this.id });
    if (delay < 10_000) this.greeter = setTimeout(() => this.greet(delay * 2), delay);
  }

  // The cell is known once the view is on the page, and is still wanted when the view has gone.
  find() {
    this.cell ??= this.root.closest(".jp-Cell");
  }

  stop() {
    this.doc.model.send({ type: "stop" });
    this.interruptIn(this.doc.kernelAnswers ? ANSWERING_MS : SILENT_MS);
  }

  /**
   * Interrupt a kernel that reads no messages while this cell blocks it, even if this view is drawn again meanwhile.
   *
   * @param {number} delay
   */
  interruptIn(delay) {
    setTimeout(() => {
      if (!this.waits || this.doc.ended || this.doc.stopping) return;
      interrupter(this.doc.model)?.().catch(() => {});
      if (delay < LOST_MS) this.interruptIn(LOST_MS);
    }, delay);
  }

  get waits() {
    return this.cell?.querySelector(".jp-InputPrompt")?.textContent?.includes("*");
  }

  leave() {
    const { doc } = this;
    clearTimeout(this.greeter);
    doc.model.send({ type: "gone", view: this.id });
    for (const delay of [0, 200]) setTimeout(tidyNotebook, delay, doc.model);
    setTimeout(() => this.cleared() && doc.model.send({ type: "gone", view: this.id, rerun: true }), 200);
  }

  // Whether the cell waits to be run again: its output is cleared, and an answer that still arrives is seen by nobody.
  cleared() {
    const { cell, doc } = this;
    return cell?.isConnected && this.waits && !doc.ended && !doc.views.size && !cell?.querySelector(".jp-OutputArea-output");
  }
}
