/** The one live region of the card: what happens at the same time is said in one go. */

import { element } from "./elements.js";

const GATHERING_MS = 200;

export class Announcements {
  node = element("div", { class: "spoken", role: "status", "aria-live": "polite", part: "announcements" });
  #waiting = [];
  #timer = null;

  say(sentence) {
    this.#waiting.push(sentence);
    this.#timer ??= setTimeout(() => this.#speak(), GATHERING_MS);
  }

  #speak() {
    this.node.textContent = this.#waiting.join(" ");
    this.#waiting = [];
    this.#timer = null;
  }
}
