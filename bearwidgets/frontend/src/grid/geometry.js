// Pure arithmetic of the virtual grid: which cell lies where. No DOM, no state.
/** @import { Range, Run } from "../shared/types.js" */
/** @typedef {"left"|"right"|"up"|"down"|"rowStart"|"rowEnd"|"first"|"last"|"pageUp"|"pageDown"} Move */
/** @typedef {{x0: number, y0: number, x1: number, y1: number}} Box any two opposite corners, px of rows */
/**
 * @typedef {object} Layout
 * @property {number} total items
 * @property {number} columns
 * @property {number} rows
 * @property {number} px height of an image, so that whole rows fit
 * @property {number} cellWidth px
 * @property {number} cellHeight px
 * @property {number} viewHeight height of the scroll container, px
 * @property {number} fullHeight height of all rows, px
 * @property {number} domHeight height the page is given; less than fullHeight where browsers would cut it off
 * @property {number[]|null} starts first item of each row, where groups make rows uneven
 */

/** Images that are lower than this have one line under them, not two, px. */
export const DENSE = 120;
/** Height of the bar and the line or two under an image, px. */
export const CAPTION = 42;
export const DENSE_CAPTION = 23;
/** Images are never lower than this, px. */
const LEAST = 24;
/** Room around an image in its cell, px. */
export const PADDING = 14;
/** Most cells that may be in the page at once. */
export const MOST_CELLS = 290;
/** Firefox cuts elements off near 17.9 million px, Chromium near 33.5 million. */
export const TALLEST = 15_000_000;

/**
 * How many columns and rows fit, and how tall they are: the wished size is changed as far as it takes to show whole rows.
 * @param {{width: number, height: number, total: number, px: number, runs?: Run[]}} size container size, items, image
 *   side in px, how many items stand together
 * @returns {Layout}
 */
export function layout({ width, height, total, px: wished, runs = [] }) {
  const viewHeight = Math.max(1, height);
  const px = wholeRows(viewHeight, wished);
  const cellHeight = px + around(wished);
  let columns = Math.max(1, Math.floor(width / (px + PADDING)));
  const visibleRows = Math.ceil(viewHeight / cellHeight) + 1;
  // One more row is kept for the focused tile, wherever it is.
  columns = Math.max(1, Math.min(columns, Math.floor(MOST_CELLS / (visibleRows + 1))));
  const starts = runs.length ? rowStarts(runs, columns) : null;
  const rows = starts?.length ?? Math.ceil(total / columns);
  const fullHeight = rows * cellHeight;
  return {
    total,
    columns,
    rows,
    px,
    cellWidth: Math.max(1, Math.floor(width / columns)),
    cellHeight,
    viewHeight,
    fullHeight,
    domHeight: Math.min(fullHeight, TALLEST),
    starts,
  };
}

/** What a cell is higher than its image, px. @param {number} wished */
function around(wished) {
  return PADDING + (wished < DENSE ? DENSE_CAPTION : CAPTION);
}

/** The image height nearest to the wished one with which whole rows fill the view. @param {number} viewHeight @param {number} wished */
function wholeRows(viewHeight, wished) {
  const side = (/** @type {number} */ rows) => Math.floor(viewHeight / rows) - around(wished);
  const rows = Math.max(1, Math.floor(viewHeight / (wished + around(wished))));
  const [larger, smaller] = [side(rows), side(rows + 1)];
  const nearest = smaller > 0 && wished / smaller < larger / wished ? smaller : larger;
  return Math.max(LEAST, Math.min(nearest, 2 * wished));
}

/**
 * Breaks rows as text breaks lines: a run that does not fit in the rest of a row begins the next one; only one that is
 * longer than a row is broken.
 * @param {Run[]} runs
 * @param {number} columns
 * @returns {number[]} first item of each row
 */
export function rowStarts(runs, columns) {
  const starts = [0];
  let index = 0;
  let column = 0;
  const nextRow = () => {
    starts.push(index);
    column = 0;
  };
  for (const [size, times] of runs) {
    for (let time = 0; time < times; time++) {
      if (column && column + size > columns) nextRow();
      let rest = size;
      for (; rest > columns; rest -= columns) {
        index += columns;
        nextRow();
      }
      index += rest;
      column += rest;
    }
  }
  return starts;
}

/** The first item of a row; the end of all items after the last row. @param {Layout} grid @param {number} row */
export function startOf({ starts, columns, total }, row) {
  return Math.min(total, starts ? (starts[row] ?? total) : row * columns);
}

/** The row of an item. @param {Layout} grid @param {number} index */
export function rowOf({ starts, columns }, index) {
  if (!starts) return Math.floor(index / columns);
  let low = 0;
  let high = starts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (starts[middle] <= index) low = middle;
    else high = middle;
  }
  return low;
}

