// The band above the grid: filters, order, size, acts and progress. Shows synced state; hands wishes on.
import { attribute, button, focusedNear, h, say } from "../shared/dom.js";
import { counted, whole } from "../shared/format.js";
import { Queues } from "./queues.js";
/** @import { Filter, Sort, State, ViewSpec } from "../shared/types.js" */
/** @typedef {"undo"|"redo"|"pending"|"retrain"|"apply"|"rollback"|"help"|"refresh"} Deed */

/**
 * Each order: whether it begins with the highest or newest, and whether it needs scores.
 * @type {{name: Sort, text: string, descending?: boolean, scored?: boolean}[]}
 */
const SORTS = [
  { name: "label_issue", text: "label issue", descending: true, scored: true },
  { name: "loss", text: "loss", descending: true, scored: true },
  { name: "margin", text: "margin", scored: true },
  { name: "confidence", text: "confidence", scored: true },
  { name: "label", text: "label" },
  { name: "path", text: "path" },
  { name: "decided", text: "time decided", descending: true },
  { name: "queue", text: "queue", descending: true },
];
/** Choices of the decision filter, the first under another name. */
const DECISIONS = ["pending", "undecided", "delete", "relabel", "unsure", "keep"];

/** Queues, filters, order, image size, buttons and progress. */
export class Toolbar {
  #options;
  /** @type {any} */
  #typing = null;
  /** @type {Record<string, HTMLSelectElement>} */
  #filters;
  #sort = h("select", { class: "bw-select", "aria-label": "Sort by" });
  #direction = button("↓", () => this.#options.onView({ descending: !this.#state?.view.descending }), { class: "bw-button bw-square" });
  #search = h("input", { class: "bw-input bw-search", type: "search", placeholder: "Search  /", "aria-label": "Search in paths and labels" });
  #size = h("input", { type: "range", class: "bw-size", min: 96, max: 320, step: 16, "aria-label": "Image size in pixels" });
  #count = h("span", { class: "bw-count", role: "status" });
  #progress = h("span", { class: "bw-progress-text" });
  #seen = h("i", { class: "bw-bar-seen" });
  #marked = h("i", { class: "bw-bar-marked" });
  #bar = h("div", { class: "bw-bar", role: "progressbar", "aria-label": "Marked", "aria-valuemin": 0 }, this.#seen, this.#marked);
  #note = h("div", { class: "bw-note" });
  queues;
  #stale;
  /** @type {Record<Deed, HTMLButtonElement>} */
  buttons;
  /** @type {State|null} */
  #state = null;
  element;

