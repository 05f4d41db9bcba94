import assert from "node:assert/strict";
import test from "node:test";
import { Camera } from "../../bearwidgets/frontend/src/map/camera.js";
import { coloringOf } from "../../bearwidgets/frontend/src/map/colors.js";
import { mapKey } from "../../bearwidgets/frontend/src/map/keys.js";
import { placed, settle, STEPS, weights } from "../../bearwidgets/frontend/src/map/layout.js";
import { combined, countOf, marksOf, rangesOf } from "../../bearwidgets/frontend/src/map/marks.js";
import { stamp } from "../../bearwidgets/frontend/src/map/painter.js";
import { pointAt, pointNear, pointsIn, pointTowards, shuffled, thinned, withRoom } from "../../bearwidgets/frontend/src/map/pick.js";

/** @param {[number, number][]} places */
function screenOf(places, width = 100, height = 100) {
  const [x, y] = [Float32Array.from(places, ([px]) => px), Float32Array.from(places, ([, py]) => py)];
  return { x, y, z: new Float32Array(x.length), order: Uint32Array.from(x, (_, i) => i), width, height };
}

/** @param {Camera} camera @param {number[]} position */
function projected(camera, position) {
  const [x, y, z] = [new Float32Array(1), new Float32Array(1), new Float32Array(1)];
  camera.project(Float32Array.from(position), x, y, z);
  return [x[0], y[0], z[0]];
}

/** @param {number} a @param {number} b */
const near = (a, b) => assert.ok(Math.abs(a - b) < 0.01, `${a} is not ${b}`);

function cameraOf(width = 200, height = 100) {
  return Object.assign(new Camera(), { width, height });
}

test("the camera shows all, and what is under the pointer stays there when zooming", () => {
  const camera = cameraOf();
  assert.deepEqual(projected(camera, [0, 0, 0]).slice(0, 2), [100, 50]);
  near(projected(camera, [0, 1, 0])[1], 3); // up is up, within the shorter side
  const at = [0.4, -0.2, 0];
  const before = projected(camera, at);
  camera.zoomAt(5, before[0], before[1]);
  const after = projected(camera, at);
  near(after[0], before[0]);
  near(after[1], before[1]);
  assert.equal(camera.zoom, 5);
  camera.pan(7, -3);
  near(projected(camera, at)[0], before[0] + 7);
  near(projected(camera, at)[1], before[1] - 3);
  for (let i = 0; i < 20; i++) camera.zoomAt(5);
  assert.equal(camera.zoom, 400);
  camera.fit();
  assert.deepEqual(projected(camera, [0, 0, 0]).slice(0, 2), [100, 50]);
});

test("in space what is nearer to the eye is larger, and turning goes round", () => {
  const camera = cameraOf();
  camera.dims = 3;
  const [left, , back] = projected(camera, [0.5, 0, 0]);
  camera.turn(100, 0); // half a side is a half turn
  const [right, , front] = projected(camera, [0.5, 0, 0]);
  assert.ok((left - 100) * (right - 100) < 0);
  assert.ok(back * front < 0);
  camera.turn(0, 1e6);
  assert.ok(projected(camera, [0, 1, 0])[2] > 0.99, "no further than from above");
});

test("a camera moves only as far as it must to show a place", () => {
  const camera = cameraOf();
  assert.equal(camera.reveal(100, 50), false);
  const [x, y] = projected(camera, [3, 0, 0]);
  assert.equal(camera.reveal(x, y), true);
  assert.ok(projected(camera, [3, 0, 0])[0] <= 200 - 100 / 8 + 0.01);
});

test("points without a place are nowhere", () => {
  const camera = cameraOf();
  for (const dims of /** @type {const} */ ([2, 3])) {
    camera.dims = dims;
    const [x] = projected(camera, [NaN, NaN, NaN]);
    assert.ok(Number.isNaN(x));
  }
  const screen = screenOf([[NaN, NaN], [10, 10]]);
  assert.equal(pointAt(screen, 10, 10, 5), 1);
  assert.equal(pointNear(screen, 0, 0), 1);
  assert.deepEqual([...pointsIn(screen, [[0, 0], [100, 0], [100, 100], [0, 100]])], [0, 1]);
  assert.deepEqual(withRoom(screen, 5, 10), [1]);
});

test("the point under the pointer", () => {
  const screen = screenOf([[10, 10], [14, 10], [90, 90]]);
  assert.equal(pointAt(screen, 11, 10, 5), 0);
  assert.equal(pointAt(screen, 13, 10, 5), 1);
  assert.equal(pointAt(screen, 50, 50, 5), -1);
  screen.z[1] = 1; // nearer to the eye
  assert.equal(pointAt(screen, 11, 10, 5), 1);
});

