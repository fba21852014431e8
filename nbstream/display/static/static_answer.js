// The static answer that takes a view's place in JupyterLab and Notebook 7, and what it keeps of the view on this page.

import { CodeBar } from "./code_bar.js";
import { set } from "./elements.js";

const LONGEST_HOLD_MS = 10_000;
const QUOTE = "Reasoning"; // how the saved answer begins, see thoughts.py

/** @import { CodeAction } from "./code_bar.js" */

/**
 * What outlives a view, in the static answer.
 *
 * @typedef {object} Kept
 * @property {HTMLElement | null} above The fold of the reasoning, if there is any.
 * @property {HTMLElement} below Shown if anything is in it.
 * @property {CodeAction[]} others What can be done with code besides copying it.
 * @property {HTMLElement | null} focused What in the view had the focus, which the cell has meanwhile.
 */

/**
 * Prepare for the static answer that takes a view's place. What is below and what is being read must not move while
 * JupyterLab draws it, which takes some time: what draws Markdown is loaded when it is first needed. On this page the code
 * in it has the buttons that it had in the view, and the reasoning unfolds where the saved answer quotes its beginning.
 *
 * @param {HTMLElement} root The view, still on the page.
 * @param {(words: string) => void} announce
 * @param {Kept} kept
 * @returns {{ taken: () => void, stays: () => void }} What to call once the view has gone, or if it is not replaced.
 */
export function giveWay(root, announce, { above, below, focused, others }) {
  const output = root.closest(".jp-OutputArea-child");
  const area = output?.parentElement;
  const index = area ? [...area.children].indexOf(/** @type {Element} */ (output)) : -1;
  const release = () => area?.style.removeProperty("min-height");
  const keeper = document.activeElement;
  let left = focused;
  const thoughts = above?.lastElementChild;
  const scrolled = thoughts?.scrollTop ?? 0;
  if (area) area.style.minHeight = `${area.getBoundingClientRect().height}px`;
  return {
    stays: release,
    taken() {
      const next = area?.children[index];
      const markdown = next?.querySelector(".jp-RenderedMarkdown");
      if (!(next instanceof HTMLElement) || !markdown) return release();
      next.classList.add("nbs-static");
      new CodeBar(next, announce, others, ".jp-RenderedMarkdown");
      const drawn = () => {
        for (const pre of next.querySelectorAll("pre")) pre.tabIndex = 0; // by the keyboard, and so scrolled
        const first = markdown.firstElementChild;
        if (!first) return;
        if (above && thoughts && above.parentElement !== markdown) {
          if (first.querySelector("p")?.textContent === QUOTE) set(first, "hidden", "");
          markdown.prepend(above);
          thoughts.scrollTop = scrolled;
        }
        if (below.firstChild && !below.isConnected) markdown.append(below);
        if (document.activeElement === keeper && markdown.contains(left)) left?.focus({ preventScroll: true });
        left = null;
        release();
      };
      new MutationObserver(drawn).observe(next, { childList: true, subtree: true });
      drawn();
      setTimeout(release, LONGEST_HOLD_MS);
    },
  };
}
