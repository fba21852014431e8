({
  // Elements that no answer needs; what answers may have is the policy's matter, this is what acts.
  foreign: "script, style, iframe, frame, object, embed, portal, form, base, meta, link, title, template, dialog, video, " +
    "audio, source, picture, marquee, svg, button, select, textarea, map, area, input:not([type=checkbox]), " +
    "math:not(mjx-container *), img:not([src^='data:image/svg+xml'])",
  actingAttributes: /^(on.*|srcdoc|srcset|action|formaction|background|xlink:href|ping)$/,
  frame: ["body", "#jp-top-panel", ".jp-NotebookPanel-toolbar", ".jp-Notebook", ".jp-Cell .jp-InputArea-editor"],
  properties: ["display", "visibility", "position", "opacity", "backgroundColor", "backgroundImage", "color", "fontFamily",
    "fontSize", "transform", "zIndex"],

  look() {
    return this.frame.map((selector) => {
      const element = document.querySelector(selector);
      const style = element && getComputedStyle(element);
      return [selector, ...this.properties.map((property) => style?.[property])].join(" ");
    });
  },

  begin() {
    window.__before = { look: this.look(), title: document.title, url: location.href, base: document.baseURI };
    if (window.__held) return;
    // A link to a place outside may be clicked; following it would only end the test. The live view's own are let go.
    window.__held = (event) => {
      const link = event.target.closest?.("a[href]");
      if (!link || !["http:", "https:", "mailto:"].includes(link.protocol)) return;
      if (link.origin === location.origin && link.closest(".nbs-body")) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    };
    document.addEventListener("click", window.__held, true);
  },

  poke(selector) {
    const found = [];
    for (const answer of document.querySelectorAll(selector)) {
      let number = "?";
      const note = (what) => found.push(`payload ${number}: ${what}`);
      for (const element of answer.querySelectorAll("*")) {
        number = (element.localName === "p" && element.textContent.match(/^Answer (\d+)/)?.[1]) || number;
        const tag = element.cloneNode().outerHTML;
        if (element.matches(this.foreign)) note(tag);
        const attributes = Element.prototype.getAttributeNames.call(element); // a form's own names can be taken over
        if (attributes.some((attribute) => this.actingAttributes.test(attribute))) note(tag);
        if (element.matches("a[href]") && !["http:", "https:", "mailto:"].includes(element.protocol)) note(tag);
        if (element.matches("a[href^='/']") && !element.closest(".nbs-body")) note(`into the server: ${tag}`);
        const named = [element.id, element.getAttribute("name")].filter((id) => id && !id.startsWith("mjx-"));
        if (named.length) note(tag);
        if (["fixed", "sticky"].includes(getComputedStyle(element).position)) note(`out of the flow: ${tag}`);
        const acting = attributes.some((attribute) => attribute.startsWith("on"));
        if (!acting && !element.matches("a, button, input, summary")) continue; // nothing could hear it
        for (const type of ["pointerover", "mouseover", "mouseenter", "focus", "toggle", "animationstart", "click"]) {
          element.dispatchEvent(new MouseEvent(type, { bubbles: true, cancelable: true }));
        }
      }
    }
    const before = window.__before;
    this.look().forEach((look, index) => look === before.look[index] || found.push(`page: was ${before.look[index]}, is ${look}`));
    if (document.title.includes("evil")) found.push(`page: title ${document.title}`);
    if (location.href.replace(/#.*/, "") !== before.url.replace(/#.*/, "")) found.push(`page: at ${location.href}`);
    if (document.baseURI !== before.base) found.push(`page: base ${document.baseURI}`);
    if (window.evilClobber !== undefined || document.evilClobber !== undefined) found.push("page: name clobbered");
    for (const root of [document.documentElement, document.body]) {
      if (getComputedStyle(root).getPropertyValue("--evil")) found.push("page: styled");
    }
    const bar = document.querySelector(".jp-NotebookPanel-toolbar")?.getBoundingClientRect();
    const top = bar && document.elementFromPoint(bar.left + bar.width / 2, bar.top + bar.height / 2);
    if (top && !top.closest(".jp-NotebookPanel-toolbar")) found.push(`page: toolbar covered by ${top.cloneNode().outerHTML}`);
    if (window.frames.length) found.push(`page: ${window.frames.length} frames`);
    return found;
  },
})
