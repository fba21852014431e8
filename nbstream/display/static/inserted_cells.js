// A cell that holds a model's code says so in its metadata. What the kernel inserts cannot bring metadata along, so its
// first line says it (see display/insertion.py), and here the page copies that: JupyterLab and Notebook 7 let it.

const ABOUT = /^(?:%%[^\n]*\n)?# Written by (.+), (\S+Z), sha256 ([0-9a-f]{16})(?:\n|$)/;

/** @param {any} cells Those of a notebook. */
export function markInserted(cells) {
  cells.changed.connect((/** @type {object} */ _, /** @type {{ type: string, newValues: any[] }} */ change) => {
    if (change.type !== "add") return;
    for (const cell of change.newValues) {
      const found = ABOUT.exec(cell.sharedModel.getSource());
      if (found) cell.setMetadata?.("nbstream", { model: found[1], written: found[2], sha256: found[3] });
    }
  });
}
