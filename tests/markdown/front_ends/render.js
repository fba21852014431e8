// Renders Markdown as JupyterLab and as VS Code do, and finds formulas in HTML as MathJax does.
//
//     echo '{"lab": ["*a* $x$"], "code": ["*a* $x$"], "math": ["<p>$x$</p>"]}' | node render.js
//
// writes JSON of the same shape: HTML in which each formula is <span class="nbs-math">$TeX$</span>, with two dollars on
// either side of a displayed one. The code and the options are JupyterLab's own, apart from what needs a browser:
//
// * No code is highlighted and no diagram is drawn.
// * The HTML is read by parse5, which reads it as a browser does, and searched in the small DOM that MathJax brings.

import { readFileSync } from "node:fs";

import katex from "@vscode/markdown-it-katex";
import MarkdownIt from "markdown-it";
import { marked } from "marked";
import { gfmHeadingId } from "marked-gfm-heading-id";
import { mangle } from "marked-mangle";
import { liteAdaptor } from "mathjax-full/js/adaptors/liteAdaptor.js";
import { HTMLHandler } from "mathjax-full/js/handlers/html/HTMLHandler.js";
import { TeX } from "mathjax-full/js/input/tex.js";
import { mathjax } from "mathjax-full/js/mathjax.js";
import { parseFragment, serialize } from "parse5";

globalThis.navigator ??= /** @type {any} */ ({}); // latex.js asks whether it runs in Internet Explorer

const { removeMath, replaceMath } = await oneFile("@jupyterlab/rendermime/lib/latex.js");
const { Sanitizer } = await oneFile("@jupyterlab/apputils/lib/sanitizer.js");

/**
 * Import a file of a package without the rest of it. Node would take the file for CommonJS.
 *
 * @param {string} path
 */
function oneFile(path) {
  const source = readFileSync(new URL(import.meta.resolve(path)), "utf8");
  const resolved = source.replace(/^(import .* from )'(.*)';$/gm, (_line, start, name) => {
    return `${start}${JSON.stringify(import.meta.resolve(name))};`;
  });
  return import(`data:text/javascript,${encodeURIComponent(resolved)}`);
}

const sanitizer = new Sanitizer();
marked.use(gfmHeadingId(), mangle());

/** @param {string} markdown */
function lab(markdown) {
  const { text, math } = removeMath(markdown);
  const html = replaceMath(marked.parse(text, { gfm: true }), math);
  return found(sanitizer.sanitize(html));
}

const adaptor = liteAdaptor();
mathjax.handlers.register(new HTMLHandler(adaptor));
const tex = {
  packages: ["base"], // none has a part in finding formulas
  inlineMath: [
    ["$", "$"],
    ["\\(", "\\)"],
  ],
  displayMath: [
    ["$$", "$$"],
    ["\\[", "\\]"],
  ],
  processEscapes: true,
  processEnvironments: true,
};

/** @param {string} html */
function found(html) {
  const page = mathjax.document(serialize(parseFragment(html)), { InputJax: new TeX(tex) });
  page.findMath();
  for (const item of page.math.reversed()) {
    // An escaped dollar or backslash has no display.
    item.typesetRoot = item.isEscaped ? adaptor.text(item.math) : formula(item.math, item.display);
    item.updateDocument(page);
  }
  return adaptor.innerHTML(adaptor.body(page.document));
}

/**
 * @param {string} source
 * @param {boolean} display
 */
function formula(source, display) {
  const mark = display ? "$$" : "$";
  return adaptor.node("span", { class: "nbs-math" }, [adaptor.text(`${mark}${source}${mark}`)]);
}

// The options of VS Code's notebooks.
const markdownIt = new MarkdownIt({ html: true, linkify: true });
markdownIt.use(katex.default ?? katex, { enableFencedBlocks: true });
for (const [rule, mark] of [
  ["math_inline", "$"],
  ["math_inline_block", "$$"],
  ["math_inline_bare_block", "$$"],
  ["math_block", "$$"],
]) {
  markdownIt.renderer.rules[rule] = (tokens, at) => {
    const source = mark === "$" ? tokens[at].content.replace(/^`(.+)`$/s, "$1") : tokens[at].content;
    return `<span class="nbs-math">${mark}${markdownIt.utils.escapeHtml(source)}${mark}</span>`;
  };
}

const renderers = { lab, code: (/** @type {string} */ markdown) => markdownIt.render(markdown), math: found };
const asked = JSON.parse(readFileSync(0, "utf8"));
const answered = Object.fromEntries(
  Object.entries(asked).map(([name, texts]) => [name, texts.map((/** @type {string} */ text) => renderers[name](text))]),
);
process.stdout.write(JSON.stringify(answered));