/** How many px of rows one px of the scroll bar stands for. @param {Layout} grid */
export function scale(grid) {
  const travel = grid.domHeight - grid.viewHeight;
  return travel > 0 ? Math.max(1, (grid.fullHeight - grid.viewHeight) / travel) : 1;
}

/** `top` held within what can be scrolled to. @param {Layout} grid @param {number} top */
export function clampTop(grid, top) {
  return Math.max(0, Math.min(top, grid.fullHeight - grid.viewHeight));
}

/**
 * Rows to render.
 * @param {Layout} grid
 * @param {number} top px of rows scrolled past
 * @param {number} [overscan] rows above and below that are rendered too, as far as MOST_CELLS allows
 * @returns {Range}
 */
export function visibleRows(grid, top, overscan = 2) {
  const first = Math.floor(top / grid.cellHeight);
  const last = Math.ceil((top + grid.viewHeight) / grid.cellHeight);
  const spare = Math.floor(MOST_CELLS / grid.columns) - 1 - (last - first);
  const extra = Math.max(0, Math.min(overscan, Math.floor(spare / 2)));
  return [Math.max(0, first - extra), Math.min(grid.rows, last + extra)];
}

/** The items in some rows. @param {Layout} grid @param {Range} rows @returns {Range} */
export function itemsOfRows(grid, [first, last]) {
  return [startOf(grid, first), startOf(grid, last)];
}

/**
 * The items whose image is at least half between `top` and `bottom`.
 * @param {Layout} grid
 * @param {number} top
 * @param {number} bottom
 * @returns {Range}
 */
export function halfVisible(grid, top, bottom) {
  const middle = PADDING / 2 + grid.px / 2;
  const first = Math.max(0, Math.ceil((top - middle) / grid.cellHeight));
  const last = Math.min(grid.rows, Math.floor((bottom - middle) / grid.cellHeight) + 1);
  return last > first ? itemsOfRows(grid, [first, last]) : [0, 0];
}

/**
 * The scroll position nearest to `top` that shows an item whole, and the row above it where there is room for both: what
 * was decided last stays in sight.
 * @param {Layout} grid
 * @param {number} index
 * @param {number} top
 */
export function topToShow(grid, index, top) {
  const start = rowOf(grid, index) * grid.cellHeight;
  const end = start + grid.cellHeight;
  const above = grid.viewHeight >= 2 * grid.cellHeight ? start - grid.cellHeight : start;
  if (above < top) return clampTop(grid, above);
  if (end > top + grid.viewHeight) return clampTop(grid, Math.min(above, end - grid.viewHeight));
  return clampTop(grid, top);
}

/** The items whose image or caption a box touches. @param {Layout} grid @param {Box} box @returns {Range[]} */
export function itemsInBox(grid, box) {
  const gap = 4;
  const left = Math.max(0, Math.min(box.x0, box.x1));
  const right = Math.max(box.x0, box.x1);
  const upper = Math.max(0, Math.min(box.y0, box.y1));
  const lower = Math.max(box.y0, box.y1);
  const firstColumn = Math.floor((left + gap) / grid.cellWidth);
  const lastColumn = Math.min(grid.columns, Math.ceil((right - gap) / grid.cellWidth));
  const firstRow = Math.floor((upper + gap) / grid.cellHeight);
  const lastRow = Math.min(grid.rows, Math.ceil((lower - gap) / grid.cellHeight));
  /** @type {Range[]} */
  const found = [];
  if (firstColumn >= lastColumn) return found;
  for (let row = firstRow; row < lastRow; row++) {
    const start = startOf(grid, row) + firstColumn;
    const stop = Math.min(startOf(grid, row + 1), startOf(grid, row) + lastColumn);
    if (start < stop) found.push([start, stop]);
  }
  return found;
}

/** Where the focus goes. @param {Layout} grid @param {number} index @param {Move} move @returns {number} */
export function moved(grid, index, move) {
  const page = Math.max(1, Math.floor(grid.viewHeight / grid.cellHeight));
  const row = rowOf(grid, index);
  const column = index - startOf(grid, row);
  const end = grid.total - 1;
  const inRow = (/** @type {number} */ to) => {
    const there = Math.max(0, Math.min(grid.rows - 1, to));
    return Math.min(startOf(grid, there) + column, startOf(grid, there + 1) - 1);
  };
  switch (move) {
    case "left":
      return Math.max(0, index - 1);
    case "right":
      return Math.min(end, index + 1);
    case "up":
      return inRow(row - 1);
    case "down":
      return inRow(row + 1);
    case "rowStart":
      return index - column;
    case "rowEnd":
      return startOf(grid, row + 1) - 1;
    case "first":
      return 0;
    case "last":
      return end;
    case "pageUp":
      return inRow(row - page);
    case "pageDown":
      return inRow(row + page);
  }
}
