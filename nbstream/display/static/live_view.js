// The page's half of a live view (display/live_view.py is the kernel's). It places sanitised HTML and knows no Markdown.
// One document per widget and page holds what has arrived; any number of views show it, so that a view that is made
// again (a second output, a redrawn one) needs no kernel. It is found by the widget's key, for the model that is handed
// in is another object each time.

const documents = new Map();
let viewCount = 0;

class LiveDocument {
  constructor(model) {
    this.model = model;
    this.startedAt = performance.now();
    this.number = 0; // of the last patch that was applied
    this.blocks = []; // the slots, one element each, that every view shows a copy of
    this.tails = []; // the HTML of the last tail in each
    this.state = "pending";
    this.mark = null;
    this.retry = null; // the pause before the next attempt, while the stream is in it
    this.kernelAnswers = false; // whether a message to the kernel has come back, so that Stop will work
    this.views = new Set();
    this.asking = false;
    this.receive = (message) => this.apply(message);
    model.on("msg:custom", this.receive);
  }

  apply(message) {
    if (message.type === "snapshot") {
      this.number = message.number;
      this.blocks = [];
      this.tails = [];
      message.blocks.forEach((html, index) => this.patch(index, 0, "", html));
      this.state = message.state;
      this.mark = message.mark;
      this.pause(message.retry);
      this.kernelAnswers = true;
      this.asking = false;
      this.views.forEach((view) => view.redraw());
      return;
    }
    if (message.number !== this.number + 1) {
      // A message was lost or came before this page: ask for the whole, once.
      if (!this.asking) this.model.send({ type: "resync" });
      this.asking = true;
      return;
    }
    this.number = message.number;
    if (message.type === "patch") {
      this.state = message.state ?? "streaming";
      for (const [index, depth, commit, keep, tail] of message.blocks) {
        const whole = (this.tails[index] ?? "").slice(0, keep) + tail;
        this.patch(index, depth, commit, whole);
        this.views.forEach((view) => view.patch(index, depth, commit, whole));
      }
      this.views.forEach((view) => view.drawState());
    } else if (message.type === "retry") {
      this.pause(message.retry);
      this.views.forEach((view) => view.drawState());
    } else if (message.type === "end") {
      this.state = message.state;
      this.mark = message.mark;
      this.views.forEach((view) => view.drawState());
    }
  }

  patch(index, depth, commit, tail) {
    while (this.blocks.length <= index) this.blocks.push(element("div", "nbs-block"));
    place(this.blocks[index], depth, commit, tail);
    this.tails[index] = tail;
  }

  pause(retry) {
    this.retry = retry ?? null;
    if (!this.retry) return;
    this.retry.endsAt = performance.now() + 1000 * retry.left;
    this.retry.announcement = this.retryLine() ?? "";
  }

  // The words of the kernel's `Retry.sentence`, counting down; nothing once the pause is over.
  retryLine() {
    const { reason, endsAt, attempt, attempts } = this.retry;
    const left = Math.ceil((endsAt - performance.now()) / 1000);
    return left > 0 ? `${reason}, retrying in ${left} s · attempt ${attempt} of ${attempts}` : null;
  }
}

const ended = (state) => !["pending", "streaming"].includes(state);

function element(tag, className, parent) {
  const made = document.createElement(tag);
  made.className = className;
  parent?.append(made);
  return made;
}

function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

