/** The activities that are loaded: page by page as far as somebody scrolled, and read again as a whole when told. */

export const PAGE = 20;
const CHUNK = 100;
const MOST_READ_AGAIN = 1_000;
const MOST_EMPTY_PAGES = 5;

export class TimelinePages {
  activities = [];
  types = null;
  hasMore = false;
  #read;
  #nowMs;
  #question = {};
  #next = null;
  #known = { top: 0, etag: null };
  #turn = Promise.resolve();
  #reset = new AbortController();

  /** `read(question, { etag, signal })` answers `{ page, etag }`, or null where nothing has changed. */
  constructor({ read, nowMs }) {
    this.#read = read;
    this.#nowMs = nowMs;
  }

  /** Another question: what was loaded for the last one goes when the answer is there. */
  ask(question) {
    this.stop();
    this.#question = question;
    return this.#inTurn(async (signal) => {
      const { page, etag } = await this.#read({ ...question, top: PAGE }, { signal });
      this.#known = { top: PAGE, etag };
      this.#take(page.activities, page.next, page.types);
    });
  }

  /** What is there now of all that was loaded. */
  again() {
    return this.#inTurn(async (signal) => {
      const wanted = Math.min(Math.max(this.activities.length, PAGE), MOST_READ_AGAIN);
      const top = Math.min(wanted, CHUNK);
      const etag = this.#known.top === top && this.activities.length <= top ? this.#known.etag : null;
      const answer = await this.#read({ ...this.#question, top }, { etag, signal });
      if (answer === null) return;
      this.#known = { top, etag: answer.etag };
      await this.#replace(answer.page, wanted, top, signal);
    });
  }

  /** The next page; how many activities it brought. */
  more() {
    return this.#inTurn(async (signal) => {
      const before = this.activities.length;
      for (let pages = 0; pages < MOST_EMPTY_PAGES && this.hasMore && this.activities.length === before; pages += 1) {
        const page = await this.#following(signal);
        this.#take(joined(this.activities, page.activities), page.next);
      }
      return this.activities.length - before;
    });
  }

  stop() {
    this.#reset.abort();
    this.#reset = new AbortController();
  }

  async #replace(first, wanted, top, signal) {
    let fresh = first.activities;
    let next = first.next;
    while (next !== null && fresh.length < wanted) {
      const { page } = await this.#read({ ...this.#question, top, skiptoken: next }, { signal });
      fresh = joined(fresh, page.activities);
      next = page.next;
    }
    const rest = next === null ? [] : this.#older(fresh);
    this.#take(joined(fresh, rest), rest.length > PAGE ? this.#next : next, first.types);
  }

  /** What was loaded beyond what has been read again, without what has lapsed meanwhile. */
  #older(fresh) {
    const last = Date.parse(fresh.at(-1)?.time ?? "");
    return this.activities.filter(
      ({ time, source }) => Date.parse(time) <= last && !(Date.parse(source.validUntil ?? "") <= this.#nowMs()),
    );
  }

  /** By token; where that has expired, from the time of the last activity on. */
  async #following(signal) {
    try {
      const question = { ...this.#question, top: PAGE, skiptoken: this.#next };
      return (await this.#read(question, { signal })).page;
    } catch (error) {
      if (error.kind !== "refused") throw error;
      const to = new Date(Date.parse(this.activities.at(-1).time) + 1).toISOString();
      return (await this.#read({ ...this.#question, top: CHUNK, to }, { signal })).page;
    }
  }

  #take(activities, next, types) {
    this.activities = activities;
    this.#next = next;
    this.hasMore = next !== null;
    this.types = types ?? this.types;
  }

  /** One at a time; what belongs to an earlier question is dropped. */
  #inTurn(task) {
    const { signal } = this.#reset;
    const turn = this.#turn.then(() => {
      signal.throwIfAborted();
      return task(signal);
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }
}

function joined(activities, further) {
  const known = new Set(activities.map(({ id }) => id));
  return [...activities, ...further.filter(({ id }) => !known.has(id))];
}
