/** The event stream of one profile: read by fetch, so that the token travels as a header, and opened again for ever. */

const SILENCE_MS = 45_000;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;

export class EventStream {
  #open;
  #on;
  #stopping = null;
  #wake = () => {};
  #failures = 0;

  /** `on` has `opened()`, `event(name)`, `lost(error, failures)` and `refused(error)`. */
  constructor({ open, on }) {
    this.#open = open;
    this.#on = on;
  }

  get isRunning() {
    return this.#stopping !== null;
  }

  start() {
    if (this.isRunning) return;
    this.#stopping = new AbortController();
    this.#run(this.#stopping.signal);
  }

  stop() {
    this.#stopping?.abort();
    this.#stopping = null;
  }

  /** Do not wait for the next attempt. */
  hurry() {
    this.#wake();
  }

  async #run(stopped) {
    while (!stopped.aborted) {
      const error = await this.#followOnce(stopped);
      if (stopped.aborted) return;
      if (error?.isFinal) {
        this.#stopping = null;
        this.#on.refused(error);
        return;
      }
      this.#failures += 1;
      this.#on.lost(error, this.#failures);
      await this.#pause(error?.retryAfterMs ?? 0, stopped);
    }
  }

  /** Why the stream came to its end, `undefined` where the service merely closed it. */
  async #followOnce(stopped) {
    const attempt = new AbortController();
    const signal = AbortSignal.any([stopped, attempt.signal]);
    const watchdog = new Watchdog(SILENCE_MS, () => attempt.abort());
    try {
      const response = await this.#open(signal);
      this.#on.opened();
      await this.#consume(response.body, watchdog);
      return undefined;
    } catch (error) {
      return error;
    } finally {
      watchdog.stop();
      attempt.abort();
    }
  }

  async #consume(body, watchdog) {
    const parser = new EventParser((name) => this.#on.event(name));
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      this.#failures = 0;
      watchdog.restart();
      parser.take(value);
    }
  }

  #pause(atLeastMs, stopped) {
    const delay = Math.max(atLeastMs, delayAfter(this.#failures));
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delay);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      stopped.addEventListener("abort", this.#wake, { once: true });
    });
  }
}

/** Doubled each time, and anything from half of it, so that a thousand cards do not come back at once. */
export function delayAfter(failures, random = Math.random) {
  const longest = Math.min(FIRST_DELAY_MS * 2 ** Math.min(failures - 1, 16), LONGEST_DELAY_MS);
  return longest * (0.5 + random() / 2);
}

/** The part of the event-stream format that is needed: names of events; comments only show that somebody is there. */
export class EventParser {
  #take;
  #rest = "";
  #name = "";
  #hasData = false;

  constructor(take) {
    this.#take = take;
  }

  take(text) {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop();
    for (const line of lines) this.#line(line);
  }

  #line(line) {
    if (line === "") this.#end();
    else if (line.startsWith("event:")) this.#name = line.slice(6).trim();
    else if (line.startsWith("data")) this.#hasData = true;
  }

  #end() {
    if (this.#name || this.#hasData) this.#take(this.#name || "message");
    this.#name = "";
    this.#hasData = false;
  }
}

class Watchdog {
  #patience;
  #bark;
  #timer;

  constructor(patience, bark) {
    this.#patience = patience;
    this.#bark = bark;
    this.restart();
  }

  restart() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#bark, this.#patience);
  }

  stop() {
    clearTimeout(this.#timer);
  }
}
