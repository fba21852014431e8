// Gives each inspection on the page that has none yet a search field, and buttons that fold all of it.
(() => {
  /** @param {Element} root */
  const prepare = (root) => {
    const entries = [...root.querySelectorAll("li")];
    const folds = [...root.querySelectorAll("details")];
    const bar = document.createElement("div");
    bar.className = "nbi-search";
    bar.setAttribute("role", "search");
    const field = document.createElement("input");
    field.type = "search";
    field.placeholder = "Search the steps";
    field.setAttribute("aria-label", "Search the steps");
    const found = document.createElement("span");
    found.setAttribute("role", "status");

    /** @param {string} name @param {boolean} open */
    const button = (name, open) => {
      const made = document.createElement("button");
      made.type = "button";
      made.textContent = name;
      made.addEventListener("click", () => {
        for (const fold of folds) fold.open = open;
      });
      return made;
    };

    const search = () => {
      const words = field.value.trim().toLowerCase();
      let count = 0;
      for (const entry of entries) entry.hidden = words !== "";
      for (const entry of entries) {
        const own = [...entry.querySelectorAll(":scope > details > :not(ol), :scope > :not(details)")];
        const text = own.length > 0 ? own.map((each) => each.textContent).join("\n") : entry.textContent;
        if (words === "" || !(text ?? "").toLowerCase().includes(words)) continue;
        count += 1;
        entry.hidden = false;
        const inDetail = entry.querySelector(":scope > details > pre")?.textContent?.toLowerCase().includes(words);
        if (inDetail) /** @type {HTMLDetailsElement} */ (entry.querySelector(":scope > details")).open = true;
        for (let above = entry.parentElement; above !== null && above !== root; above = above.parentElement) {
          if (above instanceof HTMLDetailsElement) above.open = true;
          above.hidden = false;
        }
      }
      found.textContent = words === "" ? "" : `${count} of ${entries.length} steps`;
    };

    field.addEventListener("input", search);
    field.addEventListener("keydown", (event) => event.stopPropagation()); // it is no command of the notebook's
    bar.append(field, button("Unfold all", true), button("Fold all", false), found);
    root.querySelector(".nbi-title")?.after(bar);
  };

  for (const root of document.querySelectorAll("[data-nbs-inspection]")) {
    if (root.querySelector(".nbi-search") === null) prepare(root);
  }
})();
