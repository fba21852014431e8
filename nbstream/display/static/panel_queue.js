// The messages that wait: on their way to the kernel, or for the answer under way to end.

class Queue {
  constructor(panel, parent) {
    this.panel = panel;
    this.doc = panel.doc;
    this.root = element("ol", "nbs-queue", parent);
    this.root.setAttribute("aria-label", "Waiting to be asked");
    this.items = new Map();
  }

  draw() {
    const waiting = [
      ...this.doc.surroundings.queue.map((item) => ({ ...item, key: `queued ${item.id}`, queued: true })),
      ...this.doc.outbox.map((item) => ({ ...item, key: `sent ${item.id}`, queued: false })),
    ];
    const stay = new Set(waiting.map(({ key }) => key));
    for (const [key, { root }] of this.items) {
      if (stay.has(key)) continue;
      if (root.contains(document.activeElement)) this.panel.composer.field.focus({ preventScroll: true });
      root.remove();
      this.items.delete(key);
    }
    let at = this.root.firstElementChild;
    for (const item of waiting) {
      if (!this.items.has(item.key)) this.items.set(item.key, this.add(item));
      const { words, root } = this.items.get(item.key);
      say(words, [item.text, ...item.attachments.map(({ name }) => `[${name}]`)].filter(Boolean).join(" "));
      if (root === at) at = at.nextElementSibling;
      else this.root.insertBefore(root, at);
    }
    this.root.hidden = waiting.length === 0;
  }

  add(item) {
    const root = element("li", item.queued ? "nbs-queued" : "nbs-queued nbs-sent");
    const words = element("span", "nbs-words", root);
    words.dir = "auto";
    if (item.queued) this.buildButtons(root, words, item);
    return { root, words };
  }

  buildButtons(root, words, { id }) {
    const edit = button("nbs-act", "Edit", "Change this before it is asked", root, () => {
      const item = this.doc.surroundings.queue.find((other) => other.id === id);
      const editor = new TextEditor({
        label: "Your text",
        text: item.text,
        done: "Save",
        save: (text) => this.doc.ask("change_queued", { target: id, text }),
        failed: ({ message }) => this.doc.say(message),
        close: () => {
          editor.root.remove();
          root.classList.remove("nbs-edited");
          edit.focus({ preventScroll: true });
        },
      });
      root.classList.add("nbs-edited");
      root.append(editor.root);
      editor.focus();
    });
    button("nbs-act", "Remove", "Do not ask this", root, () => this.doc.act("drop_queued", { target: id }));
  }
}
