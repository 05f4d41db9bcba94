import assert from "node:assert/strict";
import test from "node:test";
import { polyline } from "../../bearwidgets/frontend/src/cleaner/curve.js";
import { badge } from "../../bearwidgets/frontend/src/shared/actions.js";
import * as f from "../../bearwidgets/frontend/src/shared/format.js";
import { bytes, ImageCache } from "../../bearwidgets/frontend/src/grid/imagecache.js";
import { choices, matching } from "../../bearwidgets/frontend/src/cleaner/choices.js";
import { BATCH_EVERY, SEEN_AFTER, SeenTracker } from "../../bearwidgets/frontend/src/grid/seentracker.js";
import { Cells, middle, nearPercent, tint } from "../../bearwidgets/frontend/src/confusion/cells.js";

test("numbers as a person reads them", () => {
  assert.equal(f.whole(100_000), "100,000");
  assert.equal(f.percent(0.974), "97 %");
  assert.equal(f.percent(null), "–");
  assert.equal(f.loss(4.1), "4.10");
  assert.equal(f.counted(1, "item"), "1 item");
  assert.equal(f.counted(2, "more class", "more classes"), "2 more classes");
  assert.equal(f.timeLeft(0.2), "1 s left");
  assert.equal(f.timeLeft(119.7), "2 min 0 s left");
  assert.equal(f.timeLeft(74), "1 min 14 s left");
  assert.equal(f.fileChanges({ delete: 12, relabel: 5, keep: 0 }), "Move 12 to trash, relabel 5");
  assert.equal(f.fileChanges({}), "Nothing to do");
});

test("what cannot be seen is spelled out", () => {
  for (const char of "\u202e\u2066\u200b\u00ad\ufeff\u200e\u2028\u3164\0\x1b\ud800") {
    const code = (char.codePointAt(0) ?? 0).toString(16).padStart(4, "0");
    assert.equal(f.visible(`te${char}ddy`), `te\\u${code}ddy`);
  }
  assert.equal(f.visible("ted\u200ddy\u200c"), "ted\\u200ddy\\u200c");
  for (const text of ["teddy\n👩\u200d🔬 می\u200cخواهم ❤️ 熊", ""]) assert.equal(f.visible(text), text);
});

test("a tile in one sentence, the decision in words", () => {
  const item = { i: 0, id: "x", path: "a/1.jpg", label: "a", split: "train", predicted: "b", confidence: 0.97, loss: 4.1, label_issue: 1, suggested: "b", decision: /** @type {const} */ ({ action: "relabel", label: "b" }), stale: false, buffer: 0, error: null };
  assert.equal(f.spoken(item), "labeled a, predicted b at 97 %, loss 4.10, decision: relabel to b, a/1.jpg");
  assert.equal(badge(item.decision), "→ b");
  assert.equal(badge({ action: "delete", label: null }), "✕ delete");
});

test("a buffer is read with its offset and length", () => {
  const whole = new Uint8Array([9, 9, 1, 2, 3, 9]).buffer;
  assert.deepEqual([...bytes(new DataView(whole, 2, 3))], [1, 2, 3]);
  assert.deepEqual([...bytes(new Uint8Array(whole, 2, 3))], [1, 2, 3]);
  assert.equal(bytes(whole).length, 6);
});

test("the image cache holds so many characters and drops the least recently shown", () => {
  const long = Uint8Array.from({ length: 100_000 }, (_, index) => index);
  const cache = new ImageCache(280_000);
  cache.put("a", long);
  assert.equal(cache.get("a"), `data:image/jpeg;base64,${Buffer.from(long).toString("base64")}`);
  cache.put("b", long, "image/png");
  assert.match(cache.get("b") ?? "", /^data:image\/png;/);
  cache.get("a");
  cache.put("c", long);
  assert.ok(cache.has("a") && !cache.has("b") && cache.has("c"));
  cache.put("a", long);
  assert.ok(cache.has("a") && cache.has("c"), "the same image twice counts once");
  cache.clear();
  assert.equal(cache.get("a"), null);
  cache.put("c", long);
  cache.put("a", long);
  assert.ok(cache.has("c"), "what was cleared counts no more");
});