// Puts sanitised HTML into a slot, or into the element that is its last child `depth` levels down. What has been
// committed there ends at a comment and is never touched again; everything behind it is the tail, which is replaced.
function place(slot, depth, commit, tail) {
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

// A link without a server of its own leads into the Jupyter server, where opening an address can do things.
function stayOutOfTheServer(event) {
  const link = event.target.closest("a[href]");
  if (link && !/^(?:https?:\/\/|mailto:)/i.test(link.getAttribute("href"))) event.preventDefault();
}

class LiveView {
  constructor(doc, host) {
    this.doc = doc;
    this.id = `${Date.now().toString(36)}-${viewCount++}`;
    this.root = element("div", "nbs-view", host);
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", "Streamed answer");
    this.body = element("div", "nbs-body", this.root);
    this.body.setAttribute("aria-live", "off"); // one announcement a token would bury a screen reader
    for (const press of ["click", "auxclick"]) this.body.addEventListener(press, stayOutOfTheServer);
    this.body.dir = "auto";
    this.bar = element("div", "nbs-bar", this.root);
    this.status = element("span", "nbs-status", this.bar);
    this.stop = element("button", "nbs-stop", this.bar);
    this.stop.type = "button";
    this.stop.textContent = "Stop";
    this.stop.title = "Stop the answer and keep what has arrived";
    this.stop.addEventListener("click", () => this.askToStop());
    this.mark = element("p", "nbs-mark", this.root);
    this.announcer = element("span", "nbs-announcer", this.root);
    this.announcer.setAttribute("role", "status");
    this.ticker = setInterval(() => this.drawState(), 250); // often enough that no second of a countdown is skipped
    this.redraw();
    doc.views.add(this);
    this.greet(200);
  }

  // Say hello until the kernel answers: while a front end is still opening the channel that reaches a busy kernel, its
  // first messages queue up behind the running cell.
  greet(delay) {
    if (this.doc.kernelAnswers && this.greeted) return;
    this.greeted = true;
    this.doc.model.send({ type: "hello", view: this.id });
    if (delay < 10_000) this.greeter = setTimeout(() => this.greet(delay * 2), delay);
  }

  redraw() {
    this.body.replaceChildren(...this.doc.blocks.map((slot) => slot.cloneNode(true)));
    this.drawState();
  }

  patch(index, depth, commit, tail) {
    while (this.body.childElementCount <= index) element("div", "nbs-block", this.body);
    place(this.body.children[index], depth, commit, tail);
    // An answer that began again may have left blocks without anything in them; the caret belongs to the last one with.
    while (this.body.lastElementChild?.childNodes.length === 0) this.body.lastElementChild.remove();
  }

  drawState() {
    const { state, mark, retry, kernelAnswers } = this.doc;
    // The text there is may be that of an answer which is only gone on with, and reasoning has no text to show.
    const waiting = state === "pending" || this.body.childElementCount === 0;
    const seconds = Math.floor((performance.now() - this.doc.startedAt) / 1000);
    const label = this.doc.model.get("label");
    this.root.dataset.state = state;
    this.stop.hidden = ended(state) || (!kernelAnswers && seconds >= 3);
    if (ended(state)) {
      clearInterval(this.ticker);
      this.bar.hidden = true;
      this.drawMark(mark);
      // The static answer takes this view's place. Where it does not, the page was reloaded meanwhile.
      this.keeper ??= setTimeout(() => this.sayKept(), 3000);
      return;
    }
    const waitingLine = (retry && this.doc.retryLine()) ?? `Waiting for ${label} · ${seconds} s`;
    const wayToStop = "To stop, interrupt the kernel (■)";
    if (this.stopping) this.say("Stopping …");
    else this.say([waiting && waitingLine, this.stop.hidden && wayToStop].filter(Boolean).join(". "));
    if (!waiting) this.announce("Answer begins");
    else if (retry) this.announce(retry.announcement); // once, not at each second
  }

  say(words) {
    if (this.status.textContent !== words) this.status.textContent = words;
  }

  drawMark(mark) {
    this.mark.replaceChildren();
    if (mark) {
      element("strong", "", this.mark).textContent = `${mark.word}.`;
      this.mark.append(` ${mark.sentence}`);
    }
    this.announce(mark ? mark.word : "Answer complete");
  }

  announce(words) {
    if (this.announcer.textContent !== words) this.announcer.textContent = words;
  }

  sayKept() {
    if (!this.root.isConnected) return;
    const note = element("p", "nbs-note", this.root);
    note.textContent =
      "This page was reloaded while the answer arrived, so the answer is shown here but not saved in the notebook. " +
      "It is in stream_result.text; run the cell again to save it.";
  }

  askToStop() {
    this.stopping = true;
    this.stop.disabled = true;
    this.doc.model.send({ type: "stop" });
    this.drawState();
  }

  remove() {
    clearInterval(this.ticker);
    clearTimeout(this.keeper);
    clearTimeout(this.greeter);
    this.doc.views.delete(this);
    this.doc.model.send({ type: "gone", view: this.id });
  }
}

export default {
  initialize({ model }) {
    const doc = new LiveDocument(model);
    documents.set(model.get("key"), doc);
    return () => {
      model.off("msg:custom", doc.receive);
      documents.delete(model.get("key"));
    };
  },
  render({ model, el }) {
    const view = new LiveView(documents.get(model.get("key")), el);
    return () => view.remove();
  },
};
