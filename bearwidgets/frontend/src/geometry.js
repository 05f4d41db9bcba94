// Pure arithmetic of the virtual grid: which cell lies where. No DOM, no state.
/** @typedef {import("./types.js").Range} Range */
/**
 * @typedef {object} Layout
 * @property {number} total items
 * @property {number} columns
 * @property {number} rows
 * @property {number} cellWidth px
 * @property {number} cellHeight px
 * @property {number} viewHeight height of the scroll container, px
 * @property {number} fullHeight height of all rows, px
 * @property {number} domHeight height the page is given; less than fullHeight where browsers would cut it off
 */

/** Height of the two lines and the bar under a picture, px. */
export const CAPTION = 50;
/** Room around a picture in its cell, px. */
export const PADDING = 14;
/** Most cells that may be in the page at once. */
export const MOST_CELLS = 290;
/** Firefox cuts elements off near 17.9 million px, Chromium near 33.5 million. */
export const TALLEST = 15_000_000;

/**
 * @param {{width: number, height: number, total: number, px: number}} size container size, items, picture side in px
 * @returns {Layout}
 */
export function layout({ width, height, total, px }) {
  const cellHeight = px + PADDING + CAPTION;
  const viewHeight = Math.max(1, height);
  let columns = Math.max(1, Math.floor(width / (px + PADDING)));
  const visibleRows = Math.ceil(viewHeight / cellHeight) + 1;
  // One more row is kept for the focused tile, wherever it is.
  columns = Math.max(1, Math.min(columns, Math.floor(MOST_CELLS / (visibleRows + 1))));
  const rows = Math.ceil(total / columns);
  const fullHeight = rows * cellHeight;
  return {
    total,
    columns,
    rows,
    cellWidth: Math.max(1, Math.floor(width / columns)),
    cellHeight,
    viewHeight,
    fullHeight,
    domHeight: Math.min(fullHeight, TALLEST),
  };
}

/**
 * @param {Layout} grid
 * @returns {number} px of rows that one px of the scroll bar stands for
 */
export function scale(grid) {
  const travel = grid.domHeight - grid.viewHeight;
  return travel > 0 ? Math.max(1, (grid.fullHeight - grid.viewHeight) / travel) : 1;
}

/**
 * @param {Layout} grid
 * @param {number} top
 * @returns {number} `top` held within what can be scrolled to
 */
export function clampTop(grid, top) {
  return Math.max(0, Math.min(top, grid.fullHeight - grid.viewHeight));
}

/**
 * @param {Layout} grid
 * @param {number} top px of rows scrolled past
 * @param {number} [overscan] rows above and below that are rendered too, as far as MOST_CELLS allows
 * @returns {Range} rows to render
 */
export function visibleRows(grid, top, overscan = 2) {
  const first = Math.floor(top / grid.cellHeight);
  const last = Math.ceil((top + grid.viewHeight) / grid.cellHeight);
  const spare = Math.floor(MOST_CELLS / grid.columns) - 1 - (last - first);
  const extra = Math.max(0, Math.min(overscan, Math.floor(spare / 2)));
  return [Math.max(0, first - extra), Math.min(grid.rows, last + extra)];
}

/**
 * @param {Layout} grid
 * @param {Range} rows
 * @returns {Range} items in those rows
 */
export function itemsOfRows(grid, [first, last]) {
  return [Math.min(grid.total, first * grid.columns), Math.min(grid.total, last * grid.columns)];
}

/**
 * @param {Layout} grid
 * @param {number} top
 * @param {number} bottom
 * @param {number} px picture side
 * @returns {Range} items whose picture is at least half between `top` and `bottom`
 */
export function halfVisible(grid, top, bottom, px) {
  const middle = PADDING / 2 + px / 2;
  const first = Math.max(0, Math.ceil((top - middle) / grid.cellHeight));
  const last = Math.min(grid.rows, Math.floor((bottom - middle) / grid.cellHeight) + 1);
  return last > first ? itemsOfRows(grid, [first, last]) : [0, 0];
}

/**
 * @param {Layout} grid
 * @param {number} index
 * @param {number} top
 * @returns {number} the scroll position nearest to `top` that shows item `index` whole
 */
export function topToShow(grid, index, top) {
  const start = Math.floor(index / grid.columns) * grid.cellHeight;
  const end = start + grid.cellHeight;
  if (start < top) return clampTop(grid, start);
  if (end > top + grid.viewHeight) return clampTop(grid, Math.min(start, end - grid.viewHeight));
  return clampTop(grid, top);
}

/**
 * @param {Layout} grid
 * @param {number} x
 * @param {number} y in px of rows
 * @returns {number|null} item at a point
 */
export function itemAt(grid, x, y) {
  const column = Math.floor(x / grid.cellWidth);
  const row = Math.floor(y / grid.cellHeight);
  if (column < 0 || column >= grid.columns || row < 0) return null;
  const index = row * grid.columns + column;
  return index < grid.total ? index : null;
}

/**
 * @param {Layout} grid
 * @param {{x0: number, y0: number, x1: number, y1: number}} box any two opposite corners
 * @returns {Range[]} items whose picture and caption the box touches
 */
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
    const start = row * grid.columns + firstColumn;
    const stop = Math.min(grid.total, row * grid.columns + lastColumn);
    if (start < stop) found.push([start, stop]);
  }
  return found;
}

/**
 * @param {Layout} grid
 * @param {number} index
 * @param {"left"|"right"|"up"|"down"|"rowStart"|"rowEnd"|"first"|"last"|"pageUp"|"pageDown"} move
 * @returns {number} where the focus goes
 */
export function moved(grid, index, move) {
  const page = Math.max(1, Math.floor(grid.viewHeight / grid.cellHeight)) * grid.columns;
  const column = index % grid.columns;
  const end = grid.total - 1;
  const down = (/** @type {number} */ step) => {
    if (index + step <= end) return index + step;
    const lastRowStart = end - (end % grid.columns);
    return index >= lastRowStart ? index : Math.min(end, lastRowStart + column);
  };
  switch (move) {
    case "left":
      return Math.max(0, index - 1);
    case "right":
      return Math.min(end, index + 1);
    case "up":
      return index >= grid.columns ? index - grid.columns : index;
    case "down":
      return down(grid.columns);
    case "rowStart":
      return index - column;
    case "rowEnd":
      return Math.min(end, index - column + grid.columns - 1);
    case "first":
      return 0;
    case "last":
      return end;
    case "pageUp":
      return index >= page ? index - page : column;
    case "pageDown":
      return down(page);
  }
}
