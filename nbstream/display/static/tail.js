// The end of a box that scrolls.

/**
 * Keeps the end of a box in sight, for as long as the reader is there. `watched` says whether the end of the box itself
 * is in sight: a reader further up in the page is not at the tail either.
 */
export class Tail {
  following = true;
  top = 0;

  /**
   * @param {Element} box
   * @param {Element} content
   * @param {() => boolean} watched
   * @param {() => void} [onResize]
   */
  constructor(box, content, watched, onResize) {
    this.box = box;
    box.addEventListener("scroll", () => this.note(), { passive: true });
    this.observer = new ResizeObserver(() => {
      const fits = () => box.scrollHeight <= box.clientHeight + 1;
      if (fits()) this.following = true; // it need not scroll to be at its end
      onResize?.();
      if (this.following && !fits()) {
        if (watched()) this.follow();
        else this.following = false;
      }
      this.drawEdges();
    });
    this.observer.observe(content);
  }

  // Text that grows below moves nothing, so only the reader makes the position smaller.
  note() {
    const { scrollTop, clientHeight, scrollHeight } = this.box;
    if (scrollTop < this.top - 1) this.following = false;
    if (scrollTop + clientHeight >= scrollHeight - 4) this.following = true;
    this.top = scrollTop;
    this.drawEdges();
  }

  // The scrollbar may not show that there is more.
  drawEdges() {
    const { scrollTop, clientHeight, scrollHeight } = this.box;
    this.box.classList.toggle("nbs-more-above", scrollTop > 1);
    this.box.classList.toggle("nbs-more-below", scrollTop + clientHeight < scrollHeight - 1);
  }

  follow() {
    this.box.scrollTop = this.box.scrollHeight;
    this.top = this.box.scrollTop;
  }
}
