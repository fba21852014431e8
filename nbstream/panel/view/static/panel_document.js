// What a page knows of one panel: one document per widget and page, shown by any number of views, so that what the
// reader has written and done outlives them.

import { announce, announcer } from "../../../display/static/elements.js";
import { hearAgain, whenKernelEnds } from "../../../display/static/jupyter_host.js";
import { LiveDocument } from "../../../display/static/live_document.js";

/** @import { Channel, LiveMessage } from "../../../display/static/live_messages.js" */
/** @import { Attachment, Content, Head, Held, PanelMessage, PanelModel } from "./panel_messages.js" */
/** @import { QueueItem, Reply, StreamMessage, Surroundings } from "./panel_messages.js" */

/** @typedef {{ resolve: (value: any) => void, reject: (error: Error) => void, deaf: number }} Request */

const DEAF_MS = 1000;
const KEPT_MS = 3000;
const NOT_KEPT =
  "This conversation is no longer saved in the notebook, because the page was reloaded or the panel is in an Output " +
  "widget. To save it again, show the panel in any cell.";
const NO_KERNEL = "This panel's kernel has stopped. Run nbs.ChatPanel.restore() in a new cell to continue the saved conversation.";

/**
 * A view of the panel, as far as its document and its parts know it.
 *
 * @typedef {object} Viewer
 * @property {PanelDocument} doc
 * @property {HTMLElement} root
 * @property {{ draw: () => void, field: HTMLElement }} composer
 * @property {{ forgetGone: () => void }} codeBar
 * @property {(node: Element) => void} finish Let the front end draw what it lends its means for.
 * @property {string | null} stopping The turn that the reader has stopped, until another one runs.
 * @property {(changed: (string | undefined)[]) => void} drawTurns
 * @property {(id: string, blocks: string[] | null, thoughts?: string[]) => void} settle
 * @property {(id: string) => void} stream
 * @property {(id: string) => void} grew
 * @property {() => void} draw
 * @property {{ draw: () => void }} notices
 * @property {() => void} toTail
 * @property {() => void} askToStop
 * @property {() => void} remove
 */

/** @template {Viewer} [V=Viewer] */
export class PanelDocument {
  number = 0; // of the last message that was applied
  known = false; // whether the kernel has told what there is
  lost = false; // whether the kernel has ended
  deaf = false; // whether it has not answered for a while
  asking = false;
  /** @type {number | null} */
  wanting = null;
  /** @type {Surroundings} */
  surroundings = {
    queue: [], running: null, model: "", models: null, system: "", parameters: {}, totals: [],
    paused: "", hint: "", notices: [], deleted: false, untrusted: [], suggestions: [], allowed: [], context: [], exports: [],
  };
  /** @type {string[]} */
  order = [];
  /** @type {Map<string, Held & { head: Head | null, version: string | null }>} */
  turns = new Map(); // by id
  /** @type {Map<string, { number: number, doc: LiveDocument, hear: (message: LiveMessage) => void }>} */
  streams = new Map(); // by id of the turn
  /** @type {Map<number, Request>} */
  requests = new Map(); // what the kernel has not replied to yet
  asked = Math.floor(Math.random() * 2 ** 40); // replies are heard by all pages
  /** @type {QueueItem[]} */
  outbox = []; // messages on their way to the kernel
  remark = ""; // what the page itself has to say
  /** @type {Set<V>} */
  views = new Set();
  announcer = announcer();
  /** @type {{ text: string, attachments: Attachment[] }} */
  draft = { text: "", attachments: [] };
  /** @type {Set<Element>} */
  outputs = new Set(); // those that kept the conversation when the current answer began
  /** @type {number | undefined} */
  greeter;

  /** @param {PanelModel} model */
  constructor(model) {
    this.model = model;
    this.recallDraft();
    this.receive = (/** @type {PanelMessage} */ message) => this.apply(message);
    model.on("msg:custom", this.receive);
    this.unwatch = whenKernelEnds(model, () => this.lose());
    this.greet(250);
    this.late = setTimeout(() => this.known || this.noteDeaf(true), 4 * DEAF_MS);
  }

  /**
   * Until the kernel answers: a busy one may find the greeting late.
   *
   * @param {number} delay
   */
  greet(delay) {
    if (this.known) return;
    if (delay > 3 * DEAF_MS) hearAgain(this.model);
    this.model.send({ type: "hello" });
    this.greeter = setTimeout(() => this.greet(Math.min(2 * delay, 10_000)), delay);
  }

