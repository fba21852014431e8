// The blocks of a text that arrives, each in a slot of its own, as every view shows a copy of them.

import { element, place, slot } from "./elements.js";

/** @import { Patch } from "./live_messages.js" */

/** @typedef {[index: number, depth: number, commit: string, tail: string]} Change */

export class BlockList {
  root = element("div", "");
  /** @type {string[]} */
  tails = []; // the HTML of the last tail in each

  /** @param {string[]} [blocks] The HTML of each. */
  constructor(blocks = []) {
    blocks.forEach((html, index) => this.change([index, 0, "", html]));
  }

  get empty() {
    return this.root.childElementCount === 0;
  }

  /**
   * Takes patches in; returns what the views are to change as well.
   *
   * @param {Patch[]} patches
   */
  apply(patches) {
    return patches.map(([index, depth, commit, keep, tail]) => {
      const whole = (this.tails[index] ?? "").slice(0, keep) + tail;
      return this.change([index, depth, commit, whole]);
    });
  }

  /** @param {Change} change */
  change(change) {
    changeBlock(this.root, change);
    this.tails[change[0]] = change[3];
    return change;
  }

  copies() {
    return [...this.root.children].map((each) => each.cloneNode(true));
  }
}

/**
 * @param {Element} parent
 * @param {Change} change
 */
export function changeBlock(parent, [index, depth, commit, tail]) {
  while (parent.childElementCount <= index) parent.append(slot());
  place(/** @type {Element} */ (parent.children[index]), depth, commit, tail);
  // A text that began again may have left blocks without anything in them; the caret belongs to the last one with.
  while (parent.lastElementChild?.childNodes.length === 0) parent.lastElementChild.remove();
}
