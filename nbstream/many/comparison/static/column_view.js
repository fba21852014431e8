// One column: its name, what it does, its own Stop, and the answer, which scrolls in its box.

import { AnswerView } from "../../../display/static/answer_view.js";
import { button, element, inSight, say, set } from "../../../display/static/elements.js";
import { Tail } from "../../../display/static/tail.js";

/** @import { ColumnDocument } from "./comparison_document.js" */

/** @extends {AnswerView<ColumnDocument>} */
export class ColumnView extends AnswerView {
  stopping = false;
  drawnEnd = false;

  /**
   * @param {ColumnDocument} doc
   * @param {Element} grid
   * @param {() => void} changed
   */
  constructor(doc, grid, changed) {
    const root = element("section", "nbs-column", grid);
    root.setAttribute("aria-label", doc.name);
    const head = element("header", "nbs-column-head", root);
    super(root, doc);
    this.changed = changed;
    element("strong", "nbs-column-name", head).textContent = doc.name;
    this.stop = button("nbs-stop", "Stop", `Stop ${doc.name} and keep what has arrived`, head, () => this.askToStop());
    this.stop.setAttribute("aria-label", `Stop ${doc.name}`);
    this.status = element("p", "nbs-status", root);
    head.after(this.status);
    this.box = element("div", "nbs-box");
    this.box.tabIndex = 0; // what scrolls must be reachable
    this.box.setAttribute("role", "group");
    this.box.setAttribute("aria-label", `Answer of ${doc.name}`);
    this.body.replaceWith(this.box);
    this.box.append(this.body);
    this.tail = new Tail(this.box, this.body, () => inSight(this.box));
    this.redraw();
    doc.views.add(this);
  }

  /** @override */
  drawState() {
    const { doc } = this;
    this.drawQuestions();
    set(this.root, "data-state", doc.state);
    if (doc.reasoning) say(this.summary, doc.thinkingLine());
    this.reasoning.toggleAttribute("hidden", !doc.reasoning);
    this.status.classList.toggle("nbs-pausing", Boolean(doc.retry));
    say(this.status, this.stopping && !doc.ended ? "stopping …" : doc.statusLine());
    // A kernel that hears no messages can only be interrupted, which stops all.
    this.stop.toggleAttribute("hidden", doc.ended || !doc.kernelAnswers);
    if (!doc.ended || this.drawnEnd) return;
    this.drawnEnd = true;
    this.drawMark(doc.mark);
    if (document.activeElement === this.stop) this.box.focus({ preventScroll: true });
  }

  askToStop() {
    if (this.doc.ended || this.stopping) return;
    this.stopping = true;
    this.stop.setAttribute("aria-disabled", "true"); // a disabled button would lose the focus
    this.doc.model.send({ type: "stop" });
    this.drawState();
  }

  /**
   * @override
   * @param {Parameters<AnswerView<ColumnDocument>["patch"]>[0]} change
   */
  patch(change) {
    super.patch(change);
    this.changed();
  }

  remove() {
    this.tail.observer.disconnect();
    this.thoughtsTail.observer.disconnect();
    this.doc.views.delete(this);
  }
}
