/** The card's reads. The token travels as a header, never in an address. */

const FINAL = new Set(["signIn", "forbidden", "unknown", "unknownInstance"]);
const PATIENCE_MS = 30_000;

/** What the reader is told: by `kind`, with what the service said about it. */
export class CardError extends Error {
  constructor(kind, { message = "", code = null, status = null, retryAfterMs = 0 } = {}) {
    super(message);
    this.kind = kind;
    this.code = code;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }

  /** Trying again without anybody doing anything will not help. */
  get isFinal() {
    return FINAL.has(this.kind);
  }
}

const KINDS = new Map([
  [400, "refused"],
  [401, "signIn"],
  [403, "forbidden"],
  [404, "unknown"],
  [422, "refused"],
]);

export class CardApi {
  #address;
  #token;

  /** `token` is a function: it may be another one at the next read. */
  constructor({ base, instance, token }) {
    this.#address = `${base.replace(/\/+$/, "")}/card/api/${encodeURIComponent(instance)}`;
    this.#token = token;
  }

  /** `profile` is null where nothing has changed since the answer that had this ETag; the time is told all the same. */
  async profile(customer, { asOf = null, etag = null, signal }) {
    const response = await this.#read("profile", { customer, asOf }, signal, etag);
    const { headers } = response;
    const profile = response.status === 304 ? null : await content(response);
    const time = { now: headers.get("Topcoat-Now"), isFrozen: headers.get("Topcoat-Clock") === "frozen" };
    return { profile, time, etag: headers.get("ETag") };
  }

  /** Null where nothing has changed since the answer that had this ETag. */
  async timeline(customer, question, { etag = null, signal }) {
    const response = await this.#read("timeline", { customer, ...question }, signal, etag);
    if (response.status === 304) return null;
    return { page: await content(response), etag: response.headers.get("ETag") };
  }

  /** An open response, as long as the signal lets it be. */
  async events(customer, signal) {
    return this.#fetch("events", { customer }, signal, { Accept: "text/event-stream" });
  }

  async #read(what, question, signal, etag) {
    const condition = etag === null ? {} : { "If-None-Match": etag };
    const headers = { Accept: "application/json", ...condition };
    return this.#fetch(what, question, AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]), headers);
  }

  async #fetch(what, question, signal, headers) {
    const token = this.#token();
    const authorization = token ? { Authorization: `Bearer ${token}` } : {};
    let response;
    try {
      response = await fetch(`${this.#address}/${what}?${parameters(question)}`, {
        headers: { ...headers, ...authorization },
        cache: "no-store",
        credentials: "omit",
        signal,
      });
    } catch (error) {
      throw signal.aborted && error.name === "AbortError" ? error : new CardError("offline");
    }
    if (response.ok || response.status === 304) return response;
    throw await refusal(response);
  }
}

function parameters(question) {
  return new URLSearchParams(Object.entries(question).filter(([, value]) => value !== null && value !== ""));
}

async function content(response) {
  try {
    return await response.json();
  } catch (error) {
    throw error.name === "AbortError" ? error : new CardError("offline");
  }
}

async function refusal(response) {
  const said = await response.json().catch(() => ({}));
  const seconds = Number(response.headers.get("Retry-After"));
  const kind = said?.errorCode === "InstanceNotFound" ? "unknownInstance" : KINDS.get(response.status);
  return new CardError(kind ?? "failed", {
    message: typeof said?.message === "string" ? said.message : "",
    code: said?.errorCode ?? null,
    status: response.status,
    retryAfterMs: seconds > 0 ? seconds * 1000 : 0,
  });
}
