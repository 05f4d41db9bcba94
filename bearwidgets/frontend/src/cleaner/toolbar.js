// The one line above the grid: queue, filters, undo, and what follows from the decisions. Shows synced state; hands wishes on.
import { attribute, button, focusedNear, h, say } from "../shared/dom.js";
import { counted, whole } from "../shared/format.js";
import { openMenu, openPopover } from "../shared/menu.js";
import { rove } from "../shared/roving.js";
import { fill, Filters, select } from "./filters.js";
import { QueueMenu } from "./queuemenu.js";
/** @import { Filter, State, ValueRange, ViewSpec } from "../shared/types.js" */
/** @typedef {"undo"|"redo"|"pending"|"retrain"|"apply"|"rollback"|"help"|"window"|"suggestions"|"ready"|"back"|"harmful"} Deed */

/** The queue of decisions that harm. */
const HARMFUL = "look_again";

/** A toolbar that is one Tab stop; what is rare is in the menu at its end. */
export class Toolbar {
  #options;
  /** @type {any} */
  #typing = null;
  #label = select("Class");
  #search = h("input", { class: "bw-input bw-search", type: "search", placeholder: "Search  /", "aria-label": "Search in paths and labels" });
  #count = h("span", { class: "bw-count bw-cut", role: "status" });
  #says = h("span", { class: "bw-cut" });
  #model = button("", () => this.#openModel(), { class: "bw-button bw-scores", "aria-haspopup": "dialog", "aria-expanded": "false", hidden: true });
  #more = button("⋯", () => this.#openMore(), { class: "bw-button bw-square", "aria-haspopup": "listbox", "aria-expanded": "false", "aria-label": "More", title: "More" });
  #back = button("← Back", () => this.#options.onDeed("back"), { hidden: true, title: "To what was shown before (Esc)" });
  #ready = button("", () => this.#options.onDeed("ready"), { class: "bw-button bw-on", hidden: true, title: "Show them, the most suspect first" });
  #harmful = button("", () => this.#options.onDeed("harmful"), { class: "bw-button bw-on", hidden: true, title: "Withdraws them in one act, which one Undo takes back" });
  #buttons;
  #refreshStops;
  /** @type {State|null} */
  #state = null;
  queues;
  filters;
  element;

