// What has arrived of one job: one document per widget and page, shown by any number of views.

import { announce, announcer, retire } from "../../../display/static/elements.js";
import { whenKernelEnds } from "../../../display/static/jupyter_host.js";
import { keepInNotebook } from "../../../display/static/saved_text.js";

/** @import { Channel, Keep } from "../../../display/static/live_messages.js" */
/** @import { Part, Progress, TableMessage } from "./table_messages.js" */

const ANYBODY = "*";

/**
 * @typedef {object} Viewer
 * @property {string} id
 * @property {boolean} greeted Whether the kernel has answered it.
 * @property {() => void} begin The kernel knows it from now on.
 * @property {(part: Part) => void} receive
 * @property {() => void} drawState
 * @property {() => void} goOn The job that had ended goes on.
 */

export class TableDocument {
  number = 0; // of the last message that was applied
  /** @type {Progress} */
  progress = { done: 0, failed: 0, total: null, facts: [] };
  waitEnds = 0; // when the pause of a rate limit is over
  state = "streaming";
  words = ""; // how it ended, or what else there is to say
  stopping = false; // whether the kernel has heard of a Stop
  lost = false; // whether the kernel has ended before the job
  kernelAnswers = false; // whether a message to the kernel has come back
  /** @type {{ id: string, markdown: string } | null} */
  kept = null; // what the saved notebook has of the job so far
  /** @type {Set<Viewer>} */
  views = new Set();

  /** @param {Channel} model */
  constructor(model) {
    this.model = model;
    this.announcer = announcer();
    this.receive = (/** @type {TableMessage} */ message) => this.apply(message);
    model.on("msg:custom", this.receive);
    this.unwatch = whenKernelEnds(model, () => this.lose());
  }

  get ended() {
    return this.state !== "streaming";
  }

  /** @param {TableMessage} message */
  apply(message) {
    if ("number" in message) this.count(message.number);
    if (message.type === "stopping") this.stopping = true;
    else if (message.type === "keep") this.keep(message);
    else if (message.type === "retrying") this.words = "";
    else if (message.type === "refused") this.words = message.words;
    else if (message.type === "begin") this.goOn();
    else if (message.type === "end") this.end(message.state, message.words);
    else if (message.type === "frame") {
      if (message.progress) this.move(message.progress);
      if (message.wait !== undefined) this.waitEnds = performance.now() + 1000 * message.wait;
      for (const view of this.views) {
        const part = message.views?.[view.id];
        if (part && !view.greeted) {
          this.kernelAnswers = true;
          view.begin();
        }
        const shown = view.greeted ? part : message.views?.[ANYBODY];
        if (shown) view.receive(shown);
      }
    }
    this.views.forEach((view) => view.drawState());
  }

  // A message that is missing may have been rows that a view shows.
  /** @param {number} number */
  count(number) {
    if (number !== this.number + 1 && this.kernelAnswers) this.model.send({ type: "resync" });
    this.number = number;
  }

  /** @param {Keep} message */
  keep({ view, id, before, kept, markdown }) {
    if (![...this.views].some((each) => each.id === view)) return; // it is for another page
    const saved = before ? (this.kept?.markdown ?? "") : "";
    if (saved.length !== before) return this.model.send({ type: "resync" });
    this.kept = { id, markdown: saved.slice(0, kept) + markdown };
    keepInNotebook(this.model, this.kept, true);
  }

  /** @param {Progress} progress */
  move(progress) {
    if (progress.failed && !this.progress.failed) this.announce("A row has failed; the others go on");
    this.progress = progress;
  }

  /**
   * @param {string} state
   * @param {string} words
   */
  end(state, words) {
    const again = this.ended;
    Object.assign(this, { state, words, waitEnds: 0 });
    if (!again) this.announce(words);
  }

  goOn() {
    Object.assign(this, { state: "streaming", words: "", stopping: false });
    this.views.forEach((view) => view.goOn());
  }

  lose() {
    if (this.lost || this.ended) return;
    this.lost = true;
    const told = "Kernel stopped. The job was still running. What had arrived is shown here; a checkpoint keeps every answer.";
    this.end("failed", told);
    if (this.kept) keepInNotebook(this.model, this.kept, false);
    this.views.forEach((view) => view.drawState());
  }

  // Only at the first failure and at the end: one a row would bury a screen reader.
  /** @param {string} words */
  announce(words) {
    announce(this.announcer, words);
  }

  fallSilent() {
    retire(this.announcer, this.views);
  }

  close() {
    this.model.off("msg:custom", this.receive);
    this.unwatch();
    this.fallSilent();
  }
}
