// What folds out below the composer, one tray at a time: the models, the settings, the kinds of export.

import { button, element, say, targetOf } from "../../../display/static/elements.js";
import { fitHeight } from "./panel_text_editor.js";

/** @import { PanelDocument } from "./panel_document.js" */

/**
 * @typedef {{ opened: () => void, draw: () => void }} Content
 * @typedef {{ tray: HTMLElement, toggle: HTMLElement, content: Content }} Tray
 */

const STEPS = new Map([["ArrowDown", 1], ["ArrowUp", -1]]);

export class Trays {
  root = element("div", "nbs-trays");
  /** @type {Map<string, Tray>} */
  all = new Map();

  /**
   * @param {PanelDocument} doc
   * @param {Element} tools
   */
  constructor(doc, tools) {
    this.doc = doc;
    this.models = this.add("Model", tools, (tray) => new ModelPicker(this.doc, tray, () => this.open(null)));
    this.settings = this.add("Settings", tools, (tray) => new Settings(this.doc, tray));
    this.exports = this.add("Export", tools, (tray) => new Exports(this.doc, tray));
    this.models.toggle.classList.add("nbs-model");
    this.root.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation(); // here it does not stop an answer
      this.open(null);
    });
  }

  /**
   * @param {string} name
   * @param {Element} tools
   * @param {(tray: HTMLElement) => Content} build
   */
  add(name, tools, build) {
    const tray = element("div", "nbs-tray", this.root);
    tray.id = `nbs-${Math.random().toString(36).slice(2)}`;
    tray.hidden = true;
    tray.setAttribute("role", "group");
    tray.setAttribute("aria-label", name);
    const toggle = button("nbs-tool", name, "", tools, () => this.open(tray.hidden ? name : null));
    toggle.setAttribute("aria-expanded", "false");
    toggle.setAttribute("aria-controls", tray.id);
    const made = { tray, toggle, content: build(tray) };
    this.all.set(name, made);
    return made;
  }

  /** @param {string | null} name */
  open(name) {
    for (const [other, { tray, toggle, content }] of this.all) {
      const had = tray.contains(document.activeElement);
      tray.hidden = other !== name;
      toggle.setAttribute("aria-expanded", String(!tray.hidden));
      if (had && tray.hidden) toggle.focus();
      if (tray.hidden) continue;
      content.opened();
      tray.scrollIntoView({ block: "nearest" });
    }
  }

  draw() {
    const { model, exports } = this.doc.surroundings;
    say(this.models.toggle, model || "Model");
    this.models.toggle.setAttribute("aria-label", model ? `Model: ${model}` : "Model");
    this.models.toggle.title = "Choose the model";
    this.exports.toggle.hidden = exports.length === 0;
    for (const { content } of this.all.values()) content.draw();
  }
}

/** A field for any name, and the list of the endpoint's models, which is fetched when it opens. */
class ModelPicker {
  at = -1; // which option is marked
  /** @type {HTMLElement[]} */
  options = [];
  /** @type {string[] | null | undefined} */
  shown; // which models the options are
  /** @type {string | null} */
  taken = null; // the name that is on its way to the kernel

  /**
   * @param {PanelDocument} doc
   * @param {HTMLElement} tray
   * @param {() => void} close
   */
  constructor(doc, tray, close) {
    this.doc = doc;
    this.close = close;
    const label = element("label", "nbs-label", tray);
    label.append("Model");
    this.field = element("input", "nbs-field", label);
    Object.assign(this.field, { type: "text", autocomplete: "off", spellcheck: false });
    this.list = element("ul", "nbs-models", tray);
    this.list.id = `${tray.id}-list`;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "Models");
    this.hint = element("p", "nbs-hint", tray);
    const attributes = { role: "combobox", "aria-expanded": "true", "aria-controls": this.list.id };
    Object.entries({ ...attributes, "aria-autocomplete": "list" }).forEach(([name, value]) => this.field.setAttribute(name, value));
    this.field.addEventListener("input", () => this.filter(this.field.value));
    this.field.addEventListener("keydown", (event) => this.onKey(event));
    this.field.addEventListener("change", () => this.take(this.field.value));
    this.list.addEventListener("mousedown", (event) => event.preventDefault()); // the focus stays in the field
    this.list.addEventListener("click", (event) => {
      const option = targetOf(event).closest("[role=option]");
      if (option) this.choose(option.textContent);
    });
  }

  opened() {
    this.field.value = this.doc.surroundings.model;
    this.filter("");
    this.field.focus();
    this.field.select();
    this.doc.act("list_models");
  }

  draw() {
    if (this.shown === this.doc.surroundings.models) return;
    this.filter(this.field.value === this.doc.surroundings.model ? "" : this.field.value);
    if (document.activeElement === this.field) this.hint.scrollIntoView({ block: "nearest" });
  }

  /** @param {string} words */
  filter(words) {
    const { models, model } = this.doc.surroundings;
    this.shown = models;
    const wanted = words.trim().toLowerCase();
    const found = (models ?? []).filter((name) => name.toLowerCase().includes(wanted));
    this.options = found.map((name, index) => {
      const option = element("li", "nbs-option");
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", String(name === model));
      option.id = `${this.list.id}-${index}`;
      option.textContent = name;
      return option;
    });
    this.list.replaceChildren(...this.options);
    this.list.hidden = found.length === 0;
    this.hintAt(models, found.length);
    this.mark(-1);
  }

  /**
   * @param {string[] | null} models
   * @param {number} found
   */
  hintAt(models, found) {
    const waiting = models === null ? "Asking the server for its models …" : "";
    const none = models?.length === 0 ? "Type the name of a model and press Enter." : ""; // there is no list
    const unknown = models && found === 0 ? "Not in the server's list; press Enter to use it anyway." : "";
    say(this.hint, waiting || none || unknown || "Choose one, or type any name and press Enter.");
  }

  /** @param {number} at */
  mark(at) {
    this.at = at;
    this.options.forEach((option, index) => option.classList.toggle("nbs-at", index === at));
    const option = this.options[at];
    if (option) this.field.setAttribute("aria-activedescendant", option.id);
    else this.field.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const by = STEPS.get(event.key);
    if (by && this.options.length) {
      event.preventDefault();
      const { length } = this.options;
      this.mark(this.at < 0 && by < 0 ? length - 1 : (this.at + by + length) % length);
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      this.choose(this.options[this.at]?.textContent ?? this.field.value);
    } else if (event.key === "Escape") {
      this.field.value = this.doc.surroundings.model;
    }
  }

  /** @param {string} name */
  choose(name) {
    this.field.value = name;
    this.take(name);
    this.close();
  }

  /**
   * Once, although both Enter and leaving the field trigger it.
   *
   * @param {string} name
   */
  take(name) {
    const value = name.trim();
    if (!value || value === (this.taken ?? this.doc.surroundings.model)) return;
    this.taken = value;
    this.doc.act("set", { name: "model", value }).then(() => (this.taken = null));
  }
}

