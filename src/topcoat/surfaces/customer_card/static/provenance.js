/** The mark on what is not the refresh's, and the popover that says who said so, when, and until when. */

import { element, setAttribute, setText } from "./elements.js";
import { icon } from "./icons.js";

const LEAVING_MS = 150;
const TICK_MS = 1_000;
let lastId = 0;

export class Mark {
  #context;
  #holder;
  #beside;
  #button = element("button", { type: "button", class: "mark", part: "mark" }, icon("changed"));
  #popover = element("div", {
    class: "popover",
    part: "popover",
    role: "tooltip",
    id: `popover-${(lastId += 1)}`,
    hidden: true,
  });
  #facts = "[]";
  #countdowns = [];
  #leaving = null;
  #isPinned = false;

  /** The popover takes its place and width from `holder`, which is pointed at; both come last in `beside`. */
  constructor(context, holder, beside = holder) {
    this.#context = context;
    this.#holder = holder;
    this.#button.setAttribute("aria-describedby", this.#popover.id);
    this.#beside = beside;
    this.#listen();
  }

  get isShown() {
    return this.#button.isConnected;
  }

  /** One fact for each value under the mark: `{ label, type, source }`; none takes the mark away. */
  update(name, facts) {
    if (facts.length === 0) {
      this.#remove();
      return;
    }
    setAttribute(this.#button, "aria-label", name);
    if (!this.isShown) this.#place();
    const key = JSON.stringify(facts);
    if (key === this.#facts) return;
    this.#facts = key;
    this.#popover.replaceChildren(...this.#described(facts));
    this.tick();
  }

  open() {
    clearTimeout(this.#leaving);
    this.tick();
    this.#popover.hidden = false;
    this.#holder.classList.add("has-open-popover");
    this.#popover.classList.toggle("above", hasNoRoomBelow(this.#popover, this.#holder));
  }

  close() {
    this.#isPinned = false;
    this.#popover.hidden = true;
    this.#holder.classList.remove("has-open-popover");
  }

  /** A quiet countdown: it changes what is written, and announces nothing. */
  tick() {
    for (const { node, endsAtMs } of this.#countdowns) setText(node, this.#remaining(endsAtMs));
  }

  #place() {
    this.#beside.append(this.#button, this.#popover);
    this.#holder.classList.add("is-changed");
  }

  /** Whoever had the focus on the mark stays where the mark was. */
  #remove() {
    if (!this.isShown) return;
    const hadFocus = this.#button.getRootNode().activeElement === this.#button;
    this.#context.popovers.hide(this);
    this.#button.remove();
    this.#popover.remove();
    this.#holder.classList.remove("is-changed");
    if (!hadFocus) return;
    this.#holder.tabIndex = -1;
    this.#holder.focus({ preventScroll: true });
  }

  #listen() {
    const { popovers } = this.#context;
    this.#button.addEventListener("focus", () => popovers.show(this));
    this.#button.addEventListener("blur", () => popovers.hide(this));
    this.#button.addEventListener("click", () => this.#pin());
    this.#holder.addEventListener("pointerenter", (event) => {
      if (this.isShown && event.pointerType !== "touch") popovers.show(this);
    });
    this.#holder.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "touch") this.#leave();
    });
  }

  #pin() {
    const isOpen = this.#isPinned;
    if (isOpen) this.#context.popovers.hide(this);
    else this.#context.popovers.show(this);
    this.#isPinned = !isOpen;
  }

  #leave() {
    clearTimeout(this.#leaving);
    const hasFocus = this.#button.getRootNode().activeElement === this.#button;
    if (!hasFocus) this.#leaving = setTimeout(() => this.#context.popovers.hide(this), LEAVING_MS);
  }

  #described(facts) {
    this.#countdowns = [];
    return facts.map((fact) =>
      element(
        "dl",
        {},
        facts.length > 1 ? this.#line(null, element("strong", { dir: "auto" }, fact.label)) : null,
        ...this.#lines(fact),
      ),
    );
  }

  #lines({ type, source }) {
    const { say, formats } = this.#context;
    const isActivity = source.source === "activity";
    return [
      this.#line("changedBy", named(source.caller) ?? say("changedByUnknown")),
      source.principal && source.principal !== source.caller ? this.#line("signedInAs", named(source.principal)) : null,
      this.#line(isActivity ? "postedAt" : "recorded", time(formats, source.recordedAt)),
      this.#line("until", this.#end(source.validUntil)),
      isActivity ? null : this.#line("refreshSays", named(formats.value(type, source.refreshValue)) ?? say("noValue")),
    ];
  }

  #line(key, content) {
    const term = key === null ? null : element("dt", {}, this.#context.say(key));
    return element("div", { class: "fact", "data-fact": key }, term, element("dd", {}, content));
  }

  #end(validUntil) {
    const { say, formats } = this.#context;
    if (validUntil === null || validUntil === undefined) return say("noEnd");
    const countdown = element("span", { class: "countdown", part: "countdown" });
    this.#countdowns.push({ node: countdown, endsAtMs: Date.parse(validUntil) });
    return element("span", {}, time(formats, validUntil), " ", countdown);
  }

  #remaining(endsAtMs) {
    const { say, formats, clock, isLive } = this.#context;
    if (!isLive()) return "";
    const ms = endsAtMs - clock.nowMs();
    const rest = ms <= 0 ? say("endsNow") : formats.fromNow(ms);
    return clock.isFrozen ? `(${rest}; ${say("clockStopped")})` : `(${rest})`;
  }
}

/** At most one popover is open; Escape closes it wherever the focus is. */
export class Popovers {
  #open = null;
  #ticking = null;
  #escape = (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    this.hide(this.#open);
  };

  show(mark) {
    if (this.#open === mark) {
      mark.open();
      return;
    }
    this.hide(this.#open);
    this.#open = mark;
    mark.open();
    this.#ticking = setInterval(() => mark.tick(), TICK_MS);
    document.addEventListener("keydown", this.#escape, true);
  }

  hide(mark) {
    if (mark === null || this.#open !== mark) return;
    this.#open = null;
    mark.close();
    clearInterval(this.#ticking);
    document.removeEventListener("keydown", this.#escape, true);
  }

  hideAll() {
    this.hide(this.#open);
  }
}

function named(text) {
  if (text === null || text === undefined || text === "") return null;
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return element("bdi", {}, shown);
}

function time(formats, instant) {
  return element("time", { datetime: instant }, formats.instant(instant));
}

function hasNoRoomBelow(popover, holder) {
  popover.classList.remove("above");
  const below = popover.getBoundingClientRect();
  return below.bottom > window.innerHeight && holder.getBoundingClientRect().top > below.height;
}