test("the drop-down: suggested first, search, a new class by name", () => {
  const all = choices(["black", "grizzly", "teddy"], ["black", "grizzly", "teddy"], { suggested: "teddy", label: "black", marked: false });
  assert.deepEqual(all.map(({ text }) => text), ["Keep", "Unsure", "Delete", "teddy", "black", "grizzly"]);
  assert.equal(all[3].hint, "suggested · 3");
  assert.deepEqual(matching(all, "gri").map(({ text }) => text), ["grizzly", "New class “gri”"]);
  assert.deepEqual(matching(all, "teddy").map(({ text }) => text), ["teddy"]);
  assert.deepEqual(matching(all, "panda").map(({ label, sure }) => [label, Boolean(sure)]), [["panda", true]]);
  for (const typed of ["de", "un", "k"]) assert.ok(matching(all, typed).every(({ action }) => action === "relabel"), "letters name classes");
  for (const typed of ["grizly", "grzzli", "Grizzley"]) assert.equal(matching(all, typed)[0].text, "grizzly");
  assert.deepEqual(matching(all, "bear").map(({ label }) => label), ["bear"], "not near enough");
  const many = choices(Array.from({ length: 1000 }, (_, i) => `c${i}`), [], {});
  assert.ok(matching(many, "").length <= 200);
  assert.equal(matching(many, "c999")[0].label, "c999");
});

test("seen: only what was looked at long enough, in batches", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 10_000 });
  /** @type {any[]} */
  const sent = [];
  const seen = new SeenTracker((ranges) => sent.push(ranges));
  seen.watch([[0, 5]]);
  t.mock.timers.tick(SEEN_AFTER - 1);
  seen.watch([[3, 8]]);
  t.mock.timers.tick(1);
  assert.deepEqual(sent, [[[3, 5]]]);
  t.mock.timers.tick(SEEN_AFTER);
  assert.equal(sent.length, 1, "at most one batch in a while");
  t.mock.timers.tick(BATCH_EVERY);
  assert.deepEqual(sent[1], [[5, 8]]);
  seen.watch([[0, 8]]);
  t.mock.timers.tick(2 * BATCH_EVERY);
  assert.deepEqual(sent[2], [[0, 3]], "nothing is told twice");
  seen.end();
});

const COUNTS = [[8, 2, 0], [1, 9, 0], [0, 3, 5]];
/** @param {object} [change] @param {ArrayBuffer[]} [more] */
function cells(change = {}, more = []) {
  const classes = ["black", "grizzly", "teddy"];
  const groups = [{ name: "real", members: [0, 1], pinned: false }];
  const reply = { classes, orders: { name: [0, 1, 2], size: [2, 1, 0] }, groups, total: 28, ...change };
  const wrong = Float32Array.from(COUNTS.flat().map((n, i) => (i % 4 ? n / 4 : 0)));
  const places = Int32Array.from(COUNTS.flat(), (_, at) => at);
  return new Cells(reply, [places.buffer, Int32Array.from(COUNTS.flat()).buffer, wrong.buffer, ...more]);
}

test("a matrix is shown in an order, with its sums, and its groups folded or open", () => {
  const shown = cells();
  shown.show("size", new Set(), false);
  assert.deepEqual(shown.entries.map(({ name }) => name), ["teddy", "grizzly", "black"]);
  assert.deepEqual([...shown.counts], [5, 3, 0, 0, 9, 1, 0, 2, 8]);
  assert.deepEqual([[...shown.rows], [...shown.columns]], [[8, 10, 10], [5, 14, 9]]);
  shown.show("size", new Set(), true);
  assert.deepEqual(shown.entries.map(({ name, folded }) => [name, folded]), [["teddy", false], ["real", true]]);
  assert.deepEqual([...shown.counts], [5, 3, 0, 20]);
  assert.deepEqual([...shown.wrong ?? []], [0, 0.75, 0, 0.75]);
  shown.show("size", new Set(["real"]), true);
  assert.deepEqual(shown.entries.map(({ name }) => name), ["teddy", "grizzly", "black"]);
});

