/** The control that shows the card as of another instant, past or future. */

import { element, setText } from "./elements.js";

const STEP_MINUTES = 15;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const BACK_MS = 7 * DAY_MS;
const AHEAD_MS = 30 * DAY_MS;
const SLIDING_MS = 150;

export class AsOfControl {
  node;
  #context;
  #choose;
  #shown = null;
  #profile = null;
  #sliding = null;
  #summary = element("span", { class: "as-of-shown" });
  #explanation = element("p", { class: "muted" });
  #instant = element("input", { type: "datetime-local", id: "as-of-instant", step: "1" });
  #range = element("input", { type: "range", id: "as-of-range", min: 0, step: 1 });
  #lapse;
  #live;

  /** `choose(instant)` gets an instant, or null for the present. */
  constructor(context, choose) {
    this.#context = context;
    this.#choose = choose;
    const { say } = context;
    this.#lapse = button("quiet", say("timeNextLapse"), () => this.#choose(this.#profile.nextLapse));
    this.#live = button("live-button", say("timeLive"), () => this.#choose(null));
    this.node = this.#box(say);
    this.#listen();
    this.show(null);
  }

  /** The present moves the ends of the range; while another time is shown, they stay. */
  updateProfile(profile) {
    this.#profile = profile;
    this.#offer(this.#lapse, Boolean(profile.nextLapse));
    if (this.#shown === null) this.#showTime(this.#nowMs());
  }

  show(asOf) {
    this.#shown = asOf;
    const { say, formats } = this.#context;
    setText(this.#summary, asOf === null ? say("timeNow") : formats.instant(asOf));
    setText(this.#explanation, say(asOf === null ? "timeHelp" : this.#isFuture(asOf) ? "timeFuture" : "timePast"));
    this.#offer(this.#live, asOf !== null);
    this.node.toggleAttribute("data-as-of", asOf !== null);
    this.#showTime(asOf === null ? this.#nowMs() : Date.parse(asOf));
  }

  #box(say) {
    return element(
      "details",
      { class: "as-of", part: "as-of", "data-section": "as-of" },
      element("summary", {}, `${say("time")}: `, this.#summary),
      element(
        "div",
        { class: "as-of-controls" },
        element(
          "div",
          { class: "filter" },
          element("label", { for: "as-of-instant" }, say("timeInstant")),
          this.#instant,
        ),
        element(
          "div",
          { class: "filter grow" },
          element("label", { for: "as-of-range" }, say("timeRange")),
          this.#range,
        ),
        element("div", { class: "as-of-buttons" }, this.#live, this.#lapse),
        this.#explanation,
      ),
    );
  }

  #listen() {
    this.#range.addEventListener("input", () => {
      const instant = this.#chosenByRange();
      this.#describeRange(Date.parse(instant));
      this.#instant.value = localInput(Date.parse(instant));
      clearTimeout(this.#sliding);
      this.#sliding = setTimeout(() => this.#choose(instant), SLIDING_MS);
    });
    this.#instant.addEventListener("change", () => {
      const date = new Date(this.#instant.value);
      if (!Number.isNaN(date.getTime())) this.#choose(date.toISOString());
    });
  }

  /** A button that goes hands the focus on to the range. */
  #offer(button, isOffered) {
    const hadFocus = button.getRootNode().activeElement === button;
    button.hidden = !isOffered;
    if (hadFocus && !isOffered) this.#range.focus();
  }

  #showTime(ms) {
    const { start, steps } = this.#span();
    this.#range.max = steps;
    this.#range.value = Math.round((ms - start) / (STEP_MINUTES * MINUTE_MS));
    this.#describeRange(ms);
    if (this.#instant.getRootNode().activeElement !== this.#instant) this.#instant.value = localInput(ms);
  }

  #describeRange(ms) {
    this.#range.setAttribute("aria-valuetext", this.#context.formats.shortInstant(new Date(ms).toISOString()));
  }

  #chosenByRange() {
    return new Date(this.#span().start + Number(this.#range.value) * STEP_MINUTES * MINUTE_MS).toISOString();
  }

  /** On whole quarters of an hour, so that the same place is the same time. */
  #span() {
    const now = this.#nowMs();
    const step = STEP_MINUTES * MINUTE_MS;
    const start =
      Math.ceil((Date.parse(this.#profile?.refreshedAt ?? new Date(now).toISOString()) - BACK_MS) / step) * step;
    return { start, steps: Math.floor((now + AHEAD_MS - start) / step) };
  }

  #isFuture(asOf) {
    return Date.parse(asOf) > this.#nowMs();
  }

  #nowMs() {
    return this.#context.clock.nowMs();
  }
}

function button(kind, text, press) {
  const node = element("button", { type: "button", class: kind, hidden: true }, text);
  node.addEventListener("click", press);
  return node;
}

/** As `datetime-local` has it: the reader's time, without a zone. */
function localInput(ms) {
  const date = new Date(ms);
  return new Date(ms - date.getTimezoneOffset() * MINUTE_MS).toISOString().slice(0, 19);
}
