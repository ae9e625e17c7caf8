/**
 * `<customer-card base="…" instance="…" customer="…" token="…">`: a unified customer and timeline, live.
 *
 * Attributes, all of which may change at any time: `base` (where Topcoat is; by default where this module came from),
 * `instance`, `customer`, `token`, `lang`, `theme` (`light` or `dark`; by default what the reader prefers). A token may
 * as well be set as the property `token`. The event `card-token-required` asks for another one.
 */

import { CardApi } from "./api.js";
import { CardView } from "./card-view.js";
import { Formats } from "./format.js";
import { languagesWanted, textsFor } from "./texts.js";

const DEFAULT_BASE = import.meta.url.replace(/\/card\/[^?#]*.*$/s, "");
const RESTARTING = ["base", "instance", "customer", "lang"];
const styles = new CSSStyleSheet();
const styled = loadStyles();

export class CustomerCard extends HTMLElement {
  static observedAttributes = [...RESTARTING, "token"];
  #token = null;
  #view = null;
  #starts = 0;

  constructor() {
    super();
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [styles];
    this.#upgrade("token");
  }

  connectedCallback() {
    this.#restart();
  }

  disconnectedCallback() {
    this.#view?.stop();
    this.#view = null;
  }

  attributeChangedCallback(name, before, after) {
    if (before === after) return;
    if (name === "token") this.token = after;
    else this.#restart();
  }

  get token() {
    return this.#token;
  }

  /** A refreshed token counts from the next read on; a card that waits for one goes on. */
  set token(token) {
    this.#token = token || null;
    this.#view?.tokenChanged();
  }

  /** Several attributes that change at once are one restart: the last. */
  async #restart() {
    const start = (this.#starts += 1);
    const texts = await textsFor(languagesWanted(this.getAttribute("lang")));
    if (start !== this.#starts || !this.isConnected) return;
    this.#view?.stop();
    this.#view = this.#viewIn(texts);
    this.#view.start();
    await styled;
    if (start === this.#starts && this.#view !== null) this.shadowRoot.replaceChildren(this.#view.node);
  }

  #viewIn({ language, locale, say }) {
    return new CardView({
      api: this.#api(),
      customer: this.getAttribute("customer"),
      language,
      say,
      formats: new Formats(locale, say),
      tell: (name, detail) => this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true })),
    });
  }

  #api() {
    const instance = this.getAttribute("instance");
    const base = this.getAttribute("base") || DEFAULT_BASE;
    return instance ? new CardApi({ base, instance, token: () => this.#token }) : null;
  }

  /** A property that was set before the element was defined hides the setter. */
  #upgrade(name) {
    if (!Object.hasOwn(this, name)) return;
    const value = this[name];
    delete this[name];
    this[name] = value;
  }
}

for (const name of ["base", "instance", "customer", "theme"]) {
  Object.defineProperty(CustomerCard.prototype, name, {
    get() {
      return this.getAttribute(name);
    },
    set(value) {
      if (value === null || value === undefined) this.removeAttribute(name);
      else this.setAttribute(name, value);
    },
    enumerable: true,
    configurable: true,
  });
}

/** A card without its style sheet is plain, not broken. */
async function loadStyles() {
  try {
    const response = await fetch(new URL("./card.css", import.meta.url));
    if (response.ok) styles.replaceSync(await response.text());
  } catch (error) {
    console.warn("customer-card: the style sheet could not be loaded", error);
  }
}

if (!customElements.get("customer-card")) customElements.define("customer-card", CustomerCard);
