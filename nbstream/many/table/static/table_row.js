// One line of the table. What a model has written is text here, never HTML.

import { button, element, say, set } from "../../../display/static/elements.js";

/** @import { RowLine } from "./table_messages.js" */

/**
 * A word and a sign for each state, because colour alone tells nothing to many.
 *
 * @type {Record<string, [sign: string, word: string]>}
 */
const STATES = {
  queued: ["·", "queued"],
  running: ["▸", "running"],
  done: ["✓", "done"],
  failed: ["✕", "failed"],
  stopped: ["■", "stopped"],
  checkpoint: ["↺", "checkpoint"],
  duplicate: ["≡", "equal row"],
};

/**
 * What a row is drawn with.
 *
 * @typedef {object} RowShape
 * @property {string[]} columns The names of the fields that have a cell each; none for a text.
 * @property {boolean} merged Whether all of them are in one cell, because there is no room.
 * @property {boolean} canRetry
 */

export class TableRow {
  /** @type {RowLine | undefined} */
  line;

  /**
   * @param {number} position
   * @param {RowShape} shape
   * @param {{ open: () => void, retry: () => void }} actions
   */
  constructor(position, shape, actions) {
    this.shape = shape;
    this.root = element("tr", "nbs-row");
    this.root.setAttribute("aria-rowindex", String(position + 2)); // below the head
    this.root.addEventListener("click", ({ target }) => {
      const chosen = getSelection()?.isCollapsed === false; // by dragging over the text
      if (!chosen && !(target instanceof Element && target.closest("button"))) actions.open();
    });
    const number = element("td", "nbs-row-number", this.root);
    this.opener = button("nbs-row-open", String(position), "Show the whole row", number, actions.open);
    this.opener.tabIndex = -1;
    set(this.opener, "aria-expanded", "false");
    const state = element("td", "nbs-row-state", this.root);
    this.sign = element("span", "nbs-row-sign", state);
    this.sign.setAttribute("aria-hidden", "true");
    this.word = element("span", "nbs-row-word", state);
    this.input = element("td", "nbs-row-input", this.root);
    this.input.dir = "auto";
    this.retry = button("nbs-row-retry", "Retry", "Ask this row again", null, actions.retry);
    this.retry.tabIndex = -1;
    /** @type {HTMLTableCellElement[]} */
    this.cells = [];
    this.error = element("span", "nbs-row-error");
    say(this.word, "…");
  }

  /** @param {RowLine | undefined} line Nothing while it is on its way. */
  draw(line) {
    if (line === this.line || !line) return;
    this.line = line;
    const [number, index, state, input, cells, error] = line;
    const [sign, word] = STATES[state] ?? ["", state];
    say(this.opener, index || String(number));
    set(this.opener, "aria-label", `Row ${index || number}`);
    set(this.root, "data-state", state);
    say(this.sign, sign);
    say(this.word, word);
    this.write(this.input, input);
    if (error) this.drawError(error);
    else this.drawCells(cells);
  }

  /** @param {string[]} cells */
  drawCells(cells) {
    const { columns, merged } = this.shape;
    const named = columns.length > 1 && merged;
    const told = cells.flatMap((cell, at) => (cell ? [named ? `${columns[at]}: ${cell}` : cell] : []));
    const texts = merged ? [told.join(" · ")] : cells;
    this.makeCells(texts.length, 1);
    texts.forEach((text, at) => this.write(/** @type {Element} */ (this.cells[at]), text));
  }

  /** @param {string} error */
  drawError(error) {
    const [cell] = this.makeCells(1, this.shape.merged ? 1 : Math.max(1, this.shape.columns.length));
    this.retry.hidden = !this.shape.canRetry;
    if (cell?.firstChild !== this.error) cell?.replaceChildren(this.error, this.retry);
    this.write(this.error, error);
  }

  /**
   * @param {number} count
   * @param {number} span
   */
  makeCells(count, span) {
    const [first] = this.cells;
    if (this.cells.length !== count || first?.colSpan !== span || this.error.isConnected) {
      this.cells.forEach((cell) => cell.remove());
      this.cells = Array.from({ length: count }, () => element("td", "nbs-row-cell", this.root));
      for (const cell of this.cells) Object.assign(cell, { colSpan: span, dir: "auto" });
    }
    return this.cells;
  }

  /**
   * @param {Element} node
   * @param {string} text
   */
  write(node, text) {
    say(node, text);
    set(node, "title", text.length > 30 ? text : null);
  }
}
