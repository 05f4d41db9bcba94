import assert from "node:assert/strict";
import test from "node:test";
import { colors, greatest, Maps, number, smooth, strongest } from "../../bearwidgets/frontend/src/explain/maps.js";

const numbers = (/** @type {string} */ name, /** @type {number} */ logit, /** @type {number|null} */ constant, sum = logit - (constant ?? 0)) => ({ name, probability: 0.5, logit, sum, constant });

/** @param {any[]} maps @param {number[]} values @param {number} [offset] bytes before the values, as in one longer message */
function made(maps, values, offset = 3) {
  const reply = /** @type {any} */ ({ item: "a", label: "black", method: "class_map", maps, others: [], rows: 2, columns: 2 });
  const whole = new Uint8Array(offset + 4 * values.length);
  whole.set(new Uint8Array(Float32Array.from(values).buffer), offset);
  return new Maps(reply, new DataView(whole.buffer, offset));
}

test("maps are read from a buffer that lies anywhere in a longer one", () => {
  const maps = made([numbers("black", 2, 0.5), numbers("teddy", 1, 0.25)], [1, 2, 3, 4, 0.5, 0, 0, -1]);
  assert.deepEqual(maps.names, ["black", "teddy"]);
  assert.deepEqual([...(maps.grid("black")?.values ?? [])], [1, 2, 3, 4]);
  assert.deepEqual([...(maps.grid("black", "teddy")?.values ?? [])], [0.5, 2, 3, 5]);
  assert.equal(maps.grid("polar"), null);
  assert.equal(maps.grid("black", "polar"), null);
});

test("more maps are added to those that are there", () => {
  const maps = made([numbers("black", 2, 0.5)], [1, 2, 3, 4]);
  const more = /** @type {any} */ ({ rows: 2, columns: 2, maps: [numbers("polar", -1, 0)] });
  maps.add(more, Float32Array.from([5, 6, 7, 8]).buffer);
  assert.deepEqual(maps.names, ["black", "polar"]);
  assert.deepEqual([...(maps.grid("polar")?.values ?? [])], [5, 6, 7, 8]);
});

test("attention is the same for each class, a class map is not", () => {
  const maps = made([numbers("black", 2, 0.5)], [1, 2, 3, 4]);
  assert.equal(maps.ofClass, true);
  maps.reply.method = "attention_rollout";
  assert.equal(maps.ofClass, false);
});

test("the digits of a sum add up", () => {
  const maps = made([numbers("black", 2.634, -0.014, 2.648), numbers("teddy", 1.004, 0.004, 1), numbers("x", 3, 1, 1)], Array(12).fill(0));
  assert.equal(maps.sentence("black"), "Sum of the map 2.65 − 0.02 (constant) = logit 2.63: 50.0 % black");
  assert.equal(maps.sentence("x"), "Sum of the map 1.00 + 1.00 (constant) ≈ logit 3.00: 50.0 % x", "what does not add up is not made to");
  assert.equal(maps.sentence("black", "teddy"), "Sum of the difference 1.65 − 0.02 (constants) = 1.63 logits: black is 5.1 times as probable as teddy");
  assert.match(maps.sentence("teddy", "black"), /= −1.63 logits: black is 5.1 times as probable as teddy$/);
});

test("a map that is no sum is called none", () => {
  const maps = made([numbers("black", 2, null, 0), numbers("teddy", 2, null, 0)], Array(8).fill(0));
  assert.match(maps.sentence("black"), /^Logit 2\.00: 50\.0 % black\. The map is no sum/);
  assert.equal(maps.sentence("black", "teddy"), "Logits: 2.00 − 2.00 = 0.00: black is about as probable as teddy");
});

test("numbers have two digits, a true minus and no minus zero", () => {
  assert.deepEqual([1.234, -1.2, -0.001, 0].map(number), ["1.23", "−1.20", "0.00", "0.00"]);
});

test("a smooth map goes from place to place and keeps what is in their middle", () => {
  const fine = smooth({ rows: 2, columns: 2, values: Float32Array.from([0, 1, 2, 3]) });
  assert.deepEqual([fine.rows, fine.columns], [32, 32]);
  const at = (/** @type {number} */ row, /** @type {number} */ column) => fine.values[row * 32 + column];
  assert.deepEqual([at(0, 0), at(0, 31), at(31, 0), at(31, 31)], [0, 1, 2, 3]);
  const middle = (at(15, 15) + at(16, 16) + at(15, 16) + at(16, 15)) / 4;
  assert.ok(Math.abs(middle - 1.5) < 1e-6);
  const line = Array.from({ length: 32 }, (_, column) => at(0, column));
  assert.ok(line.every((value, column) => column === 0 || value >= line[column - 1]));
  const single = smooth({ rows: 1, columns: 1, values: Float32Array.from([4]) });
  assert.ok(single.values.every((value) => value === 4));
});

test("the colors say what speaks for a class and what against it, and how strongly", () => {
  const grid = { rows: 1, columns: 3, values: Float32Array.from([2, -1, 0]) };
  assert.equal(greatest(grid), 2);
  const pixels = [...colors(grid, 2)];
  assert.deepEqual(pixels.slice(0, 4), [232, 89, 12, 255]);
  assert.deepEqual(pixels.slice(4, 8), [25, 113, 194, 128]);
  assert.equal(pixels[11], 0);
  assert.ok([...colors({ rows: 1, columns: 1, values: Float32Array.from([0]) }, 0)].every(Number.isFinite));
});

test("where a map is strongest, in words", () => {
  const grid = (/** @type {number} */ at) => ({ rows: 3, columns: 3, values: Float32Array.from({ length: 9 }, (_, k) => (k === at ? 0.5 : 0)) });
  assert.equal(strongest(grid(0)), "Most speaks for it at the top left, 0.50.");
  assert.equal(strongest(grid(4)), "Most speaks for it at the middle center, 0.50.");
  assert.equal(strongest(grid(8)), "Most speaks for it at the bottom right, 0.50.");
  assert.equal(strongest(grid(99)), "No place speaks for it.");
});
