import assert from "node:assert/strict";
import { test } from "node:test";
import { decisionAfter, decisionInGroup } from "../../bearwidgets/frontend/src/cleaner/decisions.js";
import { openOf, progressLine } from "../../bearwidgets/frontend/src/shared/format.js";
import { itemsInBox, itemsOfRows, layout, moved, rowOf, rowStarts, startOf, topToShow } from "../../bearwidgets/frontend/src/grid/geometry.js";
import { command } from "../../bearwidgets/frontend/src/cleaner/keymap.js";

const key = (name, more = {}) => ({ key: name, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...more });

test("a group that does not fit begins the next row, and only one longer than a row is broken", () => {
  assert.deepEqual(rowStarts([[2, 3]], 5), [0, 4]);
  assert.deepEqual(rowStarts([[5, 2]], 5), [0, 5]);
  assert.deepEqual(rowStarts([[1, 2], [7, 1], [2, 1], [3, 1]], 4), [0, 2, 6, 9, 11]);
  assert.deepEqual(rowStarts([[3, 2]], 1), [0, 1, 2, 3, 4, 5]);
});

test("every row keeps to its columns and no group that fits is broken", () => {
  for (let columns = 1; columns < 9; columns++) {
    const runs = [[2, 3], [1, 4], [3, 2], [8, 1], [2, 1], [1, 1], [5, 2]];
    const sizes = runs.flatMap(([size, times]) => Array(times).fill(size));
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const grid = layout({ width: columns * 174, height: 216, total, px: 160, runs });
    assert.equal(grid.columns, columns);
    for (let row = 0; row < grid.rows; row++) {
      const length = startOf(grid, row + 1) - startOf(grid, row);
      assert.ok(length > 0 && length <= columns);
    }
    assert.equal(startOf(grid, grid.rows), total);
    let index = 0;
    for (const size of sizes) {
      if (size <= columns) assert.equal(rowOf(grid, index), rowOf(grid, index + size - 1));
      index += size;
    }
  }
});

test("focus, boxes and scrolling follow uneven rows", () => {
  const grid = layout({ width: 5 * 174, height: 216, total: 9, px: 160, runs: [[3, 3]] });
  assert.deepEqual(grid.starts, [0, 3, 6]);
  assert.equal(moved(grid, 1, "down"), 4);
  assert.equal(moved(grid, 4, "rowEnd"), 5);
  assert.equal(moved(grid, 8, "up"), 5);
  assert.equal(moved(grid, 8, "down"), 8);
  assert.equal(moved(grid, 7, "first"), 0);
  assert.deepEqual(itemsOfRows(grid, [1, 3]), [3, 9]);
  assert.equal(topToShow(grid, 3, 300), grid.cellHeight);
  const box = { x0: 10, y0: 10, x1: 5 * 174, y1: 10 };
  assert.deepEqual(itemsInBox(grid, box), [[0, 3]], "the empty end of a row holds nothing");
});

test("keys of groups and queues collide with none", () => {
  assert.deepEqual(command(key("g"), false), { kind: "group", keepers: true });
  assert.deepEqual(command(key("G", { shiftKey: true }), false), { kind: "group", keepers: false });
  assert.deepEqual(command(key("G"), false), { kind: "group", keepers: true }, "caps lock is no Shift");
  assert.deepEqual(command(key("q"), false), { kind: "queues" });
  assert.equal(command(key("g", { ctrlKey: true }), false), null);
});

test("who stays and who goes", () => {
  const keep = { action: "keep", label: null, about: "duplicate" };
  const remove = { action: "delete", label: null, about: null };
  const relabel = { action: "relabel", label: "teddy", about: null };
  const item = (i, decision = null, proposal = null) => ({ i, decision, group: { proposal } });
  assert.deepEqual(decisionInGroup(item(0, null, keep), [[0, 1]], true), keep, "as Python proposes");
  assert.deepEqual(decisionInGroup(item(1, null, remove), [[0, 1]], true), remove);
  assert.deepEqual(decisionInGroup(item(1, relabel, null), [[0, 1]], true), relabel, "what is decided stays");
  assert.deepEqual(decisionInGroup(item(1, keep, null), [[0, 1]], false), remove, "who names one decides anew");
  assert.deepEqual(decisionInGroup(item(0, remove, null), [[0, 1]], false), keep);
  assert.deepEqual(decisionInGroup(item(0, relabel, null), [[0, 1]], false), relabel, "a new label is not lost");
});

test("what an act decides", () => {
  const decided = (action, label = null, about = null) => ({ action, label, about });
  const item = { label: "a", decision: decided("unsure"), proposal: decided("relabel", "b") };
  assert.deepEqual(decisionAfter(item, "accept", null), item.proposal);
  assert.deepEqual(decisionAfter({ ...item, proposal: null }, "accept", null), item.decision, "nothing to accept");
  assert.deepEqual(decisionAfter(item, "relabel", "c"), decided("relabel", "c"));
  assert.deepEqual(decisionAfter(item, "relabel", "a"), decided("keep", null, "label"), "the label it has");
  assert.deepEqual(decisionAfter(item, "delete", null), decided("delete"));
  assert.equal(decisionAfter(item, "clear", null), null);
  assert.deepEqual(decisionAfter(item, "keep", null, "image"), decided("keep", null, "image"));
  const relabeled = { ...item, decision: decided("relabel", "b") };
  assert.deepEqual(decisionAfter(relabeled, "keep", null, "duplicate"), relabeled.decision, "the new label stays");
  assert.deepEqual(decisionAfter(relabeled, "keep", null, "label"), decided("keep", null, "label"));
});

test("counts and looks in words", () => {
  assert.deepEqual([[0, 0], [5, 5], [5, 2], [5, 0]].map(([problems, left]) => openOf({ problems, left })), ["0", "5", "2 of 5", "✓ 5"]);
  const figures = { recent: 25, recent_changed: 6, left: 380, errors: null };
  assert.equal(progressLine(figures), "6 of the last 25 decisions changed something");
  assert.match(progressLine({ ...figures, errors: 14.2, low: 6, high: 31 }), /· about 14 errors left in 380 \(90 %: 6–31\)$/);
  assert.match(progressLine({ ...figures, errors: 0.2, low: 0, high: 1 }), /· hardly any errors left/);
});
