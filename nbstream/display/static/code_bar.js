// What can be done with the code in an answer.

import { button, element, say, targetOf } from "./elements.js";

/**
 * @typedef {object} CodeAction
 * @property {string} title
 * @property {(pre: Element) => string} label
 * @property {(pre: Element, code: string) => Promise<string>} act Says what has happened.
 */

/**
 * The buttons of all code blocks of a view, laid over the one that is pointed at or has the focus. They stand outside
 * the rendered text, which must keep its shape while patches arrive. `others` are more of them; `within` is the text.
 */
export class CodeBar {
  /** @type {Element | null} */
  pre = null;

  /**
   * @param {HTMLElement} root
   * @param {(words: string) => void} announce
   * @param {CodeAction[]} [others]
   * @param {string} [within]
   */
  constructor(root, announce, others = [], within = ".nbs-body") {
    this.root = root;
    this.within = within;
    this.announce = announce;
    this.bar = element("div", "nbs-code-bar", root);
    this.bar.hidden = true;
    this.language = element("span", "nbs-language", this.bar);
    this.copyButton = button("nbs-copy", "Copy", "Copy this code", this.bar, () => this.copy());
    this.others = others.map((other) => {
      const made = button("nbs-copy", "", other.title, this.bar, async () => {
        if (this.pre) this.announce(await other.act(this.pre, this.code()));
        this.drawOthers();
      });
      return { other, made };
    });
    for (const arrival of ["pointerover", "focusin"]) root.addEventListener(arrival, (event) => this.reach(targetOf(event)));
    root.addEventListener("pointerleave", () => this.show(document.activeElement?.closest("pre")));
    root.addEventListener("focusout", ({ relatedTarget }) => {
      if (!root.contains(/** @type {Node | null} */ (relatedTarget))) this.show(null);
    });
    root.addEventListener("keydown", (event) => this.onKey(event));
    root.addEventListener("scroll", () => this.show(this.reached()), { capture: true, passive: true });
  }

  /** @param {Element} target */
  reach(target) {
    if (!this.bar.contains(target)) this.show(target.closest("pre"));
  }

  /** @param {Element | null | undefined} pre */
  show(pre) {
    this.pre = pre?.closest(this.within) && this.root.contains(pre) ? pre : null;
    this.bar.hidden = !this.pre;
    if (!this.pre) return;
    const [frame, edge] = [this.root.getBoundingClientRect(), this.pre.getBoundingClientRect()];
    this.bar.style.top = `${edge.top - frame.top}px`;
    this.bar.style.insetInlineEnd = `${frame.right - edge.right}px`;
    this.copyButton.textContent = "Copy";
    this.drawOthers();
    this.language.textContent = /language-(\S+)/.exec(this.pre.querySelector("code")?.className ?? "")?.[1] ?? "";
  }

  drawOthers() {
    for (const { other, made } of this.others) if (this.pre) say(made, other.label(this.pre));
  }

  // The code that the keyboard has reached: the way there may have scrolled to it.
  reached() {
    const focused = document.activeElement;
    return this.bar.contains(focused) ? this.pre : focused?.closest("pre");
  }

  forgetGone() {
    if (this.pre?.isConnected === false) this.show(null);
  }

  code() {
    return (this.pre?.querySelector("code") ?? this.pre)?.textContent ?? "";
  }

  /**
   * The buttons stand behind the whole answer; in the order of focus they come after their code.
   *
   * @param {KeyboardEvent} event
   */
  onKey(event) {
    if (event.key !== "Tab" || !(this.pre instanceof HTMLElement)) return;
    if (event.target === this.pre && !event.shiftKey) {
      event.preventDefault();
      this.copyButton.focus({ preventScroll: true });
    } else if (event.target === (event.shiftKey ? this.copyButton : this.bar.lastElementChild)) {
      if (event.shiftKey) event.preventDefault();
      this.pre.focus({ preventScroll: true }); // from where the browser continues
    }
  }

  async copy() {
    await copyText(this.code());
    this.copyButton.textContent = "Copied";
    this.announce("Copied");
  }
}

/** @param {string} text */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without HTTPS this is the only clipboard.
    const copied = element("pre", "", document.body);
    copied.textContent = text;
    getSelection()?.selectAllChildren(copied);
    document.execCommand("copy");
    copied.remove();
  }
}
