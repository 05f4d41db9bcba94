// Beside the matrix: what is confused most, the figures of each class, the groups of classes.
import { button, h } from "../shared/dom.js";
import { whole } from "../shared/format.js";
import { rove } from "../shared/roving.js";
/** @import { Cells } from "./cells.js" */
/** @import { ScoresReply } from "../shared/types.js" */
/** @typedef {"pairs"|"scores"|"groups"} Tab */

/** Rows of a list. */
const MOST = 60;
const MOST_CLASSES = 200;

export class Panel {
  #tabs;
  #body = h("div", { class: "bw-side-body", role: "tabpanel", tabindex: 0 });
  /** @type {Tab} */
  #tab = "pairs";
  /** @type {Cells|null} */
  #cells = null;
  /** @type {Set<string>} */
  #open = new Set();
  #options;
  element;

  /**
   * @param {object} options
   * @param {(row: number, column: number) => void} options.onPair
   * @param {() => Promise<ScoresReply>} options.scores
   * @param {(name: string) => void} options.onOpen
   * @param {(name: string, change: {rename?: string, pinned?: boolean}) => void} options.onGroup
   * @param {AbortSignal} options.signal
   */
  constructor(options) {
    this.#options = options;
    const tab = (/** @type {Tab} */ name, /** @type {string} */ text) => button(text, () => this.#choose(name), { class: "bw-tab", role: "tab", "data-tab": name });
    this.#tabs = h("div", { class: "bw-tabs", role: "tablist", "aria-label": "Beside the matrix" }, tab("pairs", "Most confused"), tab("scores", "Classes"), tab("groups", "Groups"));
    rove(this.#tabs, options.signal);
    this.element = h("section", { class: "bw-side", "aria-label": "Beside the matrix" }, this.#tabs, this.#body);
  }

  /** @param {Cells} cells @param {Set<string>} open names of groups that are not folded */
  show(cells, open) {
    this.#cells = cells;
    this.#open = open;
    void this.#draw();
  }

  /** @param {Tab} tab */
  #choose(tab) {
    this.#tab = tab;
    void this.#draw();
  }

  async #draw() {
    const cells = this.#cells;
    if (!cells) return;
    for (const each of this.#tabs.children) {
      each.setAttribute("aria-selected", String(/** @type {HTMLElement} */ (each).dataset.tab === this.#tab));
    }
    const tab = this.#tab;
    const content = tab === "pairs" ? this.#pairs(cells) : tab === "groups" ? this.#groups(cells) : await this.#scores();
    if (tab === this.#tab) this.#body.replaceChildren(...content);
  }

  /** @param {Cells} cells */
  #pairs(cells) {
    const found = cells.mostConfused(MOST);
    const hint = cells.reply.total ? (cells.before ? "Nothing changed." : "Nothing is confused here.") : "No images here.";
    if (!found.length) return [h("p", { class: "bw-hint", text: hint })];
    const name = (/** @type {number} */ at) => h("bdi", { text: cells.entries[at].name });
    return [
      h(
        "ol",
        { class: "bw-pairs" },
        ...found.map(({ row, column, n }) => {
          const pair = button("", () => this.#options.onPair(row, column), { class: "bw-link", title: cells.words(row, column, "actual") });
          const count = cells.before && n > 0 ? `+${whole(n)}` : whole(n).replace("-", "−");
          pair.append(name(row), " → ", name(column), `: ${count}${cells.marked?.[row * cells.n + column] ? " ●" : ""}`);
          return h("li", {}, pair);
        }),
      ),
    ];
  }

  async #scores() {
    const { columns, rows } = await this.#options.scores();
    const more = rows.length > MOST_CLASSES ? [h("p", { class: "bw-hint", text: `The first ${MOST_CLASSES} of ${whole(rows.length)} classes; matrix.per_class() has all.` })] : [];
    const head = h("tr", {}, ...columns.map((text) => h("th", { scope: "col", text: text === "f1" ? "F1" : text })));
    const body = rows.slice(0, MOST_CLASSES).map(([name, ...figures]) => h("tr", {}, h("th", { scope: "row" }, h("bdi", { text: name })), ...figures.map((text) => h("td", { text }))));
    return [h("table", { class: "bw-scores" }, h("thead", {}, head), h("tbody", {}, ...body)), ...more];
  }

  /** @param {Cells} cells */
  #groups(cells) {
    const { groups, classes } = cells.reply;
    if (!groups.length) return [h("p", { class: "bw-hint", text: "No classes are confused so often that they make a group." })];
    return [
      h("p", { class: "bw-hint", text: "Classes that are confused with each other. Folded, a group is one row and one column." }),
      ...groups.map(({ name, members, pinned }) => {
        const folded = !this.#open.has(name);
        const input = h("input", { class: "bw-input", value: name, maxlength: 100, "aria-label": `Name of the group ${name}` });
        input.addEventListener("change", () => this.#options.onGroup(name, { rename: input.value }));
        return h(
          "div",
          { class: "bw-group-row" },
          button(folded ? "▸" : "▾", () => this.#options.onOpen(name), { class: "bw-button bw-square", "aria-expanded": String(!folded), "aria-label": `${folded ? "Open" : "Fold"} ${name}`, title: folded ? "Open: a row for each class" : "Fold into one row" }),
          input,
          button(pinned ? "Pinned" : "Pin", () => this.#options.onGroup(name, { pinned: !pinned }), { "aria-pressed": String(pinned), title: "A pinned group stays as it is when groups are found anew" }),
          h("div", { class: "bw-hint", text: members.map((c) => classes[c]).join(", ") }),
        );
      }),
    ];
  }
}
