// One view of a comparison, and the widget's entry points.

import { Attention } from "../../../display/static/attention.js";
import { CodeBar } from "../../../display/static/code_bar.js";
import { button, element, say } from "../../../display/static/elements.js";
import { interrupter } from "../../../display/static/interrupter.js";
import { newCells } from "../../../display/static/new_cell.js";
import { Presence } from "../../../display/static/presence.js";
import { giveWay } from "../../../display/static/static_answer.js";
import { ColumnView } from "./column_view.js";
import { ComparisonDocument } from "./comparison_document.js";

/** @import { Channel } from "../../../display/static/live_messages.js" */

class ComparisonView {
  stopping = false;
  /** @type {ReturnType<typeof giveWay> | undefined} */
  place;
  /** @type {Attention | null} */
  attention = null;
  /** @type {number | undefined} */
  stayer;
  /** @type {number | undefined} */
  keeper;

  /**
   * @param {ComparisonDocument} doc
   * @param {Element} host
   */
  constructor(doc, host) {
    this.doc = doc;
    this.root = element("div", "nbs-view nbs-comparison", host);
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", "Answers compared");
    this.root.addEventListener("keydown", ({ key }) => key === "Escape" && this.askToStop());
    this.presence = new Presence(doc, this.root);
    const grid = element("div", "nbs-columns", this.root);
    this.bar = element("div", "nbs-bar", this.root);
    this.status = element("span", "nbs-status", this.bar);
    const title = "Stop all answers and keep what has arrived (Esc)";
    this.stop = button("nbs-stop", "Stop all", title, this.bar, () => this.askToStop());
    this.others = newCells(doc.model);
    this.codeBar = new CodeBar(this.root, (words) => doc.announce(words), this.others);
    this.columns = doc.columns.map((column) => new ColumnView(column, grid, () => this.codeBar.forgetGone()));
    this.ticker = setInterval(() => this.tick(), 250); // often enough that no second of a countdown is skipped
    const begins = doc.columns.every(({ state }) => state === "pending");
    if (begins && doc.model.get("bring_into_view")) this.attention = new Attention();
    this.look = () => this.tellWhetherSeen();
    document.addEventListener("visibilitychange", this.look);
    doc.views.add(this);
    this.drawState();
    this.presence.arrive();
  }

  get id() {
    return this.presence.id;
  }

  // Nothing is sent to a page that nobody sees, until it is seen again.
  tellWhetherSeen() {
    if (!this.doc.ended) this.doc.model.send({ type: document.hidden ? "away" : "back", view: this.id });
  }

  tick() {
    if (document.hidden) return;
    for (const column of this.columns) column.drawState();
    this.drawState();
  }

  drawState() {
    const { doc } = this;
    if (this.attention && doc.columns.some(({ state }) => state === "streaming")) {
      this.attention.bring(this.root);
      this.attention = null;
    }
    this.presence.find();
    if (doc.ended) return this.drawEnd();
    const waitedLong = doc.columns.every((column) => column.seconds() >= 3);
    this.stop.toggleAttribute("hidden", !doc.kernelAnswers && waitedLong && !interrupter(doc.model));
    const running = doc.columns.filter((column) => !column.ended).length;
    const wayToStop = this.stop.hidden ? ". To stop, interrupt the kernel (■)" : "";
    say(this.status, this.stopping ? "Stopping …" : `${running} of ${doc.columns.length} still running${wayToStop}`);
  }

  // The document takes this view's place at once, unless the page was reloaded meanwhile.
  drawEnd() {
    if (this.stayer) return;
    clearInterval(this.ticker);
    const active = document.activeElement;
    const focused = active instanceof HTMLElement && this.root.contains(active) ? active : null;
    const cell = focused && this.root.parentElement?.closest("[tabindex]");
    if (cell instanceof HTMLElement) cell.focus({ preventScroll: true });
    this.bar.hidden = true;
    for (const column of this.columns) column.drawState();
    const below = element("div", "");
    for (const { questions } of this.columns) if (questions.allowed.firstChild) below.append(questions.allowed);
    const kept = { above: null, below, focused: null, others: this.others };
    this.place = giveWay(this.root, (words) => this.doc.announce(words), kept);
    this.stayer = setTimeout(() => this.place?.stays(), 500);
    if (!this.doc.lost) this.keeper = setTimeout(() => this.sayKept(), 3000);
  }

  sayKept() {
    if (!this.root.isConnected || this.doc.model.get("no_notebook")) return;
    element("p", "nbs-note", this.root).textContent =
      "These answers are shown here, but they are not saved in the notebook, because the page did not put them in the " +
      "place of this view (as happens after a reload). To save them, run stream_results.show() in another cell, or, if " +
      "you asked from Python, call show() on what nbs.compare returned.";
  }

  askToStop() {
    if (this.doc.ended || this.stopping) return;
    this.stopping = true;
    this.stop.setAttribute("aria-disabled", "true");
    this.presence.stop();
    this.drawState();
  }

  remove() {
    clearInterval(this.ticker);
    [this.keeper, this.stayer].forEach((timer) => clearTimeout(timer));
    document.removeEventListener("visibilitychange", this.look);
    this.attention?.stop();
    for (const column of this.columns) column.remove();
    if (this.place) setTimeout(this.place.taken, 0);
    this.doc.views.delete(this);
    this.doc.fallSilent();
    this.presence.leave();
  }
}

// A document is found by its widget's key, because each call passes a different model object.
/** @type {Map<string, ComparisonDocument>} */
const documents = new Map();

export default {
  /** @param {{ model: Channel }} widget */
  initialize({ model }) {
    const doc = new ComparisonDocument(model);
    documents.set(model.get("key"), doc);
    return () => {
      doc.close();
      documents.delete(model.get("key"));
    };
  },
  /** @param {{ model: Channel, el: HTMLElement }} widget */
  render({ model, el }) {
    const view = new ComparisonView(/** @type {ComparisonDocument} */ (documents.get(model.get("key"))), el);
    return () => view.remove();
  },
};
