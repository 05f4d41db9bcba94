// The confusion matrix on one canvas: zoom, scroll, one Tab stop with arrow keys, a choice of cells.
import { h, say } from "../shared/dom.js";
import { Cells } from "./cells.js";
import { LARGEST, NAMED, NUMBERED, Painter, SMALLEST } from "./painter.js";
/** @import { Of } from "./cells.js" */
/** @typedef {{row: number, column: number}} Place -1 is the names */

/** Highest box of a matrix, px. */
const HIGHEST = 600;
/** Classes up to which names can be read at first, even where not all fit. */
const READABLE = 80;
/** Classes up to which a table stands behind the canvas; above, the list of what is confused is what is read aloud. */
const READ = 30;

export class Matrix {
  #canvas = h("canvas", { class: "bw-matrix-canvas", tabindex: 0, role: "application", "aria-roledescription": "confusion matrix", "aria-label": "Confusion matrix: rows are labels, columns are predictions. Arrow keys go from cell to cell, Enter shows the images, R and C take a row or a column." });
  #window = h("div", { class: "bw-matrix-window" }, this.#canvas);
  #space = h("div", { class: "bw-matrix-space" }, this.#window);
  #tip = h("div", { class: "bw-tip", hidden: true });
  #spoken = h("div", { class: "bw-sr", role: "status" });
  #table = h("div", { class: "bw-sr" });
  #scroll = h("div", { class: "bw-matrix-scroll", tabindex: -1 }, this.#space);
  element = h("div", { class: "bw-matrix-box" }, this.#scroll, this.#tip, this.#spoken, this.#table);
  /** @type {Cells|null} */
  #cells = null;
  #painter;
  #side = 0;
  /** @type {Of} */
  #of = "actual";
  #shares = false;
  #who = true;
  #found = "";
  #row = 0;
  #column = 0;
  /** @type {Set<number>} */
  #chosen = new Set();
  /** @type {Place} */
  #anchor = { row: 0, column: 0 };
  #frame = 0;
  #onChoice;
  #onGroup;

  /**
   * @param {object} options
   * @param {(cells: Set<number>) => void} options.onChoice
   * @param {(name: string) => void} options.onGroup a group is to be folded or opened
   * @param {AbortSignal} options.signal
   */
  constructor({ onChoice, onGroup, signal }) {
    this.#onChoice = onChoice;
    this.#onGroup = onGroup;
    this.#painter = new Painter(this.#canvas, this.#spoken);
    const later = () => this.#later();
    this.#scroll.addEventListener("scroll", later, { signal, passive: true });
    this.#scroll.addEventListener("wheel", (event) => this.#wheel(event), { signal });
    const canvas = this.#canvas;
    canvas.addEventListener("keydown", (event) => this.#key(event), { signal });
    canvas.addEventListener("pointermove", (event) => this.#hover(this.#at(event), event), { signal });
    canvas.addEventListener("pointerleave", () => (this.#tip.hidden = true), { signal });
    canvas.addEventListener("click", (event) => this.#click(event), { signal });
    canvas.addEventListener("focus", later, { signal });
    canvas.addEventListener("blur", later, { signal });
    const sizes = new ResizeObserver(() => this.#fitWindow());
    sizes.observe(this.#scroll);
    signal.addEventListener("abort", () => {
      sizes.disconnect();
      cancelAnimationFrame(this.#frame);
    });
  }

  /** The sign that a theme came. */
  recolor() {
    this.#painter.readColors();
    this.#later();
  }

  /** @param {Cells} cells @param {boolean} keep the choice and the size of before */
  show(cells, keep) {
    this.#cells = cells;
    if (!keep) this.#chosen = new Set();
    this.#row = Math.max(0, Math.min(this.#row, cells.n - 1));
    this.#column = Math.max(0, Math.min(this.#column, cells.n - 1));
    if (!keep || !this.#side) this.#side = this.#fitting();
    this.#layOut(!keep);
    this.#write();
  }

  /** Paints again. */
  refresh() {
    this.#later();
  }

  /** @param {{of: Of, shares: boolean, who: boolean, found: string}} options */
  set({ of, shares, who, found }) {
    this.#of = of;
    this.#shares = shares;
    this.#who = who;
    this.#found = found.toLowerCase();
    this.#later();
  }

  /** Larger or smaller cells, or as many as fit. @param {number} factor 0: fit @param {{x: number, y: number}} [around] px in the window, which stays where it is */
  zoom(factor, around) {
    const cells = this.#cells;
    if (!cells?.n) return;
    const before = this.#side;
    this.#side = factor ? Math.max(SMALLEST, Math.min(LARGEST, factor > 1 ? Math.max(before * factor, before + 1) : before * factor)) : this.#fitting();
    const margins = this.#painter.margins(cells, before);
    const at = around ?? { x: (this.#scroll.clientWidth + margins.left) / 2, y: (this.#scroll.clientHeight + margins.top) / 2 };
    const [x, y] = [(this.#scroll.scrollLeft + at.x - margins.left) / before, (this.#scroll.scrollTop + at.y - margins.top) / before];
    this.#layOut(!factor);
    const now = this.#painter.margins(cells, this.#side);
    this.#scroll.scrollTo(x * this.#side + now.left - at.x, y * this.#side + now.top - at.y);
    this.#later();
  }

  focus() {
    this.#canvas.focus({ preventScroll: true });
  }

  /** Goes to a cell and chooses it. @param {number} row @param {number} column */
  choose(row, column) {
    this.#go(row, column);
    this.#choose({ row, column }, "only");
  }

  /** Goes to the first row, after the one where keys are, whose name holds a text. @param {string} text @returns {boolean} whether there is one */
  find(text) {
    const cells = this.#cells;
    if (!cells || !text) return true;
    const places = cells.entries.flatMap(({ name, members }, at) => (name.toLowerCase().includes(text.toLowerCase()) || (members.length > 1 && members.some((c) => cells.reply.classes[c].toLowerCase().includes(text.toLowerCase()))) ? [at] : []));
    if (!places.length) return false;
    const next = places.find((at) => at > this.#row) ?? places[0];
    if (this.#side < NAMED) {
      this.#side = NUMBERED;
      this.#layOut();
    }
    this.#go(next, next);
    return true;
  }

  /** The side of a cell at which all fit, if they can be read; else as few are beyond as can be. */
  #fitting() {
    const n = this.#cells?.n ?? 0;
    const [width, height] = [this.#scroll.clientWidth || 600, HIGHEST];
    if (!n) return NUMBERED;
    const free = (/** @type {number} */ side) => {
      const { left, top } = this.#painter.margins(/** @type {Cells} */ (this.#cells), side);
      const { width: all, height: high } = this.#painter.size(/** @type {Cells} */ (this.#cells), side);
      return all <= width && high <= height && left < width && top < height;
    };
    const least = n <= READABLE ? 13 : SMALLEST;
    for (const side of [60, 52, 46, 40, 34, 28, 24, 22, 18, 15, 12, 10, 8, 6, 5, 4, 3, 2]) if (side <= least || free(side)) return Math.max(side, least);
    return SMALLEST;
  }

  /** @param {boolean} [fit] the box is as high as what is in it, and not at least as high as before */
  #layOut(fit = false) {
    const cells = this.#cells;
    if (!cells) return;
    const { width, height } = this.#painter.size(cells, this.#side);
    const bar = width > this.#scroll.clientWidth ? 16 : 0; // of the browser, for scrolling
    Object.assign(this.#space.style, { width: `${width}px`, height: `${height}px` });
    const high = Math.min(HIGHEST, height + bar);
    if (fit || high > this.#scroll.clientHeight) this.#scroll.style.height = `${high}px`; // nothing below jumps while one zooms
    this.#fitWindow();
    this.#later();
  }

  #fitWindow() {
    const { clientWidth, clientHeight } = this.#scroll;
    const size = { width: `${clientWidth}px`, height: `${clientHeight}px` };
    if (this.#window.style.width === size.width && this.#window.style.height === size.height) return;
    Object.assign(this.#window.style, size); // only news: each makes the page lay itself out again
    this.#later();
  }

  #later() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#paint());
  }

  #paint() {
    const cells = this.#cells;
    if (!cells) return;
    this.#painter.paint(cells, {
      side: this.#side,
      x: this.#scroll.scrollLeft,
      y: this.#scroll.scrollTop,
      width: this.#scroll.clientWidth,
      height: this.#scroll.clientHeight,
      of: this.#of,
      shares: this.#shares,
      who: this.#who,
      chosen: this.#chosen,
      row: this.#row,
      column: this.#column,
      focused: this.#canvas.matches(":focus"),
      found: this.#found,
    });
    const { x, y } = this.#corner(0, 0);
    this.element.dataset.place = JSON.stringify([x, y, this.#side]); // where the first cell lies, and how large cells are, px
    this.element.dataset.linked = JSON.stringify([...cells.linked].map(([cell, n]) => [Math.floor(cell / cells.n), cell % cells.n, n]));
    this.element.dataset.chosen = JSON.stringify([...this.#chosen].map((cell) => [Math.floor(cell / cells.n), cell % cells.n]));
  }

  /** Where the cells begin, px in the window: for tests and tips. @param {number} row @param {number} column */
  #corner(row, column) {
    const { left, top } = this.#painter.margins(/** @type {Cells} */ (this.#cells), this.#side);
    return { x: left + column * this.#side - this.#scroll.scrollLeft, y: top + row * this.#side - this.#scroll.scrollTop, left, top };
  }

  /** Which cell or name lies under the pointer. @param {MouseEvent} event @returns {Place|null} */
  #at({ offsetX, offsetY }) {
    const cells = this.#cells;
    if (!cells?.n) return null;
    const { x, y, left, top } = this.#corner(0, 0);
    const place = { row: offsetY < top ? -1 : Math.floor((offsetY - y) / this.#side), column: offsetX < left ? -1 : Math.floor((offsetX - x) / this.#side) };
    const beyond = place.row >= cells.n || place.column >= cells.n || (place.row < 0 && place.column < 0);
    return beyond ? null : place;
  }

  /** @param {Place|null} place @param {{offsetX: number, offsetY: number}} at */
  #hover(place, { offsetX, offsetY }) {
    const cells = this.#cells;
    this.#tip.hidden = !place;
    this.#canvas.style.cursor = place ? "pointer" : "";
    if (!cells || !place) return;
    const { row, column } = place;
    const named = (/** @type {number} */ at) => cells.entries[at];
    if (row >= 0 && column >= 0) say(this.#tip, cells.words(row, column, this.#of));
    else {
      const { name, folded, members, group } = named(Math.max(row, column));
      const inside = folded ? `: ${members.map((c) => cells.reply.classes[c]).join(", ")}` : group ? `, in ${group.name}` : "";
      say(this.#tip, `${name}${inside}`);
    }
    // Beside the pointer, toward the middle: nothing has to be measured.
    const { width, height } = this.#window.style;
    const [onLeft, above] = [offsetX > parseFloat(width) / 2, offsetY > parseFloat(height) / 2];
    Object.assign(this.#tip.style, {
      left: onLeft ? "auto" : `${offsetX + 12}px`,
      right: onLeft ? `calc(100% - ${offsetX - 12}px)` : "auto",
      top: above ? "auto" : `${offsetY + 20}px`,
      bottom: above ? `calc(100% - ${offsetY - 8}px)` : "auto",
    });
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const place = this.#at(event);
    if (!place || !this.#cells) return;
    const { row, column } = place;
    const how = event.shiftKey ? "to" : event.ctrlKey || event.metaKey ? "toggle" : "only";
    const entry = this.#cells.entries[Math.max(row, column)];
    // A press on the mark of a group, or beside its classes, folds or opens it.
    if ((row < 0 || column < 0) && entry.group && this.#onMark(event, place)) return this.#onGroup(entry.group.name);
    if (row >= 0 && column >= 0) [this.#row, this.#column] = [row, column];
    this.#choose(place, how);
  }

  /** @param {MouseEvent} event @param {Place} place */
  #onMark({ offsetX, offsetY }, { row, column }) {
    const { left, top } = this.#corner(0, 0);
    if (row >= 0) return offsetX > left - 10 || this.#cells?.entries[row].folded === true && offsetX < 16;
    return column >= 0 && offsetY > top - 10;
  }

  /** @param {Place} place @param {"only"|"to"|"toggle"} how */
  #choose(place, how) {
    const cells = this.#cells;
    if (!cells) return;
    const range = (/** @type {number} */ a, /** @type {number} */ b) => {
      if (a < 0 || b < 0) return [...cells.entries.keys()];
      const [from, to] = [Math.min(a, b), Math.max(a, b)];
      return Array.from({ length: to - from + 1 }, (_, i) => from + i);
    };
    const start = how === "to" ? this.#anchor : place;
    const taken = range(start.row, place.row).flatMap((r) => range(start.column, place.column).map((c) => r * cells.n + c));
    if (how === "toggle") {
      const off = taken.every((cell) => this.#chosen.has(cell));
      this.#chosen = new Set(this.#chosen);
      for (const cell of taken) off ? this.#chosen.delete(cell) : this.#chosen.add(cell);
    } else this.#chosen = new Set(taken);
    if (how !== "to") this.#anchor = place;
    this.#later();
    this.#onChoice(this.#chosen);
  }

  /** @param {number} row @param {number} column */
  #go(row, column) {
    const cells = this.#cells;
    if (!cells?.n) return;
    [this.#row, this.#column] = [row, column].map((at) => Math.max(0, Math.min(cells.n - 1, at)));
    const { x, y, left, top } = this.#corner(this.#row, this.#column);
    const { clientWidth, clientHeight } = this.#scroll;
    const side = this.#side;
    this.#scroll.scrollBy(x < left ? x - left : Math.max(0, x + side - clientWidth), y < top ? y - top : Math.max(0, y + side - clientHeight));
    const at = this.#corner(this.#row, this.#column);
    this.#hover({ row: this.#row, column: this.#column }, { offsetX: at.x + side / 2, offsetY: at.y + side / 2 });
    say(this.#spoken, cells.words(this.#row, this.#column, this.#of));
    this.#later();
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY / 300), { x: event.offsetX, y: event.offsetY });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const cells = this.#cells;
    if (!cells?.n || event.altKey) return;
    const end = cells.n - 1;
    const all = event.ctrlKey || event.metaKey;
    const step = Math.max(1, Math.floor(this.#scroll.clientHeight / this.#side) - 2);
    const [row, column] = [this.#row, this.#column];
    /** @type {Record<string, [number, number]>} */
    const places = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      PageUp: [row - step, column],
      PageDown: [row + step, column],
      Home: [all ? 0 : row, 0],
      End: [all ? end : row, end],
    };
    /** @type {Record<string, () => void>} */
    const acts = {
      Enter: () => this.#choose({ row, column }, "only"),
      " ": () => this.#choose({ row, column }, all ? "toggle" : "only"),
      r: () => this.#choose({ row, column: -1 }, "only"),
      c: () => this.#choose({ row: -1, column }, "only"),
      g: () => this.#groupAt(row),
      "+": () => this.zoom(1.25),
      "=": () => this.zoom(1.25),
      "-": () => this.zoom(0.8),
      0: () => this.zoom(0),
      Escape: () => this.#escape(),
    };
    const place = places[event.key];
    const act = acts[event.key] ?? acts[event.key.toLowerCase()];
    if (place) {
      this.#go(...place);
      if (event.shiftKey) this.#choose({ row: this.#row, column: this.#column }, "to");
    } else if (act && (!all || event.key === " ")) act();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {number} row */
  #groupAt(row) {
    const group = this.#cells?.entries[row].group;
    if (group) this.#onGroup(group.name);
  }

  #escape() {
    this.#tip.hidden = true;
    if (!this.#chosen.size) return;
    this.#chosen = new Set();
    this.#later();
  }

  /** Writes the table that is read aloud. */
  #write() {
    const cells = this.#cells;
    if (!cells || cells.n > READ) return this.#table.replaceChildren();
    const names = cells.entries.map(({ name }) => name);
    this.#table.replaceChildren(
      h(
        "table",
        {},
        h("caption", { text: "Counts: rows are labels, columns are predictions" }),
        h("thead", {}, h("tr", {}, h("td", {}), ...names.map((text) => h("th", { scope: "col", text })))),
        h("tbody", {}, ...names.map((text, r) => h("tr", {}, h("th", { scope: "row", text }), ...names.map((_, c) => h("td", { text: String(cells.counts[r * cells.n + c]) }))))),
      ),
    );
  }
}
