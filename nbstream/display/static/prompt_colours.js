// The prompt of a `%%stream` cell is Markdown: JupyterLab and Notebook 7 colour it so once a stream has run in the page.

/** @import { Channel } from "./live_messages.js" */

const MARKDOWN = "text/x-ipythongfm"; // as the front end calls it
const PROMPT = /^\s*%%stream\b/;
const watched = new WeakSet();

/** @param {Channel} model */
export function colourPrompts(model) {
  try {
    const cells = model.widget_manager?.context?.model?.cells;
    if (!cells || watched.has(cells)) return;
    watched.add(cells);
    const all = () => [...cells].forEach(colourPrompt);
    cells.changed.connect(all);
    all();
  } catch {
    // A front end of another make, which colours prompts as it does.
  }
}

/** @param {any} cell */
function colourPrompt(cell) {
  if (cell.type !== "code" || watched.has(cell)) return;
  watched.add(cell);
  let code = cell.mimeType;
  const colour = () => {
    const is = PROMPT.test(cell.sharedModel.getSource());
    if (is && cell.mimeType !== MARKDOWN) {
      code = cell.mimeType;
      cell.mimeType = MARKDOWN;
    } else if (!is && cell.mimeType === MARKDOWN) cell.mimeType = code;
  };
  cell.sharedModel.changed.connect(colour);
  colour();
}
