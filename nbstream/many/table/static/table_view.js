// One view of the table of a job.

import { element, say, set } from "../../../display/static/elements.js";
import { interrupter } from "../../../display/static/interrupter.js";
import { Presence } from "../../../display/static/presence.js";
import { giveWay } from "../../../display/static/static_answer.js";
import { TableBody } from "./table_body.js";
import { TableHead } from "./table_head.js";

/** @import { TableDocument } from "./table_document.js" */
/** @import { Part } from "./table_messages.js" */

const ASKING_MS = 200; // between two ranges that are asked for
const DEAF_MS = 3000; // after which Stop is only offered where it needs no answer of the kernel

export class TableView {
  greeted = false; // whether the kernel has answered
  inSight = true;
  stopping = false;
  begun = performance.now();
  asked = { first: 0, count: 0, failed: false };
  told = ""; // what the kernel has been told last of what this view shows
  /** @type {number | undefined} */
  asker;
  /** @type {number | undefined} */
  ticker;
  /** @type {number | undefined} */
  stayer;
  /** @type {ReturnType<typeof giveWay> | undefined} */
  place;

  /**
   * @param {TableDocument} doc
   * @param {Element} host
   */
  constructor(doc, host) {
    this.doc = doc;
    this.root = element("div", "nbs-view nbs-table", host);
    this.presence = new Presence(doc, this.root);
    this.id = this.presence.id;
    set(this.root, "role", "group");
    set(this.root, "aria-label", `Rows answered by ${doc.model.get("label")}`);
    this.head = new TableHead(this.root, doc, {
      stop: () => this.askToStop(),
      retry: () => this.send({ type: "retry", rows: null }),
      filter: (failed) => this.filter(failed),
    });
    this.body = new TableBody(this.root, doc.model.get("columns") ?? [], {
      moved: () => this.ask(),
      open: (row) => this.send({ type: "open", view: this.id, row }),
      retry: (row) => this.send({ type: "retry", rows: [row] }),
    });
    this.words = element("p", "nbs-table-end", this.root);
    this.note = element("p", "nbs-note", this.root);
    this.note.hidden = true;
    this.attend = () => this.tell();
    document.addEventListener("visibilitychange", this.attend);
    this.observer = new IntersectionObserver(([entry]) => {
      this.inSight = entry?.isIntersecting ?? true;
      this.tell();
    });
    this.observer.observe(this.body.scroller);
    doc.views.add(this);
    this.drawState();
    this.presence.arrive();
  }

  /** @param {object} message */
  send(message) {
    this.doc.model.send(message);
  }

  // --- what the kernel is told --------------------------------------------------------------------------------------

  begin() {
    this.greeted = true;
    this.told = "";
    this.tell();
  }

  // At most five times a second, the first time at once.
  ask() {
    if (this.asker !== undefined || !this.differs()) return;
    this.tell();
    this.asker = setTimeout(() => {
      this.asker = undefined;
      this.ask();
    }, ASKING_MS);
  }

  // Rows are asked for before they are needed, and not for each step.
  differs() {
    const { first, count } = this.body.sight;
    const { asked } = this;
    const last = Math.min(this.body.count, first + count);
    return this.told && (asked.failed !== this.body.failedOnly || first < asked.first || last > asked.first + asked.count);
  }

  tell() {
    const range = this.inSight ? this.body.wanted : { first: 0, count: 0, failed: this.body.failedOnly };
    const message = document.hidden ? { type: "hide", view: this.id } : { type: "show", view: this.id, ...range };
    const words = JSON.stringify(message);
    if (words === this.told || this.doc.lost) return;
    this.told = words;
    if (!document.hidden) this.asked = range;
    this.send(message);
  }

  /** @param {boolean} failed */
  filter(failed) {
    this.send({ type: "open", view: this.id, row: null });
    this.body.filter(failed);
    this.tell();
  }

  /** @param {Part} part */
  receive(part) {
    this.body.receive(part, this.asked);
  }

  // --- what is drawn ------------------------------------------------------------------------------------------------

  drawState() {
    const { doc } = this;
    this.presence.find();
    set(this.root, "data-state", doc.state);
    this.body.canRetry = !doc.lost;
    const silent = !this.greeted && performance.now() - this.begun > DEAF_MS;
    this.head.draw({ canStop: !silent || Boolean(interrupter(doc.model)), stopping: this.stopping });
    say(this.words, doc.words);
    this.words.toggleAttribute("hidden", !doc.words);
    this.tick();
    if (doc.ended) this.drawEnd();
  }

  // Only while there is something to count down.
  tick() {
    clearInterval(this.ticker);
    if (!this.head.drawWait()) return;
    this.ticker = setInterval(() => this.head.drawWait() || clearInterval(this.ticker), 500);
  }

  // The static summary takes this view's place at once. Where none comes, the page was reloaded meanwhile, or is of
  // another kind: it cannot tell.
  drawEnd() {
    if (this.stayer !== undefined) return;
    const active = document.activeElement;
    const focused = active instanceof HTMLElement && this.root.contains(active) ? active : null;
    const cell = focused && this.root.parentElement?.closest("[tabindex]");
    const below = element("div", "");
    this.place = giveWay(this.root, (words) => this.doc.announce(words), { above: null, below, focused, others: [] });
    if (cell instanceof HTMLElement) cell.focus({ preventScroll: true });
    this.stayer = setTimeout(() => this.stay(), 500);
  }

  stay() {
    this.place?.stays();
    if (!this.root.isConnected || this.doc.lost || this.doc.model.get("no_notebook")) return;
    this.note.hidden = false;
    this.note.textContent =
      "This table is shown here, but it is not saved in the notebook, because the page did not put its summary in its " +
      "place (as happens after a reload). To save that, show the job in another cell.";
  }

  goOn() {
    clearTimeout(this.stayer);
    this.stayer = undefined;
    this.stopping = false;
    this.note.hidden = true;
    say(this.note, "");
  }

  askToStop() {
    if (this.doc.ended || this.stopping) return;
    this.stopping = true;
    this.presence.stop();
    this.drawState();
  }

  remove() {
    this.body.remove();
    this.observer.disconnect();
    document.removeEventListener("visibilitychange", this.attend);
    clearInterval(this.ticker);
    [this.asker, this.stayer].forEach((timer) => clearTimeout(timer));
    if (this.place) setTimeout(this.place.taken, 0);
    this.doc.views.delete(this);
    this.doc.fallSilent();
    this.presence.leave();
  }
}
