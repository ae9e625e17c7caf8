/** What the card shows where it cannot show a customer, and the notice above one that is out of date. */

import { element, setText } from "./elements.js";
import { icon } from "./icons.js";

const ICONS = {
  incomplete: "person",
  signIn: "lock",
  forbidden: "lock",
  unknown: "person",
  unknownInstance: "alert",
  gone: "person",
  refused: "alert",
  failed: "alert",
  offline: "offline",
  timeUnavailable: "clock",
};
const WITHOUT_RETRY = new Set(["incomplete", "timeUnavailable"]);

export class Message {
  node = element("div", { class: "message", part: "message", tabindex: "-1", hidden: true });
  #context;
  #retry;
  #shown = null;

  constructor(context, retry) {
    this.#context = context;
    this.#retry = retry;
  }

  /** The same once more is neither said again nor takes the focus from the button. */
  show(state, said = "") {
    if (this.#shown === state + said) return;
    this.#shown = state + said;
    const { say, announcements } = this.#context;
    const lines = [say(state), said === "" ? null : say("serviceSaid", { message: said.slice(0, 500) })];
    this.node.dataset.message = state;
    this.node.replaceChildren(
      icon(ICONS[state]),
      element("h2", {}, say(`${state}Title`)),
      ...lines.filter(Boolean).map((line) => element("p", {}, line)),
      ...(WITHOUT_RETRY.has(state) ? [] : [retryButton(say, this.#retry)]),
    );
    this.node.hidden = false;
    if (state !== "incomplete") announcements.say(say(`${state}Title`));
  }

  hide() {
    this.#shown = null;
    this.node.hidden = true;
  }
}

export class Notice {
  node = element("div", { class: "notice", part: "notice", hidden: true });
  #context;
  #text = element("span", {});

  constructor(context, retry) {
    this.#context = context;
    this.node.append(icon("alert"), this.#text, retryButton(context.say, retry));
  }

  show(key) {
    setText(this.#text, this.#context.say(key));
    this.node.dataset.notice = key;
    this.node.hidden = false;
  }

  hide() {
    this.node.hidden = true;
  }
}

/** As large as what will be there, so that nothing moves when it is. */
export function skeleton(say) {
  const bones = (count, kind) => Array.from({ length: count }, () => element("div", { class: `bone ${kind}` }));
  return element(
    "div",
    { class: "skeleton", part: "skeleton" },
    element("p", { class: "spoken" }, say("loading")),
    element(
      "div",
      { class: "head", "aria-hidden": "true" },
      element("div", { class: "bone avatar" }),
      element("div", { class: "who" }, ...bones(1, "title"), ...bones(1, "line")),
    ),
    element(
      "div",
      { class: "columns", "aria-hidden": "true" },
      element("div", { class: "aside" }, element("div", { class: "panel" }, ...bones(8, "line"))),
      element("div", { class: "panel" }, ...bones(8, "line")),
    ),
  );
}

function retryButton(say, retry) {
  const button = element("button", { type: "button", class: "retry" }, say("retry"));
  button.addEventListener("click", retry);
  return button;
}