test("arrow keys go to the nearest point in a direction", () => {
  const screen = screenOf([[50, 50], [60, 50], [58, 57], [50, 20], [90, 50]]);
  assert.equal(pointTowards(screen, 0, 1, 0), 1);
  assert.equal(pointTowards(screen, 1, 1, 0), 4);
  assert.equal(pointTowards(screen, 0, 0, -1), 3);
  assert.equal(pointTowards(screen, 0, -1, 0), -1);
  assert.equal(pointTowards(screen, 3, 0, 1), 0);
});

test("a lasso holds what is inside of it by the even-odd rule", () => {
  const screen = screenOf([[5, 5], [25, 5], [5, 25], [15, 15], [200, 5]]);
  const corner = /** @type {[number, number][]} */ ([[0, 0], [30, 0], [30, 10], [10, 10], [10, 30], [0, 30]]);
  assert.deepEqual([...pointsIn(screen, corner)], [1, 1, 1, 0, 0]);
  assert.deepEqual([...pointsIn(screen, [])], [0, 0, 0, 0, 0]);
  assert.deepEqual(thinned([[0, 0], [1, 0], [3, 0], [3.5, 0]], 2), [[0, 0], [3, 0]]);
});

test("a lasso of any shape holds what a walk along all of its sides says", () => {
  let state = 3;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const place = () => /** @type {[number, number]} */ ([random() * 60 - 5, random() * 60 - 5]);
  for (let round = 0; round < 30; round++) {
    const shape = Array.from({ length: 3 + (round % 9) }, place);
    const places = Array.from({ length: 200 }, place);
    const expected = places.map(([px, py]) => {
      let inside = 0;
      shape.forEach(([ax, ay], k) => {
        const [bx, by] = shape.at(k - 1) ?? [0, 0];
        if (ay > py !== by > py && px < ((bx - ax) * (py - ay)) / (by - ay) + ax) inside ^= 1;
      });
      return inside;
    });
    const screen = { ...screenOf([]), x: Float64Array.from(places, ([px]) => px), y: Float64Array.from(places, ([, py]) => py) };
    assert.deepEqual([...pointsIn(/** @type {any} */ (screen), shape)], expected);
  }
});

test("a selection travels as ranges", () => {
  const marks = marksOf([[0, 2], [4, 5]], 6);
  assert.deepEqual([...marks], [1, 1, 0, 0, 1, 0]);
  assert.deepEqual(rangesOf(marks), [[0, 2], [4, 5]]);
  assert.deepEqual(rangesOf(Uint8Array.of(0, 1, 1)), [[1, 3]]);
  assert.deepEqual(rangesOf(new Uint8Array(3)), []);
  assert.equal(countOf(marks), 3);
  const shape = Uint8Array.of(0, 1, 1, 0, 0, 0);
  assert.deepEqual([...combined(marks, shape, "new")], [...shape]);
  assert.deepEqual([...combined(marks, shape, "add")], [1, 1, 1, 0, 1, 0]);
  assert.deepEqual([...combined(marks, shape, "take")], [1, 0, 0, 0, 1, 0]);
});

test("images have room, and are the same ones after a small move", () => {
  const places = Array.from({ length: 400 }, (_, i) => /** @type {[number, number]} */ ([(i % 20) * 20 + 3, Math.floor(i / 20) * 20 + 3]));
  const screen = { ...screenOf(places, 400, 400), order: shuffled(400) };
  const found = withRoom(screen, 50, 300);
  for (const a of found) for (const b of found) assert.ok(a === b || Math.abs(screen.x[a] - screen.x[b]) >= 50 || Math.abs(screen.y[a] - screen.y[b]) >= 50);
  assert.ok(found.length > 25);
  assert.equal(withRoom(screen, 50, 10).length, 10);
  screen.x.forEach((_, i) => (screen.x[i] += 1));
  const moved = withRoom(screen, 50, 300);
  assert.ok(moved.filter((each) => found.includes(each)).length > 0.8 * found.length);
  for (const n of [0, 1, 5, 20_007]) assert.deepEqual([...shuffled(n)].sort((a, b) => a - b), Array.from({ length: n }, (_, i) => i));
});

const named = { revision: 1, coloring: { name: "label", title: "Label", scale: false }, colorings: [], low: 0, high: 1 };
const scaled = { revision: 1, coloring: { name: "loss", title: "Loss", scale: true }, colorings: [], names: [], low: 0, high: 4 };

test("the ten most frequent classes have a color, in the order of their names", () => {
  const names = Array.from({ length: 14 }, (_, i) => `c${i}`);
  const values = Int32Array.from({ length: 200 }, (_, i) => (i < 3 ? 0 : i === 3 ? -1 : 1 + (i % 13)));
  const { entries, codes, colors } = coloringOf({ ...named, names }, values, "light");
  assert.equal(entries.length, 12);
  assert.deepEqual(entries.slice(0, 10).map(({ name }) => name), names.slice(1, 14).filter((name) => entries.some((entry) => entry.name === name)));
  assert.equal(entries[10].name, "4 others");
  assert.ok(entries[10].codes.includes(0));
  assert.deepEqual([entries[11].name, entries[11].count], ["not known", 1]);
  assert.equal(entries.reduce((sum, { count }) => sum + count, 0), 200);
  assert.equal(colors[codes[0]], entries[10].color);
  assert.equal(colors[codes[3]], entries[11].color);
  assert.equal(new Set(colors).size, colors.length);
});

