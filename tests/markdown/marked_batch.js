// Renders texts as JupyterLab does: with its own `removeMath`, `marked` and `replaceMath`, taken from its built pages.
// In: {"assets": folder, "texts": [...]} as JSON. Out: for every build of `marked` a list of HTML, and the same for
// nbclassic, whose `removeMath` knows no fences.

const fs = require("node:fs");
const path = require("node:path");

const { assets, texts } = JSON.parse(fs.readFileSync(0, "utf8"));
const files = fs.readdirSync(assets).filter((name) => name.endsWith(".js") && name !== "index.out.js");
const sources = files.sort().map((name) => fs.readFileSync(path.join(assets, name), "utf8"));

globalThis.navigator ??= { appName: "" };

/** What a module exports. */
function exportsOf(run) {
  const exported = {};
  const need = () => ({});
  need.r = () => {};
  need.d = (_, getters) => Object.entries(getters).forEach(([name, get]) => Object.defineProperty(exported, name, { get }));
  run({ exports: exported }, exported, need);
  return exported;
}

/** All modules of a chunk that holds nothing else. */
function modulesOf(source) {
  const self = {};
  new Function("self", source)(self);
  return Object.values(Object.values(self)[0][0][1]);
}

/** `removeMath` and `replaceMath` from the module whose source has `mark` in it. */
function mathOf(core, mark, change) {
  const start = core.lastIndexOf('{"use strict"', core.indexOf(mark));
  const end = /\},\d+\(\w+(?:,\w+)*\)\{/g;
  end.lastIndex = core.indexOf(mark);
  const body = core.slice(start + 1, end.exec(core).index);
  const [module, exported, need] = /(\d+)\(([\w,]+)\)$/.exec(core.slice(start - 40, start))[2].split(",");
  const made = exportsOf(new Function(module, exported ?? "_e", need ?? "_n", change(body)));
  const functions = Object.values(Object.getOwnPropertyDescriptors(made)).map((each) => each.get());
  return { remove: functions.find((each) => each.length === 1), replace: functions.find((each) => each.length === 2) };
}

const core = sources.find((source) => source.includes("\\k<fence>"));
const markedBuilds = sources
  .filter((source) => source.length < 200_000 && source.includes("github.com/markedjs/marked"))
  .flatMap(modulesOf)
  .map(exportsOf)
  .filter((made) => made.marked);
const today = mathOf(core, "\\k<fence>", (body) => body);
const classic = mathOf(core, "\\k<fence>", (body) => {
  const without = body.replace(/\.replace\(\/\^\(\?<fence>.*?\/gm,\w+=>\w+\.replace\(\/\\\$\/g,"~D"\)\)/, "");
  if (without === body) throw new Error("removeMath has changed");
  return without;
});

function drawn(marked, { remove, replace }, text) {
  const cut = remove(text);
  return replace(marked.parse(cut.text, { gfm: true }), cut.math);
}

process.stdout.write(
  JSON.stringify({
    jupyterlab: markedBuilds.map(({ marked }) => texts.map((text) => drawn(marked, today, text))),
    nbclassic: texts.map((text) => drawn(markedBuilds[0].marked, classic, text)),
  }),
);
