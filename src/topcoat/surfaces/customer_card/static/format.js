/** Values as the reader writes them: locale and time zone are the reader's. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const WORD_STARTS = /(?<=[a-z])(?<!(?:^|\s)[a-z])(?=[A-Z0-9])|(?<=\d)(?=[A-Z][a-z])|(?<=[A-Z]{2})(?=[A-Z][a-z])/g;

export class Formats {
  #say;
  #instant;
  #short;
  #day;
  #month;
  #whole;
  #exact;
  #rounded;
  #relative;

  constructor(locale, say) {
    this.#say = say;
    this.#instant = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });
    this.#short = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
    this.#day = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" });
    this.#month = new Intl.DateTimeFormat(locale, { month: "long", year: "numeric" });
    this.#whole = new Intl.NumberFormat(locale);
    this.#exact = new Intl.NumberFormat(locale, { maximumFractionDigits: 20 });
    this.#rounded = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
    this.#relative = new Intl.RelativeTimeFormat(locale, { numeric: "always" });
  }

  count(number) {
    return this.#whole.format(number);
  }

  /** To the second, as a countdown needs it. */
  instant(text) {
    return dated(this.#instant, text);
  }

  shortInstant(text) {
    return dated(this.#short, text);
  }

  month(text) {
    return dated(this.#month, text);
  }

  /** In the one unit that says it best, such as "in 3 hours". */
  fromNow(ms) {
    const distance = Math.abs(ms);
    if (distance < 90_000) return this.#relative.format(Math.round(ms / 1000), "second");
    if (distance < 90 * MINUTE_MS) return this.#relative.format(Math.round(ms / MINUTE_MS), "minute");
    if (distance < 36 * HOUR_MS) return this.#relative.format(Math.round(ms / HOUR_MS), "hour");
    return this.#relative.format(Math.round(ms / DAY_MS), "day");
  }

  /** Text for a value of a column; `null` where there is none. */
  value(type, value) {
    if (value === null || value === undefined || value === "") return null;
    if (typeof value === "boolean") return this.#say(value ? "yes" : "no");
    if (type === "date") return dated(this.#day, value);
    if (type === "date-time") return dated(this.#short, value);
    if (type === "integer" || type === "decimal") return numeral(this.#exact, value);
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  }

  /** A measure is read at a glance. */
  measure(type, value) {
    return type === "decimal" && value !== null ? numeral(this.#rounded, value) : this.value(type, value);
  }
}

/** `FullName` as "Full name"; abbreviations and what is not camel case stay as they are. */
export function columnLabel(name) {
  const parted = name.replaceAll("_", " ").replace(WORD_STARTS, " ");
  const words = parted.split(" ").filter((word) => word !== "");
  return words.map(cased).join(" ") || name;
}

function cased(word, at) {
  if (at > 0 && /^[A-Z][a-z]+$/.test(word)) return word.toLowerCase();
  return at === 0 && /^[a-z]+$/.test(word) ? word[0].toUpperCase() + word.slice(1) : word;
}

/** The first letters of the first and the last word, whole graphemes. */
export function initials(title) {
  const words = title.match(/[\p{L}\p{N}\p{Emoji_Presentation}][^\s]*/gu) ?? [];
  const chosen = words.length > 1 ? [words[0], words.at(-1)] : words;
  return chosen.map((word) => firstGrapheme(word).toLocaleUpperCase()).join("");
}

function firstGrapheme(word) {
  const [first] = new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(word.slice(0, 50));
  return first.segment;
}

function dated(format, text) {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? String(text) : format.format(date);
}

function numeral(format, value) {
  const isNumber = typeof value === "number" || /^-?\d+(\.\d+)?$/.test(value);
  return isNumber ? format.format(value) : String(value);
}