class Settings {
  /** @type {Map<string, HTMLInputElement>} */
  fields = new Map();

  /**
   * @param {PanelDocument} doc
   * @param {HTMLElement} tray
   */
  constructor(doc, tray) {
    this.doc = doc;
    const label = element("label", "nbs-label", tray);
    label.append("System prompt");
    this.system = element("textarea", "nbs-field", label);
    Object.assign(this.system, { rows: 2, dir: "auto" });
    this.system.addEventListener("change", () => this.set("system", this.system.value));
    this.system.addEventListener("input", () => fitHeight(this.system));
    this.row = element("div", "nbs-parameters", tray);
  }

  opened() {
    this.draw();
    fitHeight(this.system);
    this.system.focus();
  }

  draw() {
    const { system, parameters } = this.doc.surroundings;
    if (document.activeElement !== this.system) this.system.value = system;
    for (const [name, value] of Object.entries(parameters)) {
      const field = this.fields.get(name) ?? this.add(name);
      if (document.activeElement !== field) field.value = String(value ?? "");
    }
  }

  /** @param {string} name */
  add(name) {
    const label = element("label", "nbs-label", this.row);
    const words = name.replaceAll("_", " ");
    label.append(words.charAt(0).toUpperCase() + words.slice(1));
    const field = element("input", "nbs-field", label);
    Object.assign(field, { type: "number", step: "any", placeholder: "default" });
    field.addEventListener("change", async () => {
      const given = field.value;
      await this.set(name, given === "" ? null : Number(given));
      // What was refused is not in force, and must not look like it.
      if (field.value === given) field.value = String(this.doc.surroundings.parameters[name] ?? "");
    });
    this.fields.set(name, field);
    return field;
  }

  /**
   * @param {string} name
   * @param {string | number | null} value
   */
  set(name, value) {
    this.doc.say("");
    return this.doc.act("set", { name, value });
  }
}

const KINDS = new Map([["json", "JSON"], ["markdown", "Markdown"], ["notebook", "Notebook"]]);

class Exports {
  /** @type {string | null} */
  shown = null;

  /**
   * @param {PanelDocument} doc
   * @param {HTMLElement} tray
   */
  constructor(doc, tray) {
    this.doc = doc;
    this.row = element("div", "nbs-remedies", tray);
  }

  opened() {
    /** @type {HTMLElement | null} */ (this.row.firstElementChild)?.focus();
  }

  draw() {
    const { exports } = this.doc.surroundings;
    if (this.shown === String(exports)) return;
    this.shown = String(exports);
    this.row.replaceChildren(
      ...exports.map((kind) => button("nbs-act", KINDS.get(kind) ?? kind, "Save as a file", null, () => this.save(kind))),
    );
  }

  /** @param {string} kind */
  async save(kind) {
    try {
      const { filename, mime, text } = await this.doc.ask("export", { kind });
      const link = element("a", "");
      link.href = URL.createObjectURL(new Blob([text], { type: mime }));
      link.download = filename;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
      this.doc.say(`Saved as ${filename}.`);
    } catch (error) {
      this.doc.say(error instanceof Error ? error.message : String(error));
    }
  }
}
