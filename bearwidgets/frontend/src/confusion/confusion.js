// The ConfusionMatrix widget: a matrix of which cells are chosen, and the grid of their images below it.
import { Connection } from "../shared/connection.js";
import { button, h, keepSave, say } from "../shared/dom.js";
import { keepFocus } from "../shared/focus.js";
import { counted, percent, whole } from "../shared/format.js";
import { openGridBelow } from "../shared/gridbelow.js";
import { rove } from "../shared/roving.js";
import { followTheme } from "../shared/theme.js";
import { widget } from "../shared/widget.js";
import { Cells, MANY } from "./cells.js";
import { Matrix } from "./matrix.js";
import { Panel } from "./panel.js";
/** @import { Model } from "../shared/types.js" */
/** @import { Of } from "./cells.js" */

const ORDERS = { name: "by name", size: "by size", "most confused": "most confused first", similarity: "similar side by side" };
/** What cells show. @type {Record<string, string>} */
const FIGURES = { count: "counts", actual: "% of the row", predicted: "% of the column", all: "% of all" };
/** Decisions come one after the other: so long is waited for the next, ms. */
const CALM = 400;

class ConfusionView {
  #part = h("select", { class: "bw-select" });
  #kind = h("select", { class: "bw-select", "aria-label": "Labels", title: "Which labels count" });
  #order = select("Order", "Order of rows and columns", ORDERS);
  #figure = select("Cells", "What cells show", FIGURES);
  #who = h("input", { type: "checkbox", checked: true });
  #whoLabel = h("label", { class: "bw-check", title: "Each cell in two colors: labels that are expected to be wrong, and mistakes of the model" }, this.#who, "Who is wrong");
  #fold = h("input", { type: "checkbox" });
  #foldLabel = h("label", { class: "bw-check", title: "Show classes that are confused with each other as one" }, this.#fold, "Fold groups");
  #search = h("input", { class: "bw-input bw-find", type: "search", placeholder: "Find a class", "aria-label": "Find a class" });
  #summary = h("span", { class: "bw-counted bw-cut", role: "status" });
  #everything = button("All images", () => void this.#load({ everything: true }), { class: "bw-button", hidden: true, title: "Count all images again, whatever another view is filtered to" });
  #linked = h("span", { class: "bw-counted", role: "status" });
  #legend = h("span", { class: "bw-legend" });
  #bar;
  #root;
  /** @type {Cells|null} */
  #cells = null;
  /** @type {Set<string>} */
  #open = new Set();
  #connection;
  #matrix;
  #panel;
  #refresh;
  /** @type {any} */
  #calm = null;
  /** @type {(() => unknown)|null} opens the grid below, once */
  #openGrid;

