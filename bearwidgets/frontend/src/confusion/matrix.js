// The confusion matrix as a table: one tab stop, arrow keys, a press opens the items of a cell.
import { attribute, h } from "../shared/dom.js";
import { counted, percent, whole } from "../shared/format.js";
import { margins, tint } from "./shading.js";
/** @typedef {{classes: string[], counts: number[][]}} Counts */

export class Matrix {
  #onCell;
  /** @type {HTMLButtonElement[][]} */
  #cells = [];
  /** @type {number[]} */
  #shown = [];
  #row = 0;
  #column = 0;
  /** @type {Counts} */
  #data = { classes: [], counts: [] };
  /** @type {string|null} */
  #chosen = null;
  element = h("div", { class: "bw-matrix-box" });

  /** @param {(actual: string, predicted: string) => void} onCell */
  constructor(onCell) {
    this.#onCell = onCell;
    this.element.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {Counts} data @param {number[]} shown which classes, in which order */
  show(data, shown) {
    this.#data = data;
    this.#shown = shown;
    const { rows, columns, recall, precision } = margins(data.counts);
    const head = (/** @type {string} */ text, /** @type {string} */ kind) => h("th", { scope: "col", class: kind, title: text }, h("span", { text }));
    this.#cells = [];
    const body = this.#shown.map((actual) =>
      h(
        "tr",
        { role: "row" },
        h("th", { scope: "row", role: "rowheader", title: data.classes[actual] }, h("span", { text: data.classes[actual] })),
        ...this.#rowCells(actual, rows[actual]),
        h("td", { class: "bw-sum", text: whole(rows[actual]) }),
        h("td", { class: "bw-sum", text: percent(recall[actual]) }),
      ),
    );
    const foot = (/** @type {string} */ name, /** @type {(c: number) => string} */ text) =>
      h("tr", {}, h("th", { scope: "row", text: name }), ...this.#shown.map((c) => h("td", { class: "bw-sum", text: text(c) })), h("td", {}), h("td", {}));
    const table = h(
      "table",
      { class: `bw-matrix${this.#shown.length > 12 ? " bw-many" : ""}`, role: "grid", "aria-label": "Confusion matrix: rows are labels, columns are predictions" },
      h(
        "thead",
        {},
        h("tr", {}, h("th", { class: "bw-corner" }, h("span", { text: "actual ↓ predicted →" })), ...this.#shown.map((c) => head(data.classes[c], "")), head("total", "bw-sum"), head("recall", "bw-sum")),
      ),
      h("tbody", {}, ...body),
      h("tfoot", {}, foot("total", (c) => whole(columns[c])), foot("precision", (c) => percent(precision[c]))),
    );
    this.element.replaceChildren(table);
    this.#row = Math.min(this.#row, this.#shown.length - 1);
    this.#column = Math.min(this.#column, this.#shown.length - 1);
    this.#mark();
  }

  /** Puts the focus on the cell that is the tab stop. */
  focus() {
    this.#cells[this.#row]?.[this.#column]?.focus({ preventScroll: true });
  }

  /** @param {string} actual @param {string} predicted */
  choose(actual, predicted) {
    this.#chosen = JSON.stringify([actual, predicted]);
    this.#mark();
    this.#onCell(actual, predicted);
  }

  /** @param {number} actual @param {number} sum */
  #rowCells(actual, sum) {
    const { classes, counts } = this.#data;
    /** @type {HTMLButtonElement[]} */
    const buttons = [];
    this.#cells.push(buttons);
    const row = this.#cells.length - 1;
    return this.#shown.map((predicted, column) => {
      const n = counts[actual][predicted];
      const words = `labeled ${classes[actual]}, predicted ${classes[predicted]}: ${counted(n, "item")}${sum ? `, ${percent(n / sum)} of the row` : ""}`;
      const press = () => {
        this.#row = row;
        this.#column = column;
        this.choose(classes[actual], classes[predicted]);
      };
      const cell = h("button", {
        type: "button",
        class: `bw-count-cell${actual === predicted ? " bw-diagonal" : ""}${n ? "" : " bw-zero"}`,
        text: whole(n),
        title: words,
        "aria-label": words,
        tabindex: -1,
        on: { click: press },
      });
      cell.style.setProperty("--bw-tint-share", tint(n, sum).toFixed(2));
      buttons.push(cell);
      return h("td", { role: "gridcell" }, cell);
    });
  }

  #mark() {
    const { classes } = this.#data;
    this.#cells.forEach((cells, row) =>
      cells.forEach((cell, column) => {
        const here = JSON.stringify([classes[this.#shown[row]], classes[this.#shown[column]]]) === this.#chosen;
        attribute(cell, "tabindex", row === this.#row && column === this.#column ? 0 : -1);
        attribute(cell, "aria-pressed", String(here));
      }),
    );
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const end = this.#shown.length - 1;
    const all = event.ctrlKey || event.metaKey;
    /** @type {Record<string, [number, number]>} */
    const places = {
      ArrowUp: [this.#row - 1, this.#column],
      ArrowDown: [this.#row + 1, this.#column],
      ArrowLeft: [this.#row, this.#column - 1],
      ArrowRight: [this.#row, this.#column + 1],
      Home: [all ? 0 : this.#row, 0],
      End: [all ? end : this.#row, end],
    };
    const place = places[event.key];
    if (!place || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.#cells[this.#row][this.#column].tabIndex = -1;
    [this.#row, this.#column] = place.map((at) => Math.max(0, Math.min(end, at)));
    const cell = this.#cells[this.#row][this.#column];
    cell.tabIndex = 0;
    cell.focus();
  }
}
