/** What is read when: at the start, when the stream says so, at another instant, and after all that broke. */

import { delayAfter, EventStream } from "./stream.js";

const HIDDEN_MS = 20_000;
const FIRST_EVENT_MS = 500;

export class Reading {
  #api;
  #customer;
  #on;
  #stream;
  #asOf = null;
  #etag = null;
  #round = null;
  #isWaiting = false;
  #isLost = false;
  #failures = 0;
  #nextAttempt = null;
  #hiding = null;
  #firstEvent = null;
  #listening = null;

  /**
   * `on` has `profile(profile, asOf)`, `unchanged(time)`, `timeline(asOf)`, which reads it, `failed(error)` and
   * `connection(state)`.
   */
  constructor({ api, customer, on }) {
    this.#api = api;
    this.#customer = customer;
    this.#on = on;
    this.#stream = new EventStream({ open: (signal) => api.events(customer, signal), on: this.#streamed() });
  }

  start() {
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    document.addEventListener("visibilitychange", () => this.#seenOrNot(), { signal });
    window.addEventListener("pageshow", (event) => event.persisted && this.retry(), { signal });
    window.addEventListener("online", () => this.#reconnect(), { signal });
    window.addEventListener("offline", () => this.#on.connection("notLive"), { signal });
    this.retry();
  }

  stop() {
    this.#listening?.abort();
    this.#round?.abort();
    this.#round = null;
    this.#stream.stop();
    for (const timer of [this.#hiding, this.#firstEvent, this.#nextAttempt]) clearTimeout(timer);
  }

  /** Now, whatever was waited for; a stream that had been refused is asked for again. */
  retry() {
    if (!this.#stream.isRunning) this.#on.connection("connecting");
    this.#stream.start();
    this.#stream.hurry();
    this.read();
  }

  /** Null is the present. The answer may come for another time than the last one: what was on its way is dropped. */
  async showAsOf(asOf) {
    this.#asOf = asOf;
    this.#etag = null;
    this.#round?.abort();
    this.#round = null;
    await this.read();
  }

  /** One read at a time; whatever calls for another meanwhile gets one more at the end. */
  async read() {
    if (this.#round !== null) {
      this.#isWaiting = true;
      return;
    }
    const round = new AbortController();
    this.#round = round;
    do {
      this.#isWaiting = false;
      await this.#readOnce(round.signal);
    } while (this.#isWaiting && !round.signal.aborted);
    if (this.#round === round) this.#round = null;
  }

  async #readOnce(signal) {
    const asOf = this.#asOf;
    const outcome = this.#on.timeline(asOf).then(
      () => null,
      (error) => error,
    );
    clearTimeout(this.#nextAttempt);
    try {
      await this.#readProfile(asOf, signal);
      const error = await outcome;
      if (error !== null && error.name !== "AbortError") throw error;
      this.#failures = 0;
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
    }
  }

  #failed(error) {
    this.#on.failed(error);
    if (error.isFinal || error.kind === "refused") return;
    this.#failures += 1;
    const delay = Math.max(delayAfter(this.#failures), error.retryAfterMs);
    this.#nextAttempt = setTimeout(() => this.read(), delay);
  }

  async #readProfile(asOf, signal) {
    const { profile, time, etag } = await this.#api.profile(this.#customer, { asOf, etag: this.#etag, signal });
    if (signal.aborted) return;
    if (profile === null) this.#on.unchanged(time);
    else {
      this.#etag = asOf === null ? etag : null;
      this.#on.profile(profile, asOf);
    }
  }

  /** The service says "changed" as soon as it listens; should it not, the card reads without. */
  #streamed() {
    return {
      opened: () => {
        this.#isLost = false;
        this.#on.connection("live");
        this.#firstEvent = setTimeout(() => this.#readIfLive(), FIRST_EVENT_MS);
      },
      event: (name) => {
        clearTimeout(this.#firstEvent);
        if (name === "changed" || name === "gone") this.#readIfLive();
      },
      lost: (error, failures) => {
        clearTimeout(this.#firstEvent);
        if (!this.#isLost) this.#on.connection(navigator.onLine ? "reconnecting" : "notLive");
        this.#isLost = true;
        if (failures > 1) this.#readIfLive();
      },
      refused: (error) => {
        this.#on.connection("notLive");
        this.#on.failed(error);
      },
    };
  }

  #readIfLive() {
    if (this.#asOf === null) this.read();
  }

  /** What was open when the network went may never notice. */
  #reconnect() {
    this.#stream.stop();
    this.retry();
  }

  /** A tab that nobody looks at gives its connection back: browsers have only six for one host. */
  #seenOrNot() {
    clearTimeout(this.#hiding);
    if (document.visibilityState === "hidden") this.#hiding = setTimeout(() => this.#pause(), HIDDEN_MS);
    else if (!this.#stream.isRunning) this.retry();
  }

  #pause() {
    this.#stream.stop();
    this.#on.connection("paused");
  }
}