  /**
   * @param {object} options
   * @param {AbortSignal} options.signal
   * @param {(change: Partial<ViewSpec>) => void} options.onView
   * @param {(change: Partial<Filter>) => void} options.onFilter
   * @param {(queue: string|null) => void} options.onQueue null: all items
   * @param {(px: number, final: boolean) => void} options.onSize
   * @param {(deed: Deed) => void} options.onDeed
   */
  constructor(options) {
    this.#options = options;
    const { onDeed, onQueue, signal } = options;
    const filter = (/** @type {string} */ name) => h("select", { class: "bw-select", "aria-label": name });
    this.#filters = {
      label: filter("Class"),
      predicted: filter("Predicted"),
      split: filter("Split"),
      decision: filter("Decision"),
    };
    const deed = (/** @type {Deed} */ name, /** @type {string} */ text, /** @type {string} */ title, wide = true) =>
      button(text, () => onDeed(name), { title, class: `bw-button${wide ? "" : " bw-square"}` });
    this.buttons = {
      undo: deed("undo", "↶ Undo", "Undo (Ctrl+Z)"),
      redo: deed("redo", "↷ Redo", "Redo (Ctrl+Shift+Z)"),
      pending: deed("pending", "Pending", "Decisions that are not applied yet"),
      retrain: deed("retrain", "Retrain", "Train again on the labels as decided, in the background"),
      apply: deed("apply", "Apply…", "Shows what would be done with the files, then asks"),
      rollback: deed("rollback", "Roll back…", "Take back an applied round"),
      help: deed("help", "?", "Keys (?)", false),
      refresh: deed("refresh", "⟳", "Put in order again", false),
    };
    attribute(this.buttons.help, "aria-label", "Keys");
    attribute(this.buttons.refresh, "aria-label", "Refresh the order");
    this.#stale = h(
      "span",
      { class: "bw-stale-note", hidden: true },
      "⚠ labels changed since these scores were made — ",
      button("Retrain", () => onDeed("retrain"), { class: "bw-link" }),
    );
    this.#listen(signal);
    this.queues = new Queues(onQueue);
    this.element = h("div", { class: "bw-toolbar", hidden: true }, this.queues.element, this.#firstRow(), this.#secondRow(), this.#note, this.#stale);
  }

  focusSearch() {
    this.#search.focus();
    this.#search.select();
  }

  /** @param {number} px */
  setSize(px) {
    this.#size.value = String(px);
  }

  /** @param {State} state */
  show(state) {
    const first = !this.#state;
    this.element.hidden = false;
    this.#state = state;
    const { filter, sort, descending } = state.view;
    fill(this.#filters.label, "any class", state.classes.map((name) => [name, `${name} (${whole(state.counts.label[name] ?? 0)})`]), filter.label);
    fill(this.#filters.predicted, "any prediction", state.classes.map((name) => [name, `→ ${name}`]), filter.predicted);
    fill(this.#filters.split, "any split", Object.entries(state.counts.split).map(([name, n]) => [name, `${name} (${whole(n)})`]), filter.split);
    fill(this.#filters.decision, "decided or not", DECISIONS.map((name) => [name, (name === "pending" ? "decided" : name) + this.#actionCount(name)]), filter.decision);
    const sorts = SORTS.filter(({ name, scored }) => (name === "queue" ? state.view.queue !== null : state.can.scores || !scored));
    fill(this.#sort, null, sorts.map(({ name, text }) => [name, text]), sort);
    this.queues.show(state);
    this.#filters.predicted.hidden = !state.can.scores;
    say(this.#direction, descending ? "↓" : "↑");
    attribute(this.#direction, "aria-label", descending ? "Descending; change to ascending" : "Ascending; change to descending");
    if (first || focusedNear(this.#search) !== this.#search) this.#search.value = filter.text;
    say(this.#count, state.total === state.items ? counted(state.items, "item") : `${whole(state.total)} of ${counted(state.items, "item")}`);
    this.#showProgress(state);
    this.#showDeeds(state);
    const exam = state.exam_marks ? `${counted(state.exam_marks, "proposed correction")} to the held-out items` : "";
    say(this.#note, [state.title, state.provenance, exam, state.note].filter(Boolean).join(" · "));
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    const { onView, onFilter, onSize } = this.#options;
    for (const [name, select] of Object.entries(this.#filters)) {
      select.addEventListener("change", () => onFilter({ [name]: select.value || null }), { signal });
    }
    const sorted = () => {
      const order = SORTS.find(({ name }) => name === this.#sort.value);
      if (order) onView({ sort: order.name, descending: order.descending ?? false });
    };
    const typed = () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => onFilter({ text: this.#search.value }), 250);
    };
    this.#sort.addEventListener("change", sorted, { signal });
    this.#search.addEventListener("input", typed, { signal });
    signal.addEventListener("abort", () => clearTimeout(this.#typing));
    this.#size.addEventListener("input", () => onSize(Number(this.#size.value), false), { signal });
    this.#size.addEventListener("change", () => onSize(Number(this.#size.value), true), { signal });
  }

  #firstRow() {
    const { label, predicted, split, decision } = this.#filters;
    return h(
      "div",
      { class: "bw-tools" },
      label,
      predicted,
      split,
      decision,
      h("span", { class: "bw-group" }, this.#sort, this.#direction, this.buttons.refresh),
      this.#search,
      this.#size,
      this.#count,
    );
  }

  #secondRow() {
    const { undo, redo, pending, retrain, apply, rollback, help } = this.buttons;
    const progress = h("div", { class: "bw-progress" }, this.#progress, this.#bar);
    return h("div", { class: "bw-tools" }, undo, redo, pending, retrain, apply, rollback, progress, help);
  }

  /** @param {string} name */
  #actionCount(name) {
    const { action } = /** @type {State} */ (this.#state).counts;
    const sum = Object.values(action).reduce((total, n) => total + n, 0);
    const n = name === "pending" ? sum : name === "undecided" ? null : (action[name] ?? 0);
    return n === null ? "" : ` (${whole(n)})`;
  }

  /** @param {State} state */
  #showProgress(state) {
    const { items, seen, marked } = state;
    say(
      this.#progress,
      items && seen >= items
        ? `all ${whole(items)} seen · marked ${whole(marked)}`
        : `seen ${whole(seen)} · marked ${whole(marked)} of ${whole(items)}`,
    );
    this.#seen.style.width = `${items ? (seen / items) * 100 : 0}%`;
    this.#marked.style.width = `${items ? (marked / items) * 100 : 0}%`;
    attribute(this.#bar, "aria-valuemax", items);
    attribute(this.#bar, "aria-valuenow", marked);
  }

  /** @param {State} state */
  #showDeeds(state) {
    const { can, job } = state;
    const training = job.state === "running" || job.state === "stopping";
    const pending = Object.values(state.counts.action).reduce((total, n) => total + n, 0);
    say(this.buttons.pending, `Pending (${whole(pending)})`);
    say(this.buttons.retrain, training ? "Training…" : "Retrain");
    this.#stale.hidden = !state.stale || training;
    this.buttons.undo.disabled = !can.undo;
    this.buttons.redo.disabled = !can.redo;
    this.buttons.retrain.disabled = !can.retrain || training;
    this.buttons.apply.disabled = !can.apply;
    this.buttons.rollback.disabled = !can.rollback;
  }
}

/**
 * Fills a drop-down where its choices changed, and shows the value.
 * @param {HTMLSelectElement} select
 * @param {string|null} none text of the choice that filters nothing
 * @param {[string, string][]} options
 * @param {string|null} value
 */
function fill(select, none, options, value) {
  /** @type {[string, string][]} */
  const all = none === null ? options : [["", none], ...options];
  const key = JSON.stringify(all);
  if (select.dataset.key !== key) {
    select.dataset.key = key;
    select.replaceChildren(...all.map(([name, text]) => h("option", { value: name, text })));
  }
  select.value = value ?? "";
  select.classList.toggle("bw-on", none !== null && value !== null);
}
