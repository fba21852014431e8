// What the kernel says of one stream, and what a page answers. display/answer_feed.py documents it.

/**
 * The block at an index, the depth in it at which HTML is placed, the HTML that is final there, how much of the last
 * tail stays, and how the tail continues.
 *
 * @typedef {[index: number, depth: number, commit: string, keep: number, tail: string]} Patch
 * @typedef {{ word: string, sentence: string }} Mark
 * @typedef {{ seconds: number, over: boolean }} Thinking
 * @typedef {{ reason: string, left: number, attempt: number, attempts: number }} Retry
 * @typedef {{ state: string, mark: Mark | null, facts: string[] }} End
 *
 * @typedef {{ type: "patch", number: number, state?: string, blocks: Patch[] }} PatchMessage
 * @typedef {{ type: "reasoning", number: number, blocks: Patch[] } & Thinking} ReasoningMessage
 * @typedef {{ type: "retry", number: number, retry: Retry | null }} RetryMessage
 * @typedef {{ type: "end", number: number } & End} EndMessage
 * @typedef {{
 *   call: string, kind: string, tool: string, description: string, arguments: string, digest: string, words?: string[]
 * }} Question
 * @typedef {{ type: "questions", number: number, questions: Question[], allowed: string[] }} QuestionsMessage
 * @typedef {{ type: "refused", call: string, words: string }} Refused
 * @typedef {{
 *   type: "snapshot", number: number, blocks: string[], reasoning: { blocks: string[] } & Thinking | null,
 *   retry: Retry | null, questions: Question[], allowed: string[], elapsed: number, unasked?: boolean
 * } & End} Snapshot
 * What the saved notebook is to have of the answer so far, beside the widget of this id; for the page with the view. It
 * is so many units of the Markdown of the message before, which was `before` units long, and then `markdown`.
 * @typedef {{ type: "keep", view: string, id: string, before: number, kept: number, markdown: string }} Keep
 * @typedef {PatchMessage | ReasoningMessage | RetryMessage | EndMessage | QuestionsMessage | Snapshot} NumberedMessage
 * @typedef {NumberedMessage | Keep | Refused | { type: "stopping" } | { type: "missing" }} LiveMessage
 *
 * The model of a widget, or a stand-in for it.
 * @typedef {object} Channel
 * @property {(name: string) => any} get
 * @property {(event: string, hearer: (message: any) => void) => void} on
 * @property {(event: string, hearer: (message: any) => void) => void} off
 * @property {(message: object) => void} send
 * @property {any} [widget_manager] The front end's own, see jupyter_host.js.
 */

export {};
