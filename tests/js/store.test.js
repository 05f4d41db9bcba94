import assert from "node:assert/strict";
import test from "node:test";
import { MOST_ITEMS, Store } from "../../bearwidgets/frontend/src/cleaner/store.js";

const state = (/** @type {object} */ change = {}) => /** @type {any} */ ({ revision: 1, total: 10, classes: ["a", "b"], ...change });
const item = (/** @type {number} */ i, /** @type {object} */ change = {}) =>
  /** @type {any} */ ({ i, id: `id${i}`, label: "a", suggested: "b", decision: null, error: null, ...change });

const decided = (/** @type {any} */ action) => () => ({ action, label: null });

function loaded() {
  const store = new Store();
  store.setState(state());
  store.put([item(0), item(1), item(2, { suggested: null })]);
  return store;
}

test("a decision is shown at once and stays when accepted", () => {
  const store = loaded();
  const guess = store.guess([[0, 2]], decided("delete"));
  assert.deepEqual(store.item(0)?.decision, { action: "delete", label: null });
  store.confirm(guess);
  assert.deepEqual(store.item(1)?.decision, { action: "delete", label: null });
  assert.ok(store.isDirty(1));
  assert.ok(!store.isDirty(2));
});

test("a refused decision is taken back, a later one on the same item is not", () => {
  const store = loaded();
  const first = store.guess([[0, 2]], decided("delete"));
  const second = store.guess([[1, 2]], decided("keep"));
  store.takeBack(first);
  assert.equal(store.item(0)?.decision, null);
  assert.deepEqual(store.item(1)?.decision, { action: "keep", label: null });
  store.confirm(second);
  assert.deepEqual(store.item(1)?.decision, { action: "keep", label: null });
});

test("a page that was on its way does not undo what is shown", () => {
  const store = loaded();
  const guess = store.guess([[0, 1]], decided("unsure"));
  store.put([item(0)]);
  assert.deepEqual(store.item(0)?.decision, { action: "unsure", label: null });
  store.confirm(guess);
  store.put([item(0)]);
  assert.equal(store.item(0)?.decision, null);
});

test("another revision empties the tiles, an older one is ignored", () => {
  const store = loaded();
  assert.equal(store.setState(state({ revision: 2 })), true);
  assert.equal(store.item(0), null);
  assert.equal(store.setState(state({ revision: 1, total: 5 })), false);
  assert.equal(store.total, 10);
  assert.equal(store.setState(state({ revision: 2, total: 10 })), false);
});

test("memory stays bounded", () => {
  const store = loaded();
  for (let i = 0; i < 2 * MOST_ITEMS; i += 100) store.put(Array.from({ length: 100 }, (_, k) => item(i + k)));
  assert.equal(store.item(0), null);
  assert.notEqual(store.item(2 * MOST_ITEMS - 1), null);
});

test("selecting all of 100,000 and deciding touches what is loaded only", () => {
  const store = loaded();
  const guess = store.guess([[0, 100_000]], decided("delete"));
  assert.equal(guess.before.size, 3);
});