  /** @param {PanelMessage} message */
  apply(message) {
    if (message.type === "reply") return this.takeReply(message);
    if (message.type === "stream") return this.takeStream(message);
    if (message.type === "contents") return this.takeWanted(message.contents);
    if (message.type === "outline") {
      if (!this.known && this.requests.size === 0) this.deaf = false;
      this.known = true;
      this.asking = false;
    } else if (message.type !== "state" || !this.known) {
      return;
    } else if (message.number !== this.number + 1) {
      if (!this.asking) this.model.send({ type: "resync", turn: null });
      this.asking = true;
      return;
    }
    this.number = message.number;
    const { running, question } = this;
    Object.assign(this.surroundings, message.surroundings);
    if (this.running !== running) this.watchOutputs();
    for (const head of message.heads) this.turn(head.id).head = head;
    if (message.order) this.reorder(message.order);
    const changed = [...message.heads.map(({ id }) => id), question, this.question];
    this.views.forEach((view) => view.drawTurns(changed));
    for (const content of message.contents ?? []) this.fill(content);
    this.views.forEach((view) => view.draw());
    this.want();
  }

  /** @param {string} id */
  turn(id) {
    const known = this.turns.get(id) ?? { head: null, version: null, text: "", attachments: [] };
    this.turns.set(id, known);
    return known;
  }

  /** @param {string[]} order */
  reorder(order) {
    this.order = order;
    const stay = new Set(order);
    for (const id of this.turns.keys()) {
      if (!stay.has(id)) this.turns.delete(id);
    }
    for (const [id, { doc }] of this.streams) {
      if (!stay.has(id) && doc.ended) this.endStream(id);
    }
  }

  // The kernel updates the outputs that keep the conversation, each time with elements of their own; but a
  // page that was reloaded is not told, nor is an Output widget, and their old content would be saved.
  watchOutputs() {
    const outputs = () => [...document.querySelectorAll(`.nbs-transcript[data-panel="${this.model.get("key")}"]`)];
    if (this.running) {
      this.outputs = new Set(outputs());
      return;
    }
    const stale = () => outputs().length > 0 && outputs().every((each) => this.outputs.has(each));
    setTimeout(() => !this.running && stale() && this.say(NOT_KEPT), KEPT_MS);
  }

  // --- what turns hold ---

  /** @param {Content} content */
  fill({ id, version, blocks, thoughts, stream, ...held }) {
    const turn = this.turns.get(id);
    const arrived = this.streams.get(id);
    if (!turn || turn.head?.version !== version || (turn.version === version && !arrived)) return;
    const seen = arrived && stream && arrived.number === stream[0] && arrived.doc.number === stream[1];
    if (!blocks && !seen) return; // it is asked for
    Object.assign(turn, held, { version });
    if (arrived) this.endStream(id);
    this.views.forEach((view) => view.settle(id, seen ? null : blocks, thoughts ?? []));
  }

  missing() {
    return this.order.filter((id) => {
      const { head, version } = this.turn(id);
      return head?.version && (head.version !== version || this.streams.has(id));
    });
  }

  // The newest first, and the next only when the last have come.
  want() {
    const turns = this.missing().reverse().slice(0, 40);
    if (this.wanting || turns.length === 0) return;
    this.model.send({ type: "want", turns });
    this.wanting = setTimeout(() => this.wantAgain(), 5000);
  }

  wantAgain() {
    clearTimeout(this.wanting ?? undefined);
    this.wanting = null;
    this.want();
  }

  /** @param {Content[]} contents */
  takeWanted(contents) {
    for (const content of contents) this.fill(content);
    // After the page has been drawn.
    if (contents.length) setTimeout(() => this.wantAgain());
  }

  // --- answers that arrive ---

  /** @param {StreamMessage} message */
  takeStream({ turn, stream, label, message }) {
    let known = this.streams.get(turn);
    if (known && known.number > stream) return;
    if (known?.number !== stream) {
      if (known) this.endStream(turn);
      /** @type {Set<(message: LiveMessage) => void>} */
      const hearers = new Set();
      /** @type {Channel} */
      const channel = {
        get: () => label,
        on: (_, hearer) => hearers.add(hearer),
        off: (_, hearer) => hearers.delete(hearer),
        send: (asked) => this.model.send({ ...asked, turn }),
      };
      known = { number: stream, doc: new LiveDocument(channel, this.announcer), hear: (told) => hearers.forEach((hear) => hear(told)) };
      this.streams.set(turn, known);
      known.hear(message);
      this.views.forEach((view) => view.stream(turn));
      return;
    }
    known.hear(message);
    this.views.forEach((view) => view.grew(turn));
  }

