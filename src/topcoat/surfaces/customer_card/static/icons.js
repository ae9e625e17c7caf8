/** Icons as SVG, drawn by strokes in the colour of the text. */

import { svgElement } from "./elements.js";

const PATHS = {
  alert: ["M12 3.5 2.5 20h19L12 3.5Z", "M12 10v4.5", "M12 17.4v.1"],
  bag: ["M5 8h14l1 12.5H4L5 8Z", "M8.5 10.5V7a3.5 3.5 0 0 1 7 0v3.5"],
  calendar: ["M4 6h16v14H4Z", "M4 10.5h16", "M8.5 3.5V8", "M15.5 3.5V8"],
  card: ["M3 6h18v12.5H3Z", "M3 10.5h18", "M6.5 15h4"],
  changed: [
    "m12 3.5 9 4.7-9 4.7-9-4.7 9-4.7Z",
    "m4.5 12.2-1.5.8 9 4.7 9-4.7-1.5-.8",
    "m4.5 16.6-1.5.8 9 4.1 9-4.1-1.5-.8",
  ],
  chat: ["M4 4.5h16v11.5H11l-4.5 4v-4H4Z", "M8 9h8", "M8 12h5"],
  clock: ["M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17Z", "M12 7.5V12l3 2.2"],
  event: ["M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17Z", "m8.2 12.2 2.7 2.7 5-5.4"],
  gem: ["M7 4.5h10l4 5.5-9 10.5L3 10l4-5.5Z", "M3 10h18", "m9 10 3 10 3-10"],
  globe: [
    "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17Z",
    "M3.5 12h17",
    "M12 3.5c-5 5-5 12 0 17",
    "M12 3.5c5 5 5 12 0 17",
  ],
  lifebuoy: [
    "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17Z",
    "M12 8.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7Z",
    "m6 6 3.5 3.5",
    "m14.5 14.5 3.5 3.5",
    "m18 6-3.5 3.5",
    "M9.5 14.5 6 18",
  ],
  live: ["M12 9.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5Z", "M7.5 7.5a6.4 6.4 0 0 0 0 9", "M16.5 7.5a6.4 6.4 0 0 1 0 9"],
  lock: ["M5 11h14v9.5H5Z", "M8 11V8a4 4 0 0 1 8 0v3"],
  mail: ["M3 5.5h18v13H3Z", "m3.5 6.5 8.5 7 8.5-7"],
  offline: [
    "M3.5 3.5l17 17",
    "M9 18.5h8.5a4 4 0 0 0 2.4-7.2",
    "M16.6 8.5A5.8 5.8 0 0 0 9.4 6.6",
    "M6.6 9.4A4.6 4.6 0 0 0 6.5 18.5",
  ],
  person: ["M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8Z", "M4 20.5c.6-4 3.9-6 8-6s7.4 2 8 6"],
  phone: [
    "M6.5 3.5 10 4l1 4.5-2.5 1.7a12 12 0 0 0 5.3 5.3L15.5 13l4.5 1 .5 3.5c0 1.7-1.3 3-3 3C9.7 20.5 3.5 14.3 3.5 6.5c0-1.7 1.3-3 3-3Z",
  ],
  pin: ["M12 21c4.7-5 7-8.5 7-11.5a7 7 0 0 0-14 0C5 12.5 7.3 16 12 21Z", "M12 7a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5Z"],
  renew: ["M19.5 12a7.5 7.5 0 0 1-13.6 4.3", "M4.5 12a7.5 7.5 0 0 1 13.6-4.3", "M18.5 3.5v4.5H14", "M5.5 20.5V16H10"],
  star: ["m12 3.5 2.6 5.4 5.9.800-4.3 4.1 1.1 5.9L12 16.9l-5.3 2.8 1.1-5.9-4.3-4.1 5.9-.8L12 3.5Z"],
};

/** The first pattern that a type or a name fits has the word. */
const ACTIVITIES = [
  [/order|purchase|sale|invoice|cart|basket|return/i, "bag"],
  [/feedback|review|rating|survey/i, "star"],
  [/phone|call/i, "phone"],
  [/mail|letter/i, "mail"],
  [/chat|sms|message|post|comment/i, "chat"],
  [/case|support|ticket|incident|service/i, "lifebuoy"],
  [/appointment|meeting|booking|event/i, "calendar"],
  [/subscription|renew|membership/i, "renew"],
  [/loyal|reward|point/i, "gem"],
  [/payment|transaction|card/i, "card"],
  [/web|page|site|click|login|visit/i, "globe"],
];

export function icon(name) {
  return svgElement(
    "svg",
    {
      class: "icon",
      viewBox: "0 0 24 24",
      width: "16",
      height: "16",
      fill: "none",
      stroke: "currentColor",
      "stroke-width": "1.75",
      "stroke-linecap": "round",
      "stroke-linejoin": "round",
      "aria-hidden": "true",
      focusable: "false",
      "data-icon": name,
    },
    ...PATHS[name].map((d) => svgElement("path", { d })),
  );
}

export function activityIconName({ type, name }) {
  const found =
    ACTIVITIES.find(([pattern]) => pattern.test(type ?? "")) ??
    ACTIVITIES.find(([pattern]) => pattern.test(name ?? ""));
  return found === undefined ? "event" : found[1];
}
