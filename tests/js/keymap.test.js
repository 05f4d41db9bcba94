import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { command, KEYS, ownCommands } from "../../bearwidgets/frontend/src/cleaner/keymap.js";

/** @param {string} text such as "Ctrl+Shift+z" @param {boolean} [mac] */
function press(text, mac = false) {
  const parts = text.split("+");
  const key = parts.pop() ?? "";
  return command(
    {
      key: key === "Space" ? " " : key,
      ctrlKey: parts.includes("Ctrl"),
      metaKey: parts.includes("Meta"),
      shiftKey: parts.includes("Shift"),
      altKey: parts.includes("Alt"),
    },
    mac,
  );
}

test("decisions", () => {
  for (const [key, action] of [["Enter", "accept"], ["Delete", "delete"], ["Backspace", "delete"], ["u", "unsure"], ["K", "keep"], ["c", "clear"]]) {
    assert.deepEqual(press(key), { kind: "mark", action });
  }
  assert.deepEqual(press("1"), { kind: "class", index: 0 });
  assert.deepEqual(press("9"), { kind: "class", index: 8 });
});

test("moving and selecting", () => {
  assert.deepEqual(press("ArrowDown"), { kind: "move", move: "down", extend: false, alone: false });
  assert.deepEqual(press("Shift+ArrowLeft"), { kind: "move", move: "left", extend: true, alone: false });
  assert.deepEqual(press("Ctrl+ArrowLeft"), { kind: "move", move: "left", extend: false, alone: true });
  assert.deepEqual(press("Ctrl+Home"), { kind: "move", move: "first", extend: false, alone: false });
  assert.deepEqual(press("Ctrl+Shift+End"), { kind: "move", move: "last", extend: true, alone: false });
  assert.deepEqual(press("Ctrl+a"), { kind: "all" });
  assert.deepEqual(press("Ctrl+Space"), { kind: "toggle" });
  assert.deepEqual(press("Space"), { kind: "zoom" });
});

test("undo and redo", () => {
  assert.deepEqual(press("Ctrl+z"), { kind: "undo" });
  assert.deepEqual(press("Ctrl+Shift+Z"), { kind: "redo" });
  assert.deepEqual(press("Ctrl+y"), { kind: "redo" });
  assert.deepEqual(press("Meta+z", true), { kind: "undo" });
  assert.deepEqual(press("Meta+Shift+z", true), { kind: "redo" });
});

test("what belongs to the browser or the notebook is left alone", () => {
  for (const key of ["Ctrl+s", "Ctrl+c", "Ctrl+r", "Alt+ArrowLeft", "Tab", "Shift+Tab", "F5", "Ctrl+1", "Meta+z", "Ctrl+u", "Shift+Enter", "Shift+Delete"]) {
    assert.equal(press(key), null, key);
  }
  for (const key of ["Ctrl+z", "Ctrl+a", "Meta+c", "Meta+r"]) assert.equal(press(key, true), null, `${key} on a Mac`);
});

test("ways through the grid", () => {
  assert.deepEqual(press("n"), { kind: "next", back: false });
  assert.deepEqual(press("Shift+N"), { kind: "next", back: true });
  for (const [key, step] of [["=", 1], ["-", -1], ["0", 0]]) assert.deepEqual(press(key), { kind: "size", step });
  assert.deepEqual(press("x"), { kind: "compare" });
  assert.deepEqual(press("l"), { kind: "explain" });
  assert.deepEqual(press("f"), { kind: "window" });
});

test("keys of one's own come first, and the others stay", () => {
  const own = ownCommands({ d: "delete", Space: "1", "Ctrl+Enter": "accept", g: "grizzly", o: "constructor", Backspace: "undo", x: "right" });
  const pressed = (key, more = {}) => command({ key, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...more }, false, own);
  assert.deepEqual(pressed("d"), { kind: "mark", action: "delete" });
  assert.deepEqual(pressed("D", { shiftKey: true }), { kind: "mark", action: "delete" }, "with Shift too");
  assert.deepEqual(pressed(" "), { kind: "class", index: 0 });
  assert.deepEqual(pressed("Enter", { ctrlKey: true }), { kind: "mark", action: "accept" });
  assert.deepEqual(pressed("g"), { kind: "label", label: "grizzly" });
  assert.deepEqual(pressed("o"), { kind: "label", label: "constructor" }, "a name that every object has");
  assert.deepEqual(pressed("Backspace"), { kind: "undo" });
  assert.deepEqual(pressed("x"), { kind: "move", move: "right", extend: false, alone: false });
  assert.deepEqual(pressed("k"), { kind: "mark", action: "keep" });
});

test("help, search, menu, escape", () => {
  assert.deepEqual(press("Shift+?"), { kind: "help" });
  assert.deepEqual(press("/"), { kind: "search" });
  assert.deepEqual(press("r"), { kind: "menu" });
  assert.deepEqual(press("Alt+ArrowDown"), { kind: "menu" });
  assert.deepEqual(press("Escape"), { kind: "escape" });
});

test("the README's table says what the keys do", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const section = readme.split(/^### Keys$/m)[1].split(/^#/m)[0];
  const cells = [...section.matchAll(/^\| (.*) \|$/gm)].slice(1).flatMap(([, line]) => line.split(" | "));
  const rows = cells.flatMap((cell, at) => (at % 2 ? [] : [`${cell}: ${cells[at + 1]}`])).filter((row) => row.trim() !== ":");
  assert.deepEqual(rows.sort(), KEYS.map(({ keys, does }) => `${keys.replaceAll("Mod", "Ctrl")}: ${does}`).sort());
});
