/** A list that shows its first items, and the others when asked for. */

import { element, setText } from "./elements.js";
import { KeyedList } from "./keyed-list.js";

export class LimitedList {
  #context;
  #limit;
  #list;
  #items = [];
  #isWhole = false;
  #button = element("button", { type: "button", class: "quiet show-all", hidden: true });

  constructor(context, parent, { keyOf, create, limit }) {
    this.#context = context;
    this.#limit = limit;
    this.parent = parent;
    this.#list = new KeyedList(parent, { keyOf, create });
    this.#button.addEventListener("click", () => {
      this.#isWhole = !this.#isWhole;
      this.#show();
    });
  }

  get nodes() {
    return [this.parent, this.#button];
  }

  update(items) {
    this.#items = items;
    this.#show();
  }

  #show() {
    const isTooMany = this.#items.length > this.#limit;
    this.#list.update(isTooMany && !this.#isWhole ? this.#items.slice(0, this.#limit) : this.#items);
    this.#button.hidden = !isTooMany;
    this.#button.setAttribute("aria-expanded", String(this.#isWhole));
    const { say } = this.#context;
    setText(this.#button, this.#isWhole ? say("showLess") : say("showAllOf", { count: this.#items.length }));
  }
}
