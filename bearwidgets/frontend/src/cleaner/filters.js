// The panel behind "Filters": everything that says which images are shown, in which order and how large.
import { attribute, button, focusedNear, h, say } from "../shared/dom.js";
import { whole } from "../shared/format.js";
import { openPopover } from "../shared/menu.js";
/** @import { Filter, RangeFilter, State, ValueRange, ViewSpec } from "../shared/types.js" */

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
  #saved = select("Saved views");
  #name = h("input", { class: "bw-input bw-search", type: "text", placeholder: "name of this view", "aria-label": "Name to save this view under" });
  #ranges = h("div", { class: "bw-ranges" });
  /** The two ends of each range. @type {{input: HTMLInputElement, name: string, which: "low"|"high"}[]} */
  #bounds = [];
  /** The saved view that was chosen last, and what was shown then. */
  #chosen = { name: "", from: "" };
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
   * @param {() => Filter} options.filter as it was asked for last
   * @param {(px: number, final: boolean) => void} options.onSize
   * @param {() => void} options.onClear every filter off
   * @param {() => Promise<ValueRange[]>} options.loadRanges how the values of what is shown are spread
   * @param {(name: string) => void} options.onSave the view as it is now
   * @param {(name: string) => void} options.onDrop
   * @param {() => void} options.onClose
   */
  constructor(options) {
    this.#options = options;
    const { onClear, onSize } = options;
    this.#filters = { predicted: select("Predicted"), split: select("Split"), decision: select("Decision"), tag: select("Tag") };
    const layouts = Object.entries(SIDES).map(([name, px]) => button(name, () => onSize(px, true)));
    const refresh = button("⟳", () => options.onView({}), { class: "bw-button bw-square", "aria-label": "Refresh the order", title: "Put in order again" });
    const row = (/** @type {string} */ text, /** @type {Node[]} */ ...parts) => h("div", { class: "bw-row-of-panel" }, h("span", { text }), ...parts);
    this.#panel = h(
      "div",
      { class: "bw-panel", role: "dialog", "aria-label": "Filters", tabindex: "-1" },
      row("Model says", this.#filters.predicted),
      row("Split", this.#filters.split),
      row("Decision", this.#filters.decision),
      row("Tag", this.#filters.tag),
      row("Order", this.#sort, this.#direction, refresh),
      row("Images", ...layouts, this.#size),
      this.#ranges,
      row("Saved", this.#saved, button("✕", () => this.#saved.value && options.onDrop(this.#saved.value), { class: "bw-button bw-square", "aria-label": "Forget this saved view", title: "Forget this saved view" })),
      row("Save as", this.#name, button("Save", () => this.#save())),
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
    fill(this.#sort, null, state.sorts.map(({ name, title }) => [name, title]), sort);
    const tags = Object.entries(state.tags);
    fill(this.#filters.tag, "all", tags.map(([name, n]) => [name, `${name} (${whole(n)})`]), filter.tag);
    /** @type {HTMLElement} */ (this.#filters.tag.parentElement).hidden = !tags.length && !filter.tag;
    fill(this.#saved, "choose…", state.saved.map(({ name }) => [name, name]), this.#savedName(state));
    /** @type {HTMLElement} */ (this.#saved.parentElement).hidden = !state.saved.length;
    /** @type {HTMLElement} */ (this.#filters.predicted.parentElement).hidden = !state.can.scores;
    say(this.#direction, descending ? "↓" : "↑");
    attribute(this.#direction, "aria-label", descending ? "Descending; change to ascending" : "Ascending; change to descending");
    this.#showBounds();
    const on = [filter.predicted, filter.split, filter.decision, filter.tag, ...filter.ranges].filter(Boolean).length;
    say(this.element, on ? `Filters (${on}) ▾` : "Filters ▾");
    this.element.classList.toggle("bw-on", on > 0);
  }

  /** The saved view that is shown, or was chosen and cannot be shown. @param {State} state @returns {string|null} */
  #savedName({ saved, view }) {
    const shown = JSON.stringify(view);
    const { name, from } = this.#chosen;
    return saved.find((each) => JSON.stringify(each.view) === shown || (each.name === name && from === shown))?.name ?? null;
  }

  #showBounds() {
    const { ranges } = this.#options.filter();
    for (const { input, name, which } of this.#bounds) {
      if (focusedNear(input) !== input) input.value = String(ranges.find((each) => each.name === name)?.[which] ?? "");
    }
  }

  #open() {
    const { root, signal, onClose } = this.#options;
    openPopover({ anchor: this.element, host: root(), content: this.#panel, signal, onClose });
    this.#panel.querySelector("select")?.focus();
    void this.#drawRanges();
  }

  async #drawRanges() {
    const found = await this.#options.loadRanges();
    this.#bounds = [];
    this.#ranges.replaceChildren(...found.map((each) => this.#range(each)));
    this.#showBounds();
  }

  /** A value's histogram, and the two ends between which images are shown. @param {ValueRange} range */
  #range({ name, title, unit, low, high, counts }) {
    const most = Math.max(1, ...counts);
    const bars = counts.map((n) => {
      const bar = h("i", {});
      bar.style.height = `${n ? Math.max(6, (100 * n) / most) : 0}%`;
      return bar;
    });
    const end = (/** @type {"low"|"high"} */ which, /** @type {number} */ edge) => {
      const input = h("input", {
        class: "bw-input bw-bound",
        type: "number",
        step: "any",
        placeholder: Number(edge.toPrecision(3)),
        "aria-label": `${which === "low" ? "Least" : "Most"} ${title}${unit ? `, ${unit}` : ""}`,
        on: { change: () => this.#setRange(name, which, input.value) },
      });
      this.#bounds.push({ input, name, which });
      return input;
    };
    const histogram = h("span", { class: "bw-histogram", role: "img", "aria-label": `${title}: ${counts.join(", ")} images from ${low} to ${high} ${unit}`, title: unit || null }, ...bars);
    return h("div", { class: "bw-row-of-panel" }, h("span", { text: title, title: unit || null }), end("low", low), histogram, end("high", high));
  }

  /** @param {string} name @param {"low"|"high"} which @param {string} text */
  #setRange(name, which, text) {
    const { ranges } = this.#options.filter();
    const old = ranges.find((each) => each.name === name) ?? { name, low: null, high: null };
    /** @type {RangeFilter} */
    const now = { ...old, [which]: text === "" ? null : Number(text) };
    const others = ranges.filter((each) => each.name !== name);
    this.#options.onFilter({ ranges: now.low === null && now.high === null ? others : [...others, now] });
  }

  #save() {
    const name = this.#name.value.trim();
    if (name) this.#options.onSave(name);
    this.#name.value = "";
  }

  #listen() {
    const { onView, onFilter, onSize, signal } = this.#options;
    for (const [name, each] of Object.entries(this.#filters)) {
      each.addEventListener("change", () => onFilter({ [name]: each.value || null }), { signal });
    }
    const sorted = () => {
      const order = this.#state?.sorts.find(({ name }) => name === this.#sort.value);
      if (order) onView({ sort: order.name, descending: order.descending });
    };
    this.#sort.addEventListener("change", sorted, { signal });
    this.#saved.addEventListener("change", () => {
      const saved = this.#state?.saved.find(({ name }) => name === this.#saved.value);
      this.#chosen = { name: this.#saved.value, from: JSON.stringify(this.#state?.view) };
      if (saved) onView(saved.view);
    }, { signal });
    this.#name.addEventListener("keydown", (event) => event.key === "Enter" && this.#save(), { signal });
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
 * Fills a drop-down where its choices changed, and shows the value, also one that is no choice any more.
 * @param {HTMLSelectElement} list
 * @param {string|null} none text of the choice that filters nothing
 * @param {[string, string][]} options
 * @param {string|null} value
 */
export function fill(list, none, options, value) {
  /** @type {[string, string][]} */
  const all = none === null ? [...options] : [["", none], ...options];
  if (value && !options.some(([name]) => name === value)) all.push([value, value]);
  const key = JSON.stringify(all);
  if (list.dataset.key !== key) {
    list.dataset.key = key;
    list.replaceChildren(...all.map(([name, text]) => h("option", { value: name, text })));
  }
  list.value = value ?? "";
  list.classList.toggle("bw-on", none !== null && value !== null);
}
