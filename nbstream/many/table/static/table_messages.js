// What the kernel says of one job, and what a page answers. many/table/table_feed.py and row_line.py document it.

/** @import { Keep } from "../../../display/static/live_messages.js" */

/**
 * @typedef {[
 *   number: number, index: string, state: string, input: string, cells: string[], error: string
 * ]} RowLine
 * @typedef {{ done: number, failed: number, total: number | null, facts: string[] }} Progress
 * @typedef {{ number: number, input: string, error: string, html: string, more: string }} RowDetail
 * @typedef {{
 *   count?: number, first?: number, failed?: boolean, rows?: RowLine[], numbers?: number[], detail?: RowDetail
 * }} Part
 *
 * @typedef {{
 *   type: "frame", number: number, progress?: Progress, wait?: number, views?: Record<string, Part>
 * }} FrameMessage
 * @typedef {{ type: "end", number: number, state: string, words: string }} EndMessage
 * @typedef {{ type: "begin", number: number }} BeginMessage
 * @typedef {{ type: "stopping" } | { type: "retrying" } | { type: "refused", words: string }} Heard
 * @typedef {FrameMessage | EndMessage | BeginMessage | Heard | Keep} TableMessage
 */

export {};
