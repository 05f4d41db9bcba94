// The line to Python as a person sees it: a quiet "busy", and a clear word when no answer comes.
import { button, h, say } from "./dom.js";
import { counted } from "./format.js";
import { NoAnswer, Requests } from "./requests.js";
/** @import { Buffer, KernelEvent, Model, Ops } from "./types.js" */

/** How long each kind of request may take, ms. */
const LIMITS = { page: 10_000, full: 10_000, hello: 10_000, plan: 300_000, apply: 900_000, rollback: 900_000 };
const LIMIT = 20_000;

/** Requests to Python with their time limits, and the banner and busy sign that belong to them. */
export class Connection {
  /** What Python tells this page from others by. */
  page = crypto.getRandomValues(new Uint32Array(2)).join("-");
  #requests;
  #saved;
  #text = h("span", {});
  #banner;
  #busy = h("div", { class: "bw-busy", role: "status" });
  element;
  /** What went wrong, for a view that has a place for it. */
  message = h("p", { class: "bw-message", role: "alert", hidden: true });
  /** What stands there while nothing is wrong; "" nothing. */
  note = "";

  /**
   * @param {object} options
   * @param {Model} options.model
   * @param {AbortSignal} options.signal
   * @param {() => number} [options.saved] how many decisions are confirmed
   * @param {() => void} options.onRetry Retry was pressed, or a late answer shows that the kernel lives
   * @param {(event: KernelEvent) => void} options.onEvent
   */
  constructor({ model, signal, saved = () => 0, onRetry, onEvent }) {
    this.#saved = saved;
    this.#requests = new Requests({
      send: (content) => model.send(content),
      onBusy: (busy) => say(this.#busy, busy ? "kernel busy…" : ""),
      onLate: onRetry,
    });
    const again = button("Retry", () => {
      this.clear();
      onRetry();
    });
    this.#banner = h("div", { class: "bw-banner", role: "alert", hidden: true }, this.#text, again);
    this.element = h("div", { class: "bw-connection" }, this.#banner, this.#busy);
    const hear = (/** @type {any} */ message, /** @type {any[]} */ buffers) => {
      if (message?.kind === "reply") this.#requests.receive(message, buffers ?? []);
      else if (message?.kind === "event") onEvent(message);
    };
    // The kernel was restarted or reached again: ask whether anyone is there.
    const checked = () => onRetry();
    model.on("msg:custom", hear);
    model.on("comm_live_update", checked);
    signal.addEventListener("abort", () => {
      model.off("msg:custom", hear);
      model.off("comm_live_update", checked);
      this.#requests.end();
    });
  }

  /**
   * @template {keyof Ops} K
   * @param {K} op
   * @param {Ops[K]["request"]} args
   * @returns {Promise<{result: Ops[K]["reply"], buffers: Buffer[]}>}
   */
  async ask(op, args) {
    try {
      const answer = await this.#requests.ask(op, args, LIMITS[/** @type {keyof LIMITS} */ (op)] ?? LIMIT);
      this.clear();
      return answer;
    } catch (error) {
      if (error instanceof NoAnswer) {
        this.warn(
          `${error.message} It may be busy with a cell, or gone. If the kernel was restarted: Run All Above, then this cell; else run this cell again. ` +
            (this.#saved() ? `Your ${counted(this.#saved(), "decision")} ${this.#saved() === 1 ? "is" : "are"} saved.` : "Decisions that were confirmed are saved."),
        );
      }
      throw error;
    }
  }

  /**
   * As `ask`, but says in `message` what went wrong.
   * @template {keyof Ops} K
   * @param {K} op
   * @param {Ops[K]["request"]} args
   * @returns {Promise<{result: Ops[K]["reply"], buffers: Buffer[]}|null>} null after an error
   */
  async attempt(op, args) {
    try {
      const answer = await this.ask(op, args);
      this.tell(this.note);
      return answer;
    } catch (error) {
      this.tell(/** @type {Error} */ (error).message);
      return null;
    }
  }

  /** @param {string} text shown in `message`; "" nothing */
  tell(text) {
    say(this.message, text);
    this.message.hidden = !text;
  }

  /** @param {string} text shown with a Retry button until an answer comes */
  warn(text) {
    say(this.#text, text);
    this.#banner.hidden = false;
  }

  clear() {
    this.#banner.hidden = true;
  }
}
