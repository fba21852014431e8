// One view of a live document, and the widget's entry points.

import { AnswerView } from "./answer_view.js";
import { Attention } from "./attention.js";
import { CodeBar, copyText } from "./code_bar.js";
import { button, element, inSight, say, scrollParent, set } from "./elements.js";
import { markInserted } from "./inserted_cells.js";
import { interrupter } from "./interrupter.js";
import { LiveDocument } from "./live_document.js";
import { newCells } from "./new_cell.js";
import { meetCells } from "./notebook_cells.js";
import { Presence } from "./presence.js";
import { colourPrompts } from "./prompt_colours.js";
import { giveWay } from "./static_answer.js";
import { Tail } from "./tail.js";

/** @import { Channel } from "./live_messages.js" */

const CAP = 0.7; // of the height of what is seen of the notebook, so that the caret and Stop stay in sight
const LEAST_CAP_LINES = 8;

/** @extends {AnswerView<LiveDocument>} */
class LiveView extends AnswerView {
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
   * @param {LiveDocument} doc
   * @param {Element} host
   */
  constructor(doc, host) {
    super(element("div", "nbs-view", host), doc);
    this.presence = new Presence(doc, this.root);
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", "Streamed answer");
    this.root.addEventListener("keydown", ({ key }) => key === "Escape" && this.askToStop());
    this.box = element("div", "nbs-box");
    this.body.replaceWith(this.box);
    this.box.append(this.body);
    this.facts = element("p", "nbs-facts", this.root);
    this.facts.hidden = true;
    this.bar = element("div", "nbs-bar", this.root);
    this.status = element("span", "nbs-status", this.bar);
    const title = "Stop the answer and keep what has arrived (Esc)";
    this.stop = button("nbs-stop", "Stop", title, this.bar, () => this.askToStop());
    this.more = button("nbs-more", "Show all", "", this.bar, () => this.showAll(this.root.dataset.all === undefined));
    this.more.hidden = true;
    this.others = newCells(doc.model);
    this.codeBar = new CodeBar(this.root, (words) => doc.announce(words), this.others);
    this.tail = new Tail(this.box, this.body, () => inSight(this.bar), () => this.drawCap());
    this.ticker = setInterval(() => this.drawState(), 250); // often enough that no second of a countdown is skipped
    // A page that is loaded in mid-stream has a reader who looks at what he wants to.
    if (doc.state === "pending" && doc.model.get("bring_into_view")) this.attention = new Attention();
    this.redraw();
    doc.views.add(this);
    this.presence.arrive();
  }

  get id() {
    return this.presence.id;
  }

  /**
   * @override
   * @param {Parameters<AnswerView<LiveDocument>["patch"]>[0]} change
   */
  patch(change) {
    super.patch(change);
    this.codeBar.forgetGone();
  }

  /** @override */
  drawState() {
    const { doc } = this;
    if (this.attention && doc.state === "streaming") {
      this.attention.bring(this.root);
      this.attention = null;
    }
    this.presence.find();
    this.drawQuestions();
    const waitedLong = performance.now() - doc.startedAt >= 3000;
    set(this.root, "data-state", doc.state);
    if (doc.reasoning) say(this.summary, doc.thinkingLine());
    this.reasoning.toggleAttribute("hidden", !doc.reasoning);
    if (doc.ended) return this.drawEnd();
    this.stop.toggleAttribute("hidden", !doc.kernelAnswers && waitedLong && !interrupter(doc.model));
    this.status.classList.toggle("nbs-pausing", Boolean(doc.retry));
    const wayToStop = this.stop.hidden ? ". To stop, interrupt the kernel (■)" : "";
    say(this.status, this.stopping ? "Stopping …" : doc.statusLine() + wayToStop);
  }

  // The static answer takes this view's place at once: first take its shape, so that nothing moves. Where none comes,
  // the page was reloaded meanwhile, or is of another kind: it cannot tell.
  drawEnd() {
    if (this.stayer) return;
    clearInterval(this.ticker);
    // The focus would be lost with this view, and with it the notebook's keys.
    const active = document.activeElement;
    const focused = active instanceof HTMLElement && this.root.contains(active) ? active : null;
    const cell = focused && this.root.parentElement?.closest("[tabindex]");
    if (cell instanceof HTMLElement) cell.focus({ preventScroll: true });
    this.keepPlace(() => {
      this.bar.hidden = this.stop.hidden = true;
      this.root.dataset.all = "";
      this.drawMark(this.doc.mark);
      element("small", "", this.facts).textContent = this.doc.statusLine();
      this.facts.hidden = !this.facts.textContent;
    });
    const above = this.doc.reasoning ? this.reasoning : null;
    const kept = { above, below: this.questions.allowed, focused, others: this.others };
    this.place = giveWay(this.root, (words) => this.doc.announce(words), kept);
    this.stayer = setTimeout(() => this.place?.stays(), 500);
    if (this.doc.lost) this.offerCopy();
    else this.keeper = setTimeout(() => this.sayKept(), 3000);
  }

