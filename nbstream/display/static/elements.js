// Making elements, and placing the HTML of patches in them. The HTML is sanitised in the kernel; no Markdown here.

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} className
 * @param {Element | null} [parent]
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, className, parent) {
  const made = document.createElement(tag);
  made.className = className;
  parent?.append(made);
  return made;
}

/**
 * @param {string} className
 * @param {string} label
 * @param {string} title
 * @param {Element | null} parent
 * @param {(event: MouseEvent) => unknown} onClick
 */
export function button(className, label, title, parent, onClick) {
  const made = element("button", className, parent);
  Object.assign(made, { type: "button", textContent: label, title });
  made.dataset.lmSuppressShortcuts = "true"; // or JupyterLab takes Enter for its own
  made.addEventListener("click", onClick);
  return made;
}

/**
 * An unchanged attribute costs nothing; setting it again would make the page look for changes.
 *
 * @param {Element} node
 * @param {string} name
 * @param {string | null} value
 */
export function set(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/**
 * @param {Element} node
 * @param {string} words
 */
export function say(node, words) {
  if (node.textContent !== words) node.textContent = words;
}

/**
 * The element that an event happened to, where only elements are listened to.
 *
 * @param {Event} event
 */
export function targetOf({ target }) {
  return /** @type {Element} */ (target);
}

// Outside the views, because its last words are spoken when the static answer has already replaced them.
export function announcer() {
  const made = element("div", "nbs-announcer", document.body);
  made.setAttribute("role", "status");
  made.style.cssText = "position:fixed;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap";
  return made;
}

/**
 * @param {Element} announcer
 * @param {string} words
 */
export function announce(announcer, words) {
  if (!announcer.isConnected) document.body.append(announcer);
  say(announcer, words);
}

/**
 * Take it off the page when its last words are spoken, unless something is shown then: any number of answers may follow.
 *
 * @param {Element} announcer
 * @param {Set<unknown>} views
 */
export function retire(announcer, views) {
  setTimeout(() => views.size || announcer.remove(), 5000);
}

export function slot() {
  const made = element("div", "nbs-block");
  made.dir = "auto"; // each block has the direction of its own text
  return made;
}

/** @param {string} html */
function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html; // eslint-disable-line no-restricted-properties -- here, and nowhere else
  const wide = /** @type {NodeListOf<HTMLElement>} */ (template.content.querySelectorAll("pre, table"));
  for (const each of wide) each.tabIndex = 0; // so that keys can scroll it
  return template.content;
}

/**
 * Puts sanitised HTML into a slot, or into the element that is its last child `depth` levels down. What has been
 * committed there ends at a comment and is never touched again; everything behind it is the tail, which is replaced.
 *
 * @param {Element} slot
 * @param {number} depth
 * @param {string} commit
 * @param {string} tail
 */
export function place(slot, depth, commit, tail) {
  if (depth === 0) return slot.replaceChildren(fragment(commit + tail));
  let target = slot;
  for (let level = 0; level < depth; level++) target = /** @type {Element} */ (target.lastElementChild);
  while (target.lastChild && target.lastChild.nodeType !== Node.COMMENT_NODE) target.lastChild.remove();
  if (commit) {
    target.lastChild?.remove();
    target.append(fragment(commit), document.createComment(""));
  }
  target.append(fragment(tail));
}

const HOLDS_TEXT = /^(UL|OL|LI|BLOCKQUOTE|PRE|TABLE|THEAD|TBODY|TR|TD|TH|P|H\d|DIV|SECTION)$/;

/**
 * The innermost element at whose end the answer ends.
 *
 * @param {Element} slot
 */
export function lastTextHolder(slot) {
  let holder = slot;
  for (let next = /** @type {Element | null | undefined} */ (slot); next; ) {
    holder = next;
    const last = holder.lastElementChild;
    if (holder.tagName === "PRE") next = holder.querySelector("code");
    else if (holder instanceof HTMLTableRowElement) {
      next = [...holder.cells].findLast((cell) => cell.firstChild) ?? holder.cells[0];
    } else next = last && HOLDS_TEXT.test(last.tagName) ? last : null;
  }
  return holder;
}

/** @param {Element} node */
export function scrollParent(node) {
  for (let at = node.parentElement; at; at = at.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(at).overflowY) && at.scrollHeight > at.clientHeight) return at;
  }
  return document.scrollingElement ?? document.documentElement;
}

/** @param {Element} node */
export function inSight(node) {
  const [frame, edge] = [scrollParent(node).getBoundingClientRect(), node.getBoundingClientRect()];
  return edge.top < Math.min(frame.bottom, innerHeight) && edge.bottom > Math.max(frame.top, 0);
}
