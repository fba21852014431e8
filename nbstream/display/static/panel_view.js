// One view of a panel: the transcript, what waits, the composer; and the widget's entry points. The files beside this
// one, joined in front of it, make up one ES module.

import { CodeBar, Tail, button, element, say } from "./elements.js";
import { Composer } from "./panel_composer.js";
import { PanelDocument } from "./panel_document.js";
import { Formulas } from "./panel_formulas.js";
import { Queue } from "./panel_queue.js";
import { Trays } from "./panel_trays.js";
import { Turn, fitHeight } from "./panel_turn.js";

class PanelView {
  constructor(doc) {
    this.doc = doc;
    this.turns = new Map();
    this.unread = new Set();
    this.stopping = null; // the turn that the reader has stopped, until another one runs
    this.focused = null; // what had the focus last, so that it gets it back when Jupyter makes the view again
    this.root = element("div", "nbs-panel");
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", "Chat");
    this.root.dataset.lmSuppressShortcuts = "true";
    this.formulas = new Formulas(doc.model.widget_manager);
    this.buildTranscript();
    this.notice = element("p", "nbs-notice", this.root);
    this.notice.setAttribute("role", "status");
    this.queue = new Queue(this, this.root);
    this.context = element("details", "nbs-context", this.root);
    this.composer = new Composer(this, this.root);
    this.tools = element("div", "nbs-tools", this.root);
    this.trays = new Trays(this, this.tools, this.root);
    this.composer.buildButtons(this.tools);
    this.totals = element("p", "nbs-totals", this.root);
    const cell = { label: "To new cell", title: "Put this code into a new cell below", act: toNewCell };
    this.codeBar = new CodeBar(this.root, (words) => doc.announce(words), notebookCommands() ? [cell] : []);
    this.listen();
    doc.views.add(this);
    this.copyFrom([...doc.views][0]);
  }

  buildTranscript() {
    const frame = element("div", "nbs-frame", this.root);
    this.log = element("div", "nbs-log", frame);
    this.log.tabIndex = 0;
    this.log.setAttribute("role", "log");
    this.log.setAttribute("aria-live", "off"); // the beginning and the end are announced; tokens are not
    this.log.setAttribute("aria-label", "Conversation");
    this.list = element("div", "nbs-turns", this.log);
    this.empty = element("div", "nbs-empty", this.list);
    this.newer = button("nbs-newer", "", "Go to the end", frame, () => this.toTail());
    this.newer.hidden = true;
    this.tail = new Tail(this.log, this.list, () => true, () => this.drawUnread());
  }

  listen() {
    this.root.addEventListener("keydown", (event) => {
      if (!saves(event)) event.stopPropagation(); // no other key pressed here is meant for the notebook
      if (event.key === "Escape" && !event.isComposing) this.askToStop();
    });
    // Only saving is left to the notebook; the browser would save its page instead.
    this.letSave = (event) => {
      if (!saves(event) || !this.root.contains(event.target)) return;
      delete this.root.dataset.lmSuppressShortcuts;
      setTimeout(() => (this.root.dataset.lmSuppressShortcuts = "true"));
    };
    window.addEventListener("keydown", this.letSave, true);
    // Elements that are taken out lose the focus too; only the reader takes it elsewhere.
    this.note = ({ target, type }) => {
      if (!this.root.contains(target)) this.focused = null;
      else if (type === "focusin") this.focused = target;
    };
    for (const type of ["focusin", "pointerdown"]) document.addEventListener(type, this.note, true);
    this.log.addEventListener("scroll", () => this.drawUnread(), { passive: true });
    this.observer = new ResizeObserver(() => this.arrive());
    this.observer.observe(this.root);
    this.watcher = new IntersectionObserver(([{ isIntersecting }]) => (this.composerSeen = isIntersecting));
    this.watcher.observe(this.composer.root);
  }

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

