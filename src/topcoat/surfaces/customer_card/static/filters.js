/** Search, type and dates above the timeline. */

import { element, setText } from "./elements.js";
import { columnLabel } from "./format.js";
import { KeyedList } from "./keyed-list.js";

const TYPING_MS = 300;
const LONGEST_SEARCH = 200;

export class Filters {
  node;
  #context;
  #changed;
  #search = element("input", {
    type: "search",
    id: "search",
    maxlength: LONGEST_SEARCH,
    autocomplete: "off",
    dir: "auto",
  });
  #type = element("select", { id: "type" });
  #from = element("input", { type: "date", id: "from" });
  #to = element("input", { type: "date", id: "to" });
  #options;
  #typing = null;
  #asked = "{}";

  constructor(context, changed) {
    this.#context = context;
    this.#changed = changed;
    const { say } = context;
    this.#options = new KeyedList(this.#type, { keyOf: ({ type }) => type, create: () => new TypeOption(say) });
    this.updateTypes([]);
    this.node = element(
      "form",
      { class: "filters", part: "filters", role: "search", "aria-labelledby": "timeline-title" },
      field(this.#search, say("search"), "search-field"),
      field(this.#type, say("type"), "type-field"),
      element("div", { class: "dates" }, field(this.#from, say("from")), field(this.#to, say("to"))),
    );
    this.#listen();
  }

  get areSet() {
    return Object.keys(this.question()).length > 0;
  }

  /** As the service wants it: days become instants of the reader's time zone, `to` the first one that is too late. */
  question() {
    const parts = {
      search: this.#search.value.trim(),
      type: this.#type.value,
      from: midnight(this.#from.value, 0),
      to: midnight(this.#to.value, 1),
    };
    return Object.fromEntries(Object.entries(parts).filter(([, value]) => value));
  }

  clear() {
    this.node.reset();
    this.focus();
    this.#ask();
  }

  focus() {
    this.#search.focus();
  }

  /** A type that is chosen stays, even where no activity of it is left. */
  updateTypes(types) {
    const chosen = this.#type.value;
    const gathered = gatheredByType(types);
    if (chosen !== "" && !gathered.has(chosen))
      gathered.set(chosen, { type: chosen, display: columnLabel(chosen), count: 0 });
    this.#options.update([{ type: "" }, ...gathered.values()]);
    this.#type.value = chosen;
  }

  #listen() {
    this.#search.addEventListener("input", () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.#ask(), TYPING_MS);
    });
    for (const input of [this.#type, this.#from, this.#to]) input.addEventListener("change", () => this.#ask());
    this.node.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask();
    });
  }

  #ask() {
    clearTimeout(this.#typing);
    const asked = JSON.stringify(this.question());
    if (asked === this.#asked) return;
    this.#asked = asked;
    this.#changed();
  }
}

class TypeOption {
  node = element("option", {});
  #say;

  constructor(say) {
    this.#say = say;
  }

  update({ type, display, count }) {
    this.node.value = type;
    setText(this.node, type === "" ? this.#say("allTypes") : this.#say("typeCount", { type: display, count }));
  }
}

/** One type may be shown under several names; it is filtered as one, under its own. */
function gatheredByType(types) {
  const gathered = new Map();
  for (const { type, display, count } of types) {
    const same = gathered.get(type);
    if (same === undefined) gathered.set(type, { type, display: display || columnLabel(type), count });
    else gathered.set(type, { type, display: columnLabel(type), count: same.count + count });
  }
  return gathered;
}

function field(input, label, name = "") {
  return element("div", { class: `filter ${name}` }, element("label", { for: input.id }, label), input);
}

function midnight(day, later) {
  if (!day) return null;
  const [year, month, date] = day.split("-").map(Number);
  const start = new Date(2000, 0, 1);
  start.setFullYear(year, month - 1, date + later);
  return Number.isNaN(start.getTime()) ? null : start.toISOString();
}
