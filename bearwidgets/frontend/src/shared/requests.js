// Requests to Python and their replies. Each has a time limit; nothing here knows the page.
/** @import { Buffer, Reply } from "./types.js" */
/** @typedef {{resolve: (answer: {result: any, buffers: Buffer[]}) => void, reject: (error: Error) => void, timer: any, since: number}} Waiting */

/** No answer came in time. */
export class NoAnswer extends Error {}

/** After this long without an answer the kernel counts as busy, ms. */
export const BUSY_AFTER = 2_000;

/** Numbers the requests and gives each reply to the one who asked. */
export class Requests {
  /** @type {Map<number, Waiting>} */
  #waiting = new Map();
  /** @type {Set<number>} */
  #overdue = new Set();
  #next;
  #busy = false;
  /** @type {any} */
  #busyTimer = null;
  #options;

  /**
   * @param {object} options
   * @param {(content: object) => void} options.send
   * @param {(busy: boolean) => void} options.onBusy a request has waited for BUSY_AFTER, or none does any more
   * @param {() => void} options.onLate an answer came that was no longer waited for: the kernel lives
   * @param {number} [options.first] the first id. Two views of one widget hear each other's replies, so each begins elsewhere.
   */
  constructor(options) {
    this.#options = options;
    this.#next = options.first ?? Math.floor(Math.random() * 2 ** 31) * 2 ** 20;
  }

  /**
   * @param {string} op
   * @param {object} args
   * @param {number} limit ms
   * @returns {Promise<{result: any, buffers: Buffer[]}>} rejects with Python's sentence, or with NoAnswer
   */
  ask(op, args, limit) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        this.#overdue.add(id);
        this.#watch();
        reject(new NoAnswer("The kernel does not answer."));
      }, limit);
      this.#waiting.set(id, { resolve, reject, timer, since: Date.now() });
      this.#watch();
      try {
        this.#options.send({ kind: "request", id, op, ...args });
      } catch {
        this.#drop(id);
        reject(new NoAnswer("The kernel is not connected."));
      }
    });
  }

  /** @param {Reply} reply @param {Buffer[]} buffers */
  receive(reply, buffers) {
    if (this.#overdue.delete(reply.id)) {
      this.#options.onLate();
      return;
    }
    const waiting = this.#drop(reply.id);
    if (!waiting) return;
    if (reply.ok) waiting.resolve({ result: reply.result, buffers });
    else waiting.reject(new Error(reply.error ?? "Python gave no reason."));
  }

  /** Stops all timers; what still waits is never answered. */
  end() {
    for (const id of [...this.#waiting.keys()]) this.#drop(id);
    clearTimeout(this.#busyTimer);
  }

  /** @param {number} id */
  #drop(id) {
    const waiting = this.#waiting.get(id);
    if (!waiting) return null;
    clearTimeout(waiting.timer);
    this.#waiting.delete(id);
    this.#watch();
    return waiting;
  }

  #watch() {
    clearTimeout(this.#busyTimer);
    const [oldest] = this.#waiting.values();
    const age = oldest ? Date.now() - oldest.since : 0;
    const busy = Boolean(oldest) && age >= BUSY_AFTER;
    if (oldest && !busy) this.#busyTimer = setTimeout(() => this.#watch(), BUSY_AFTER - age);
    if (busy === this.#busy) return;
    this.#busy = busy;
    this.#options.onBusy(busy);
  }
}
