// The rows of the table: only those in sight, and some beside them, are in the page, and only those are asked for.

import { element, place, say, set, slot } from "../../../display/static/elements.js";
import { TableRow } from "./table_row.js";

/** @import { Part, RowDetail, RowLine } from "./table_messages.js" */
/** @import { RowShape } from "./table_row.js" */

const MARGIN = 8; // rows in the page above and below those in sight
const AHEAD = 24; // rows above and below that are asked for, so that slow scrolling waits for nothing
const MOST = 200; // that the kernel sends to one view
const HIGHEST_PX = 8_000_000; // of what scrolls; browsers draw nothing beyond some 17 million
const NARROW_PX = 560;
const COLUMN_PX = 90; // narrower ones share a cell

/**
 * @typedef {object} BodyActions
 * @property {() => void} moved Other rows are in sight.
 * @property {(row: number | null) => void} open
 * @property {(row: number) => void} retry
 */

export class TableBody {
  count = 0;
  failedOnly = false;
  canRetry = true;
  rowHeight = 28;
  /** @type {Map<number, RowLine>} */
  lines = new Map(); // by number
  /** @type {Map<number, number>} */
  numbers = new Map(); // by position, of the rows that have failed
  /** @type {Map<number, TableRow>} */
  rows = new Map(); // in the page, by position
  /** @type {{ position: number, root: HTMLTableRowElement, box: HTMLElement, height: number } | null} */
  opened = null;
  current = 0; // the position that Tab leads to
  narrow = false;
  merged = false;
  frame = 0;

