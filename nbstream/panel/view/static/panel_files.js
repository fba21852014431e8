// Files that the reader attaches: what can be sent of them, or in words why not.

/** @import { Attachment } from "./panel_messages.js" */

// Bytes: a Jupyter server breaks the connection off at a message of 10 MB, and an image grows by a third on its way.
const MAX_IMAGE = 4_000_000;
const MAX_TEXT = 500_000;

const SENT_IMAGE = /^image\/(?:png|jpeg|gif|webp)$/;
/** @type {[string, RegExp, RegExp, RegExp][]} Name, MIME type, file name, brand in the file's head. */
const REFUSED_IMAGES = [
  ["HEIC", /^image\/hei[cf]/, /\.hei[cf]$/i, /^(?:hei[cfmsx]|hev[cmsx]|mif1|msf1)$/],
  ["AVIF", /^image\/avif/, /\.avifs?$/i, /^avi[fs]$/],
];

/** @type {[string, string, number[]][]} */
const MARKS = [
  ["", "utf-8", [0xef, 0xbb, 0xbf]],
  ["UTF-16", "utf-16le", [0xff, 0xfe]],
  ["UTF-16", "utf-16be", [0xfe, 0xff]],
];
// What no text has in it, and what Windows-1252 does not define but East Asian encodings are full of.
// eslint-disable-next-line no-control-regex
const BINARY = /[\0-\x08\x0e-\x19\x1c-\x1f]/;
const UNDEFINED_IN_1252 = /[\x81\x8d\x8f\x90\x9d]/;
// The characters 80 to 9F of Windows-1252, where it differs from the first page of Unicode.
const IN_1252 = [..."€�‚ƒ„…†‡ˆ‰Š‹Œ�Ž��‘’“”•–—˜™š›œ�žŸ"];

/**
 * What a text file says, and in which encoding it was, unless in UTF-8; or why it cannot be read.
 *
 * @param {Uint8Array} bytes
 * @returns {{ text: string, encoding: string } | { problem: string }}
 */
export function decode(bytes) {
  const marked = MARKS.find(([, , mark]) => mark.every((byte, at) => bytes[at] === byte));
  if (marked) {
    const text = new TextDecoder(marked[1]).decode(bytes);
    return text.includes("\0") ? { problem: "is neither an image nor a text file" } : { text, encoding: marked[0] };
  }
  const text = new TextDecoder().decode(bytes);
  if (text.includes("\0")) return { problem: "is neither an image nor a text file" };
  if (isValid(bytes)) return { text, encoding: "" };
  const broken = text.match(/\ufffd/g)?.length ?? 0;
  const whole = text.match(/[^\0-\x7f\ufffd]/g)?.length ?? 0;
  if (whole > broken) return { text, encoding: `UTF-8 with broken characters (${broken})` };
  const single = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  if (BINARY.test(single)) return { problem: "is neither an image nor a text file" };
  if (UNDEFINED_IN_1252.test(single)) return { problem: "is in an encoding that is not recognised; save it as UTF-8" };
  return { text: single.replace(/[\x80-\x9f]/g, (each) => IN_1252[each.charCodeAt(0) - 0x80] ?? each), encoding: "Windows-1252" };
}

/** @param {Uint8Array} bytes */
function isValid(bytes) {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return false;
  }
  return true;
}

/**
 * The name of a kind of image that models do not take.
 *
 * @param {string} type
 * @param {string} name
 * @param {Uint8Array} head
 */
export function refusedImage(type, name, head) {
  const box = String.fromCharCode(...head.slice(4, 12));
  const brand = box.startsWith("ftyp") ? box.slice(4).trim() : "";
  const found = REFUSED_IMAGES.find(([, types, names, brands]) => types.test(type) || names.test(name) || brands.test(brand));
  return found?.[0] ?? "";
}

/**
 * @param {File} file
 * @returns {Promise<{ file: Attachment, remark: string } | { problem: string }>}
 */
export async function readFile(file) {
  const { name, size } = file;
  const type = file.type || "text/plain";
  const head = new Uint8Array(await file.slice(0, 12).arrayBuffer());
  const refused = refusedImage(type, name, head);
  if (refused) return { problem: `${name} is in ${refused} format, which models do not accept; convert it to JPEG or PNG.` };
  if (SENT_IMAGE.test(type)) {
    if (size > MAX_IMAGE) return { problem: `${name} is too large. Images can be up to ${MAX_IMAGE / 1e6} MB.` };
    return { file: { name, type, url: await dataUrl(file), text: "" }, remark: "" };
  }
  if (size > MAX_TEXT) return { problem: `${name} is too large. Text files can be up to ${MAX_TEXT / 1e3} kB.` };
  const read = decode(new Uint8Array(await file.arrayBuffer()));
  if ("problem" in read) return { problem: `${name} ${read.problem}.` };
  const remark = read.encoding && `${name} was read as ${read.encoding}.`;
  return { file: { name, type, url: "", text: read.text }, remark };
}

/**
 * @param {File} file
 * @returns {Promise<string>}
 */
function dataUrl(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(String(reader.result)));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(file);
  });
}
