import assert from "node:assert/strict";
import test from "node:test";
import { across, logTicks, nearest, share, short, ticks, upwards } from "../../bearwidgets/frontend/src/monitor/scale.js";

test("ticks are round numbers inside of the axis", () => {
  assert.deepEqual(ticks(0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(ticks(0.13, 0.52), [0.2, 0.3, 0.4, 0.5]);
  assert.deepEqual(ticks(3, 3), [3]);
  assert.deepEqual(logTicks(1e-3, 10).map(short), ["0.001", "0.01", "0.1", "1", "10"]);
  assert.ok(logTicks(1e-30, 1e5).length <= 9);
});

test("axes begin at 0 where that is near, and one point has a middle", () => {
  assert.equal(upwards([0.2, 0.9]).low, 0);
  assert.ok(upwards([0.8, 0.9]).low > 0.7);
  const { low, high } = upwards([0.5]);
  assert.ok(low < 0.5 && high > 0.5);
  assert.deepEqual(upwards([]).ticks, [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.equal(across([1, 4], false).low, 0);
  const rates = across([1e-7, 10], true);
  assert.equal(share(rates, 1e-7), 0);
  assert.ok(Math.abs(share(rates, 1e-3) - 0.5) < 1e-9);
});

test("the nearest point along an axis", () => {
  const axis = across([1e-4, 1], true);
  const points = /** @type {[number, number][]} */ ([[1e-4, 3], [1e-2, 2], [1, 5]]);
  assert.equal(nearest(points, axis, 0.45), 1);
  assert.equal(nearest(points, axis, 2), 2);
  assert.equal(nearest([], axis, 0.5), -1);
});

test("numbers in few digits", () => {
  assert.deepEqual([0, 0.25, 1e-5, 2000, 0.123456, 1.5e-7, 123456].map(short), ["0", "0.25", "1e-5", "2,000", "0.123", "1.5e-7", "1.23e5"]);
});
