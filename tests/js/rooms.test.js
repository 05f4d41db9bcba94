// The rooms of frontend/src stand in a line: each imports only from rooms before it, and no module leads back to itself.
// Imports for types, which stand in comments, count as well.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";

const SOURCE = path.join(import.meta.dirname, "../../bearwidgets/frontend/src");
const ROOMS = ["shared", "grid", "explain", "cleaner", "confusion", "monitor", "map", "layers"];

/** @param {string} file such as `grid/tile.js` @param {string} text @returns {string[]} the modules it imports, for code or for types */
function imported(file, text) {
  const found = text.matchAll(/(?:\bfrom|\bimport\(|^import|@import)\s*["']([^"']+)["']/gm);
  return [...new Set([...found].map(([, name]) => path.posix.join(path.posix.dirname(file), name)))];
}

/** @param {Record<string, string>} files text by file @returns {string[]} imports from a later room, and circles */
function faults(files) {
  const arrows = Object.fromEntries(Object.entries(files).map(([file, text]) => [file, imported(file, text)]));
  const room = (/** @type {string} */ file) => ROOMS.indexOf(file.split("/")[0]);
  const back = Object.keys(arrows).flatMap((file) =>
    arrows[file].filter((other) => room(other) < 0 || room(other) > room(file)).map((other) => `${file} imports ${other}`),
  );
  // A module is cleared once all that it imports is; what is left leads in circles.
  const left = new Set(Object.keys(arrows));
  for (let before = -1; left.size !== before; ) {
    before = left.size;
    for (const file of [...left]) if (!arrows[file].some((other) => left.has(other))) left.delete(file);
  }
  return [...back, ...[...left].map((file) => `${file} is in a circle, or imports one`)];
}

test("the sources have no arrow back and no circle", () => {
  const names = ROOMS.flatMap((room) => readdirSync(path.join(SOURCE, room)).map((name) => `${room}/${name}`)).filter((name) => name.endsWith(".js"));
  assert.ok(names.length > 25);
  const files = Object.fromEntries(names.map((name) => [name, readFileSync(path.join(SOURCE, name), "utf8")]));
  assert.deepEqual(faults(files), []);
  const writers = names.filter((name) => /\.(textContent|innerText|innerHTML|title|alt|ariaLabel) = /.test(files[name]));
  assert.deepEqual(writers, ["shared/dom.js"], "where what cannot be seen is spelled out");
  const outside = names.filter((name) => /\bactiveElement\b|\bevent\.target\b|[{,] ?target ?[,}]/.test(files[name]));
  assert.deepEqual(outside, ["shared/dom.js"], "a document does not see into shadow trees: focusedNear and origin do");
});

test("a wrong import would be seen", () => {
  const type = '/** @import { View } from "../cleaner/view.js" */';
  for (const text of ['import { a } from "../cleaner/view.js";', 'import "../cleaner/view.js";', type, '/** @param {import("../cleaner/view.js").View} view */']) {
    assert.equal(faults({ "grid/grid.js": text, "cleaner/view.js": "" }).length, 1, text);
  }
  assert.equal(faults({ "cleaner/a.js": '/** @import { B } from "./b.js" */', "cleaner/b.js": 'import { a } from "./a.js";' }).length, 2);
  assert.deepEqual(faults({ "cleaner/a.js": 'import { B } from "../grid/b.js";', "grid/b.js": "" }), []);
});
