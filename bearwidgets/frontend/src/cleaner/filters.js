// The panel behind "Filters": everything that says which images are shown, in which order and how large.
import { attribute, button, h, say } from "../shared/dom.js";
import { whole } from "../shared/format.js";
import { openPopover } from "../shared/menu.js";
/** @import { Filter, Sort, State, ViewSpec } from "../shared/types.js" */

/**
 * Each order: whether it begins with the highest or newest, and whether it needs scores.
 * @type {{name: Sort, text: string, descending?: boolean, scored?: boolean}[]}
 */
const SORTS = [
  { name: "queue", text: "queue", descending: true },
  { name: "label_issue", text: "label issue", descending: true, scored: true },
  { name: "loss", text: "loss", descending: true, scored: true },
  { name: "margin", text: "margin", scored: true },
  { name: "confidence", text: "confidence", scored: true },
  { name: "label", text: "label" },
  { name: "path", text: "path" },
  { name: "decided", text: "time decided", descending: true },
];
/** Choices of the decision filter, the first under another name. */
const DECISIONS = ["pending", "undecided", "delete", "relabel", "unsure", "keep"];
/** Image sides of the two layouts, px. */
const SIDES = { Dense: 96, Normal: 176 };

/** Filters, order and image size. */
export class Filters {
  #options;
  /** @type {Record<string, HTMLSelectElement>} */
  #filters;
  #sort = select("Sort by");
  #direction = button("↓", () => this.#options.onView({ descending: !this.#state?.view.descending }), { class: "bw-button bw-square" });
  #size = h("input", { type: "range", class: "bw-size", min: 96, max: 320, step: 16, "aria-label": "Image size in pixels" });
  /** @type {State|null} */
  #state = null;
  #panel;
  element = button("Filters ▾", () => this.#open(), { "aria-haspopup": "dialog", "aria-expanded": "false", title: "Filters, order, image size" });

  /**
   * @param {object} options
   * @param {() => HTMLElement} options.root
   * @param {AbortSignal} options.signal
   * @param {(change: Partial<ViewSpec>) => void} options.onView
   * @param {(change: Partial<Filter>) => void} options.onFilter
   * @param {(px: number, final: boolean) => void} options.onSize
   * @param {() => void} options.onClear every filter off
   * @param {() => void} options.onClose
   */
  constructor(options) {
    this.#options = options;
    const { onClear, onSize } = options;
    this.#filters = { predicted: select("Predicted"), split: select("Split"), decision: select("Decision") };
    const layouts = Object.entries(SIDES).map(([name, px]) => button(name, () => onSize(px, true)));
    const refresh = button("⟳", () => options.onView({}), { class: "bw-button bw-square", "aria-label": "Refresh the order", title: "Put in order again" });
    const row = (/** @type {string} */ text, /** @type {Node[]} */ ...parts) => h("div", { class: "bw-row-of-panel" }, h("span", { text }), ...parts);
    this.#panel = h(
      "div",
      { class: "bw-panel", role: "dialog", "aria-label": "Filters" },
      row("Model says", this.#filters.predicted),
      row("Split", this.#filters.split),
      row("Decision", this.#filters.decision),
      row("Order", this.#sort, this.#direction, refresh),
      row("Images", ...layouts, this.#size),
      button("Clear filters", onClear),
    );
    this.#listen();
  }

  /** @param {number} px */
  setSize(px) {
    this.#size.value = String(px);
  }

  /** @param {State} state */
  show(state) {
    this.#state = state;
    const { filter, sort, descending } = state.view;
    fill(this.#filters.predicted, "anything", state.classes.map((name) => [name, name]), filter.predicted);
    fill(this.#filters.split, "all", Object.entries(state.counts.split).map(([name, n]) => [name, `${name} (${whole(n)})`]), filter.split);
    fill(this.#filters.decision, "all", DECISIONS.map((name) => [name, (name === "pending" ? "decided" : name) + this.#actionCount(name)]), filter.decision);
    const sorts = SORTS.filter(({ name, scored }) => (name === "queue" ? state.view.queue !== null : state.can.scores || !scored));
    fill(this.#sort, null, sorts.map(({ name, text }) => [name, text]), sort);
    /** @type {HTMLElement} */ (this.#filters.predicted.parentElement).hidden = !state.can.scores;
    say(this.#direction, descending ? "↓" : "↑");
    attribute(this.#direction, "aria-label", descending ? "Descending; change to ascending" : "Ascending; change to descending");
    const on = [filter.predicted, filter.split, filter.decision].filter(Boolean).length;
    say(this.element, on ? `Filters (${on}) ▾` : "Filters ▾");
    this.element.classList.toggle("bw-on", on > 0);
  }

  #open() {
    const { root, signal, onClose } = this.#options;
    openPopover({ anchor: this.element, host: root(), content: this.#panel, signal, onClose });
    this.#panel.querySelector("select")?.focus();
  }

  #listen() {
    const { onView, onFilter, onSize, signal } = this.#options;
    for (const [name, each] of Object.entries(this.#filters)) {
      each.addEventListener("change", () => onFilter({ [name]: each.value || null }), { signal });
    }
    const sorted = () => {
      const order = SORTS.find(({ name }) => name === this.#sort.value);
      if (order) onView({ sort: order.name, descending: order.descending ?? false });
    };
    this.#sort.addEventListener("change", sorted, { signal });
    this.#size.addEventListener("input", () => onSize(Number(this.#size.value), false), { signal });
    this.#size.addEventListener("change", () => onSize(Number(this.#size.value), true), { signal });
    // Keys of the grid must not act while one is chosen here.
    this.#panel.addEventListener("keydown", (event) => event.stopPropagation(), { signal });
  }

  /** @param {string} name */
  #actionCount(name) {
    const { action } = /** @type {State} */ (this.#state).counts;
    const sum = Object.values(action).reduce((total, n) => total + n, 0);
    const n = name === "pending" ? sum : name === "undecided" ? null : (action[name] ?? 0);
    return n === null ? "" : ` (${whole(n)})`;
  }
}

/** @param {string} name */
export function select(name) {
  return h("select", { class: "bw-select", "aria-label": name });
}

/**
 * Fills a drop-down where its choices changed, and shows the value.
 * @param {HTMLSelectElement} list
 * @param {string|null} none text of the choice that filters nothing
 * @param {[string, string][]} options
 * @param {string|null} value
 */
export function fill(list, none, options, value) {
  /** @type {[string, string][]} */
  const all = none === null ? options : [["", none], ...options];
  const key = JSON.stringify(all);
  if (list.dataset.key !== key) {
    list.dataset.key = key;
    list.replaceChildren(...all.map(([name, text]) => h("option", { value: name, text })));
  }
  list.value = value ?? "";
  list.classList.toggle("bw-on", none !== null && value !== null);
}
