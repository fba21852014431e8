// One view of a live document, and the widget's entry points.

import { AnswerView } from "./answer_view.js";
import { CodeBar } from "./code_bar.js";
import { button, element, inSight, say, scrollParent, set } from "./elements.js";
import { LiveDocument } from "./live_document.js";
import { Tail } from "./tail.js";

/** @import { Channel } from "./live_messages.js" */

const CAP_LINES = 60;
let viewCount = 0;

/** @extends {AnswerView<LiveDocument>} */
class LiveView extends AnswerView {
  id = `${Date.now().toString(36)}-${viewCount++}`;
  greeted = false;
  stopping = false;
  /** @type {number | undefined} */
  greeter;
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
    this.codeBar = new CodeBar(this.root, (words) => doc.announce(words));
    this.tail = new Tail(this.box, this.body, () => inSight(this.bar), () => this.drawCap());
    this.ticker = setInterval(() => this.drawState(), 250); // often enough that no second of a countdown is skipped
    this.redraw();
    doc.views.add(this);
    this.greet(200);
  }

  /**
   * Say hello until the kernel answers: while a front end is still opening the channel that reaches a busy kernel, its
   * first messages queue up behind the running cell.
   *
   * @param {number} delay
   */
  greet(delay) {
    if (this.doc.kernelAnswers && this.greeted) return;
    this.greeted = true;
    this.doc.model.send({ type: "hello", view: this.id });
    if (delay < 10_000) this.greeter = setTimeout(() => this.greet(delay * 2), delay);
  }

  /**
   * @override
   * @param {Parameters<AnswerView<LiveDocument>["patch"]>} change
   */
  patch(...change) {
    super.patch(...change);
    this.codeBar.forgetGone();
  }

  /** @override */
  drawState() {
    const { doc } = this;
    const waitedLong = performance.now() - doc.startedAt >= 3000;
    set(this.root, "data-state", doc.state);
    if (doc.reasoning) say(this.summary, doc.thinkingLine());
    if (doc.ended) return this.drawEnd();
    this.reasoning.toggleAttribute("hidden", !doc.reasoning);
    this.stop.toggleAttribute("hidden", !doc.kernelAnswers && waitedLong);
    this.status.classList.toggle("nbs-pausing", Boolean(doc.retry));
    const wayToStop = this.stop.hidden ? ". To stop, interrupt the kernel (■)" : "";
    say(this.status, this.stopping ? "Stopping …" : doc.statusLine() + wayToStop);
  }

  // The static answer takes this view's place at once: first take its shape, so that nothing moves. Where none comes,
  // the page was reloaded meanwhile, or the view is in an Output widget or on another kind of page: it cannot tell.
  drawEnd() {
    if (this.stayer) return;
    clearInterval(this.ticker);
    // The focus would be lost with this view, and with it the notebook's keys.
    const cell = this.root.contains(document.activeElement) && this.root.parentElement?.closest("[tabindex]");
    if (cell instanceof HTMLElement) cell.focus({ preventScroll: true });
    this.keepPlace(() => {
      this.reasoning.hidden = this.bar.hidden = this.stop.hidden = true;
      this.root.dataset.all = "";
      this.drawMark(this.doc.mark);
      element("em", "", this.facts).textContent = this.doc.statusLine();
      this.facts.hidden = false;
    });
    this.stayer = setTimeout(() => this.stay(), 500);
    this.keeper = setTimeout(() => this.sayKept(), 3000);
  }

  stay() {
    this.reasoning.hidden = !this.doc.reasoning;
  }

  // An answer that is longer than its cap scrolls in its box, unless the reader wants all of it.
  drawCap() {
    const cap = CAP_LINES * parseFloat(getComputedStyle(this.body).lineHeight);
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
      "The answer is shown here, but not saved in the notebook: the page has not put it in this view's place, as " +
      "after a reload, or in an Output widget. It is in the result (stream_result after %%stream); " +
      "run the cell again to save it.";
  }

  askToStop() {
    if (this.doc.ended || this.stopping) return;
    this.stopping = true;
    this.stop.setAttribute("aria-disabled", "true"); // a disabled button would lose the focus
    this.doc.model.send({ type: "stop" });
    this.drawState();
  }

  remove() {
    [this.tail, this.thoughtsTail].forEach((tail) => tail.observer.disconnect());
    clearInterval(this.ticker);
    [this.keeper, this.stayer, this.greeter].forEach((timer) => clearTimeout(timer));
    this.doc.views.delete(this);
    this.doc.model.send({ type: "gone", view: this.id });
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
