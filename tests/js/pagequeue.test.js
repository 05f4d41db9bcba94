import assert from "node:assert/strict";
import test from "node:test";
import { MOST, PAGE, PAUSE, PageQueue } from "../../bearwidgets/frontend/src/grid/pagequeue.js";

function setUp() {
  /** @type {Map<number, any>} */
  const have = new Map();
  /** @type {{start: number, stop: number, images: boolean, done: () => void, fail: () => void}[]} */
  const asked = [];
  const pages = new PageQueue({
    need: (index) => (have.has(index) ? have.get(index) : "images"),
    fetch: (start, stop, images) =>
      new Promise((resolve, reject) => {
        const done = () => {
          for (let index = start; index < stop; index++) have.set(index, null);
          resolve();
        };
        asked.push({ start, stop, images, done, fail: () => reject(new Error("no")) });
      }),
  });
  return { pages, asked, have };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("exactly what is in sight comes first; after a pause what is drawn around it and the neighbors, one at a time", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { pages, asked } = setUp();
  const ranges = () => asked.map(({ start, stop }) => [start, stop]);
  pages.want([1010, 1060], [1000, 1070], 100_000);
  assert.deepEqual(ranges(), [[1010, 1034], [1034, 1058], [1058, 1060]]);
  asked[0].done();
  await settled();
  t.mock.timers.tick(PAUSE);
  assert.equal(asked.length, 3, "no neighbor while something in sight is on its way");
  asked[1].done();
  asked[2].done();
  await settled();
  t.mock.timers.tick(PAUSE - 1);
  assert.equal(asked.length, 3, "what came into sight is painted first");
  t.mock.timers.tick(1);
  for (const range of [[1060, 1084], [1084, 1094], [976, 1000], [1000, 1010]]) {
    assert.deepEqual(ranges().at(-1), range);
    asked[asked.length - 1].done();
    await settled();
    t.mock.timers.tick(0);
  }
  assert.equal(asked.length, 7);
});

test("another jump during the pause is answered at once, without the neighbors of what was left", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { pages, asked } = setUp();
  pages.want([1000, 1010], [990, 1020], 100_000);
  asked[0].done();
  await settled();
  pages.want([5000, 5010], [4990, 5020], 100_000);
  assert.deepEqual(asked.slice(1).map(({ start, stop }) => [start, stop]), [[5000, 5010]]);
  pages.restart();
  t.mock.timers.tick(PAUSE);
  assert.equal(asked.length, 2, "after a restart nothing is left to ask for");
});

test("what was scrolled past is dropped, nothing is asked for twice", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { pages, asked } = setUp();
  pages.want([0, 6 * PAGE], [0, 6 * PAGE], 100_000);
  pages.want([5000, 5010], [5000, 5010], 100_000);
  assert.equal(asked.length, MOST);
  for (const one of [...asked]) one.done();
  await settled();
  assert.deepEqual(asked.slice(MOST).map(({ start, stop }) => [start, stop]), [[5000, 5010]]);
  pages.want([5002, 5014], [5002, 5014], 100_000);
  assert.deepEqual(asked.slice(MOST + 1).map(({ start, stop }) => [start, stop]), [[5010, 5014]]);
  pages.want([5000, 5014], [5000, 5014], 100_000);
  t.mock.timers.tick(PAUSE);
  assert.equal(asked.length, MOST + 2);
});

test("only labels and decisions are asked for where the images are here", () => {
  const { pages, asked, have } = setUp();
  for (let index = 0; index < 20; index++) have.set(index, null);
  have.set(7, "data");
  pages.want([0, 20], [0, 20], 20);
  assert.deepEqual(asked.map(({ start, stop, images }) => ({ start, stop, images })), [{ start: 7, stop: 8, images: false }]);
});

test("items that failed wait for a retry", async () => {
  const { pages, asked } = setUp();
  pages.want([0, 10], [0, 10], 10);
  asked[0].fail();
  await settled();
  pages.want([0, 10], [0, 10], 10);
  assert.equal(asked.length, 1);
  pages.retry();
  assert.equal(asked.length, 2);
});

test("after a restart old answers free no place in the queue", async () => {
  const { pages, asked } = setUp();
  pages.want([0, 4 * PAGE], [0, 4 * PAGE], 10_000);
  pages.restart();
  pages.want([0, PAGE], [0, PAGE], 10_000);
  assert.equal(asked.length, MOST + 1);
  asked[0].done();
  await settled();
  assert.equal(asked.length, MOST + 1);
});
