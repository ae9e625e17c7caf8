/** The activity timeline: newest first, filtered, searched, scrolled without end, and live. */

import { ActivityItem } from "./activity.js";
import { element, setText } from "./elements.js";
import { Filters } from "./filters.js";
import { highlight } from "./highlight.js";
import { KeyedList } from "./keyed-list.js";
import { TimelinePages } from "./timeline-pages.js";

const AHEAD = "600px 0px";
const MANY = 200;

export class Timeline {
  node;
  #context;
  #pages;
  #filters;
  #asOf = null;
  #items = element("ol", { class: "activities", role: "list", "aria-labelledby": "timeline-title", hidden: true });
  #list;
  #isLoaded = false;
  #skeleton;
  #message = element("p", { class: "muted", part: "timeline-message", hidden: true });
  #action;
  #act = () => {};
  #more;
  #moreFailed;
  #isLoadingMore = false;
  #observer;

  constructor(context, read) {
    this.#context = context;
    const { say, clock } = context;
    this.#pages = new TimelinePages({ read, nowMs: () => clock.nowMs() });
    this.#filters = new Filters(context, () => this.#filter());
    this.#list = new KeyedList(this.#items, { keyOf: ({ id }) => id, create: () => new ActivityItem(context) });
    this.#skeleton = timelineSkeleton(say);
    this.#action = button("", () => this.#act());
    this.#more = button(say("more"), () => this.#loadMore());
    this.#moreFailed = element("p", { class: "muted", hidden: true }, say("moreFailed"));
    this.node = this.#section(say);
    this.#observer = new IntersectionObserver((entries) => this.#scrolled(entries), { rootMargin: AHEAD });
    this.#observer.observe(this.#more);
  }

  /** The first page for a card that starts or looks at another time; else what is there now, in place. */
  refresh(asOf) {
    const isOther = asOf !== this.#asOf;
    this.#asOf = asOf;
    return this.#isLoaded && !isOther ? this.#again() : this.#ask();
  }

  stop() {
    this.#pages.stop();
    this.#observer.disconnect();
  }

  #section(say) {
    return element(
      "section",
      { class: "panel timeline", part: "timeline", "data-section": "timeline", "aria-labelledby": "timeline-title" },
      element("h3", { id: "timeline-title" }, say("timeline")),
      this.#filters.node,
      this.#skeleton,
      this.#items,
      this.#message,
      this.#action,
      this.#moreFailed,
      this.#more,
    );
  }

  /** What does not fit the filters is not left standing where the answer fails. */
  async #filter() {
    try {
      await this.#ask();
      this.#announceFound();
    } catch {
      this.#isLoaded = false;
      this.#list.update([]);
      this.#items.hidden = true;
      this.#more.hidden = true;
      this.#failed();
    }
  }

  /** What is older than all that was there is not news, even if it was not there. */
  #again() {
    return this.#attempt(async () => {
      const oldest = Date.parse(this.#pages.activities.at(-1)?.time ?? "0000-01-01");
      await this.#pages.again();
      const news = this.#render().filter((item) => item.time >= oldest);
      for (const item of news) highlight(item.node, "changed");
      this.#announceNew(news);
    });
  }

  #ask() {
    this.node.setAttribute("aria-busy", "true");
    return this.#attempt(async () => {
      await this.#pages.ask({ ...this.#filters.question(), asOf: this.#asOf });
      this.#isLoaded = true;
      this.#render();
    });
  }

  async #attempt(task) {
    try {
      await task();
      this.#sayNothing();
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!this.#isLoaded) this.#failed();
      throw error;
    } finally {
      this.node.setAttribute("aria-busy", "false");
    }
  }

  #render() {
    const { activities, hasMore, types } = this.#pages;
    this.#skeleton.hidden = true;
    const { clock, formats } = this.#context;
    const now = this.#asOf === null ? clock.nowMs() : Date.parse(this.#asOf);
    let month = null;
    const shown = activities.map((activity) => {
      const heading = formats.month(activity.time);
      const isFirst = heading !== month;
      month = heading;
      return { ...activity, heading: isFirst ? heading : null, isUpcoming: Date.parse(activity.time) > now };
    });
    const added = this.#list.update(shown);
    this.#items.hidden = shown.length === 0;
    this.#items.classList.toggle("is-long", shown.length > MANY);
    this.#filters.updateTypes(types ?? []);
    this.#more.hidden = !hasMore;
    this.#moreFailed.hidden = true;
    this.#lookAgain();
    return added;
  }

  #sayNothing() {
    const isEmpty = this.#list.size === 0;
    this.#message.hidden = !isEmpty;
    this.#action.hidden = !isEmpty || !this.#filters.areSet;
    if (!isEmpty) return;
    const { say } = this.#context;
    setText(this.#message, say(this.#filters.areSet ? "noMatches" : "noActivities"));
    setText(this.#action, say("clearFilters"));
    this.#act = () => this.#filters.clear();
  }

  #failed() {
    const { say } = this.#context;
    this.#skeleton.hidden = true;
    this.#message.hidden = false;
    this.#action.hidden = false;
    setText(this.#message, say("timelineFailed"));
    setText(this.#action, say("retry"));
    this.#act = () => {
      this.#filters.focus();
      this.#ask().catch(() => {});
    };
  }

  #scrolled(entries) {
    if (entries.at(-1).isIntersecting && this.#moreFailed.hidden) this.#loadMore();
  }

  /** The observer only tells of changes; a page that leaves the button in sight would be the last. */
  #lookAgain() {
    this.#observer.unobserve(this.#more);
    this.#observer.observe(this.#more);
  }

  async #loadMore() {
    if (this.#isLoadingMore || this.#more.hidden) return;
    this.#isLoadingMore = true;
    this.#more.setAttribute("aria-busy", "true");
    try {
      await this.#showMore();
    } catch (error) {
      this.#moreFailed.hidden = error.name === "AbortError";
    } finally {
      this.#isLoadingMore = false;
      this.#more.setAttribute("aria-busy", "false");
    }
  }

  /** Whoever pressed the button goes on where the new ones begin, once there is no button left to press. */
  async #showMore() {
    const hadFocus = this.node.getRootNode().activeElement === this.#more;
    const count = await this.#pages.more();
    const [first] = this.#render();
    if (count > 0) this.#context.announcements.say(this.#context.say("moreLoaded", { count }));
    if (hadFocus && this.#more.hidden) first?.focus();
  }

  #announceNew(added) {
    const { say, announcements } = this.#context;
    if (added.length === 1) announcements.say(say("newActivity", { title: added[0].title }));
    else if (added.length > 1) announcements.say(say("newActivities", { count: added.length }));
  }

  #announceFound() {
    const { say, announcements } = this.#context;
    const count = this.#list.size;
    announcements.say(say(this.#pages.hasMore ? "foundMany" : "found", { count }));
  }
}

function button(text, press) {
  const node = element("button", { type: "button", class: "wide", hidden: true }, text);
  node.addEventListener("click", press);
  return node;
}

function timelineSkeleton(say) {
  const lines = Array.from({ length: 5 }, () =>
    element(
      "div",
      { class: "bone-item" },
      element("div", { class: "bone round" }),
      element("div", { class: "bone line" }),
    ),
  );
  return element("div", { class: "bones" }, element("p", { class: "spoken" }, say("timelineLoading")), ...lines);
}
