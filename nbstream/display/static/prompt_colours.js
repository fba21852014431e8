// The prompt of a `%%stream` cell is Markdown: JupyterLab and Notebook 7 colour it so once a stream has run in the page.

const MARKDOWN = "text/x-ipythongfm"; // as the front end calls it
const PROMPT = /^\s*%%stream\b/;
const watched = new WeakSet();

/** @param {any} cells Those of a notebook. */
export function colourPrompts(cells) {
  const all = () => [...cells].forEach(colourPrompt);
  cells.changed.connect(all);
  all();
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
