// Whether the reader does something else meanwhile, and bringing an answer into view if not.

import { scrollParent } from "./elements.js";

const DEEDS = ["wheel", "pointerdown", "keydown", "touchstart"];
const LOW = 0.75; // of the height of what is seen; an answer that begins below has no room
const PLACE = 0.15; // where it is brought to

export class Attention {
  elsewhere = false;

  constructor() {
    this.note = () => (this.elsewhere = true);
    for (const deed of DEEDS) document.addEventListener(deed, this.note, { capture: true, passive: true });
  }

  /**
   * Bring a view that begins low on the page higher up: once, and only if nothing else has the reader's attention.
   *
   * @param {Element} view
   */
  bring(view) {
    this.stop();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (this.elsewhere || still || document.hidden || !getSelection()?.isCollapsed) return;
    const scroller = scrollParent(view);
    const frame = scroller === document.scrollingElement ? { top: 0, height: innerHeight } : scroller.getBoundingClientRect();
    const { top } = view.getBoundingClientRect();
    if (top < frame.top + LOW * frame.height) return;
    scroller.scrollBy({ top: top - frame.top - PLACE * frame.height, behavior: "smooth" });
  }

  stop() {
    for (const deed of DEEDS) document.removeEventListener(deed, this.note, { capture: true });
  }
}