  /**
   * @param {object} options
   * @param {() => HTMLElement} options.root
   * @param {AbortSignal} options.signal
   * @param {(change: Partial<ViewSpec>) => void} options.onView
   * @param {(change: Partial<Filter>) => void} options.onFilter
   * @param {() => Filter} options.filter as it was asked for last
   * @param {(queue: string|null) => void} options.onQueue null: all items
   * @param {(px: number, final: boolean) => void} options.onSize
   * @param {(deed: Deed) => void} options.onDeed
   * @param {() => void} options.onClear
   * @param {() => Promise<ValueRange[]>} options.loadRanges
   * @param {(name: string) => void} options.onSave
   * @param {(name: string) => void} options.onDrop
   * @param {() => void} options.onClose a menu closed without a choice
   */
  constructor(options) {
    this.#options = options;
    const { onDeed, onFilter, signal } = options;
    const deed = (/** @type {Deed} */ name, /** @type {string} */ text, /** @type {string} */ title, /** @type {string|null} */ label = null) =>
      button(text, () => onDeed(name), { title, "aria-label": label, class: `bw-button${label ? " bw-square" : ""}` });
    this.#buttons = {
      undo: deed("undo", "↶", "Undo (Ctrl+Z)", "Undo"),
      redo: deed("redo", "↷", "Redo (Ctrl+Shift+Z)", "Redo"),
      retrain: deed("retrain", "Retrain", "Train again on the labels as decided, in the background"),
      apply: deed("apply", "Apply", "Shows what would be done with the files, then asks"),
      help: deed("help", "?", "Keys (?)", "Keys"),
    };
    this.queues = new QueueMenu(options);
    this.filters = new Filters(options);
    const { undo, redo, retrain, apply, help } = this.#buttons;
    // Few fonts have the sign "ⓘ".
    this.#model.append(this.#says, h("span", { class: "bw-info", "aria-hidden": "true", text: "i" }));
    this.element = h(
      "div",
      { class: "bw-toolbar", role: "toolbar", "aria-label": "Cleaner", hidden: true },
      this.queues.element,
      this.#label,
      this.#search,
      this.filters.element,
      this.#back,
      this.#ready,
      this.#harmful,
      this.#count,
      this.#model,
      h("span", { class: "bw-tools bw-end" }, undo, redo, retrain, apply, help, this.#more),
    );
    this.#label.addEventListener("change", () => onFilter({ label: this.#label.value || null }), { signal });
    const typed = () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => onFilter({ text: this.#search.value }), 250);
    };
    this.#search.addEventListener("input", typed, { signal });
    signal.addEventListener("abort", () => clearTimeout(this.#typing));
    this.#refreshStops = rove(this.element, signal);
  }

  focusSearch() {
    this.#search.focus();
    this.#search.select();
  }

  /** @param {State} state */
  show(state) {
    const first = !this.#state;
    this.element.hidden = false;
    this.#state = state;
    const { filter } = state.view;
    const { label } = state.counts;
    fill(this.#label, "any class", state.classes.map((name) => [name, `${name} (${whole(Object.hasOwn(label, name) ? label[name] : 0)})`]), filter.label);
    if (first || focusedNear(this.#search) !== this.#search) this.#search.value = filter.text;
    say(this.#count, state.total === state.items ? counted(state.items, "image") : `${whole(state.total)} of ${counted(state.items, "image")}`);
    say(this.#says, state.model);
    attribute(this.#model, "title", `${state.model}: how the scores were made`);
    this.#model.hidden = !state.model;
    say(this.#ready, `${state.ready.replace(/\.$/, "")}: show`);
    this.#ready.hidden = !state.ready;
    const harmful = state.queues.find(({ name }) => name === HARMFUL && name === state.view.queue)?.left ?? 0;
    say(this.#harmful, harmful === 1 ? "Undo this decision" : `Undo these ${whole(harmful)} decisions`);
    this.#harmful.hidden = !harmful;
    this.#back.hidden = state.view.similar === null;
    this.queues.show(state);
    this.filters.show(state);
    this.#showDeeds(state);
    this.#refreshStops();
  }

  /** @param {State} state */
  #showDeeds({ can, job, changes, to_apply }) {
    const busy = job.state === "running" || job.state === "stopping";
    const training = busy && job.kind !== "find";
    const { undo, redo, retrain, apply } = this.#buttons;
    say(retrain, training ? "Training…" : changes ? `Retrain (${whole(changes)})` : "Retrain");
    say(apply, to_apply ? `Apply (${whole(to_apply)})` : "Apply");
    undo.disabled = !can.undo;
    redo.disabled = !can.redo;
    retrain.disabled = !can.retrain || busy;
    apply.disabled = !can.apply;
  }

  /** How the scores were made, and what else is to be known of them. */
  #openModel() {
    const { root, onClose, signal } = this.#options;
    const lines = this.#state ? about(this.#state) : [];
    const content = h("div", { class: "bw-panel bw-about", role: "dialog", "aria-label": "Model", tabindex: "-1" }, ...lines.map((text) => h("p", { text })));
    openPopover({ anchor: this.#model, host: root(), content, onClose, signal });
    content.focus();
  }

  #openMore() {
    const state = this.#state;
    if (!state) return;
    const { root, onDeed, onClose, signal } = this.#options;
    /** @type {{text: string, hint?: string, deed?: Deed, kind?: string}[]} */
    const rows = [
      { text: `Decisions (${whole(state.marked)})`, deed: "pending" },
      ...(state.can.rollback ? [{ text: "Roll back…", deed: /** @type {const} */ ("rollback") }] : []),
      ...(state.accept ? [{ text: "Accept suggestions…", deed: /** @type {const} */ ("suggestions") }] : []),
      { text: "Full window", hint: "F", deed: "window" },
      { text: `${whole(state.seen)} of ${counted(state.items, "image")} seen, ${whole(state.marked)} decided`, kind: "bw-note" },
      ...[state.title, ...about(state)].filter(Boolean).map((text) => ({ text, kind: "bw-note" })),
    ];
    openMenu({ anchor: this.#more, host: root(), title: "More", rows: () => rows, onChoice: ({ deed }) => deed && onDeed(deed), onClose, signal });
  }
}

/** What is to be known of the scores, each in a sentence. @param {State} state */
function about({ provenance, exam_marks, note }) {
  const exam = exam_marks ? `${counted(exam_marks, "proposed correction")} to the held-out images` : "";
  return [provenance, exam, note ?? ""].filter(Boolean);
}
