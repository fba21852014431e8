// What has arrived of one stream: one document per widget and page, shown by any number of views, so that a view that
// is made again (a second output, a redrawn one) needs no kernel. display/live_view.py documents the messages.

import { announcer, place, slot } from "./elements.js";

export class LiveDocument {
  constructor(model, voice = null) {
    this.model = model;
    this.startedAt = performance.now();
    this.number = 0; // of the last message that was applied
    this.blocks = []; // the slots, one element each, that every view shows a copy of
    this.tails = []; // the HTML of the last tail in each
    this.reasoning = null; // its text, since when it grows, how long it took, whether it is over
    this.state = "pending";
    this.mark = null;
    this.facts = [];
    this.retry = null; // the pause before the next attempt, while the stream is in it
    this.kernelAnswers = false; // whether a message to the kernel has come back, so that Stop will work
    this.views = new Set();
    this.asking = false;
    this.voice = voice; // of a panel, which speaks for all its answers
    this.announcer = voice ?? announcer();
    this.receive = (message) => this.apply(message);
    model.on("msg:custom", this.receive);
  }

  apply(message) {
    if (message.type === "snapshot") return this.applySnapshot(message);
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
    } else if (message.type === "reasoning") {
      this.think(message);
      this.views.forEach((view) => view.drawThoughts(message.keep, message.text));
    } else if (message.type === "retry") {
      this.pause(message.retry);
    } else if (message.type === "end") {
      this.end(message);
    }
    this.views.forEach((view) => view.drawState());
    this.announceState();
  }

  applySnapshot(message) {
    this.number = message.number;
    this.startedAt = performance.now() - 1000 * message.elapsed;
    this.blocks = [];
    this.tails = [];
    message.blocks.forEach((html, index) => this.patch(index, 0, "", html));
    this.reasoning = null;
    if (message.reasoning) this.think({ keep: 0, ...message.reasoning });
    this.end(message);
    this.pause(message.retry);
    this.kernelAnswers = true;
    this.asking = false;
    this.views.forEach((view) => view.redraw());
  }

  patch(index, depth, commit, tail) {
    while (this.blocks.length <= index) this.blocks.push(slot());
    place(this.blocks[index], depth, commit, tail);
    this.tails[index] = tail;
  }

  think({ keep, text, seconds, over }) {
    const whole = (this.reasoning?.text ?? "").slice(0, keep) + text;
    this.reasoning = { text: whole, since: performance.now() - 1000 * seconds, seconds, over };
  }

  pause(retry) {
    this.retry = retry ?? null;
    if (!this.retry) return;
    this.retry.endsAt = performance.now() + 1000 * retry.left;
    this.retry.announcement = this.retryLine() ?? "";
  }

  end({ state, mark, facts }) {
    Object.assign(this, { state, mark, facts });
  }

  get ended() {
    return !["pending", "streaming"].includes(this.state);
  }

  // The words of the kernel's `Retry.sentence`, counting down; nothing once the pause is over.
  retryLine() {
    const { reason, endsAt, attempt, attempts } = this.retry;
    const left = Math.ceil((endsAt - performance.now()) / 1000);
    return left > 0 ? `${reason}, retrying in ${left} s · attempt ${attempt} of ${attempts}` : null;
  }

  statusLine() {
    const seconds = Math.floor((performance.now() - this.startedAt) / 1000);
    const label = this.model.get("label");
    if (this.ended) return this.facts.join(" · ");
    // The text there is may be that of an answer which is only gone on with.
    const answering = this.state !== "pending" && this.blocks.some((block) => block.childNodes.length);
    if (answering) return `${label} · streaming · ${seconds} s`;
    if (this.retry) return this.retryLine() ?? `Waiting for ${label} · ${seconds} s`;
    if (this.reasoning && !this.reasoning.over) return `${label} · thinking · ${seconds} s`;
    return `Waiting for ${label} · ${seconds} s`;
  }

  thinkingLine() {
    const { since, seconds, over } = this.reasoning;
    if (!over) return `Thinking … ${Math.floor((performance.now() - since) / 1000)} s`;
    return seconds < 0.5 ? "Reasoning" : `Thought for ${Math.round(seconds)} s`;
  }

  // One announcement at the start, at a pause and at the end: one a token would bury a screen reader.
  announceState() {
    if (this.ended) this.announce(this.mark ? this.mark.word : "Answer complete");
    else if (this.retry) this.announce(this.retry.announcement);
    else if (this.state === "streaming" && this.blocks.length) this.announce("Answer begins");
  }

  announce(words) {
    if (this.announcer.textContent !== words) this.announcer.textContent = words;
  }

  close() {
    this.model.off("msg:custom", this.receive);
    if (!this.voice) setTimeout(() => this.announcer.remove(), 5000); // the end may have to be spoken still
  }
}
