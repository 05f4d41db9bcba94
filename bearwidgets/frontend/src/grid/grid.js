// The virtual grid: UI state (scroll, focus, selection) and the few rows that are in the page.
import { attribute, focusedNear, h, origin } from "../shared/dom.js";
import { has } from "../shared/ranges.js";
import { clampTop, DENSE, halfVisible, itemsInBox, itemsOfRows, layout, moved, PADDING, rowOf, scale, startOf, topToShow, visibleRows } from "./geometry.js";
import { followPointer } from "./pointer.js";
import { band, everything, extend, focusOn, nothing, only, toggle } from "./selection.js";
import { followTaps } from "./taps.js";
import { Tile } from "./tile.js";
/** @import { Item, Range, Run } from "../shared/types.js" */
/** @import { Layout, Move } from "./geometry.js" */
/** @import { Selection } from "./selection.js" */
/** @typedef {{element: HTMLElement, tiles: Tile[], row: number}} Row */
/**
 * @typedef {object} GridOptions
 * @property {AbortSignal} signal
 * @property {(index: number) => {item: Item|null, url: string|null}} read
 * @property {(drawn: Range, sight: Range, half: Range) => void} onWindow items in the page, on screen, with at least half
 *   an image on screen
 * @property {(selection: Selection) => void} onSelect
 * @property {(index: number) => void} onZoom
 * @property {(index: number, anchor: HTMLElement) => void} onMenu
 * @property {(side: number) => void} onSide how long the longer side of an image may be, px
 * @property {(index: number) => void} onKeepOne the button that keeps this one of its group
 */

/** Narrower cells than this have no room for words beside the numbers, px. */
const NARROW = 150;

/** A scroll container of tiles with one tab stop, of which only those near the screen exist. */
export class Grid {
  element = h("div", {
    class: "bw-grid",
    role: "grid",
    "aria-multiselectable": "true",
    "aria-label": "Images",
    tabindex: "-1",
  });
  #sizer = h("div", { class: "bw-sizer", role: "presentation" });
  /** @type {Map<number, Row>} */
  #rows = new Map();
  #options;
  #total = 0;
  /** @type {Run[]} */
  #runs = [];
  #px = 160;
  #top = 0;
  #expectedScroll = -1;
  #band = { top: 0, bottom: Infinity };
  #focusWithin = false;
  selection = nothing();
  /** @type {Layout} */
  layout = layout({ width: 1, height: 1, total: 0, px: 160 });

