// What has arrived of a comparison: a live document for each column, whose messages share the widget's channel.

import { watchCell } from "../../../display/static/deleted_cell.js";
import { announce, announcer, retire } from "../../../display/static/elements.js";
import { whenKernelEnds } from "../../../display/static/jupyter_host.js";
import { LiveDocument, retryLine } from "../../../display/static/live_document.js";
import { keepInNotebook } from "../../../display/static/saved_text.js";

/** @import { Channel, Keep, LiveMessage } from "../../../display/static/live_messages.js" */

/**
 * What the kernel says: see comparison/view.py.
 *
 * @typedef {{ type: "column", column: number, message: LiveMessage, first?: number }} ColumnMessage
 * @typedef {ColumnMessage | Keep | { type: "stopping" }} ComparisonMessage
 */

/**
 * The channel of one column, for a document that knows of no others.
 *
 * @param {Channel} model
 * @param {number} column
 * @param {string} name
 * @returns {Channel}
 */
function channelOf(model, column, name) {
  return {
    get: (trait) => (trait === "label" ? name : model.get(trait)),
    on: () => {},
    off: () => {},
    send: (message) => model.send({ type: "column", column, message }),
    widget_manager: model.widget_manager,
  };
}

export class ColumnDocument extends LiveDocument {
  /** @type {number | null} */
  first = null; // seconds to the first token
  said = "";

  /**
   * @param {ComparisonDocument} comparison
   * @param {number} column
   * @param {string} name
   */
  constructor(comparison, column, name) {
    super(channelOf(comparison.model, column, name), comparison.announcer);
    this.comparison = comparison;
    this.name = name;
  }

  /** @override The name stands above it. */
  statusLine() {
    if (this.ended) return this.facts.join(" · ");
    const pause = this.retry && retryLine(this.retry);
    const doing = this.doing() || (pause ?? "waiting");
    const facts = [doing, ...(doing === pause ? [] : [`${this.seconds()} s`])];
    return [...facts, ...(this.first === null ? [] : [`first token after ${this.first.toFixed(2)} s`])].join(" · ");
  }

  /**
   * Once each, because several speak.
   *
   * @override
   * @param {string} words
   */
  announce(words) {
    if (words === this.said) return;
    this.said = words;
    this.comparison.announce(`${this.name}: ${words}`);
  }
}

export class ComparisonDocument {
  /** @type {Set<{ id: string, drawState: () => void }>} */
  views = new Set();
  stopping = false;
  /** @type {{ id: string, markdown: string } | null} */
  kept = null;

  /** @param {Channel} model */
  constructor(model) {
    this.model = model;
    this.announcer = announcer();
    /** @type {string[]} */
    const names = model.get("names");
    this.columns = names.map((name, column) => new ColumnDocument(this, column, name));
    this.receive = (/** @type {ComparisonMessage} */ message) => this.apply(message);
    model.on("msg:custom", this.receive);
    this.unwatch = [whenKernelEnds(model, () => this.lose()), watchCell(model, () => this.ended)];
  }

  get kernelAnswers() {
    return this.columns.some((column) => column.kernelAnswers);
  }

  get ended() {
    return this.columns.every((column) => column.ended);
  }

  get lost() {
    return this.columns.some((column) => column.lost);
  }

  /** @param {ComparisonMessage} message */
  apply(message) {
    if (message.type === "stopping") this.stopping = true;
    else if (message.type === "keep") this.keep(message);
    else if (message.type === "column") {
      const column = this.columns[message.column];
      if (!column) return;
      column.first = message.first ?? column.first;
      column.apply(message.message);
      this.views.forEach((view) => view.drawState());
    }
  }

  /** @param {Keep} message */
  keep({ view, id, before, kept, markdown }) {
    if (![...this.views].some((shown) => shown.id === view)) return; // it is for another page
    const saved = before ? (this.kept?.markdown ?? "") : "";
    if (saved.length !== before) return this.model.send({ type: "resync" });
    this.kept = { id, markdown: saved.slice(0, kept) + markdown };
    keepInNotebook(this.model, this.kept, true);
  }

  lose() {
    if (this.ended) return;
    for (const column of this.columns) column.lose();
    this.views.forEach((view) => view.drawState());
    if (this.kept) keepInNotebook(this.model, this.kept, false);
  }

  /** @param {string} words */
  announce(words) {
    announce(this.announcer, words);
  }

  fallSilent() {
    retire(this.announcer, this.views);
  }

  close() {
    this.model.off("msg:custom", this.receive);
    this.unwatch.forEach((end) => end());
    this.fallSilent();
  }
}
