/** Measures and segments; neither has a heading where there are none. */

import { element, setText } from "./elements.js";
import { columnLabel } from "./format.js";
import { highlight } from "./highlight.js";
import { LimitedList } from "./limited-list.js";

const MOST_MEASURES = 12;
const MOST_SEGMENTS = 24;

export class Measures {
  node;
  #list;

  constructor(context) {
    const create = () => new MeasureTile(context);
    const parent = element("dl", { class: "measures" });
    this.#list = new LimitedList(context, parent, { keyOf: (measure) => measure.name, create, limit: MOST_MEASURES });
    this.node = section("measures", context, this.#list);
  }

  update({ measures }) {
    this.node.hidden = measures.length === 0;
    this.#list.update(measures);
  }
}

export class Segments {
  node;
  #list;

  constructor(context) {
    const create = () => new SegmentItem();
    const parent = element("ul", { class: "segments", role: "list" });
    this.#list = new LimitedList(context, parent, { keyOf: (name) => name, create, limit: MOST_SEGMENTS });
    this.node = section("segments", context, this.#list);
  }

  update({ segments }) {
    this.node.hidden = segments.length === 0;
    this.#list.update(segments);
  }
}

class MeasureTile {
  node = element("div", { class: "measure", part: "measure" });
  #context;
  #name = element("dt", { dir: "auto" });
  #value = element("dd", { dir: "auto" });
  #shown;

  constructor(context) {
    this.#context = context;
    this.node.append(this.#name, this.#value);
  }

  update({ name, type, value }) {
    const { formats } = this.#context;
    this.node.dataset.measure = name;
    setText(this.#name, columnLabel(name));
    setText(this.#value, formats.measure(type, value) ?? "–");
    this.#value.title = formats.value(type, value) ?? "";
    if (this.#shown !== undefined && this.#shown !== value) highlight(this.node, "back");
    this.#shown = value;
  }
}

class SegmentItem {
  node = element("li", { part: "segment", dir: "auto" });

  update(name) {
    setText(this.node, name);
  }
}

function section(name, { say }, list) {
  return element(
    "section",
    { class: "panel", part: name, "data-section": name, "aria-labelledby": `${name}-title`, hidden: true },
    element("h3", { id: `${name}-title` }, say(name)),
    ...list.nodes,
  );
}
