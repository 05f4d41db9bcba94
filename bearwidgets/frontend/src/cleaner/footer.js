// Under the grid: why the active item is shown, what the digits mean (a click filters) and the keys; over its lower
// edge: bulk bar and toasts.
import { attribute, button, h, say } from "../shared/dom.js";
import { looked, whole } from "../shared/format.js";
/** @typedef {import("../shared/types.js").State} State */
/** @typedef {import("../shared/types.js").Item} Item */
/** @typedef {import("../shared/types.js").Action} Action */

/** How long a toast stays, ms. */
const TOAST = 6_000;

export class Footer {
  #legend = h("div", { class: "bw-legend", role: "group", "aria-label": "Classes and their keys" });
  #keys;
  #groupKey = h("span", {}, h("kbd", { text: "G" }), " keep one ");
  #figures = h("span", { class: "bw-figures" });
  #hint = h("span", { class: "bw-stop", role: "status" });
  #looks = h("span", { class: "bw-looks" }, this.#figures, this.#hint);
  #path = h("span", { class: "bw-path" });
  #why = h("span", {});
  #reason = h("span", { class: "bw-reason" }, this.#path, " ", this.#why);
  #key = "";
  #onClass;
  element;

  /** @param {{onClass: (name: string|null) => void, onHelp: () => void}} options */
  constructor({ onClass, onHelp }) {
    this.#onClass = onClass;
    this.#keys = h("div", { class: "bw-keys", "aria-hidden": "true" });
    for (const [key, text] of [
      ["Enter", "accept"],
      ["Del", "delete"],
      ["K", "keep"],
      ["U", "unsure"],
      ["R", "any class"],
      ["Space", "zoom"],
    ]) {
      this.#keys.append(h("kbd", { text: key }), ` ${text} `);
    }
    this.#keys.prepend(this.#groupKey);
    const strip = h("div", { class: "bw-strip" }, this.#legend, this.#keys, button("all keys", onHelp, { class: "bw-link" }));
    const said = h("div", { class: "bw-said" }, this.#reason, this.#looks);
    this.element = h("div", { class: "bw-footer", hidden: true }, said, strip);
  }

  /** @param {State} state */
  show(state) {
    this.element.hidden = false;
    this.#groupKey.hidden = !state.runs.length;
    say(this.#figures, state.yield && !state.yield.hint ? looked(state.yield) : "");
    say(this.#hint, state.yield?.hint ?? "");
    const chosen = state.view.filter.label;
    const key = JSON.stringify([state.classes, state.counts.label, chosen]);
    if (key === this.#key) return;
    this.#key = key;
    const chips = state.classes.slice(0, 9).map((name, index) =>
      h(
        "button",
        {
          type: "button",
          class: "bw-chip",
          "aria-pressed": String(name === chosen),
          title: name === chosen ? "Show all classes" : `Show only ${name}`,
          on: { click: () => this.#onClass(name === chosen ? null : name) },
        },
        h("kbd", { text: String(index + 1) }),
        h("span", { class: "bw-chip-name", text: name }),
        h("span", { class: "bw-hint", text: whole(state.counts.label[name] ?? 0) }),
      ),
    );
    const more = state.classes.length - chips.length;
    const rest = more > 0 ? h("span", { class: "bw-hint", text: `+ ${whole(more)} more: R`, title: "Press R to choose any class" }) : null;
    this.#legend.replaceChildren(...chips, ...(rest ? [rest] : []));
  }

  /** @param {Item|null} item the active one; a screen reader hears it from the tile */
  explain(item) {
    say(this.#path, item?.path ?? "");
    say(this.#why, item?.why ?? "");
    attribute(this.#reason, "title", item ? [item.path, item.why].filter(Boolean).join("\n") : null);
  }
}

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
    const act = (/** @type {string} */ text, /** @type {Action} */ action) => button(text, () => onMark(action));
    const relabel = button("Relabel to ▾", () => onRelabel(relabel), { "aria-haspopup": "listbox" });
    this.#bulk = h(
      "div",
      { class: "bw-bulk", role: "toolbar", "aria-label": "Selected items", hidden: true },
      this.#count,
      act("Delete", "delete"),
      act("Unsure", "unsure"),
      act("Keep", "keep"),
      relabel,
      act("Accept suggestions", "accept"),
      act("Clear", "clear"),
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

  /** @param {string} text @param {{text: string, run: () => void}|null} [act] @param {boolean} [bad] */
  toast(text, act = null, bad = false) {
    clearTimeout(this.#timer);
    const close = () => this.#toast.replaceChildren();
    const acts = act
      ? [button(act.text, () => {
          close();
          this.#onGone();
          act.run();
        }, { class: "bw-link" })]
      : [];
    attribute(this.#toast, "data-bad", bad);
    this.#toast.replaceChildren(h("span", { text }), ...acts);
    this.#timer = setTimeout(close, bad ? 2 * TOAST : TOAST);
  }
}
