/** One value as text, or as a link where that is safe; what is long is cut, and shown as a whole when asked for. */

import { element, spoken } from "./elements.js";

const MOST_CHARACTERS = 240;
const MOST_LINES = 8;

export class ValueText {
  node = element("span", { class: "value", part: "value", dir: "auto" });
  #context;
  #text;
  #href;
  #isWhole = false;

  constructor(context) {
    this.#context = context;
  }

  /** `text` is null where there is no value. */
  update(text, href = null) {
    if (text === this.#text && href === this.#href) return;
    this.#text = text;
    this.#href = href;
    this.#render();
  }

  #render() {
    const text = this.#text;
    if (text === null)
      this.node.replaceChildren(element("span", { "aria-hidden": "true" }, "–"), spoken(this.#context.say("noValue")));
    else if (this.#href !== null) this.node.replaceChildren(link(this.#href, text, this.#context));
    else if (isLong(text)) this.node.replaceChildren(this.#isWhole ? text : `${beginning(text)}…`, " ", this.#toggle());
    else this.node.replaceChildren(text);
  }

  #toggle() {
    const button = element(
      "button",
      { type: "button", class: "quiet", "aria-expanded": String(this.#isWhole) },
      this.#context.say(this.#isWhole ? "showLess" : "showAll"),
    );
    button.addEventListener("click", () => {
      this.#isWhole = !this.#isWhole;
      this.#render();
      this.node.querySelector("button").focus();
    });
    return button;
  }
}

/** Web addresses open beside the card; mail and telephone do not leave it. */
export function link(href, text, context) {
  if (!href.startsWith("http")) return element("a", { href, rel: "noopener noreferrer" }, text);
  return element(
    "a",
    { href, target: "_blank", rel: "noopener noreferrer" },
    text,
    spoken(` (${context.say("opensNewTab")})`),
  );
}

function isLong(text) {
  return text.length > MOST_CHARACTERS || lineEnd(text) < text.length;
}

function beginning(text) {
  const end = Math.min(MOST_CHARACTERS, lineEnd(text));
  const cutsPair = /[\uD800-\uDBFF]/.test(text[end - 1]);
  return text.slice(0, cutsPair ? end - 1 : end);
}

/** Where the last line that is shown ends. */
function lineEnd(text) {
  let end = -1;
  for (let line = 0; line < MOST_LINES; line += 1) {
    end = text.indexOf("\n", end + 1);
    if (end === -1) return text.length;
  }
  return end;
}
