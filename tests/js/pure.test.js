import assert from "node:assert/strict";
import test from "node:test";
import { polyline } from "../../bearwidgets/frontend/src/cleaner/curve.js";
import { badge } from "../../bearwidgets/frontend/src/shared/actions.js";
import * as f from "../../bearwidgets/frontend/src/shared/format.js";
import { bytes, ImageCache } from "../../bearwidgets/frontend/src/grid/imagecache.js";
import { choices, matching } from "../../bearwidgets/frontend/src/cleaner/choices.js";
import { BATCH_EVERY, SEEN_AFTER, SeenTracker } from "../../bearwidgets/frontend/src/grid/seentracker.js";
import { confusedClasses, margins, mostConfused, tint } from "../../bearwidgets/frontend/src/confusion/shading.js";

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

test("the confusion matrix's margins", () => {
  const { rows, columns, recall, precision } = margins([[8, 2, 0], [1, 9, 0], [0, 0, 0]]);
  assert.deepEqual(rows, [10, 10, 0]);
  assert.deepEqual(columns, [9, 11, 0]);
  assert.deepEqual(recall, [0.8, 0.9, null]);
  assert.equal(precision[0], 8 / 9);
  assert.equal(precision[2], null);
});

test("tints: nothing is nothing, one of many can be seen, all is all", () => {
  assert.equal(tint(0, 100), 0);
  assert.ok(tint(1, 200) > 0.2);
  assert.ok(Math.abs(tint(100, 100) - 1) < 1e-9);
  assert.ok(tint(5, 100) < tint(20, 100));
});

test("the most confused, and only the classes that matter", () => {
  const counts = [[9, 3, 0], [1, 9, 0], [0, 0, 9]];
  assert.deepEqual(mostConfused(counts, 5), [{ actual: 0, predicted: 1, n: 3 }, { actual: 1, predicted: 0, n: 1 }]);
  assert.deepEqual(confusedClasses(counts, 3), [0, 1], "one without a mistake is not confused");
  assert.deepEqual(confusedClasses([[9, 0, 0], [0, 5, 1], [2, 1, 5]], 2), [2, 0], "the most confused first");
});

test("curves fit their box and skip what is missing", () => {
  assert.equal(polyline([[0, 2], [5, null], [10, 1]], 100, 44, 10), "0.0,2.0 100.0,22.0");
  assert.equal(polyline([], 100, 44, 10), "");
});