  /** @param {GridOptions} options */
  constructor(options) {
    this.#options = options;
    const { signal } = options;
    this.element.append(this.#sizer);
    this.element.addEventListener("scroll", () => this.#scrolled(), { signal, passive: true });
    this.element.addEventListener("wheel", (event) => this.#wheel(event), { signal, passive: false });
    this.element.addEventListener("focusin", (event) => this.#focused(event), { signal });
    this.element.addEventListener("focusout", () => (this.#focusWithin = false), { signal });
    this.#followPointer();
    const sized = new ResizeObserver(() => this.relayout());
    sized.observe(this.element);
    const steps = Array.from({ length: 21 }, (_, step) => step / 20);
    const shown = new IntersectionObserver((entries) => this.#onScreen(entries), { threshold: steps });
    shown.observe(this.element);
    signal.addEventListener("abort", () => {
      sized.disconnect();
      shown.disconnect();
    });
  }

  /** @param {number} px */
  setSize(px) {
    this.#px = px;
    this.relayout();
  }

  /** @param {number} total @param {boolean} fresh another order: back to the top @param {Run[]} runs */
  setTotal(total, fresh, runs) {
    if (fresh) {
      this.#top = 0;
      this.selection = nothing();
    }
    if (this.#total === total && !fresh) return;
    this.#total = total;
    this.#runs = runs;
    this.selection = { ...this.selection, active: Math.min(this.selection.active, Math.max(0, total - 1)) };
    this.relayout();
    if (fresh) {
      this.scrollTo(0);
      this.#options.onSelect(this.selection);
    }
  }

  /** Measures again and keeps the item at the top where it was. */
  relayout() {
    const old = this.layout;
    const hadFocus = this.#focusWithin;
    const firstItem = startOf(old, Math.round(this.#top / old.cellHeight));
    this.layout = layout({
      width: this.element.clientWidth,
      height: this.element.clientHeight,
      total: this.#total,
      px: this.#px,
      runs: this.#runs,
    });
    const now = this.layout;
    if (now.columns !== old.columns || now.cellHeight !== old.cellHeight) {
      this.#top = rowOf(now, firstItem) * now.cellHeight;
    }
    this.#sizer.style.height = `${now.domHeight}px`;
    this.element.style.setProperty("--bw-px", `${now.px}px`);
    this.element.style.setProperty("--bw-cell", `${now.cellWidth}px`);
    this.element.classList.toggle("bw-dense", this.#px < DENSE);
    this.element.classList.toggle("bw-narrow", now.cellWidth < NARROW);
    this.element.style.setProperty("--bw-columns", String(now.columns));
    attribute(this.element, "tabindex", this.#total ? -1 : 0);
    attribute(this.element, "aria-rowcount", now.rows);
    attribute(this.element, "aria-colcount", now.columns);
    this.#options.onSide(Math.max(now.px, now.cellWidth - PADDING));
    this.scrollTo(this.#top);
    if (hadFocus) this.focus();
  }

  /** @param {number} top px of rows */
  scrollTo(top) {
    this.#top = clampTop(this.layout, top);
    this.element.scrollTop = this.#top / scale(this.layout);
    this.#expectedScroll = this.element.scrollTop;
    this.render();
  }

  /** Draws what is in the window; rows that left it are used again. */
  render() {
    const window_ = visibleRows(this.layout, this.#top);
    /** @type {Set<number>} */
    const wanted = new Set();
    for (let row = window_[0]; row < window_[1]; row++) wanted.add(row);
    // The row of the tab stop stays in the page, so that focus survives scrolling.
    if (this.#total) wanted.add(rowOf(this.layout, this.selection.active));
    const free = [...this.#rows.values()].filter((row) => !wanted.has(row.row));
    for (const row of free) this.#rows.delete(row.row);
    for (const index of wanted) {
      const row = this.#rows.get(index) ?? free.pop() ?? this.#newRow();
      row.row = index;
      this.#rows.set(index, row);
      this.#drawRow(row);
    }
    for (const row of free) row.element.remove();
    this.#report(itemsOfRows(this.layout, window_));
  }

  /** @param {Selection} selection @param {{focus?: boolean, show?: boolean}} [how] */
  select(selection, { focus = false, show = true } = {}) {
    this.selection = selection;
    if (show) this.scrollTo(topToShow(this.layout, selection.active, this.#top));
    else this.render();
    if (focus) this.focus();
    this.#options.onSelect(selection);
  }

  /** @param {{move: Move, extend: boolean, alone: boolean}} how alone: the selection stays as it is */
  move({ move, extend: more, alone }) {
    if (!this.#total) return;
    const to = moved(this.layout, this.selection.active, move);
    this.select(more ? extend(this.selection, to) : alone ? focusOn(this.selection, to) : only(to), { focus: true });
    this.#bringIntoWindow();
  }

  toggle() {
    this.select(toggle(this.selection, this.selection.active), { focus: true });
  }

  selectAll() {
    this.select(everything(this.selection, this.#total), { show: false });
  }

  /** Shows an item; the focus follows, unless it is in another cell of the notebook. @param {number} index */
  goTo(index) {
    if (index >= this.#total) return;
    const here = this.element.closest(".bw-root")?.contains(focusedNear(this.element)) ?? false;
    this.select(only(index), { focus: here });
    if (here) this.#bringIntoWindow();
  }

  /** The page scrolls to the active tile where the view is taller than the window: keys do not act on what cannot be seen. */
  #bringIntoWindow() {
    this.cell(this.selection.active)?.scrollIntoView({ block: "nearest", inline: "nearest" });
    // The grid itself has scrolled already, by rows.
    this.element.scrollTop = this.#expectedScroll;
  }

  /** Whether one of these items, at least, is in sight. @param {Range[]} ranges */
  sees(ranges) {
    const [first, end] = itemsOfRows(this.layout, visibleRows(this.layout, this.#top, 0));
    return ranges.some(([start, stop]) => start < end && stop > first);
  }

  /** Puts the focus on the active tile; where there is none, on the grid itself: keys must not leave the view. */
  focus() {
    (this.cell(this.selection.active) ?? this.element).focus({ preventScroll: true });
  }

  /** @param {number} index @returns {HTMLElement|null} */
  cell(index) {
    const row = this.#rows.get(rowOf(this.layout, index));
    return row?.tiles[index - startOf(this.layout, row.row)]?.element ?? null;
  }

  #followPointer() {
    const { signal, onZoom } = this.#options;
    followTaps(this.element, signal, (cell) => onZoom(Number(cell.dataset.index)));
    followPointer({
      element: this.element,
      signal,
      top: () => this.#top,
      scrollTo: (top) => this.scrollTo(top),
      onClick: (event) => this.#clicked(event),
      onDoubleClick: (event) => {
        const index = indexOf(event);
        if (index !== null) onZoom(index);
      },
      beginBand: (down) => {
        const before = this.selection;
        const kept = down.ctrlKey || down.metaKey || down.shiftKey ? before.ranges : [];
        return (box) => this.select(band(before, itemsInBox(this.layout, box), kept), { show: false });
      },
      endBand: () => this.focus(),
    });
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const { selection } = this;
    const index = indexOf(event);
    if (index === null) return this.select(nothing(selection.active), { show: false });
    const pressed = origin(event)?.closest(".bw-decide, .bw-keep-one");
    if (pressed?.matches(".bw-keep-one")) return this.#options.onKeepOne(index);
    if (pressed instanceof HTMLElement) return this.#options.onMenu(index, pressed);
    const many = event.ctrlKey || event.metaKey;
    this.select(event.shiftKey ? extend(selection, index) : many ? toggle(selection, index) : only(index), { focus: true });
  }

  /** @returns {Row} */
  #newRow() {
    const element = h("div", { class: "bw-row", role: "row" });
    this.#sizer.append(element);
    return { element, tiles: [], row: -1 };
  }

  /** @param {Row} row */
  #drawRow(row) {
    const { cellHeight, domHeight } = this.layout;
    const natural = row.row * cellHeight - this.#top + this.#top / scale(this.layout);
    const y = Math.max(0, Math.min(natural, domHeight - cellHeight));
    row.element.style.transform = `translateY(${Math.round(y)}px)`;
    attribute(row.element, "aria-rowindex", row.row + 1);
    const start = startOf(this.layout, row.row);
    const count = startOf(this.layout, row.row + 1) - start;
    while (row.tiles.length < count) {
      const tile = new Tile();
      row.tiles.push(tile);
      row.element.append(tile.element);
    }
    while (row.tiles.length > count) row.tiles.pop()?.element.remove();
    row.tiles.forEach((tile, column) => {
      const index = start + column;
      const selected = has(this.selection.ranges, index);
      tile.bind({ index, ...this.#options.read(index), selected, active: index === this.selection.active, column });
    });
  }

  #scrolled() {
    const at = this.element.scrollTop;
    if (Math.abs(at - this.#expectedScroll) < 1) return;
    this.#expectedScroll = at;
    this.#top = clampTop(this.layout, at * scale(this.layout));
    this.render();
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    if (scale(this.layout) === 1 || event.ctrlKey) return;
    // One px of this scroll bar is many px of rows: the wheel moves by rows, as it does elsewhere.
    event.preventDefault();
    this.scrollTo(this.#top + event.deltaY * (event.deltaMode === 1 ? 40 : 1));
  }

  /** @param {FocusEvent} event */
  #focused(event) {
    this.#focusWithin = true;
    // A press beside the tiles, or on the scroll bar.
    if (origin(event) === this.element) this.cell(this.selection.active)?.focus({ preventScroll: true });
    const index = indexOf(event);
    if (index !== null && index !== this.selection.active && origin(event) === this.cell(index)) {
      this.select(focusOn(this.selection, index), { show: false });
    }
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #onScreen(entries) {
    const entry = entries[entries.length - 1];
    const { intersectionRect: seen, boundingClientRect: whole } = entry;
    this.#band = entry.isIntersecting
      ? { top: seen.top - whole.top, bottom: seen.bottom - whole.top }
      : { top: 0, bottom: 0 };
    this.#report(itemsOfRows(this.layout, visibleRows(this.layout, this.#top)));
  }

  /** @param {Range} items */
  #report(items) {
    const { top, bottom } = this.#band;
    const lower = Math.min(bottom, this.layout.viewHeight);
    const sight = itemsOfRows(this.layout, visibleRows(this.layout, this.#top, 0));
    this.#options.onWindow(items, sight, halfVisible(this.layout, this.#top + top, this.#top + lower));
  }
}

/** The item an event happened on. @param {Event} event @returns {number|null} */
function indexOf(event) {
  const cell = origin(event)?.closest(".bw-cell");
  return cell instanceof HTMLElement ? Number(cell.dataset.index) : null;
}
