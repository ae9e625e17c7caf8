/** Who this is, the address on one line, and whether what is shown is live. */

import { element, setAttribute, setText } from "./elements.js";
import { columnLabel, initials } from "./format.js";
import { icon } from "./icons.js";
import { factsOf, isChanged } from "./profile.js";
import { Mark } from "./provenance.js";

const ICONS = {
  live: "live",
  connecting: "renew",
  reconnecting: "renew",
  paused: "clock",
  notLive: "offline",
  asOf: "clock",
};

export class Head {
  node;
  #context;
  #avatar = element("div", { class: "avatar", "aria-hidden": "true" });
  #title = element("span", { class: "value", dir: "auto" });
  #titleMark;
  #address;
  #status = element("p", { class: "status", part: "status" });

  constructor(context) {
    this.#context = context;
    const heading = element("h2", { id: "title", part: "title" }, this.#title);
    const named = element("div", { class: "title holder" }, heading);
    this.#titleMark = new Mark(context, named);
    this.#address = new AddressLine(context);
    this.node = element(
      "header",
      { class: "head", part: "header" },
      this.#avatar,
      element("div", { class: "who" }, named, this.#address.node),
      this.#status,
    );
  }

  update(profile) {
    const title = profile.title || profile.customerId;
    setText(this.#title, title.length > 200 ? `${title.slice(0, 200)}…` : title);
    const letters = initials(title);
    if (letters === "") this.#avatar.replaceChildren(icon("person"));
    else setText(this.#avatar, letters);
    const named = profile.columns.filter((column) => column.role === "name");
    this.#titleMark.update(this.#context.say("changedValue"), factsOf(named));
    this.#address.update(profile.columns.filter((column) => column.role === "address"));
  }

  focus() {
    this.#title.tabIndex = -1;
    this.#title.focus();
  }

  showStatus(state, text) {
    if (this.#status.dataset.status === state && this.#status.textContent === text) return;
    setAttribute(this.#status, "data-status", state);
    this.#status.replaceChildren(icon(ICONS[state]), element("span", {}, text));
  }
}

class AddressLine {
  node = element("div", { class: "address holder", part: "address", hidden: true }, icon("pin"));
  #context;
  #parts = element("span", { class: "value" });
  #mark;
  #shown;

  constructor(context) {
    this.#context = context;
    this.node.append(element("span", { class: "spoken" }, `${context.say("address")}: `), this.#parts);
    this.#mark = new Mark(context, this.node);
  }

  update(columns) {
    const filled = columns.filter((column) => column.value !== null && column.value !== "");
    this.node.hidden = filled.length === 0;
    const key = JSON.stringify(filled);
    if (key !== this.#shown) this.#parts.replaceChildren(...filled.flatMap((column, at) => this.#part(column, at)));
    this.#shown = key;
    this.#mark.update(this.#context.say("changedPart", { label: this.#context.say("address") }), factsOf(filled));
  }

  #part(column, at) {
    const text = String(this.#context.formats.value(column.type, column.value));
    const part = element(
      "bdi",
      { "data-part": column.name, title: columnLabel(column.name), class: isChanged(column) ? "changed-part" : null },
      text.length > 100 ? `${text.slice(0, 100)}…` : text,
    );
    return at === 0 ? [part] : [", ", part];
  }
}
