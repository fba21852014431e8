// One view of a panel: the transcript, what waits, the composer.

import { CodeBar } from "../../../display/static/code_bar.js";
import { button, element, say, targetOf } from "../../../display/static/elements.js";
import { newCells } from "../../../display/static/new_cell.js";
import { Composer } from "./panel_composer.js";
import { Diagrams } from "./panel_diagrams.js";
import { Formulas } from "./panel_formulas.js";
import { Queue } from "./panel_queue.js";
import { fitHeight } from "./panel_text_editor.js";
import { Notices } from "./panel_notices.js";
import { SavedRequest } from "./panel_request.js";
import { Trays } from "./panel_trays.js";
import { Turn } from "./panel_turn.js";
import { allowances, drawAllowances } from "../../../display/static/questions.js";
import { Tail } from "../../../display/static/tail.js";

/** @import { PanelDocument } from "./panel_document.js" */

export class PanelView {
  /** @type {Map<string, Turn>} */
  turns = new Map();
  /** @type {Set<string>} */
  unread = new Set();
  /** @type {string | null} */
  stopping = null; // the turn that the reader has stopped, until another one runs
  /** @type {HTMLElement | null} */
  focused = null; // what had the focus last, so that it gets it back when Jupyter makes the view again
  shown = false; // whether it has been on the page since it was put in its place
  composerSeen = false;
  /** @type {string | null} */
  suggested = null;
  /** @type {string | null} */
  told = null; // the context that is shown
  root = element("div", "nbs-panel");

  /** @param {PanelDocument<PanelView>} doc */
  constructor(doc) {
    this.doc = doc;
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", "Chat");
    this.root.dataset.lmSuppressShortcuts = "true";
    this.formulas = new Formulas(doc.model.widget_manager);
    this.diagrams = new Diagrams(doc.model.widget_manager, (code) => doc.ask("diagram", { code }));
    const frame = element("div", "nbs-frame", this.root);
    this.log = conversation(frame);
    this.list = element("div", "nbs-turns", this.log);
    this.empty = element("div", "nbs-empty", this.list);
    this.newer = button("nbs-newer", "", "Go to the end", frame, () => this.toTail());
    this.newer.hidden = true;
    this.tail = new Tail(this.log, this.list, () => true, () => this.drawUnread());
    this.notices = new Notices(this, this.root);
    this.request = new SavedRequest(this, this.root);
    this.queue = new Queue(this, this.root);
    this.allowed = allowances(this.root);
    this.context = element("details", "nbs-context", this.root);
    this.tools = element("div", "nbs-tools");
    this.trays = new Trays(doc, this.tools);
    this.composer = new Composer(this, this.tools);
    this.root.append(this.composer.root, this.tools, this.trays.root);
    this.totals = element("p", "nbs-totals", this.root);
    this.codeBar = new CodeBar(this.root, (words) => doc.announce(words), newCells(doc.model));
    this.listen();
    doc.views.add(this);
    this.copyFrom(/** @type {PanelView} */ ([...doc.views][0]));
  }

  listen() {
    this.root.addEventListener("keydown", (event) => {
      if (!saves(event)) event.stopPropagation(); // no other key pressed here is meant for the notebook
      if (event.key === "Escape" && !event.isComposing) this.askToStop();
    });
    window.addEventListener("keydown", this.letSave, true);
    for (const type of ["focusin", "pointerdown"]) document.addEventListener(type, this.note, true);
    this.log.addEventListener("scroll", () => this.drawUnread(), { passive: true });
    this.observer.observe(this.root);
    this.watcher.observe(this.composer.root);
  }

  observer = new ResizeObserver(() => this.arrive());

  watcher = new IntersectionObserver((seen) => {
    this.composerSeen = seen[0]?.isIntersecting ?? false;
  });

  /**
   * Only saving is left to the notebook; the browser would save its page instead.
   *
   * @param {KeyboardEvent} event
   */
  letSave = (event) => {
    if (!saves(event) || !this.root.contains(targetOf(event))) return;
    delete this.root.dataset.lmSuppressShortcuts;
    setTimeout(() => (this.root.dataset.lmSuppressShortcuts = "true"));
  };

  /**
   * Elements that are taken out lose the focus too; only the reader takes it elsewhere.
   *
   * @param {Event} event
   */
  note = (event) => {
    const target = targetOf(event);
    if (!this.root.contains(target)) this.focused = null;
    else if (event.type === "focusin") this.focused = /** @type {HTMLElement} */ (target);
  };

