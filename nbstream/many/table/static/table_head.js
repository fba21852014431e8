// The head of the table: how far the job is, in a bar and in words, and what the reader can do.

import { button, element, say, set } from "../../../display/static/elements.js";

/** @import { TableDocument } from "./table_document.js" */

/**
 * @typedef {object} HeadActions
 * @property {() => void} stop
 * @property {() => void} retry
 * @property {(failed: boolean) => void} filter
 */

const count = new Intl.NumberFormat("en-US");

export class TableHead {
  failedOnly = false;

  /**
   * @param {HTMLElement} root
   * @param {TableDocument} doc
   * @param {HeadActions} actions
   */
  constructor(root, doc, actions) {
    this.doc = doc;
    this.actions = actions;
    const head = element("div", "nbs-table-head", root);
    this.bar = element("div", "nbs-progress", head);
    set(this.bar, "role", "progressbar");
    set(this.bar, "aria-label", "Rows");
    set(this.bar, "aria-valuemin", "0");
    this.done = element("div", "nbs-progress-done", this.bar);
    this.failed = element("div", "nbs-progress-failed", this.bar);
    const words = element("p", "nbs-table-words", head);
    this.rows = element("strong", "", words);
    this.facts = element("span", "nbs-table-facts", words);
    const tools = element("div", "nbs-table-tools", head);
    this.wait = element("p", "nbs-table-wait", head);
    const filters = element("div", "nbs-table-filters", tools);
    set(filters, "role", "group");
    set(filters, "aria-label", "Rows that are shown");
    this.all = button("nbs-filter", "All", "Show all rows", filters, () => this.choose(false));
    this.some = button("nbs-filter", "Failed", "Show only rows that have failed", filters, () => this.choose(true));
    const title = "Ask the rows that have failed again";
    this.retry = button("nbs-retry-failed", "Retry failed", title, tools, actions.retry);
    this.stop = button("nbs-stop", "Stop", "Ask no more rows and keep what is done", tools, actions.stop);
  }

  /** @param {boolean} failed */
  choose(failed) {
    if (failed === this.failedOnly) return;
    this.failedOnly = failed;
    this.draw({ canStop: !this.stop.hidden, stopping: false });
    this.actions.filter(failed);
  }

  /** @param {{ canStop: boolean, stopping: boolean }} now */
  draw({ canStop, stopping }) {
    const { progress, ended, lost } = this.doc;
    const { done, failed, total, facts } = progress;
    const settled = done + failed;
    const told = total === null ? `${rows(settled)} done` : `${count.format(settled)} of ${rows(total)}`;
    say(this.rows, told);
    say(this.facts, facts.map((fact) => ` · ${fact}`).join(""));
    set(this.bar, "aria-valuetext", told);
    set(this.bar, "aria-valuenow", total === null ? null : String(settled));
    set(this.bar, "aria-valuemax", total === null ? null : String(total));
    this.bar.classList.toggle("nbs-progress-unknown", total === null && !ended);
    set(this.done, "style", `width:${share(done, total, ended)}`);
    set(this.failed, "style", `width:${share(failed, total, false)}`);
    this.drawWait();
    set(this.all, "aria-pressed", String(!this.failedOnly));
    set(this.some, "aria-pressed", String(this.failedOnly));
    say(this.some, failed ? `Failed (${count.format(failed)})` : "Failed");
    this.retry.toggleAttribute("hidden", !failed || lost);
    this.stop.toggleAttribute("hidden", ended || !canStop);
    set(this.stop, "aria-disabled", stopping ? "true" : null); // a disabled button would lose the focus
    say(this.stop, stopping ? "Stopping …" : "Stop");
  }

  /** Whether it counts down. */
  drawWait() {
    const left = Math.ceil((this.doc.waitEnds - performance.now()) / 1000);
    const waits = left > 0 && !this.doc.ended;
    say(this.wait, waits ? `waiting ${left} s because the server limits requests` : "");
    this.wait.toggleAttribute("hidden", !waits);
    return waits;
  }
}

/** @param {number} number */
function rows(number) {
  return `${count.format(number)} ${number === 1 ? "row" : "rows"}`;
}

/**
 * @param {number} part
 * @param {number | null} total
 * @param {boolean} whole Whether the part is all there is.
 */
function share(part, total, whole) {
  if (total === null) return whole ? "100%" : "0";
  return total ? `${((100 * part) / total).toFixed(2)}%` : "0";
}
