// Pure: what a key does on the map.
/** @import { Tool } from "./gestures.js" */

/**
 * @typedef {{kind: "go", right: number, down: number}|{kind: "zoom", factor: number}|{kind: "tool", tool: Tool}
 *   |{kind: "open"|"mark"|"fit"|"space"|"nothing"}} Act
 */

/** @type {Record<string, Act>} */
const KEYS = {
  arrowleft: { kind: "go", right: -1, down: 0 },
  arrowright: { kind: "go", right: 1, down: 0 },
  arrowup: { kind: "go", right: 0, down: -1 },
  arrowdown: { kind: "go", right: 0, down: 1 },
  enter: { kind: "open" },
  " ": { kind: "mark" },
  escape: { kind: "nothing" },
  "+": { kind: "zoom", factor: 1.5 },
  "=": { kind: "zoom", factor: 1.5 },
  "-": { kind: "zoom", factor: 1 / 1.5 },
  f: { kind: "fit" },
  0: { kind: "fit" },
  3: { kind: "space" },
  m: { kind: "tool", tool: "move" },
  l: { kind: "tool", tool: "lasso" },
  b: { kind: "tool", tool: "box" },
};

/** @param {{key: string, ctrlKey: boolean, metaKey: boolean, altKey: boolean}} event @returns {Act|null} null: none of ours */
export function mapKey({ key, ctrlKey, metaKey, altKey }) {
  return ctrlKey || metaKey || altKey ? null : (KEYS[key.toLowerCase()] ?? null);
}