  // It is on the page, perhaps again: elements that were taken out have lost their scroll position and the focus.
  arrive() {
    if (!this.root.isConnected || this.root.offsetHeight === 0) return;
    this.shown = true;
    this.restoreScroll();
    requestAnimationFrame(() => this.restoreScroll()); // turns out of sight get their height only now
    fitHeight(this.composer.field);
    this.keepComposer();
    const { activeElement } = document;
    if (this.focused && activeElement !== this.focused && (!activeElement || activeElement.contains(this.root))) {
      this.focused.focus({ preventScroll: true });
    }
  }

  restoreScroll() {
    if (this.tail.following) this.tail.follow();
    else this.log.scrollTop = this.tail.top;
  }

  // What the reader is writing in stays in sight while the conversation above it grows.
  keepComposer() {
    if (this.composerSeen && this.composer.field === document.activeElement) {
      this.tools.scrollIntoView({ block: "nearest" });
    }
  }

  /**
   * A second view begins as a copy of the first, because only the views have the HTML of settled turns.
   *
   * @param {PanelView} other
   */
  copyFrom(other) {
    this.drawTurns(this.doc.order);
    for (const [id, turn] of other === this ? [] : other.turns) {
      if (turn.version === null) continue;
      const copy = this.turns.get(id);
      for (const part of /** @type {const} */ (["body", "thoughts"])) {
        copy?.[part].replaceChildren(...[...turn[part].childNodes].map((node) => node.cloneNode(true)));
      }
      copy?.settle(null);
    }
    for (const id of this.doc.streams.keys()) this.stream(id);
    this.draw();
  }

  // --- turns ---

  /**
   * Only what has changed is touched: turns that stay are neither moved nor made again.
   *
   * @param {(string | undefined)[]} changed
   */
  drawTurns(changed) {
    const { order, turns } = this.doc;
    const lost = this.lostFocus(turns);
    for (const [id, turn] of this.turns) {
      if (turns.has(id)) continue;
      turn.handOver();
      turn.remove();
      this.turns.delete(id);
      this.unread.delete(id);
    }
    let at = this.list.firstElementChild;
    order.forEach((id, index) => {
      const turn = this.turns.get(id) ?? this.addTurn(id);
      if (at && turn.root === at) at = at.nextElementSibling;
      else this.list.insertBefore(turn.root, at);
      turn.label(index + 1);
    });
    for (const id of changed) if (id) this.turns.get(id)?.drawHead();
    if (lost) this.giveFocus(lost);
  }

  /** @param {string} id */
  addTurn(id) {
    const turn = new Turn(this, id);
    this.turns.set(id, turn);
    turn.drawHead();
    if (!this.tail.following && this.doc.known) this.unread.add(id);
    turn.follow(this.doc.streams.get(id)?.doc ?? null);
    return turn;
  }

  /**
   * Which turn and button has the focus, if it is one that goes.
   *
   * @param {PanelDocument["turns"]} turns
   */
  lostFocus(turns) {
    const { activeElement } = document;
    const article = activeElement?.closest(".nbs-turn");
    const [id, turn] = [...this.turns].find(([, { root }]) => root === article) ?? [];
    if (!id || !turn || turns.has(id)) return null;
    return { index: [...this.turns.keys()].indexOf(id), act: activeElement?.getAttribute("data-act") };
  }

  /** @param {{ index: number, act: string | null | undefined }} lost */
  giveFocus({ index, act }) {
    const turn = this.turns.get(this.doc.order[Math.min(index, this.doc.order.length - 1)] ?? "");
    const button = act !== "Delete" && turn?.root.querySelector(`[data-act="${act}"]:not([hidden])`);
    const next = /** @type {HTMLElement | null} */ (button || turn?.root);
    (next ?? this.composer.field).focus({ preventScroll: true });
  }

  /**
   * @param {string} id
   * @param {string[] | null} blocks
   * @param {string[]} [thoughts]
   */
  settle(id, blocks, thoughts) {
    this.turns.get(id)?.settle(blocks, thoughts);
  }

  /** @param {Element} node */
  finish(node) {
    this.formulas.watch(node);
    this.diagrams.watch(node);
  }

