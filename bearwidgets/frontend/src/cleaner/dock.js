// Over the lower edge of the grid: buttons for the selected images, and toasts.
import { ACTIONS } from "../shared/actions.js";
import { attribute, button, h, say } from "../shared/dom.js";
import { whole } from "../shared/format.js";
/** @import { Action } from "../shared/types.js" */

/** How long a toast stays, ms. */
const TOAST = 6_000;

/** The bulk bar, and one toast at a time. */
export class Dock {
  #toast = h("div", { class: "bw-toast", role: "status", "aria-live": "polite" });
  #count = h("strong", {});
  #bulk;
  #onGone;
  /** @type {any} */
  #timer = null;
  element;

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
    const act = (/** @type {Exclude<Action, "relabel">} */ action) => button(ACTIONS[action].many ?? ACTIONS[action].title, () => onMark(action));
    const relabel = button(`${ACTIONS.relabel.many} ▾`, () => onRelabel(relabel), { "aria-haspopup": "listbox" });
    this.#bulk = h(
      "div",
      { class: "bw-bulk", role: "toolbar", "aria-label": "Selected items", hidden: true },
      this.#count,
      act("delete"),
      act("unsure"),
      act("keep"),
      relabel,
      act("accept"),
      act("clear"),
      button("✕", onNone, { class: "bw-button bw-square", "aria-label": "Select nothing", title: "Select nothing (Esc)" }),
    );
    this.element = h("div", { class: "bw-dock" }, this.#toast, this.#bulk);
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  /** @param {number} selected */
  showSelected(selected) {
    this.#bulk.hidden = selected < 2;
    say(this.#count, `${whole(selected)} selected:`);
  }

  /** @param {string} text @param {{text: string, run: () => void}|null} [act] @param {boolean} [bad] @returns {() => void} what closes it */
  toast(text, act = null, bad = false) {
    clearTimeout(this.#timer);
    const press = () => {
      close();
      this.#onGone();
      act?.run();
    };
    const parts = [h("span", { text }), ...(act ? [button(act.text, press, { class: "bw-link" })] : [])];
    const close = () => parts.forEach((part) => part.remove());
    attribute(this.#toast, "data-bad", bad);
    this.#toast.replaceChildren(...parts);
    this.#timer = setTimeout(close, bad ? 2 * TOAST : TOAST);
    return close;
  }
}
