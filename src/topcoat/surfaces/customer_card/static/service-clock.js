/** What time it is for the service, whose clock may be ahead of the reader's, or stand still. */
export class ServiceClock {
  #nowMs = Date.now();
  #setAtMs = performance.now();
  isFrozen = false;

  set(now, isFrozen) {
    this.#nowMs = Date.parse(now);
    this.#setAtMs = performance.now();
    this.isFrozen = isFrozen;
  }

  nowMs() {
    return this.isFrozen ? this.#nowMs : this.#nowMs + (performance.now() - this.#setAtMs);
  }
}
