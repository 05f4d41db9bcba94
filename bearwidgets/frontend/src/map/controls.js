// The line above the map: colors, tools, what is shown and selected, and what the colors mean.
import { button, h, say } from "../shared/dom.js";
import { rove } from "../shared/roving.js";
import { fillLegend } from "./legend.js";
/** @import { MapColoring } from "../shared/types.js" */
/** @import { Coloring, Entry } from "./colors.js" */
/** @import { Tool } from "./gestures.js" */

const TOOLS = /** @type {const} */ ({ move: ["Move", "M"], lasso: ["Lasso", "L"], box: ["Box", "B"] });

/**
 * @typedef {object} Options
 * @property {AbortSignal} signal
 * @property {(name: string) => void} onColor
 * @property {(tool: Tool) => void} onTool
 * @property {() => void} onFit
 * @property {() => void} onSpace
 * @property {() => void} onClear
 * @property {(text: string, final: boolean) => boolean} onFind shows classes by a part of their name, selects them if final; whether there is one
 * @property {(entry: Entry|null) => void} onPoint
 * @property {(entry: Entry) => void} onEntry
 */

/** The toolbar of the map. */
export class Controls {
  #options;
  #color = h("select", { class: "bw-select", "aria-label": "Color by", title: "What the colors mean" });
  #tools;
  #space;
  #find = h("input", { class: "bw-input bw-map-find", type: "search", placeholder: "Find a class", "aria-label": "Find a class", title: "Enter selects its images", hidden: true });
  #words = h("span", { class: "bw-map-words", role: "status" });
  #clear;
  #legend = h("span", { class: "bw-map-legend", role: "group", "aria-label": "Colors" });
  #refresh;
  element;

  /** @param {Options} options */
  constructor(options) {
    this.#options = options;
    const { signal } = options;
    const tools = /** @type {[Tool, readonly [string, string]][]} */ (Object.entries(TOOLS));
    this.#tools = h("span", { class: "bw-map-tools", role: "group", "aria-label": "Tool" }, ...tools.map(([name, [title, key]]) => button(title, () => options.onTool(name), { "data-tool": name, title: `${title} (${key})` })));
    this.#space = button("3-D", options.onSpace, { "aria-pressed": "false", title: "Two or three dimensions (3)" });
    this.#clear = button("Clear", options.onClear, { class: "bw-link", hidden: true, title: "Select nothing (Escape)" });
    this.element = h(
      "div",
      { class: "bw-map-bar", role: "toolbar", "aria-label": "Map" },
      h("label", {}, h("span", { class: "bw-hint", text: "Color " }), this.#color),
      this.#tools,
      button("Fit", options.onFit, { title: "Show everything (F)" }),
      this.#space,
      this.#find,
      this.#words,
      this.#clear,
      this.#legend,
    );
    this.#refresh = rove(this.element, signal);
    this.#color.addEventListener("change", () => options.onColor(this.#color.value), { signal });
    const find = (/** @type {boolean} */ final) => this.#find.classList.toggle("bw-none", !options.onFind(this.#find.value.trim(), final));
    this.#find.addEventListener("input", () => find(false), { signal });
    this.#find.addEventListener("keydown", (event) => event.key === "Enter" && find(true), { signal });
  }

  get color() {
    return this.#color.value || "label";
  }

  /** @param {MapColoring[]} colorings to choose from @param {string} name that is chosen */
  setColorings(colorings, name) {
    this.#color.replaceChildren(...colorings.map((each) => h("option", { value: each.name, text: each.title })));
    this.#color.value = name;
  }

  /** @param {Coloring} coloring @param {boolean} many more classes than the legend can name */
  setLegend(coloring, many) {
    fillLegend(this.#legend, coloring, this.#options.onPoint, this.#options.onEntry);
    this.#find.hidden = !many;
    this.#refresh();
  }

  /** @param {Tool} tool */
  setTool(tool) {
    for (const each of this.#tools.children) each.setAttribute("aria-pressed", String(/** @type {HTMLElement} */ (each).dataset.tool === tool));
  }

  /** @param {2|3} dims */
  setDims(dims) {
    this.#space.setAttribute("aria-pressed", String(dims === 3));
  }

  /** @param {string} words @param {boolean} selected whether anything is */
  setWords(words, selected) {
    say(this.#words, words);
    this.#clear.hidden = !selected;
    this.#refresh();
  }
}
