import assert from "node:assert/strict";
import test from "node:test";
import { BUSY_AFTER, NoAnswer, Requests } from "../../bearwidgets/frontend/src/shared/requests.js";

/** @param {import("node:test").TestContext} t */
function setUp(t) {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  /** @type {any[]} */
  const sent = [];
  /** @type {any[]} */
  const told = [];
  const requests = new Requests({
    send: (content) => sent.push(content),
    onBusy: (busy) => told.push(busy),
    onLate: () => told.push("late"),
    first: 10,
  });
  return { requests, sent, told, tick: (/** @type {number} */ ms) => t.mock.timers.tick(ms) };
}

test("an answer goes to the one who asked", async (t) => {
  const { requests, sent } = setUp(t);
  const one = requests.ask("page", { start: 0 }, 1000);
  const two = requests.ask("page", { start: 48 }, 1000);
  assert.deepEqual(sent, [{ kind: "request", id: 10, op: "page", start: 0 }, { kind: "request", id: 11, op: "page", start: 48 }]);
  const buffers = [new ArrayBuffer(1)];
  requests.receive({ kind: "reply", id: 11, ok: true, result: "b" }, buffers);
  requests.receive({ kind: "reply", id: 10, ok: true, result: "a" }, []);
  assert.deepEqual(await two, { result: "b", buffers });
  assert.equal((await one).result, "a");
});

test("Python's sentence comes as the error", async (t) => {
  const { requests } = setUp(t);
  const asked = requests.ask("mark", {}, 1000);
  requests.receive({ kind: "reply", id: 10, ok: false, error: "The disk is full." }, []);
  await assert.rejects(asked, { message: "The disk is full." });
});

test("no answer in time, and a late one is told", async (t) => {
  const { requests, told, tick } = setUp(t);
  const asked = requests.ask("page", {}, 10_000);
  tick(10_000);
  await assert.rejects(asked, NoAnswer);
  requests.receive({ kind: "reply", id: 10, ok: true, result: 1 }, []);
  requests.receive({ kind: "reply", id: 10, ok: true, result: 1 }, []);
  assert.deepEqual(told, [true, false, "late"]);
});

test("busy is told once, and when it is over", async (t) => {
  const { requests, told, tick } = setUp(t);
  const asked = requests.ask("page", {}, 10_000);
  tick(BUSY_AFTER - 1);
  assert.deepEqual(told, []);
  tick(1);
  assert.deepEqual(told, [true]);
  void requests.ask("page", {}, 10_000).catch(() => {});
  requests.receive({ kind: "reply", id: 10, ok: true }, []);
  await asked;
  assert.deepEqual(told, [true, false]);
});

test("answers to another view of the same widget are not ours", (t) => {
  const { requests, told } = setUp(t);
  requests.receive({ kind: "reply", id: 99, ok: true }, []);
  assert.deepEqual(told, []);
});

test("a comm that throws counts as no answer", async () => {
  const broken = new Requests({
    send: () => {
      throw new Error("dead");
    },
    onBusy: () => {},
    onLate: () => {},
  });
  await assert.rejects(broken.ask("hello", {}, 1000), NoAnswer);
});
