// Making elements, and placing the HTML of patches in them. The HTML is sanitised in the kernel; no Markdown here.

export function element(tag, className, parent) {
  const made = document.createElement(tag);
  made.className = className;
  parent?.append(made);
  return made;
}

export function button(className, label, title, parent, onClick) {
  const made = element("button", className, parent);
  Object.assign(made, { type: "button", textContent: label, title });
  made.dataset.lmSuppressShortcuts = "true"; // or JupyterLab takes Enter for its own
  made.addEventListener("click", onClick);
  return made;
}

// What stays as it is costs nothing; setting it again would make the page look for what has changed.
export function set(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

export function say(node, words) {
  if (node.textContent !== words) node.textContent = words;
}

// Outside the views, for what it says last is said when the static answer has already taken their place.
export function announcer() {
  const made = element("div", "nbs-announcer", document.body);
  made.setAttribute("role", "status");
  made.style.cssText = "position:fixed;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap";
  return made;
}

export function slot() {
  const made = element("div", "nbs-block");
  made.dir = "auto"; // each block has the direction of its own text
  return made;
}

function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  for (const wide of template.content.querySelectorAll("pre, table")) wide.tabIndex = 0; // so that keys can scroll it
  return template.content;
}

// Puts sanitised HTML into a slot, or into the element that is its last child `depth` levels down. What has been
// committed there ends at a comment and is never touched again; everything behind it is the tail, which is replaced.
export function place(slot, depth, commit, tail) {
  if (depth === 0) return slot.replaceChildren(fragment(commit + tail));
  let target = slot;
  for (let level = 0; level < depth; level++) target = target.lastElementChild;
  while (target.lastChild && target.lastChild.nodeType !== Node.COMMENT_NODE) target.lastChild.remove();
  if (commit) {
    target.lastChild?.remove();
    target.append(fragment(commit), document.createComment(""));
  }
  target.append(fragment(tail));
}

const HOLDS_TEXT = /^(UL|OL|LI|BLOCKQUOTE|PRE|TABLE|THEAD|TBODY|TR|TD|TH|P|H\d|DIV|SECTION)$/;

// The innermost element at whose end the answer ends.
export function lastTextHolder(slot) {
  let holder = slot;
  for (let next = slot; next; ) {
    holder = next;
    if (holder.tagName === "PRE") next = holder.querySelector("code");
    else if (holder.tagName === "TR") next = [...holder.cells].findLast((cell) => cell.firstChild) ?? holder.cells[0];
    else next = HOLDS_TEXT.test(holder.lastElementChild?.tagName) ? holder.lastElementChild : null;
  }
  return holder;
}

export function scrollParent(node) {
  for (let at = node.parentElement; at; at = at.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(at).overflowY) && at.scrollHeight > at.clientHeight) return at;
  }
  return document.scrollingElement;
}

export function inSight(node) {
  const [frame, edge] = [scrollParent(node).getBoundingClientRect(), node.getBoundingClientRect()];
  return edge.top < Math.min(frame.bottom, innerHeight) && edge.bottom > Math.max(frame.top, 0);
}

// Keeps the end of a box that scrolls in sight, for as long as the reader is there. `watched` says whether the end of
// the box itself is in sight: a reader further up in the page is not at the tail either.
export class Tail {
  constructor(box, content, watched, onResize) {
    this.box = box;
    this.following = true;
    this.top = 0;
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

// The buttons of all code blocks of a view, laid over the one that is pointed at or has the focus. They stand outside
// the rendered text, which must keep its shape while patches arrive. `others` are more of them: what they are called
// and what they do with the code.
export class CodeBar {
  constructor(root, announce, others = []) {
    this.root = root;
    this.announce = announce;
    this.pre = null;
    this.bar = element("div", "nbs-code-bar", root);
    this.bar.hidden = true;
    this.copyButton = button("nbs-copy", "Copy", "Copy this code", this.bar, () => this.copy());
    for (const { label, title, act } of others) {
      button("nbs-copy", label, title, this.bar, () => act(this.code().textContent));
    }
    root.addEventListener("pointerover", ({ target }) => this.bar.contains(target) || this.show(target.closest("pre")));
    root.addEventListener("pointerleave", () => this.show(document.activeElement?.closest("pre")));
    root.addEventListener("focusin", ({ target }) => this.bar.contains(target) || this.show(target.closest("pre")));
    root.addEventListener("focusout", ({ relatedTarget }) => root.contains(relatedTarget) || this.show(null));
    root.addEventListener("keydown", (event) => this.onKey(event));
    root.addEventListener("scroll", () => this.show(this.reached()), { capture: true, passive: true });
  }

  show(pre) {
    this.pre = pre?.closest(".nbs-body") && this.root.contains(pre) ? pre : null;
    this.bar.hidden = !this.pre;
    if (!this.pre) return;
    const [frame, edge] = [this.root.getBoundingClientRect(), this.pre.getBoundingClientRect()];
    this.bar.style.top = `${edge.top - frame.top}px`;
    this.bar.style.insetInlineEnd = `${frame.right - edge.right}px`;
    this.copyButton.textContent = "Copy";
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
    return this.pre.querySelector("code") ?? this.pre;
  }

  // The buttons stand behind the whole answer; in the order of focus they come after their code.
  onKey(event) {
    if (event.key !== "Tab" || !this.pre) return;
    if (event.target === this.pre && !event.shiftKey) {
      event.preventDefault();
      this.copyButton.focus({ preventScroll: true });
    } else if (event.target === (event.shiftKey ? this.bar.firstElementChild : this.bar.lastElementChild)) {
      if (event.shiftKey) event.preventDefault();
      this.pre.focus({ preventScroll: true }); // from where the browser goes on
    }
  }

  async copy() {
    await copyText(this.code().textContent);
    this.copyButton.textContent = "Copied";
    this.announce("Copied");
  }
}

export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without HTTPS there is no clipboard but this.
    const copied = element("pre", "", document.body);
    copied.textContent = text;
    getSelection().selectAllChildren(copied);
    document.execCommand("copy");
    copied.remove();
  }
}

// A link without a server of its own leads into the Jupyter server, where opening an address can do things.
export function stayOutOfTheServer(event) {
  const link = event.target.closest("a[href]");
  if (link && !/^(?:https?:\/\/|mailto:)/i.test(link.getAttribute("href"))) event.preventDefault();
}