test("a cell in words, as Python says it", () => {
  const shown = cells();
  shown.show("name", new Set(), false);
  assert.equal(shown.words(0, 1, "actual"), "2 of 10 black called grizzly (20 %), about 1 with a wrong label and 1 where the model is wrong");
  assert.equal(shown.words(0, 1, "predicted"), "2 of 14 called grizzly are black (14 %), about 1 with a wrong label and 1 where the model is wrong");
  assert.equal(shown.words(0, 2, "all"), "0 of 28 are black called teddy (0 %)");
  assert.equal(shown.words(2, 2, "actual"), "5 of 8 teddy called teddy (63 %), about 0 with a wrong label and 5 where both are right");
  assert.deepEqual([nearPercent(1, 1000), nearPercent(999, 1000), nearPercent(5, 5)], ["under 1 %", "over 99 %", "100 %"]);
});

test("what changed, and whether by more than chance", () => {
  const before = Int32Array.from([8, 1, 1, 1, 9, 0, 0, 8, 0]);
  const marked = Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 1, 0]);
  const p = Float32Array.from([1, 1, NaN, 1, 1, 1, 1, 0.0002, 1]);
  const shown = cells({}, [before.buffer, marked.buffer, p.buffer]);
  shown.show("name", new Set(), false);
  assert.equal(shown.words(2, 1, "actual"), "teddy called grizzly: 8 before, 3 after, more than chance (p = 2e-4)");
  assert.match(shown.words(0, 2, "actual"), /1 before, 0 after, too few to tell from chance$/);
  assert.deepEqual(shown.mostConfused(1), [{ row: 2, column: 1, n: -5 }]);
  shown.show("name", new Set(), true);
  assert.equal(shown.words(0, 0, "actual"), "real called real: 19 before, 20 after", "of a group nothing was tested");
});

test("chosen cells are asked for in few blocks, groups by their classes", () => {
  const shown = cells();
  shown.show("name", new Set(), false);
  assert.deepEqual(shown.blocks([0, 1, 3, 4]), [{ actual: ["black", "grizzly"], predicted: ["black", "grizzly"] }]);
  assert.deepEqual(shown.blocks(new Set([5, 1])), [{ actual: ["black"], predicted: ["grizzly"] }, { actual: ["grizzly"], predicted: ["teddy"] }]);
  shown.show("name", new Set(), true);
  assert.deepEqual(shown.blocks([1]), [{ actual: ["black", "grizzly"], predicted: ["teddy"] }]);
});

test("the most confused are mistakes only", () => {
  const shown = cells();
  shown.show("name", new Set(), false);
  assert.deepEqual(shown.mostConfused(2), [{ row: 2, column: 1, n: 3 }, { row: 0, column: 1, n: 2 }]);
});

test("long names are cut in their middle", () => {
  const width = (/** @type {string} */ text) => text.length;
  assert.equal(middle("grizzly", width, 7), "grizzly");
  assert.equal(middle("american black bear", width, 9), "amer…bear");
  assert.equal(middle("abc", width, 1), "…");
});

test("tints: nothing is nothing, one of many can be seen, all is all", () => {
  assert.equal(tint(0, 100), 0);
  assert.ok(tint(1, 200) > 0.2);
  assert.ok(Math.abs(tint(100, 100) - 1) < 1e-9);
  assert.ok(tint(5, 100) < tint(20, 100));
});

test("curves fit their box and skip what is missing", () => {
  assert.equal(polyline([[0, 2], [5, null], [10, 1]], 100, 44, 10), "0.0,2.0 100.0,22.0");
  assert.equal(polyline([], 100, 44, 10), "");
});
