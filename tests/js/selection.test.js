import assert from "node:assert/strict";
import test from "node:test";
import { count, has, normal, without } from "../../bearwidgets/frontend/src/shared/ranges.js";
import * as s from "../../bearwidgets/frontend/src/grid/selection.js";

test("ranges are joined and sorted", () => {
  assert.deepEqual(normal([[5, 7], [1, 2], [2, 3], [6, 9], [4, 4]]), [[1, 3], [5, 9]]);
});

test("ranges agree with plain sets", () => {
  let seed = 7;
  const random = (/** @type {number} */ n) => (seed = (seed * 48271) % 2147483647) % n;
  for (let round = 0; round < 200; round++) {
    const some = () => Array.from({ length: random(6) }, () => /** @type {[number, number]} */ ([random(30), random(30)]));
    const set = (/** @type {[number, number][]} */ ranges) =>
      new Set(ranges.flatMap(([from, to]) => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)));
    const [a, b] = [some(), some()];
    const left = new Set([...set(a)].filter((n) => !set(b).has(n)));
    const found = without(normal(a), normal(b));
    assert.deepEqual(set(found), left);
    assert.equal(count(found), left.size);
    for (let n = 0; n < 30; n++) assert.equal(has(found, n), left.has(n));
  }
});

test("shift extends from the anchor and shrinks again", () => {
  let now = s.extend(s.only(4), 7);
  assert.deepEqual(now.ranges, [[4, 8]]);
  now = s.extend(now, 2);
  assert.deepEqual(now.ranges, [[2, 5]]);
  assert.equal(now.active, 2);
  assert.equal(now.anchor, 4);
});

test("ctrl toggles, and shift after it keeps what was toggled", () => {
  let now = s.toggle(s.only(1), 5);
  assert.deepEqual(now.ranges, [[1, 2], [5, 6]]);
  now = s.extend(now, 7);
  assert.deepEqual(now.ranges, [[1, 2], [5, 8]]);
  assert.deepEqual(s.toggle(now, 6).ranges, [[1, 2], [5, 6], [7, 8]]);
});

test("a decision acts on the selected, or else on the active item", () => {
  assert.deepEqual(s.targets(s.nothing(3), 10), [[3, 4]]);
  assert.deepEqual(s.targets(s.focusOn(s.only(3), 5), 10), [[3, 4]]);
  assert.deepEqual(s.targets(s.nothing(), 0), []);
});

test("everything is one range, however many", () => {
  const now = s.everything(s.only(5), 100_000);
  assert.deepEqual(now.ranges, [[0, 100_000]]);
  assert.equal(s.size(now), 100_000);
  assert.equal(now.active, 5);
});

test("a band adds to what was kept", () => {
  const now = s.band(s.only(0), [[10, 12], [20, 22]], [[0, 1]]);
  assert.deepEqual(now.ranges, [[0, 1], [10, 12], [20, 22]]);
  assert.equal(now.active, 10);
});
