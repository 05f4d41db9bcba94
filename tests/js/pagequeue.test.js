import assert from "node:assert/strict";
import test from "node:test";
import { MOST, PAGE, PageQueue } from "../../bearwidgets/frontend/src/grid/pagequeue.js";

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

test("pages in sight first; then what is drawn around them and the neighbors, one at a time", async () => {
  const { pages, asked } = setUp();
  pages.want([5 * PAGE, 8 * PAGE], [4 * PAGE, 8 * PAGE], 100_000);
  assert.deepEqual(asked.map(({ start }) => start / PAGE), [5, 6, 7]);
  asked[0].done();
  await settled();
  assert.equal(asked.length, 3, "no neighbor while something in sight is on its way");
  asked[1].done();
  asked[2].done();
  await settled();
  assert.deepEqual(asked.map(({ start }) => start / PAGE), [5, 6, 7, 4]);
  asked[3].done();
  await settled();
  assert.deepEqual(asked.map(({ start }) => start / PAGE), [5, 6, 7, 4, 8]);
  asked[4].done();
  await settled();
  assert.deepEqual(asked.map(({ start }) => start / PAGE), [5, 6, 7, 4, 8, 3]);
});

test("what was scrolled past is dropped, nothing is asked for twice", async () => {
  const { pages, asked } = setUp();
  pages.want([0, 6 * PAGE], [0, 6 * PAGE], 100_000);
  pages.want([500 * PAGE, 501 * PAGE], [500 * PAGE, 501 * PAGE], 100_000);
  assert.equal(asked.length, MOST);
  for (const one of [...asked]) one.done();
  await settled();
  assert.deepEqual(asked.slice(MOST).map(({ start }) => start / PAGE), [500]);
  asked[MOST].done();
  await settled();
  assert.deepEqual(asked.slice(MOST).map(({ start }) => start / PAGE), [500, 501]);
  pages.want([500 * PAGE, 501 * PAGE], [500 * PAGE, 501 * PAGE], 100_000);
  assert.equal(asked.length, MOST + 2);
});

test("only labels and decisions are asked for where the images are here", () => {
  const { pages, asked, have } = setUp();
  for (let index = 0; index < 20; index++) have.set(index, null);
  have.set(7, "data");
  pages.want([0, 20], [0, 20], 20);
  assert.deepEqual(asked.map(({ start, stop, images }) => ({ start, stop, images })), [{ start: 0, stop: 20, images: false }]);
});

test("a page that failed waits for a retry", async () => {
  const { pages, asked } = setUp();
  pages.want([0, 10], [0, 10], 10);
  asked[0].fail();
  await settled();
  pages.want([0, 10], [0, 10], 10);
  assert.equal(asked.length, 1);
  pages.retry();
  assert.equal(asked.length, 1, "nothing is wanted before the next draw");
  pages.want([0, 10], [0, 10], 10);
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
