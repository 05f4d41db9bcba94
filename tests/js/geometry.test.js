import assert from "node:assert/strict";
import test from "node:test";
import * as g from "../../bearwidgets/frontend/src/grid/geometry.js";

const grid = (/** @type {object} */ change = {}) => g.layout({ width: 1000, height: 600, total: 1003, px: 160, ...change });

test("columns fill the width and every item has a row", () => {
  const it = grid();
  assert.equal(it.columns, Math.floor(1000 / (it.px + g.PADDING)));
  assert.equal(it.rows, Math.ceil(1003 / it.columns));
  assert.ok(it.columns * it.cellWidth <= 1000);
});

test("whole rows fill the view, with images near the wished size", () => {
  for (let height = 96; height < 2000; height += 7) {
    for (const px of [96, 119, 120, 176, 320]) {
      const it = grid({ height, px });
      const rows = Math.floor(height / it.cellHeight);
      assert.ok(rows >= 1 && height - rows * it.cellHeight <= rows || it.px === 2 * px, `${height} at ${px} px: ${it.cellHeight}`);
      assert.ok(it.px <= 2 * px && (it.px >= px / 2 || height < 2 * px), `${height} at ${px} px: ${it.px}`);
    }
  }
});

test("dense: 40 tiles and more on a screen", () => {
  const it = grid({ width: 1263, height: 571, px: 96 });
  assert.ok(it.columns * Math.floor(it.viewHeight / it.cellHeight) >= 40);
});

test("never more cells than allowed, the row of the focus included", () => {
  for (const width of [200, 480, 1000, 1800, 5000]) {
    for (const height of [200, 640, 1600, 4000]) {
      for (const px of [96, 160, 320]) {
        const it = grid({ width, height, px, total: 100_000 });
        for (const top of [0, 17, 1234, it.fullHeight - it.viewHeight]) {
          const [first, last] = g.visibleRows(it, top);
          assert.ok((last - first + 1) * it.columns < 300, `${width}×${height} at ${px} px: ${(last - first + 1) * it.columns}`);
          assert.ok(first * it.cellHeight <= Math.max(0, top), "no gap above");
          assert.ok(last === it.rows || last * it.cellHeight >= top + it.viewHeight, "no gap below");
        }
      }
    }
  }
});

test("a million items stay below what browsers can lay out, and both ends are reached", () => {
  const it = grid({ width: 400, total: 1_000_000 });
  assert.ok(it.fullHeight > 33_000_000);
  assert.ok(it.domHeight <= 17_800_000);
  const scale = g.scale(it);
  assert.ok(scale > 1);
  const bottom = (it.domHeight - it.viewHeight) * scale;
  assert.ok(Math.abs(bottom - (it.fullHeight - it.viewHeight)) < 1e-3);
  assert.equal(g.visibleRows(it, g.clampTop(it, Infinity))[1], it.rows);
});

test("a short grid is not scaled and does not scroll", () => {
  const it = grid({ total: 3 });
  assert.equal(g.scale(it), 1);
  assert.equal(g.clampTop(it, 500), 0);
  assert.deepEqual(g.visibleRows(it, 0), [0, 1]);
  assert.deepEqual(g.itemsOfRows(it, [0, 1]), [0, 3]);
});

test("no items: no rows", () => {
  const it = grid({ total: 0 });
  assert.deepEqual(g.visibleRows(it, 0), [0, 0]);
  assert.deepEqual(g.halfVisible(it, 0, 600), [0, 0]);
});

test("half visible counts the image, not the caption", () => {
  const it = grid();
  const middle = g.PADDING / 2 + it.px / 2;
  assert.equal(g.halfVisible(it, middle - 1, middle + 1)[0], 0);
  assert.equal(g.halfVisible(it, middle + 1, it.cellHeight + middle + 1)[0], it.columns);
  assert.deepEqual(g.halfVisible(it, 0, middle - 1), [0, 0]);
});

test("the nearest scroll position that shows an item", () => {
  const it = grid();
  assert.equal(g.topToShow(it, 0, 300), 0);
  const below = it.columns * 10;
  assert.equal(g.topToShow(it, below, 0), 11 * it.cellHeight - it.viewHeight);
  assert.equal(g.topToShow(it, below, 10 * it.cellHeight - 20), 9 * it.cellHeight, "what was decided last stays in sight");
  const low = grid({ height: 200 });
  assert.equal(g.topToShow(low, low.columns * 3, 9000), 3 * low.cellHeight, "no room for two rows");
});

test("boxes find items", () => {
  const it = grid();
  const box = { x0: it.cellWidth * 2 - 20, y0: it.cellHeight * 2 - 20, x1: 20, y1: 20 };
  assert.deepEqual(g.itemsInBox(it, box), [[0, 2], [it.columns, it.columns + 2]]);
  assert.deepEqual(g.itemsInBox(it, { x0: 1, y0: 1, x1: 2, y1: 2 }), []);
});

test("a box over the last row stops at the last item", () => {
  const it = grid({ total: 7 });
  const box = { x0: 0, y0: 0, x1: 5000, y1: 5000 };
  assert.deepEqual(g.itemsInBox(it, box), [[0, 6], [6, 7]]);
});

test("moves stay inside", () => {
  const it = grid({ total: 12, width: 800 });
  assert.equal(it.columns, 5);
  assert.equal(g.moved(it, 0, "left"), 0);
  assert.equal(g.moved(it, 11, "right"), 11);
  assert.equal(g.moved(it, 3, "up"), 3);
  assert.equal(g.moved(it, 3, "down"), 8);
  assert.equal(g.moved(it, 8, "down"), 11, "into the short last row");
  assert.equal(g.moved(it, 10, "down"), 10);
  assert.equal(g.moved(it, 7, "rowStart"), 5);
  assert.equal(g.moved(it, 11, "rowEnd"), 11);
  assert.equal(g.moved(it, 4, "last"), 11);
  assert.equal(g.moved(it, 4, "first"), 0);
  assert.equal(g.moved(it, 11, "pageUp"), 1);
  assert.equal(g.moved(it, 1, "pageDown"), 11);
});
