// What has arrived of one stream: one document per widget and page, shown by any number of views, so that a view that
// is made again (a second output, a redrawn one) needs no kernel.

import { BlockList } from "./block_list.js";
import { watchCell } from "./deleted_cell.js";
import { announce, announcer, retire } from "./elements.js";
import { whenKernelEnds } from "./jupyter_host.js";
import { asked } from "./questions.js";
import { keepInNotebook } from "./saved_text.js";

/** @import { Change } from "./block_list.js" */
/** @import { Channel, End, Keep, LiveMessage, Mark, Question, Retry, Snapshot, Thinking } from "./live_messages.js" */

/**
 * @typedef {object} Viewer
 * @property {string} [id]
 * @property {() => void} redraw
 * @property {() => void} drawState
 * @property {(change: Change) => void} think
 * @property {(change: Change) => void} patch
 * @property {(call: string, words: string) => void} refuse
 */

export class LiveDocument {
  startedAt = performance.now();
  number = 0; // of the last message that was applied
  blocks = new BlockList(); // of the answer
  thoughts = new BlockList(); // of the reasoning
  /** @type {Thinking & { since: number } | null} */
  reasoning = null; // and since when it grows
  state = "pending";
  /** @type {Mark | null} */
  mark = null;
  /** @type {string[]} */
  facts = [];
  /** @type {Retry & { endsAt: number, announcement: string } | null} */
  retry = null; // the pause before the next attempt, while the stream is in it
  kernelAnswers = false; // whether a message to the kernel has come back, so that Stop will work
  /** @type {Question[]} */
  questions = []; // what waits for the reader
  /** @type {string[]} */
  allowed = []; // the tools whose calls run without a question
  /** @type {Set<Viewer>} */
  views = new Set();
  asking = false;
  stopping = false; // whether the kernel has heard of a Stop
  lost = false; // whether the kernel has ended before the answer
  /** @type {{ id: string, markdown: string } | null} */
  kept = null; // what the saved notebook has of the answer so far

  /**
   * @param {Channel} model
   * @param {HTMLElement | null} voice Of a panel, which speaks for all its answers.
   */
  constructor(model, voice = null) {
    this.model = model;
    this.voice = voice;
    this.announcer = voice ?? announcer();
    this.receive = (/** @type {LiveMessage} */ message) => this.apply(message);
    model.on("msg:custom", this.receive);
    // A panel has its own words for that, and keeps what it has in its own way.
    this.unwatch = voice ? [] : [whenKernelEnds(model, () => this.lose()), watchCell(model, () => this.ended)];
  }

  /** @param {LiveMessage} message */
  apply(message) {
    if (message.type === "snapshot") return this.applySnapshot(message);
    if (message.type === "stopping") {
      this.stopping = true;
      return;
    }
    if (message.type === "missing") return; // see deleted_cell.js
    if (message.type === "keep") {
      if (![...this.views].some(({ id }) => id === message.view)) return; // it is for another page
      return this.keep(message);
    }
    if (message.type === "refused") return this.views.forEach((view) => view.refuse(message.call, message.words));
    if (message.number !== this.number + 1) return this.askForAll(); // one was lost, or came before this page
    this.number = message.number;
    if (message.type === "patch") {
      this.state = message.state ?? "streaming";
      for (const change of this.blocks.apply(message.blocks)) this.views.forEach((view) => view.patch(change));
    } else if (message.type === "reasoning") {
      this.think(message);
      for (const change of this.thoughts.apply(message.blocks)) this.views.forEach((view) => view.think(change));
    } else if (message.type === "questions") {
      this.ask(message);
    } else if (message.type === "retry") {
      this.pause(message.retry);
    } else if (message.type === "end") {
      this.end(message);
    }
    this.views.forEach((view) => view.drawState());
    this.announceState();
  }

  /** @param {Keep} message */
  keep({ id, before, kept, markdown }) {
    const saved = before ? (this.kept?.markdown ?? "") : "";
    if (saved.length !== before) return this.askForAll();
    this.kept = { id, markdown: saved.slice(0, kept) + markdown };
    keepInNotebook(this.model, this.kept, true);
  }

  askForAll() {
    if (!this.asking) this.model.send({ type: "resync" });
    this.asking = true;
  }