  // Nothing more will come: what has arrived stays, and nothing counts on.
  lose() {
    if (this.lost) return;
    this.lost = true;
    for (const { doc } of this.streams.values()) doc.lose();
    Object.assign(this.surroundings, { running: null, paused: "" });
    this.say(NO_KERNEL);
    this.views.forEach((view) => view.draw());
  }

  /** @param {string} id */
  endStream(id) {
    this.streams.get(id)?.doc.close();
    this.streams.delete(id);
  }

  // --- what the reader does ---

  get running() {
    return this.surroundings.running;
  }

  // The turn that is being answered.
  get question() {
    return this.running === null ? undefined : this.order[this.order.indexOf(this.running) - 1];
  }

  /**
   * Resolves with what the kernel replies.
   *
   * @param {string} action
   * @param {object} [details]
   * @returns {Promise<any>}
   */
  ask(action, details = {}) {
    const id = ++this.asked;
    try {
      this.model.send({ type: "do", id, action, ...details });
    } catch {
      return Promise.reject(new Error(NO_KERNEL)); // its connection is taken away with it
    }
    return new Promise((resolve, reject) => {
      const deaf = setTimeout(() => this.noteDeaf(true), DEAF_MS);
      this.requests.set(id, { resolve, reject, deaf });
    });
  }

  /** @param {Reply} reply */
  takeReply({ id, value, error }) {
    const request = this.requests.get(id);
    if (!request) return; // another page's
    this.requests.delete(id);
    clearTimeout(request.deaf);
    if (this.requests.size === 0) this.noteDeaf(false);
    if (error === undefined) request.resolve(value);
    else request.reject(new Error(error));
  }

  /**
   * Like `ask`, for what needs no answer; errors are shown.
   *
   * @param {string} action
   * @param {object} [details]
   */
  act(action, details) {
    return this.ask(action, details).catch(({ message }) => this.say(message));
  }

  /**
   * @param {string} text
   * @param {Attachment[]} attachments
   */
  send(text, attachments) {
    this.say("");
    const item = { id: `${this.asked + 1}`, text, attachments };
    this.outbox.push(item);
    const sent = this.ask("send", { text, attachments });
    const over = () => {
      this.outbox = this.outbox.filter((other) => other !== item);
      this.views.forEach((view) => view.draw());
    };
    sent.then(over, ({ message }) => {
      over();
      this.giveBack(item);
      this.say(message);
    });
    this.views.forEach((view) => view.draw());
    return sent;
  }

  /**
   * What could not be sent stands before what has been written since.
   *
   * @param {{ text: string, attachments: Attachment[] }} message
   */
  giveBack({ text, attachments }) {
    const both = [text, this.draft.text].filter(Boolean).join("\n\n");
    this.write({ text: both, attachments: [...attachments, ...this.draft.attachments] });
  }

  /**
   * What was being written in a place that is gone.
   *
   * @param {string} text
   * @param {string} words
   */
  handOver(text, words) {
    this.giveBack({ text, attachments: [] });
    this.say(words);
  }

  /** @param {boolean} deaf */
  noteDeaf(deaf) {
    this.deaf = deaf;
    this.views.forEach((view) => view.notices.draw());
  }

  /** @param {string} words */
  say(words) {
    this.remark = words;
    this.views.forEach((view) => view.notices.draw());
  }

  /** @param {string} words */
  announce(words) {
    announce(this.announcer, words);
  }

  // --- what is being written ---

  /**
   * @param {Partial<PanelDocument["draft"]>} draft
   * @param {Viewer | null} except
   */
  write(draft, except = null) {
    Object.assign(this.draft, draft);
    this.views.forEach((view) => view !== except && view.composer.draw());
    try {
      sessionStorage.setItem(`nbstream-draft-${this.model.get("key")}`, this.draft.text);
    } catch {
      // Storage may be full or forbidden; the draft then ends with the page.
    }
  }

  recallDraft() {
    try {
      this.draft.text = sessionStorage.getItem(`nbstream-draft-${this.model.get("key")}`) ?? "";
    } catch {
      // forbidden
    }
  }

  // What was asked before, the latest first.
  prompts() {
    const turns = this.order.map((id) => this.turn(id)).filter(({ head }) => head?.role === "user");
    return [...turns, ...this.surroundings.queue].map(({ text }) => text).filter(Boolean).reverse();
  }

  close() {
    this.unwatch();
    clearTimeout(this.greeter);
    clearTimeout(this.late);
    clearTimeout(this.wanting ?? undefined);
    this.requests.forEach(({ deaf }) => clearTimeout(deaf));
    [...this.streams.keys()].forEach((id) => this.endStream(id));
    this.model.off("msg:custom", this.receive);
    this.views.forEach((view) => view.remove());
    this.announcer.remove();
  }
}