test("a score goes from the first color to the last, and what is not known is gray", () => {
  for (const theme of /** @type {const} */ (["light", "dark"])) {
    const { codes, colors, entries, low, high } = coloringOf(scaled, Float32Array.of(-1, 0, 2, 4, 99, NaN), theme);
    assert.deepEqual([codes[0], codes[1], codes[3], codes[4]], [0, 0, 63, 63]);
    assert.ok(codes[2] > 30 && codes[2] < 33);
    assert.equal(colors[codes[5]], entries[0].color);
    assert.deepEqual([low, high, entries[0].count], ["0.00", "4.00", 1]);
    assert.ok(colors.every((each) => /^#[0-9a-f]{6}$/.test(each)));
  }
  assert.equal(coloringOf({ ...scaled, coloring: { name: "confidence", title: "Confidence", scale: true }, high: 1 }, Float32Array.of(1), "light").high, "100 %");
});

test("a disc is round, and small ones have no soft rim", () => {
  assert.deepEqual([...stamp(1.5, 100).inner].sort((a, b) => a - b), [-101, -100, -99, -1, 0, 1, 99, 100, 101]);
  assert.equal(stamp(1.5, 100).rim.length, 0);
  const { inner, rim } = stamp(4, 100);
  assert.ok(inner.length > 40 && rim.length > 10);
});

test("keys", () => {
  const key = (/** @type {string} */ name, ctrlKey = false) => mapKey({ key: name, ctrlKey, metaKey: false, altKey: false });
  assert.deepEqual(key("ArrowLeft"), { kind: "go", right: -1, down: 0 });
  assert.deepEqual(key("L"), { kind: "tool", tool: "lasso" });
  assert.deepEqual(key("Enter"), { kind: "open" });
  assert.equal(key("l", true), null);
  assert.equal(key("Tab"), null);
});

/** Two groups of points, all in one heap at first; neighbors are of the own group. @param {number} n */
function heap(n) {
  let state = 7;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const start = Float32Array.from({ length: 3 * n }, () => random() - 0.5);
  const pairs = (/** @type {number} */ each, /** @type {(i: number) => number} */ other) => Int32Array.from({ length: n * each }, (_, k) => other(Math.floor(k / each)));
  const own = (/** @type {number} */ i) => (i + 2 * (1 + Math.floor(random() * 8))) % n;
  const any = () => Math.floor(random() * n);
  return { start, pairs: { near: pairs(10, own), mid: pairs(5, any), far: pairs(20, any) } };
}

/** @param {Float32Array} start @param {2|3} dims @param {ReturnType<typeof heap>["pairs"]} pairs */
function settled(start, dims, pairs) {
  const at = new Float32Array((start.length / 3) * dims);
  const steps = [...settle(start, dims, pairs, at)];
  assert.equal(steps.at(-1), STEPS);
  return placed(at, dims, start);
}

test("a layout brings neighbors together, the same each time, in the plane and in space", () => {
  const n = 120;
  const { start, pairs } = heap(n);
  for (const dims of /** @type {const} */ ([2, 3])) {
    const found = settled(start, dims, pairs);
    assert.deepEqual(found, settled(start, dims, pairs));
    const far = (/** @type {number} */ i, /** @type {number} */ j) => Math.hypot(...[0, 1, 2].map((d) => found[3 * i + d] - found[3 * j + d]));
    let [own, other] = [0, 0];
    for (let i = 0; i + 3 < n; i += 2) {
      own += far(i, i + 2);
      other += far(i, i + 3);
    }
    assert.ok(own < other / 2, `${own} and ${other}`);
    assert.ok(found.every((each) => Math.abs(each) <= 1 + 1e-6));
    assert.ok(found.some((each) => Math.abs(each) > 0.99), "it fills the map");
    assert.equal(found.filter((_, k) => k % 3 === 2).some((z) => z !== 0), dims === 3);
  }
});

test("what has no place stays without one, and pulls nothing", () => {
  const { start, pairs } = heap(60);
  start.fill(NaN, 0, 3);
  for (const each of Object.values(pairs)) each.forEach((other, k) => (k < each.length / 60 || other === 0) && (each[k] = -1));
  const found = settled(start, 2, pairs);
  assert.ok(Number.isNaN(found[0]));
  assert.ok(found.subarray(3).every(Number.isFinite));
});

test("the weights of the three phases are PaCMAP's", () => {
  assert.deepEqual(weights(0), { near: 2, mid: 1000, far: 1 });
  near(weights(99).mid, 12.97);
  assert.deepEqual(weights(100), { near: 3, mid: 3, far: 1 });
  assert.deepEqual(weights(200), { near: 1, mid: 0, far: 1 });
});
