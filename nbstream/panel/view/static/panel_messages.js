// What the kernel says of one panel, and what the page knows of a turn. display/panel_view.py documents the messages,
// display/panel_state.py the values.

/** @import { Channel, LiveMessage, Mark } from "../../../display/static/live_messages.js" */

/**
 * @typedef {{ name: string, type: string, url: string, text: string }} Attachment
 * @typedef {{ id: string, text: string, attachments: Attachment[] }} QueueItem
 *
 * @typedef {object} Surroundings
 * @property {QueueItem[]} queue
 * @property {string | null} running
 * @property {string} model
 * @property {string[] | null} models
 * @property {string} system
 * @property {Record<string, number | null>} parameters
 * @property {string[]} totals
 * @property {string} paused
 * @property {string} hint
 * @property {string[]} notices
 * @property {boolean} deleted
 * @property {string[]} untrusted
 * @property {string[]} suggestions
 * @property {string[]} allowed
 * @property {string[]} context
 * @property {string[]} exports
 *
 * @typedef {object} Head
 * @property {string} id
 * @property {string} role
 * @property {string} state
 * @property {string} version
 * @property {Mark | null} mark
 * @property {string[]} facts
 * @property {string[]} siblings
 * @property {boolean} included
 * @property {boolean} can_include
 * @property {boolean} can_retry
 * @property {boolean} can_continue
 * @property {boolean} can_edit
 * @property {boolean} can_regenerate
 * @property {string} note
 *
 * What turns hold besides their heads; `stream` says as which stream the page has seen it arrive, up to which message.
 * @typedef {{ text: string, attachments: Attachment[] }} Held
 * @typedef {object} Blocks
 * @property {string} id
 * @property {string} version
 * @property {string[] | null} blocks
 * @property {string[] | null} thoughts
 * @property {[number, number]} [stream]
 *
 * @typedef {Blocks & Held} Content
 *
 * @typedef {object} StateMessage
 * @property {"state" | "outline"} type
 * @property {number} number
 * @property {Partial<Surroundings>} surroundings
 * @property {string[]} [order]
 * @property {Head[]} heads
 * @property {Content[]} [contents]
 *
 * @typedef {{ type: "contents", contents: Content[] }} ContentsMessage
 * @typedef {{ type: "stream", turn: string, stream: number, label: string, message: LiveMessage }} StreamMessage
 * @typedef {{ type: "reply", id: number, value?: any, error?: string }} Reply
 * @typedef {StateMessage | ContentsMessage | StreamMessage | Reply} PanelMessage
 *
 * Widgets of a front end that lends its typesetter and its Markdown parser have them here.
 * @typedef {{ render: (markdown: string) => Promise<string> }} Parser
 * @typedef {{ rendermime?: { latexTypesetter?: Typesetter | null, markdownParser?: Parser | null } }} Manager
 * @typedef {{ typeset: (node: HTMLElement) => unknown }} Typesetter
 * @typedef {Channel & { widget_manager?: Manager }} PanelModel
 */

export {};
