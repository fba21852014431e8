// The question which answer of a blind comparison is the best.

import { button, element, say } from "../../../display/static/elements.js";

/** @import { Channel } from "../../../display/static/live_messages.js" */

export default {
  initialize() {
    return () => {};
  },
  /** @param {{ model: Channel, el: HTMLElement }} widget */
  render({ model, el }) {
    const root = element("div", "nbs-choice", el);
    root.setAttribute("role", "group");
    const words = element("span", "", root);
    words.setAttribute("role", "status");
    const buttons = model.get("names").map((/** @type {string} */ name) => {
      const choose = () => model.send({ type: "choose", name });
      const made = button("", name, `Choose the answer ${name}, and learn who gave which`, root, choose);
      made.setAttribute("aria-label", `Choose ${name}`);
      return made;
    });
    const draw = () => {
      const told = model.get("told");
      say(words, told || "Which answer is the best?");
      root.setAttribute("aria-label", words.textContent ?? "");
      for (const each of buttons) each.hidden = Boolean(told);
    };
    draw();
    model.on("change:told", draw);
    return () => model.off("change:told", draw);
  },
};