  /**
   * @param {HTMLElement} root
   * @param {string[]} columns
   * @param {BodyActions} actions
   */
  constructor(root, columns, actions) {
    this.root = root;
    this.columns = columns;
    this.actions = actions;
    this.scroller = element("div", "nbs-table-scroll", root);
    set(this.scroller, "role", "region");
    set(this.scroller, "aria-label", "Rows");
    this.scroller.tabIndex = 0;
    this.scroller.dataset.lmSuppressShortcuts = "true"; // or the arrow keys choose another cell
    this.space = element("div", "nbs-table-space", this.scroller);
    this.table = element("table", "nbs-table-rows", this.space);
    this.head = element("thead", "", this.table);
    this.body = element("tbody", "", this.table);
    this.drawColumns();
    this.scroller.addEventListener("scroll", () => this.drawSoon(), { passive: true });
    this.table.addEventListener("keydown", (event) => this.press(event));
    this.table.addEventListener("focusin", ({ target }) => this.noteFocus(target));
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.scroller);
  }

  // --- what is in sight ---------------------------------------------------------------------------------------------

  /** The positions in sight, and how many. */
  get sight() {
    const { scrollTop, clientHeight } = this.scroller;
    const scale = this.scale;
    const count = Math.ceil((clientHeight - this.head.offsetHeight) / this.rowHeight) + 1;
    const last = Math.max(0, this.count - count + 1);
    return { first: Math.min(last, Math.floor(this.positionAt(scrollTop * scale))), count: Math.max(count, 1) };
  }

  // Of more rows than a browser can make room for, a step of the scrollbar passes over several.
  get scale() {
    const room = this.scroller.clientHeight;
    return this.height <= HIGHEST_PX ? 1 : (this.height - room) / (HIGHEST_PX - room);
  }

  get height() {
    return this.count * this.rowHeight + this.head.offsetHeight + (this.opened?.height ?? 0);
  }

  /** @param {number} top In pixels, as if there were room for all. */
  positionAt(top) {
    const { opened, rowHeight } = this;
    const below = opened ? (opened.position + 1) * rowHeight : Infinity;
    if (!opened || top < below) return top / rowHeight;
    return Math.max(opened.position, (top - opened.height) / rowHeight);
  }

  /** @param {number} position */
  topOf(position) {
    return position * this.rowHeight + (this.opened && position > this.opened.position ? this.opened.height : 0);
  }

  /** What to ask the kernel for. */
  get wanted() {
    const { first, count } = this.sight;
    const from = Math.max(0, first - AHEAD);
    return { first: from, count: Math.min(MOST, first + count + AHEAD - from), failed: this.failedOnly };
  }

  // --- what arrives -------------------------------------------------------------------------------------------------

  /**
   * @param {Part} part
   * @param {{ first: number, count: number }} asked What this view has asked for last.
   */
  receive({ count, first, failed, rows, numbers, detail }, asked) {
    if (count !== undefined && first !== undefined && failed === this.failedOnly) {
      this.count = count;
      if (numbers) {
        this.numbers = new Map(numbers.map((number, at) => [first + at, number]));
        const shown = new Set(numbers);
        for (const number of this.lines.keys()) if (!shown.has(number)) this.lines.delete(number);
      }
    }
    for (const line of rows ?? []) this.lines.set(line[0], line);
    if (!this.failedOnly) this.forget(asked);
    if (detail) this.drawDetail(detail);
    this.drawSoon();
  }

  /** @param {{ first: number, count: number }} kept */
  forget({ first, count }) {
    for (const number of this.lines.keys()) if (number < first || number >= first + count) this.lines.delete(number);
  }

  /** @param {boolean} failed */
  filter(failed) {
    this.close();
    Object.assign(this, { failedOnly: failed, count: 0, current: 0 });
    this.lines.clear();
    this.numbers.clear();
    this.clear();
    this.scroller.scrollTop = 0;
    this.draw();
  }

  // --- drawing ------------------------------------------------------------------------------------------------------

  resize() {
    const width = this.scroller.clientWidth;
    const narrow = width < NARROW_PX;
    const room = width - 190 - (narrow ? 0 : 0.25 * width);
    const merged = narrow || room < COLUMN_PX * this.columns.length;
    this.root.classList.toggle("nbs-narrow", narrow);
    if (merged !== this.merged || narrow !== this.narrow) {
      Object.assign(this, { merged, narrow });
      this.drawColumns();
      this.clear();
    }
    this.drawSoon();
  }

  drawColumns() {
    const named = this.merged || !this.columns.length ? ["Answer"] : this.columns;
    const row = element("tr", "");
    set(row, "aria-rowindex", "1");
    for (const [name, kind] of [["Row", "number"], ["State", "state"], ["Input", "input"]]) {
      element("span", "nbs-row-word", element("th", `nbs-row-${kind}`, row)).textContent = name ?? "";
    }
    for (const name of named) element("th", "nbs-row-cell", row).textContent = name;
    for (const cell of row.cells) cell.scope = "col";
    this.head.replaceChildren(row);
    this.spanColumns();
  }

  // A hidden column would come back if a cell were wider than those that are shown.
  spanColumns() {
    const [cell] = this.opened?.root.cells ?? [];
    const beside = this.narrow ? 2 : 3;
    if (cell) cell.colSpan = beside + (this.merged ? 1 : Math.max(1, this.columns.length));
  }

  clear() {
    for (const row of this.rows.values()) row.root.remove();
    this.rows.clear();
  }

  drawSoon() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
      this.actions.moved();
    });
  }

  draw() {
    set(this.table, "aria-rowcount", String(this.count + 1));
    set(this.space, "style", `height:${Math.min(this.height, HIGHEST_PX)}px`);
    const { first, count } = this.sight;
    const from = Math.max(0, first - MARGIN);
    const to = Math.min(this.count, first + count + MARGIN);
    this.drop(from, to);
    let next = /** @type {Element | null} */ (this.body.firstElementChild);
    for (let position = from; position < to; position++) {
      const row = this.rows.get(position) ?? this.make(position);
      if (row.root !== next) this.body.insertBefore(row.root, next);
      next = row.root.nextElementSibling;
      if (this.opened?.position === position) {
        if (this.opened.root !== next) row.root.after(this.opened.root);
        next = this.opened.root.nextElementSibling;
      }
      row.draw(this.lines.get(this.numberAt(position)));
    }
    // The head stays where the scrollbar is; the rows below it have their own places.
    const shift = this.scroller.scrollTop * (1 - this.scale);
    set(this.table, "style", `top:${this.topOf(from) + shift}px`);
    this.measure();
    this.rove();
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  drop(from, to) {
    for (const [position, row] of this.rows) {
      if (position >= from && position < to) continue;
      if (row.root.contains(document.activeElement)) this.scroller.focus({ preventScroll: true });
      row.root.remove();
      this.rows.delete(position);
    }
    if (this.opened && !this.rows.has(this.opened.position)) this.opened.root.remove();
  }

  measure() {
    const row = this.rows.values().next().value;
    const height = row?.root.getBoundingClientRect().height ?? 0;
    if (height && Math.abs(height - this.rowHeight) > 0.01) {
      this.rowHeight = height;
      this.drawSoon();
    }
    const opened = this.opened?.root.isConnected ? this.opened : null;
    const shown = opened?.root.getBoundingClientRect().height ?? 0;
    if (opened && Math.abs(shown - opened.height) > 0.5) {
      opened.height = shown;
      this.drawSoon();
    }
  }

  /** @param {number} position */
  make(position) {
    /** @type {RowShape} */
    const shape = { columns: this.columns, merged: this.merged, canRetry: this.canRetry };
    const row = new TableRow(position, shape, {
      open: () => this.toggle(position),
      retry: () => this.actions.retry(this.numberAt(position)),
    });
    set(row.opener, "aria-expanded", String(this.opened?.position === position));
    this.rows.set(position, row);
    return row;
  }

  /** @param {number} position */
  numberAt(position) {
    return this.failedOnly ? (this.numbers.get(position) ?? -1) : position;
  }

  // --- the row that is open -----------------------------------------------------------------------------------------

  /** @param {number} position */
  toggle(position) {
    const again = this.opened?.position === position;
    this.close();
    this.current = position;
    if (again) this.actions.open(null);
    else {
      const root = element("tr", "nbs-row-whole");
      const cell = element("td", "", root);
      this.opened = { position, root, box: element("div", "nbs-row-box", cell), height: 0 };
      this.spanColumns();
      say(this.opened.box, "…");
      set(/** @type {TableRow} */ (this.rows.get(position)).opener, "aria-expanded", "true");
      this.actions.open(this.numberAt(position));
    }
    this.draw();
  }

  close() {
    if (!this.opened) return;
    this.opened.root.remove();
    const row = this.rows.get(this.opened.position);
    if (row) set(row.opener, "aria-expanded", "false");
    this.opened = null;
  }

  /** @param {RowDetail} detail */
  drawDetail({ number, input, error, html, more }) {
    if (!this.opened || this.numberAt(this.opened.position) !== number) return;
    const { box } = this.opened;
    const parts = [];
    if (input) parts.push(paragraph("nbs-row-asked", input));
    if (html) {
      const answer = element("div", "nbs-body");
      answer.append(slot());
      place(/** @type {Element} */ (answer.firstElementChild), 0, html, "");
      parts.push(answer);
    }
    if (more) parts.push(paragraph("nbs-row-asked", more));
    if (error) parts.push(paragraph("nbs-row-error", error));
    box.tabIndex = 0; // so that keys can scroll it
    set(box, "role", "region");
    set(box, "aria-label", `The whole of row ${number}`);
    box.replaceChildren(...parts);
  }

  // --- the keyboard -------------------------------------------------------------------------------------------------

  /** @param {KeyboardEvent} event */
  press(event) {
    const { key, target } = event;
    if (key === "Escape" && this.opened) {
      const { position } = this.opened;
      this.toggle(position);
      this.focus(position);
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[key];
    if (!step || !(target instanceof Element) || !target.closest(".nbs-row")) return;
    event.preventDefault();
    this.focus(Math.max(0, Math.min(this.count - 1, this.current + step)));
  }

  /** @param {number} position */
  focus(position) {
    const { scroller, rowHeight } = this;
    const top = this.topOf(position) / this.scale;
    const room = scroller.clientHeight - this.head.offsetHeight - rowHeight;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top > scroller.scrollTop + room) scroller.scrollTop = top - room;
    this.draw();
    this.rows.get(position)?.opener.focus({ preventScroll: true });
  }

  /** @param {EventTarget | null} target */
  noteFocus(target) {
    for (const [position, row] of this.rows) {
      if (target instanceof Node && row.root.contains(target)) this.current = position;
    }
    this.rove();
  }

  // Tab leads to one row only, and from there on to what is below the table.
  rove() {
    const { first, count } = this.sight;
    const near = this.current >= first && this.current < first + count ? this.current : first;
    for (const [position, row] of this.rows) {
      for (const each of [row.opener, row.retry]) if (each.tabIndex !== -Number(position !== near)) each.tabIndex = -Number(position !== near);
    }
  }

  remove() {
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
  }
}

/**
 * @param {string} className
 * @param {string} words
 */
function paragraph(className, words) {
  const made = element("p", className);
  made.dir = "auto";
  made.textContent = words;
  return made;
}
