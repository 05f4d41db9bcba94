// Pure: the maps of one image, what is said of them, and their colors.
import { percent } from "../shared/format.js";
/** @import { Buffer, ClassMap, ExplainReply } from "../shared/types.js" */

/** @typedef {{values: Float32Array, rows: number, columns: number}} Grid values row by row */

/** Most steps of a smooth map between two places. */
const FINE = 16;
/** Cells of a smooth map to a side, at least. */
const SIDE = 112;

/** Maps of some classes as they came, and more that came later. */
export class Maps {
  reply;
  /** @type {Map<string, {numbers: ClassMap, values: Float32Array}>} */
  #known = new Map();

  /** @param {ExplainReply} reply @param {Buffer} buffer */
  constructor(reply, buffer) {
    this.reply = reply;
    this.add(reply, buffer);
  }

  /** @param {ExplainReply} reply of the same image and method @param {Buffer} buffer */
  add(reply, buffer) {
    const size = reply.rows * reply.columns;
    const bytes = buffer instanceof ArrayBuffer ? new Uint8Array(buffer) : new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    const values = new Float32Array(bytes.slice().buffer);
    reply.maps.forEach((numbers, k) => this.#known.set(numbers.name, { numbers, values: values.subarray(k * size, (k + 1) * size) }));
  }

  /** Names of the classes with maps, the most probable first. */
  get names() {
    return [...this.#known.keys()];
  }

  /** @param {string} name @returns {ClassMap|null} null: there is no map of it */
  numbers(name) {
    return this.#known.get(name)?.numbers ?? null;
  }

  /** Whether the map is another one for each class. */
  get ofClass() {
    return this.reply.method !== "attention_rollout";
  }

  /** The map of a class, or of why it and not another. @param {string} name @param {string|null} [other] @returns {Grid|null} */
  grid(name, other = null) {
    const { rows, columns } = this.reply;
    const one = this.#known.get(name)?.values;
    const two = other === null ? null : this.#known.get(other)?.values;
    if (!one || two === undefined) return null;
    return { rows, columns, values: two ? one.map((value, k) => value - two[k]) : one };
  }

  /** What a map adds up to, in a sentence. @param {string} name @param {string|null} [other] */
  sentence(name, other = null) {
    const one = this.numbers(name);
    const two = other === null ? null : this.numbers(other);
    if (!one) return "";
    if (two) return difference(one, two);
    const logit = `logit ${number(one.logit)}: ${percent(one.probability, 1)} ${one.name}`;
    if (one.constant === null) return `${capital(logit)}. The map is no sum: its numbers only say which places count more.`;
    return `Sum of the map ${sum(one.sum, one.constant, "constant", one.logit)} ${logit}`;
  }
}

/** @param {ClassMap} one @param {ClassMap} two */
function difference(one, two) {
  const apart = one.logit - two.logit;
  const [likelier, other] = apart < 0 ? [two.name, one.name] : [one.name, two.name];
  const times = `${likelier} is ${times_(Math.exp(Math.abs(apart)))} as probable as ${other}`;
  if (one.constant === null || two.constant === null) return `Logits: ${number(one.logit)} − ${number(two.logit)} = ${number(apart)}: ${times}`;
  return `Sum of the difference ${sum(one.sum - two.sum, one.constant - two.constant, "constants", apart)} ${number(apart)} logits: ${times}`;
}

/** What adds up, in digits that add up too. @param {number} places @param {number} constant @param {string} name @param {number} total */
function sum(places, constant, name, total) {
  const equal = Math.abs(places + constant - total) < 0.005;
  const shown = equal ? Math.round(total * 100) / 100 - Math.round(places * 100) / 100 : constant;
  return `${number(places)} ${signed(shown)} (${name}) ${equal ? "=" : "≈"}`;
}

/** @param {number} factor */
function times_(factor) {
  if (factor < 1.05) return "about";
  return factor < 9.95 ? `${factor.toFixed(1)} times` : factor < 1e4 ? `${Math.round(factor).toLocaleString("en")} times` : "over 10,000 times";
}

/** Two digits, with a true minus. @param {number} value */
export function number(value) {
  return (Math.abs(value) < 0.005 ? 0 : value).toFixed(2).replace("-", "−");
}

/** @param {number} value */
function signed(value) {
  return `${value < 0 ? "−" : "+"} ${number(Math.abs(value))}`;
}

/** @param {string} text */
function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}

/** The greatest value of a map, whatever its sign. @param {Grid} grid */
export function greatest({ values }) {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** In words, where a map has its highest value. @param {Grid} grid */
export function strongest({ values, rows, columns }) {
  const at = values.indexOf(Math.max(...values));
  if (at < 0 || values[at] <= 0) return "No place speaks for it.";
  const third = (/** @type {number} */ place, /** @type {number} */ of, /** @type {string[]} */ words) => words[Math.min(2, Math.floor((3 * (place + 0.5)) / of))];
  const down = third(Math.floor(at / columns), rows, ["top", "middle", "bottom"]);
  const across = third(at % columns, columns, ["left", "center", "right"]);
  return `Most speaks for it at the ${down} ${across}, ${number(values[at])}.`;
}

/** A map with steps in between, linear from place to place, so that its colors change smoothly. @param {Grid} grid @returns {Grid} */
export function smooth(grid) {
  const steps = Math.max(1, Math.min(FINE, Math.ceil(SIDE / Math.max(grid.rows, grid.columns))));
  const [rows, columns] = [grid.rows * steps, grid.columns * steps];
  const values = new Float32Array(rows * columns);
  const place = (/** @type {number} */ fine, /** @type {number} */ n) => {
    const exact = Math.max(0, Math.min(n - 1, (fine + 0.5) / steps - 0.5));
    const low = Math.min(Math.floor(exact), Math.max(0, n - 2));
    return [low, Math.min(low + 1, n - 1), exact - low];
  };
  for (let row = 0; row < rows; row++) {
    const [top, bottom, down] = place(row, grid.rows);
    for (let column = 0; column < columns; column++) {
      const [left, right, across] = place(column, grid.columns);
      const at = (/** @type {number} */ r, /** @type {number} */ c) => grid.values[r * grid.columns + c];
      const upper = at(top, left) * (1 - across) + at(top, right) * across;
      const lower = at(bottom, left) * (1 - across) + at(bottom, right) * across;
      values[row * columns + column] = upper * (1 - down) + lower * down;
    }
  }
  return { values, rows, columns };
}

/** Orange speaks for a class, blue against it; both can be told apart by whoever sees fewer colors. */
const [FOR, AGAINST] = [[232, 89, 12], [25, 113, 194]];

/** The colors of a map, one pixel a place: the stronger, the less is seen through. @param {Grid} grid @param {number} most value of the full color */
export function colors({ values }, most) {
  const pixels = new Uint8ClampedArray(4 * values.length);
  values.forEach((value, k) => {
    pixels.set(value > 0 ? FOR : AGAINST, 4 * k);
    pixels[4 * k + 3] = most ? 255 * Math.min(1, Math.abs(value) / most) : 0;
  });
  return pixels;
}
