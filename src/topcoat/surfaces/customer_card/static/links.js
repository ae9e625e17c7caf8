/** Addresses that are safe to follow; anything else stays text. */

const WEB = /^https?:\/\/[^\s]+$/i;
const MAIL = /^[^\s@<>"(),:;\\[\]]+@[^\s@<>"(),:;\\[\]]+$/;
const PHONE = /^\+?[\d\s().\/-]{3,40}$/;
const LONGEST = 2000;

export function webAddress(text) {
  if (typeof text !== "string" || text.length > LONGEST || !WEB.test(text)) return null;
  const address = URL.parse?.(text) ?? parsed(text);
  return address !== null && ["http:", "https:"].includes(address.protocol) ? address.href : null;
}

/** Where a value of a column leads to, by the column's role or by what the value is. */
export function addressOf(text, role) {
  if (typeof text !== "string" || text.length > LONGEST) return null;
  if (role === "email" && MAIL.test(text)) return `mailto:${encodeURIComponent(text).replace("%40", "@")}`;
  if (role === "phone" && PHONE.test(text) && /\d{3}/.test(dialled(text))) return `tel:${dialled(text)}`;
  return webAddress(text);
}

function dialled(text) {
  return text.replace(/[^+\d]/g, "");
}

function parsed(text) {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}
