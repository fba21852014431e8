// The table of the streams in the background, and the widget's entry points.

import { announce, announcer, button, element, say, set } from "../../../display/static/elements.js";

/** @import { Channel } from "../../../display/static/live_messages.js" */

/**
 * As jobs_table.py tells of one stream.
 *
 * @typedef {{
 *   key: string, name: string, asked: string, model: string, state: string, time: string, tokens: string, text: string,
 *   running: boolean
 * }} Row
 * @typedef {{ type: "rows", rows: Row[], over: boolean }} RowsMessage
 */

/** @type {(keyof Row)[]} */
const FIELDS = ["name", "asked", "model", "state", "time", "tokens", "text"];
const NUMBERS = ["time", "tokens"];
const LONGEST_GREETING_MS = 10_000;
let viewCount = 0;

/** One stream's row. */
class JobRow {
  /** @type {Partial<Record<keyof Row, HTMLElement>>} */
  cells = {};
  state = "";
  stopping = false;

  /**
   * @param {Row} row
   * @param {HTMLElement} body
   * @param {() => void} stop
   */
  constructor(row, body, stop) {
    this.root = element("tr", "", body);
    for (const field of FIELDS) {
      const cell = element(field === "name" ? "th" : "td", field === "state" ? "nbs-job-state" : "", this.root);
      if (field === "name") cell.setAttribute("scope", "row");
      cell.toggleAttribute("data-number", NUMBERS.includes(field));
      cell.toggleAttribute("data-wide", field === "text");
      cell.toggleAttribute("data-asked", field === "asked");
      if (field === "asked" || field === "text") cell.dir = "auto";
      this.cells[field] = cell;
    }
    const label = `Stop ${row.name}`;
    this.stopCell = element("td", "nbs-stopping", this.root);
    this.stop = button("nbs-stop", "Stop", label, this.stopCell, () => {
      this.stopping = true;
      this.stop.setAttribute("aria-disabled", "true"); // a disabled button would lose the focus
      stop();
    });
    this.stop.setAttribute("aria-label", label);
  }

  /** @param {Row} row */
  draw(row) {
    for (const field of FIELDS) {
      const cell = this.cells[field];
      if (!cell) continue;
      const words = field === "state" && row.running && this.stopping ? "stopping" : String(row[field]);
      say(cell, words);
    }
    this.root.toggleAttribute("data-running", row.running);
    set(this.root, "data-state", row.state);
    if (!row.running && this.stop.isConnected) this.stop.remove();
  }
}

/** One view of the table. */
class JobsView {
  id = `${Date.now().toString(36)}-${viewCount++}`;
  /** @type {Map<string, JobRow>} */
  rows = new Map();
  heard = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  greeter;

  /**
   * @param {Channel} model
   * @param {Element} host
   */
  constructor(model, host) {
    this.model = model;
    this.root = element("div", "nbs-view nbs-jobs", host);
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", "Streams in the background");
    const table = element("table", "", this.root);
    element("caption", "", table).textContent = "Streams in the background";
    const head = element("tr", "", element("thead", "", table));
    for (const [number, heading] of /** @type {string[]} */ (model.get("headings")).entries()) {
      const cell = element("th", "", head);
      cell.scope = "col";
      cell.textContent = heading;
      cell.toggleAttribute("data-number", NUMBERS.includes(FIELDS[number] ?? ""));
    }
    this.stopHead = element("td", "", head);
    this.body = element("tbody", "", table);
    this.bar = element("div", "nbs-jobs-bar", this.root);
    const title = "End all of these streams and keep what has arrived";
    this.stopAll = button("nbs-stop", "Stop all", title, this.bar, () => {
      this.stopAll.setAttribute("aria-disabled", "true");
      this.send({ type: "stop", key: "all" });
    });
    this.bar.hidden = true;
    this.voice = announcer();
    this.receive = (/** @type {RowsMessage} */ message) => message.type === "rows" && this.draw(message);
    model.on("msg:custom", this.receive);
    this.greet(200);
  }

  /** @param {object} message */
  send(message) {
    this.model.send(message);
  }

  /**
   * Say hello until the kernel answers, whose first messages may wait behind a running cell.
   *
   * @param {number} delay
   */
  greet(delay) {
    if (this.heard) return;
    this.send({ type: "hello", view: this.id });
    if (delay < LONGEST_GREETING_MS) this.greeter = setTimeout(() => this.greet(2 * delay), delay);
  }

  /** @param {RowsMessage} message */
  draw({ rows, over }) {
    this.heard = true;
    const keys = new Set(rows.map(({ key }) => key));
    for (const [key, row] of this.rows) {
      if (keys.has(key)) continue;
      row.root.remove();
      this.rows.delete(key);
    }
    for (const row of rows) {
      const shown = this.rows.get(row.key) ?? new JobRow(row, this.body, () => this.send({ type: "stop", key: row.key }));
      this.rows.set(row.key, shown);
      const before = shown.state;
      shown.state = row.state;
      shown.draw(row);
      if (before && before !== row.state && !row.running) announce(this.voice, `${row.name}: ${row.state}`);
    }
    this.bar.hidden = over || rows.filter(({ running }) => running).length < 2;
    this.stopHead.hidden = over;
  }

  remove() {
    clearTimeout(this.greeter);
    this.model.off("msg:custom", this.receive);
    this.send({ type: "gone", view: this.id });
    this.voice.remove();
  }
}

export default {
  initialize() {
    return () => {};
  },
  /** @param {{ model: Channel, el: HTMLElement }} widget */
  render({ model, el }) {
    const view = new JobsView(model, el);
    return () => view.remove();
  },
};
