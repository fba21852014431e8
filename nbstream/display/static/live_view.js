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
    this.blocks = [];
    this.state = "pending";
    this.mark = null;
    this.kernelAnswers = false; // whether a message to the kernel has come back, so that Stop will work
    this.views = new Set();
    this.asking = false;
    this.receive = (message) => this.apply(message);
    model.on("msg:custom", this.receive);
  }

  apply(message) {
    if (message.type === "snapshot") {
      this.number = message.number;
      this.blocks = message.blocks;
      this.state = message.state;
      this.mark = message.mark;
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
      this.state = "streaming";
      const changed = message.blocks.map(([index, keep, html]) => {
        this.blocks[index] = (this.blocks[index] ?? "").slice(0, keep) + html;
        return index;
      });
      this.views.forEach((view) => view.drawBlocks(changed));
    } else if (message.type === "end") {
      this.state = message.state;
      this.mark = message.mark;
      this.views.forEach((view) => view.drawState());
    }
  }
}

const ended = (state) => !["pending", "streaming"].includes(state);

function element(tag, className, parent) {
  const made = document.createElement(tag);
  made.className = className;
  parent?.append(made);
  return made;
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
    this.body.dir = "auto";
    const bar = element("div", "nbs-bar", this.root);
    this.status = element("span", "nbs-status", bar);
    this.stop = element("button", "nbs-stop", bar);
    this.stop.type = "button";
    this.stop.textContent = "Stop";
    this.stop.title = "Stop the answer and keep what has arrived";
    this.stop.addEventListener("click", () => this.askToStop());
    this.announcer = element("span", "nbs-announcer", this.root);
    this.announcer.setAttribute("role", "status");
    this.ticker = setInterval(() => this.drawState(), 1000);
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
    this.body.replaceChildren();
    this.drawBlocks(this.doc.blocks.keys());
  }

  drawBlocks(indices) {
    for (const index of indices) {
      while (this.body.childElementCount <= index) element("div", "nbs-block", this.body);
      this.body.children[index].innerHTML = this.doc.blocks[index] ?? "";
    }
    this.drawState();
  }

  drawState() {
    const { state, mark, kernelAnswers } = this.doc;
    const seconds = Math.floor((performance.now() - this.doc.startedAt) / 1000);
    const label = this.doc.model.get("label");
    this.root.dataset.state = state;
    this.stop.hidden = ended(state) || (!kernelAnswers && seconds >= 3);
    if (ended(state)) {
      clearInterval(this.ticker);
      this.status.textContent = mark ? `${mark.word}. ${mark.sentence}` : "";
      this.announce(mark ? mark.word : "Answer complete");
      // The static answer takes this view's place. Where it does not, the page was reloaded meanwhile.
      this.keeper ??= setTimeout(() => this.sayKept(), 3000);
      return;
    }
    if (state === "pending") this.status.textContent = `Waiting for ${label} · ${seconds} s`;
    else if (this.stopping) this.status.textContent = "Stopping …";
    else if (this.stop.hidden) this.status.textContent = "To stop, interrupt the kernel (■)";
    else this.status.textContent = "";
    if (state === "streaming") this.announce("Answer begins");
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
