/** One activity of the timeline. */

import { element, setAttribute, setText } from "./elements.js";
import { activityIconName, icon } from "./icons.js";
import { webAddress } from "./links.js";
import { Mark } from "./provenance.js";
import { link, ValueText } from "./value.js";

const LONGEST_TITLE = 200;

export class ActivityItem {
  node = element("li", { class: "activity", part: "activity" });
  title = "";
  time = 0;
  #context;
  #month = element("h4", { class: "month", hidden: true });
  #icon = element("div", { class: "activity-icon" });
  #title = element("p", { class: "activity-title", dir: "auto" });
  #meta = element("p", { class: "activity-meta" });
  #time = element("time", {});
  #type = element("span", { class: "type", dir: "auto" });
  #upcoming;
  #table = element("span", { class: "table", dir: "auto" });
  #description;
  #address = element("p", { class: "muted", dir: "auto", hidden: true });
  #mark;
  #shown;

  constructor(context) {
    this.#context = context;
    this.#description = new ValueText(context);
    this.#upcoming = element("span", { class: "upcoming" }, context.say("upcoming"));
    const head = element("div", { class: "activity-head" }, this.#title);
    const body = element("div", { class: "activity-body" }, head, this.#meta, this.#description.node, this.#address);
    const holder = element("div", { class: "activity-holder" }, this.#icon, body);
    this.#meta.append(this.#time, this.#upcoming, this.#type, this.#table);
    this.#mark = new Mark(context, holder, head);
    this.node.append(this.#month, holder);
  }

  update(activity) {
    const key = JSON.stringify(activity);
    if (key === this.#shown) return;
    this.#shown = key;
    this.node.dataset.activity = activity.id;
    this.node.dataset.source = activity.source.source;
    this.time = Date.parse(activity.time);
    setText(this.#month, activity.heading ?? "");
    this.#month.hidden = activity.heading === null;
    this.#showTitle(activity);
    this.#showMeta(activity);
    this.#description.node.hidden = !activity.description;
    this.#description.update(activity.description || "");
    const fact = { label: this.title, type: "string", source: activity.source };
    this.#mark.update(this.#context.say("realTimeActivity"), activity.source.source === "activity" ? [fact] : []);
  }

  focus() {
    this.node.tabIndex = -1;
    this.node.focus();
  }

  /** An address that is not safe to follow is text. */
  #showTitle({ title, name, typeDisplay, type, url }) {
    this.title = cut(title || name || typeDisplay || type || this.#context.say("untitled"));
    const address = webAddress(url);
    if (address === null) setText(this.#title, this.title);
    else this.#title.replaceChildren(link(address, this.title, this.#context));
    this.#address.hidden = !url || address !== null;
    setText(this.#address, this.#address.hidden ? "" : cut(url));
  }

  #showMeta(activity) {
    const { formats } = this.#context;
    setAttribute(this.#time, "datetime", activity.time);
    setText(this.#time, formats.shortInstant(activity.time));
    this.#upcoming.hidden = !activity.isUpcoming;
    setText(this.#type, cut(activity.typeDisplay || activity.name || activity.type || ""));
    setText(this.#table, activity.table ?? "");
    const name = activityIconName(activity);
    if (this.#icon.dataset.icon === name) return;
    this.#icon.dataset.icon = name;
    this.#icon.replaceChildren(icon(name));
  }
}

function cut(text) {
  return text.length > LONGEST_TITLE ? `${text.slice(0, LONGEST_TITLE)}…` : text;
}