  // No static answer will come any more.
  offerCopy() {
    const copy = button("nbs-copy-answer", "Copy", "Copy the answer as it is shown", null, async () => {
      await copyText(this.body.innerText);
      say(copy, "Copied");
      this.doc.announce("Copied");
    });
    this.mark.after(copy);
  }

  // An answer that is longer than its cap scrolls in its box, unless the reader wants all of it.
  drawCap() {
    const least = LEAST_CAP_LINES * parseFloat(getComputedStyle(this.body).lineHeight);
    const cap = Math.max(least, Math.round(CAP * scrollParent(this.root).clientHeight));
    const long = this.body.offsetHeight > cap + 1;
    const all = this.root.dataset.all !== undefined;
    const capped = long && !all;
    this.more.toggleAttribute("hidden", !long || this.doc.ended);
    set(this.box, "style", capped ? `--nbs-cap: ${cap}px` : "");
    this.box.classList.toggle("nbs-capped", capped);
    set(this.box, "tabindex", capped ? "0" : null); // what scrolls must be reachable
    set(this.more, "aria-expanded", String(all));
    say(this.more, all ? "Show less" : "Show all");
  }

  /** @param {boolean} all */
  showAll(all) {
    this.keepPlace(() => {
      if (all) this.root.dataset.all = "";
      else delete this.root.dataset.all;
      this.drawCap();
    });
    this.tail.drawEdges();
  }

  /**
   * Change the layout without moving what the reader is reading.
   *
   * @param {() => void} change
   */
  keepPlace(change) {
    const outer = scrollParent(this.root);
    const top = Math.max(this.box.getBoundingClientRect().top, outer.getBoundingClientRect().top, 0);
    const below = (/** @type {Element} */ slot) => slot.getBoundingClientRect().bottom > top;
    const anchor = this.tail.following ? this.body.lastElementChild : [...this.body.children].find(below);
    const edge = () => anchor?.getBoundingClientRect().bottom ?? 0;
    const before = edge();
    change();
    for (const scroller of [this.box, outer]) scroller.scrollTop += edge() - before;
  }

  sayKept() {
    if (!this.root.isConnected || this.doc.model.get("no_notebook")) return;
    const note = element("p", "nbs-note", this.root);
    note.textContent =
      "This answer is shown here, but it is not saved in the notebook, because the page did not put it in the place of " +
      "this view (as happens after a reload). To save it, run stream_result.show() in another cell, or, if you asked " +
      "from Python, call show() on the result.";
  }

  askToStop() {
    if (this.doc.ended || this.stopping) return;
    this.stopping = true;
    this.stop.setAttribute("aria-disabled", "true"); // a disabled button would lose the focus
    this.presence.stop();
    this.drawState();
  }

  remove() {
    this.tail.observer.disconnect();
    clearInterval(this.ticker);
    [this.keeper, this.stayer].forEach((timer) => clearTimeout(timer));
    this.attention?.stop();
    if (this.place) setTimeout(this.place.taken, 0);
    this.doc.views.delete(this);
    this.doc.fallSilent();
    this.presence.leave();
  }
}

// A document is found by its widget's key, because each call passes a different model object.
/** @type {Map<string, LiveDocument>} */
const documents = new Map();

export default {
  /** @param {{ model: Channel }} widget */
  initialize({ model }) {
    const doc = new LiveDocument(model);
    documents.set(model.get("key"), doc);
    meetCells(model, colourPrompts);
    meetCells(model, markInserted);
    return () => {
      doc.close();
      documents.delete(model.get("key"));
    };
  },
  /** @param {{ model: Channel, el: HTMLElement }} widget */
  render({ model, el }) {
    const view = new LiveView(/** @type {LiveDocument} */ (documents.get(model.get("key"))), el);
    return () => view.remove();
  },
};