  // A second view begins as a copy of the first, for only the views have the HTML of settled turns.
  copyFrom(other) {
    this.drawTurns(this.doc.order);
    for (const [id, turn] of other === this ? [] : other.turns) {
      if (turn.version === null) continue;
      this.turns.get(id).body.replaceChildren(...[...turn.body.childNodes].map((node) => node.cloneNode(true)));
      this.turns.get(id).drawThoughts(0, this.doc.turn(id).reasoning);
      this.turns.get(id).settle(null);
    }
    for (const id of this.doc.streams.keys()) this.stream(id);
    this.draw();
  }

  // --- turns ---

  // Only what has changed is touched: turns that stay are neither moved nor made again.
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
      if (turn.root === at) at = at.nextElementSibling;
      else this.list.insertBefore(turn.root, at);
      turn.label(index + 1);
    });
    for (const id of changed) this.turns.get(id)?.drawHead();
    if (lost) this.giveFocus(lost);
  }

  addTurn(id) {
    const turn = new Turn(this, id);
    this.turns.set(id, turn);
    turn.drawHead();
    if (!this.tail.following && this.doc.known) this.unread.add(id);
    if (this.doc.streams.has(id)) turn.follow(this.doc.streams.get(id).doc);
    return turn;
  }

  // Which turn and button has the focus, if it is one that goes.
  lostFocus(turns) {
    const article = document.activeElement?.closest(".nbs-turn");
    const [id, turn] = [...this.turns].find(([, { root }]) => root === article) ?? [];
    if (!turn || turns.has(id)) return null;
    return { index: [...this.turns.keys()].indexOf(id), act: document.activeElement.dataset.act };
  }

  giveFocus({ index, act }) {
    const turn = this.turns.get(this.doc.order[Math.min(index, this.doc.order.length - 1)]);
    const button = act !== "Delete" && turn?.root.querySelector(`[data-act="${act}"]:not([hidden])`);
    (button || turn?.root || this.composer.field).focus({ preventScroll: true });
  }

  settle(id, blocks) {
    this.turns.get(id)?.settle(blocks);
  }

  stream(id) {
    this.turns.get(id)?.follow(this.doc.streams.get(id).doc);
  }

  grew(id) {
    if (!this.tail.following) this.unread.add(id);
  }

  // --- the rest ---

  draw() {
    const { running, context, totals } = this.doc.surroundings;
    if (running !== this.stopping) this.stopping = null;
    this.root.toggleAttribute("data-running", Boolean(running));
    this.drawEmpty();
    this.queue.draw();
    this.composer.draw();
    this.trays.draw();
    this.drawContext(context);
    say(this.totals, totals.join(" · "));
    this.drawNotice();
    this.drawUnread();
  }

  drawEmpty() {
    const { suggestions } = this.doc.surroundings;
    this.empty.hidden = this.doc.order.length > 0 || !this.doc.known;
    if (this.empty.hidden || this.suggested === String(suggestions)) return;
    this.suggested = String(suggestions);
    this.empty.replaceChildren();
    element("p", "", this.empty).textContent = "Ask something, or drop a file here.";
    for (const words of suggestions) {
      button("nbs-suggestion", words, "", this.empty, () => this.suggest(words)).dir = "auto";
    }
  }

  suggest(words) {
    this.doc.send(words, []);
    this.composer.field.focus({ preventScroll: true });
  }

  drawContext(context) {
    this.context.hidden = context.length === 0;
    if (this.told === String(context)) return;
    this.told = String(context);
    const summary = element("summary", "");
    summary.textContent = `Sent along: ${context.map((words) => words.split(":")[0]).join(", ")}`;
    this.context.replaceChildren(summary);
    for (const words of context) {
      const shown = element("pre", "", this.context);
      shown.textContent = words;
      shown.tabIndex = 0;
    }
  }

  drawNotice() {
    const { notice } = this.doc.surroundings;
    const deaf =
      "The kernel has not answered yet. What you asked for is done as soon as it is free; interrupt it (■) to be " +
      "heard at once. If it was restarted, nbs.ChatPanel.restore() in a new cell goes on with what was saved.";
    const words = [this.doc.deaf ? deaf : "", this.doc.remark, notice].filter(Boolean).join(" ");
    this.notice.hidden = !words;
    if (this.notice.firstChild?.textContent === words) return;
    this.notice.replaceChildren();
    element("span", "", this.notice).textContent = words;
    if (!words) return;
    const dismiss = button("nbs-drop", "×", "Dismiss", this.notice, () => {
      this.doc.say("");
      if (this.doc.surroundings.notice) this.doc.act("dismiss");
      this.composer.field.focus({ preventScroll: true });
    });
    dismiss.setAttribute("aria-label", "Dismiss");
  }

  drawUnread() {
    if (this.tail.following) this.unread.clear();
    const count = this.unread.size;
    this.newer.toggleAttribute("hidden", count === 0);
    say(this.newer, `${count} new ${count === 1 ? "message" : "messages"} ↓`);
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
    this.turns.get(running)?.doc && this.turns.get(running).drawState();
  }

  remove() {
    for (const turn of this.turns.values()) turn.remove();
    window.removeEventListener("keydown", this.letSave, true);
    for (const type of ["focusin", "pointerdown"]) document.removeEventListener(type, this.note, true);
    this.observer.disconnect();
    this.watcher.disconnect();
    for (const { observer } of [this.tail, this.formulas]) observer.disconnect();
    this.doc.views.delete(this);
    this.root.remove();
  }
}

