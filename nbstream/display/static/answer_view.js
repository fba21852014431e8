// What every view of a live document draws: the reasoning, the blocks of the answer and the caret. A subclass gives it
// its `doc`, and draws the state.

import { Tail, element, lastTextHolder, place, slot, stayOutOfTheServer } from "./elements.js";

export class AnswerView {
  buildReasoning(parent) {
    this.reasoning = element("details", "nbs-reasoning", parent);
    this.summary = element("summary", "", this.reasoning);
    this.summary.dataset.lmSuppressShortcuts = "true";
    const box = element("div", "nbs-thoughts", this.reasoning);
    box.tabIndex = 0;
    const content = element("div", "", box);
    this.thoughts = content.appendChild(document.createTextNode(""));
    this.thoughtsTail = new Tail(box, content, () => true);
  }

  buildBody(parent) {
    this.body = element("div", "nbs-body", parent);
    this.body.setAttribute("aria-live", "off");
    for (const press of ["click", "auxclick"]) this.body.addEventListener(press, stayOutOfTheServer);
  }

  redraw() {
    this.body.replaceChildren(...this.doc.blocks.map((slot) => slot.cloneNode(true)));
    this.drawThoughts(0, this.doc.reasoning?.text ?? "");
    this.drawCaret();
    this.drawState();
  }

  patch(index, depth, commit, tail) {
    while (this.body.childElementCount <= index) this.body.append(slot());
    place(this.body.children[index], depth, commit, tail);
    // An answer that began again may have left blocks without anything in them; the caret belongs to the last one with.
    while (this.body.lastElementChild?.childNodes.length === 0) this.body.lastElementChild.remove();
    this.drawCaret();
  }

  drawCaret() {
    this.caretAt?.classList.remove("nbs-caret");
    this.caretAt = this.body.lastElementChild && lastTextHolder(this.body.lastElementChild);
    this.caretAt?.classList.add("nbs-caret");
  }

  drawThoughts(keep, text) {
    this.thoughts.replaceData(keep, this.thoughts.length - keep, text);
  }

  drawMark(mark) {
    this.mark.replaceChildren();
    if (!mark) return;
    element("strong", "", this.mark).textContent = `${mark.word}.`;
    this.mark.append(` ${mark.sentence}`);
  }
}
