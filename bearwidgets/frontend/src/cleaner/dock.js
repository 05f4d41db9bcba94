// Messages and the buttons for several images: both have their place in the footer, so that nothing moves.
import { ACTIONS } from "../shared/actions.js";
import { attribute, button, h, say } from "../shared/dom.js";
import { whole } from "../shared/format.js";
import { rove } from "../shared/roving.js";
/** @import { Action } from "../shared/types.js" */

/** How long a message stays, ms. */
const TOAST = 6_000;

/** The bulk bar, and one message at a time. */
export class Dock {
  toastElement = h("div", { class: "bw-toast", role: "status", "aria-live": "polite" });
  /** What is said without being shown, such as each mark. */
  spoken = h("div", { class: "bw-spoken bw-sr", role: "status", "aria-live": "polite" });
  #count = h("strong", {});
  bulk;
  #refreshStops;
  #onGone;
  /** @type {any} */
  #timer = null;

  /**
   * @param {object} options
   * @param {AbortSignal} options.signal
   * @param {(action: Action) => void} options.onMark
   * @param {(anchor: HTMLElement) => void} options.onRelabel
   * @param {() => void} options.onNone
   * @param {() => void} options.onGone the button that had the focus is gone
   */
  constructor({ signal, onMark, onRelabel, onNone, onGone }) {
    this.#onGone = onGone;
    const act = (/** @type {Exclude<Action, "relabel">} */ action) => button(ACTIONS[action].many ?? ACTIONS[action].title, () => onMark(action), { title: ACTIONS[action].key });
    const relabel = button(`${ACTIONS.relabel.many} ▾`, () => onRelabel(relabel), { "aria-haspopup": "listbox" });
    this.bulk = h(
      "div",
      { class: "bw-bulk", role: "toolbar", "aria-label": "Selected images", hidden: true },
      this.#count,
      act("accept"),
      act("delete"),
      relabel,
      act("keep"),
      act("unsure"),
      act("clear"),
      button("✕", onNone, { class: "bw-button bw-square", "aria-label": "Select nothing", title: "Select nothing (Esc)" }),
    );
    this.#refreshStops = rove(this.bulk, signal);
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  /** @param {number} selected */
  showSelected(selected) {
    this.bulk.hidden = selected < 2;
    say(this.#count, `${whole(selected)} selected`);
    this.#refreshStops();
  }

  /** A screen reader says it. @param {string} text */
  speak(text) {
    say(this.spoken, text);
  }

  /** @param {string} text @param {{text: string, run: () => void}|null} [act] @param {boolean} [bad] @param {boolean} [stays] until the next one @returns {() => void} what closes it */
  toast(text, act = null, bad = false, stays = false) {
    clearTimeout(this.#timer);
    const press = () => {
      close();
      this.#onGone();
      act?.run();
    };
    const parts = [h("span", { class: "bw-cut", text, title: text }), ...(act ? [button(act.text, press, { class: "bw-link" })] : [])];
    const close = () => parts.forEach((part) => part.remove());
    attribute(this.toastElement, "data-bad", bad);
    this.toastElement.replaceChildren(...parts);
    if (!stays) this.#timer = setTimeout(close, bad ? 2 * TOAST : TOAST);
    return close;
  }
}