  /** @param {{model: Model, el: HTMLElement, signal: AbortSignal}} context */
  constructor(context) {
    const { model, el, signal } = context;
    this.#connection = new Connection({
      model,
      signal,
      onRetry: () => void this.#load(),
      onEvent: ({ event }) => {
        if (event === "link") void this.#link();
        if (event !== "matrix") return;
        clearTimeout(this.#calm);
        this.#calm = setTimeout(() => void this.#load(), CALM);
      },
    });
    this.#matrix = new Matrix({ onChoice: (cells) => void this.#choose(cells), onGroup: (name) => this.#turn(name), signal });
    this.#panel = new Panel({
      onPair: (row, column) => this.#matrix.choose(row, column),
      scores: async () => (await this.#connection.ask("scores", {})).result,
      onOpen: (name) => this.#turn(name),
      onGroup: (name, change) => void this.#connection.attempt("group", { name, rename: null, pinned: null, ...change }),
      signal,
    });
    const zoom = (/** @type {string} */ text, /** @type {string} */ title, /** @type {number} */ factor) => button(text, () => this.#matrix.zoom(factor), { class: "bw-button bw-square", title, "aria-label": title });
    const group = h("span", { class: "bw-zooms" }, zoom("−", "Smaller (−)", 0.8), zoom("Fit", "Fit (0)", 0), zoom("+", "Larger (+)", 1.25));
    this.#bar = h("div", { class: "bw-confusion-bar", role: "toolbar", "aria-label": "Matrix" }, this.#part, this.#kind, this.#order, this.#figure, this.#whoLabel, this.#foldLabel, this.#search, group);
    const root = h(
      "div",
      { class: "bw-root bw-confusion" },
      this.#bar,
      h("div", { class: "bw-confusion-head" }, this.#summary, this.#everything, this.#linked, this.#legend),
      this.#connection.element,
      this.#connection.message,
      h("div", { class: "bw-confusion-main" }, this.#matrix.element, this.#panel.element),
    );
    this.#root = root;
    this.#refresh = rove(this.#bar, signal);
    this.#listen(signal);
    followTheme(root, signal);
    keepSave(root, signal);
    keepFocus(root, signal, () => this.#matrix.focus());
    const themes = new MutationObserver(() => this.#matrix.recolor());
    themes.observe(root, { attributeFilter: ["class"] });
    signal.addEventListener("abort", () => {
      themes.disconnect();
      clearTimeout(this.#calm);
      root.remove();
    });
    el.append(root);
    this.#openGrid = () => openGridBelow(() => this.#connection.attempt("module", {}), context);
    void this.#load();
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    const change = (/** @type {HTMLElement} */ element, /** @type {() => unknown} */ run, event = "change") => element.addEventListener(event, () => void run(), { signal });
    change(this.#part, () => this.#load({ part: this.#part.value }));
    change(this.#kind, () => this.#load({ labels: this.#kind.value }));
    change(this.#order, () => this.#draw());
    change(this.#fold, () => this.#draw());
    change(this.#figure, () => this.#set());
    change(this.#who, () => this.#set());
    const find = () => {
      this.#set();
      const there = this.#matrix.find(this.#search.value);
      this.#search.classList.toggle("bw-none", !there);
    };
    change(this.#search, find, "input");
    this.#search.addEventListener(
      "keydown",
      (event) => {
        if (event.key !== "Enter") return;
        event.preventDefault();
        find();
      },
      { signal },
    );
  }

  /** @param {{part?: string, labels?: string, everything?: boolean}} [change] */
  async #load(change = {}) {
    const answer = await this.#connection.attempt("matrix", { part: null, labels: null, everything: false, ...change });
    if (!answer) return;
    const { result, buffers } = answer;
    const before = this.#cells?.reply;
    const same = before && String(before.classes) === String(result.classes) && !Object.keys(change).length;
    this.#cells = new Cells(result, buffers);
    if (!before) {
      this.#fold.checked = result.classes.length > MANY && result.groups.length > 0;
      this.#order.value = result.classes.length > MANY ? "similarity" : "name";
      this.#matrix.recolor();
    }
    this.#head();
    this.#draw(Boolean(same));
    if (result.grid) this.#openGrid?.();
    this.#openGrid = null;
    this.#root.dataset.ready = "true";
    if (before) void this.#link();
  }

  /** Marks the cells of what is selected, or shown, in another view, and says so. */
  async #link() {
    const answer = await this.#connection.attempt("matrix_link", {});
    const cells = this.#cells;
    if (!answer || !cells) return;
    if (answer.result.limit !== cells.reply.limit) return void this.#load(); // another view was filtered: other images count
    cells.link(answer.buffers[0]);
    const { selected, shown, where } = answer.result;
    const what = selected ? `${whole(selected)} selected` : shown ? `${whole(shown)} shown` : "";
    say(this.#linked, what ? ` · ${what} in ${where}: ${counted(cells.linked.size, "cell")} (dashed)` : "");
    this.#matrix.refresh();
  }

  #head() {
    const { reply, wrong, before } = /** @type {Cells} */ (this.#cells);
    const { part, parts, part_title, kind, kinds, labels, total, accuracy, groups, difference, limited } = reply;
    const fill = (/** @type {HTMLSelectElement} */ element, /** @type {string[]} */ names, /** @type {string} */ now) => {
      element.replaceChildren(...names.map((name) => h("option", { value: name, text: name })));
      element.value = now;
      element.hidden = names.length < 2;
    };
    fill(this.#part, parts, part);
    this.#part.setAttribute("aria-label", part_title);
    fill(this.#kind, kinds, kind);
    this.#foldLabel.hidden = !groups.length;
    const compared = Boolean(difference);
    this.#whoLabel.hidden = compared || !wrong;
    this.#figure.hidden = compared;
    this.#refresh();
    const marked = difference ? ` · ${counted(difference.changed, "cell differs", "cells differ")} by more than chance (●, false ones at most ${percent(difference.level)})${difference.paired ? ", the same images" : ""}` : "";
    this.#everything.hidden = !limited;
    const images = limited || (total ? counted(total, "image") : `No images in this ${part_title.toLowerCase()}.`);
    say(this.#summary, total ? `${images} · accuracy ${percent(accuracy, 1)} · ${labels}${marked}` : images);
    const sample = (/** @type {string} */ color, /** @type {string} */ text) => h("span", {}, h("i", { class: "bw-swatch", style: `background: var(${color})` }), text);
    const legend = compared || before
      ? [sample("--bw-keep", "better"), sample("--bw-model", "worse")]
      : [sample("--bw-accent", "right"), sample("--bw-model", wrong && this.#who.checked ? "model wrong" : "mistake"), ...(wrong && this.#who.checked ? [sample("--bw-label", "label wrong")] : [])];
    this.#legend.replaceChildren(...legend);
  }

  /** @param {boolean} [keep] */
  #draw(keep = false) {
    const cells = this.#cells;
    if (!cells) return;
    const old = cells.n;
    cells.show(this.#order.value, this.#open, this.#fold.checked);
    this.#set();
    this.#matrix.show(cells, keep || old === cells.n && old > 0);
    this.#panel.show(cells, this.#open);
  }

  #set() {
    const figure = this.#figure.value;
    const of = /** @type {Of} */ (figure === "count" ? "actual" : figure);
    this.#matrix.set({ of, shares: figure !== "count", who: this.#who.checked, found: this.#search.value });
    if (this.#cells) this.#head();
  }

  /** Opens or folds a group. @param {string} name */
  #turn(name) {
    if (!this.#fold.checked) {
      this.#fold.checked = true;
      this.#open = new Set(this.#cells?.reply.groups.map((group) => group.name));
    }
    if (!this.#open.delete(name)) this.#open.add(name);
    this.#draw();
  }

  /** @param {Set<number>} cells */
  async #choose(cells) {
    const known = this.#cells;
    if (!known?.reply.images || !cells.size) return;
    await this.#connection.attempt("cells", { blocks: known.blocks(cells) });
  }
}

/** @param {string} label @param {string} title @param {Record<string, string>} choices */
function select(label, title, choices) {
  return h("select", { class: "bw-select", "aria-label": label, title }, ...Object.entries(choices).map(([value, text]) => h("option", { value, text })));
}

export default widget((context) => new ConfusionView(context));