  /** @param {string} id */
  stream(id) {
    this.turns.get(id)?.follow(this.doc.streams.get(id)?.doc ?? null);
  }

  /** @param {string} id */
  grew(id) {
    if (!this.tail.following) this.unread.add(id);
  }

  // --- the rest ---

  draw() {
    const { running, allowed, context, totals, hint } = this.doc.surroundings;
    if (running !== this.stopping) this.stopping = null;
    this.root.toggleAttribute("data-running", Boolean(running));
    this.drawEmpty();
    this.queue.draw();
    this.composer.draw();
    this.trays.draw();
    drawAllowances(this.allowed, allowed, (tool) => this.revoke(tool));
    this.drawContext(context);
    say(this.totals, totals.length ? `Total: ${totals.join(" · ")}` : "");
    say(this.composer.hint, hint);
    this.notices.draw();
    this.request.draw();
    this.drawUnread();
  }

  drawEmpty() {
    const { suggestions } = this.doc.surroundings;
    this.empty.hidden = this.doc.order.length > 0 || !this.doc.known;
    if (this.empty.hidden || this.suggested === String(suggestions)) return;
    this.suggested = String(suggestions);
    this.empty.replaceChildren();
    element("p", "", this.empty).textContent = "No messages yet. Files can be dropped here.";
    for (const words of suggestions) {
      button("nbs-suggestion", words, "", this.empty, () => this.suggest(words)).dir = "auto";
    }
  }

  /** @param {string} words */
  suggest(words) {
    this.doc.send(words, []);
    this.composer.field.focus({ preventScroll: true });
  }

  /** @param {string} tool */
  revoke(tool) {
    this.doc.act("revoke", { target: tool });
    this.doc.announce(`You will be asked before ${tool} is called`);
    this.composer.field.focus({ preventScroll: true });
  }

  /** @param {string[]} context */
  drawContext(context) {
    this.context.hidden = context.length === 0;
    if (this.told === String(context)) return;
    this.told = String(context);
    const summary = element("summary", "");
    summary.textContent = `Context: ${context.map((words) => words.split(":")[0]).join(", ")}`;
    this.context.replaceChildren(summary);
    for (const words of context) {
      const shown = element("pre", "", this.context);
      shown.textContent = words;
      shown.tabIndex = 0;
    }
  }

  drawUnread() {
    if (this.tail.following) this.unread.clear();
    const end = this.log.getBoundingClientRect().bottom;
    for (const id of this.unread) {
      // One whose beginning is in sight is being read.
      if ((this.turns.get(id)?.root.getBoundingClientRect().top ?? 0) < end - 20) this.unread.delete(id);
    }
    const count = this.unread.size;
    this.newer.toggleAttribute("hidden", this.tail.following || (count === 0 && !this.doc.running));
    say(this.newer, count === 0 ? "To the end ↓" : `${count} new ${count === 1 ? "message" : "messages"} ↓`);
  }

  toTail() {
    if (this.newer.contains(document.activeElement)) this.composer.field.focus({ preventScroll: true });
    this.tail.following = true;
    this.tail.follow();
    this.drawUnread();
  }

  askToStop() {
    const { running } = this.doc;
    if (!running || this.stopping === running) return;
    this.stopping = running;
    this.doc.act("stop", { turn: running }); // the next one may run by the time this is heard
    this.composer.drawButtons();
    this.turns.get(running)?.drawState();
  }

  remove() {
    for (const turn of this.turns.values()) turn.remove();
    window.removeEventListener("keydown", this.letSave, true);
    for (const type of ["focusin", "pointerdown"]) document.removeEventListener(type, this.note, true);
    this.observer.disconnect();
    this.watcher.disconnect();
    for (const { observer } of [this.tail, this.formulas, this.diagrams]) observer.disconnect();
    this.doc.views.delete(this);
    this.root.remove();
  }
}

/** @param {Element} parent */
function conversation(parent) {
  const log = element("div", "nbs-log", parent);
  log.tabIndex = 0;
  log.setAttribute("role", "log");
  log.setAttribute("aria-live", "off"); // the beginning and the end are announced; tokens are not
  log.setAttribute("aria-label", "Conversation");
  return log;
}

/** @param {KeyboardEvent} event */
function saves({ ctrlKey, metaKey, key }) {
  return (ctrlKey || metaKey) && key === "s";
}
