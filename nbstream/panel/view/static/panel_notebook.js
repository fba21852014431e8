// What a panel does to the notebook that it is in.

import { element } from "../../../display/static/elements.js";

/**
 * The notebook keeps the conversation as an output of its own, for readers without a kernel. While the panel is on the
 * page, it is not shown twice.
 *
 * @param {string} key
 */
export function coverTranscript(key) {
  const style = element("style", "", document.head);
  style.textContent = `.nbs-transcript[data-panel="${key}"] { display: none }`;
  return style;
}