function saves({ ctrlKey, metaKey, key }) {
  return (ctrlKey || metaKey) && key === "s";
}

// Where a view is shown. Jupyter draws an output that is updated anew, and does not always tell the view that it had:
// the elements that were taken out are gone on with, so that nothing the reader did is lost.
class Place {
  constructor(doc, host) {
    this.doc = doc;
    this.host = host;
    this.take();
    this.observer = new ResizeObserver(() => this.host.isConnected && !this.host.contains(this.view.root) && this.take());
    this.observer.observe(host);
  }

  take() {
    const free = ({ root, shown }) => !root.isConnected && (shown || !root.parentElement);
    this.view = [...this.doc.views].find(free) ?? new PanelView(this.doc);
    this.view.shown = false;
    this.host.append(this.view.root);
    if (this.host.isConnected) return this.view.arrive();
    // The host itself is put on the page a moment later; until then keys would be lost.
    this.waiting = new MutationObserver(() => {
      if (!this.host.isConnected) return;
      this.waiting.disconnect();
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

// What the front end lets a page do to the notebook. JupyterLab and Notebook 7 hand out their commands only when they
// were started with --expose-app-in-browser; no widget can make a cell otherwise.
function notebookCommands() {
  const commands = globalThis.jupyterapp?.commands;
  return commands?.hasCommand("notebook:insert-cell-below") ? commands : null;
}

async function toNewCell(code) {
  const commands = notebookCommands();
  await commands.execute("notebook:insert-cell-below");
  await commands.execute("notebook:replace-selection", { text: code });
}

// The notebook keeps the conversation as an output of its own, for readers without a kernel. While the panel is on the
// page, it is not shown twice.
function coverTranscript(key) {
  const style = element("style", "", document.head);
  style.textContent = `.nbs-transcript[data-panel="${key}"] { display: none }`;
  return style;
}

// A document is found by its widget's key, for the model that is handed in is another object each time.
const panels = new Map();

export default {
  initialize({ model }) {
    const doc = new PanelDocument(model);
    panels.set(model.get("key"), doc);
    new PanelView(doc); // waits for a place, and takes in what arrives meanwhile
    return () => {
      doc.close();
      panels.delete(model.get("key"));
    };
  },
  render({ model, el }) {
    const place = new Place(panels.get(model.get("key")), el);
    const cover = coverTranscript(model.get("key"));
    return () => {
      cover.remove();
      place.leave();
    };
  },
};