  /** @param {Snapshot} message */
  applySnapshot(message) {
    this.number = message.number;
    this.startedAt = performance.now() - 1000 * message.elapsed;
    this.blocks = new BlockList(message.blocks);
    this.thoughts = new BlockList(message.reasoning?.blocks);
    this.reasoning = null;
    if (message.reasoning) this.think(message.reasoning);
    this.end(message);
    this.pause(message.retry);
    this.questions = message.questions ?? [];
    this.allowed = message.allowed ?? [];
    this.kernelAnswers ||= !message.unasked;
    this.asking = false;
    this.views.forEach((view) => view.redraw());
  }

  /** @param {Thinking} thinking */
  think({ seconds, over }) {
    this.reasoning = { since: performance.now() - 1000 * seconds, seconds, over };
  }

  /** @param {{ questions: Question[], allowed: string[] }} message */
  ask({ questions, allowed }) {
    const known = new Set(this.questions.map(({ digest }) => digest));
    const [added] = questions.filter(({ digest }) => !known.has(digest));
    Object.assign(this, { questions, allowed });
    if (added) this.announce(asked(added));
  }

  /** @param {Retry | null} [retry] */
  pause(retry) {
    const pause = retry && { ...retry, endsAt: performance.now() + 1000 * retry.left };
    this.retry = pause ? { ...pause, announcement: retryLine(pause) ?? "" } : null;
  }

  /** @param {End} end */
  end({ state, mark, facts }) {
    Object.assign(this, { state, mark, facts });
  }

  lose() {
    if (this.ended) return;
    this.lost = true;
    if (this.reasoning && !this.reasoning.over) this.think({ seconds: this.thinkingSeconds(), over: true });
    const sentence = "The answer was still arriving. What had arrived is shown here, but no variable holds it.";
    this.end({ state: "failed", mark: { word: "Kernel stopped", sentence }, facts: [] });
    this.views.forEach((view) => view.drawState());
    this.announceState();
    if (this.kept) keepInNotebook(this.model, this.kept, false);
  }

  get ended() {
    return !["pending", "streaming"].includes(this.state);
  }

  statusLine() {
    if (this.ended) return this.facts.join(" · ");
    const label = this.model.get("label");
    const doing = this.doing();
    if (doing) return `${label} · ${doing} · ${this.seconds()} s`;
    return (this.retry && retryLine(this.retry)) ?? `Waiting for ${label} · ${this.seconds()} s`;
  }

  seconds() {
    return Math.floor((performance.now() - this.startedAt) / 1000);
  }

  // What it does, unless it only waits.
  doing() {
    if (this.questions.length) return "waiting for you";
    // The existing text may be that of an answer that is only being continued.
    if (this.state !== "pending" && !this.blocks.empty) return "streaming";
    return !this.retry && this.reasoning && !this.reasoning.over ? "thinking" : "";
  }

  thinkingLine() {
    if (!this.reasoning) return "";
    const { seconds, over } = this.reasoning;
    if (!over) return `Thinking … ${Math.floor(this.thinkingSeconds())} s`;
    return seconds < 0.5 ? "Reasoning" : `Thought for ${Math.round(seconds)} s`;
  }

  thinkingSeconds() {
    return this.reasoning ? (performance.now() - this.reasoning.since) / 1000 : 0;
  }

  // One announcement at the start, at a pause and at the end: one a token would bury a screen reader.
  announceState() {
    if (this.ended) this.announce(this.mark ? this.mark.word : "Answer complete");
    else if (this.retry) this.announce(this.retry.announcement);
    else if (this.state === "streaming" && !this.blocks.empty) this.announce("Answer begins");
  }

  /** @param {string} words */
  announce(words) {
    announce(this.announcer, words);
  }

  fallSilent() {
    if (!this.voice) retire(this.announcer, this.views);
  }

  close() {
    this.model.off("msg:custom", this.receive);
    this.unwatch.forEach((end) => end());
    this.fallSilent();
  }
}

/**
 * The words of the kernel's `Retry.sentence`, counting down; nothing once the pause is over.
 *
 * @param {Retry & { endsAt: number }} retry
 */
export function retryLine({ reason, endsAt, attempt, attempts }) {
  const left = Math.ceil((endsAt - performance.now()) / 1000);
  return left > 0 ? `${reason}, retrying in ${left} s · attempt ${attempt} of ${attempts}` : null;
}
