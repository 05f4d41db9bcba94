// Pure: the color of each point. Ten colors that people with any kind of color vision tell apart, a gray for the rest.
import { loss, percent } from "../shared/format.js";
/** @import { MapColorReply } from "../shared/types.js" */
/** @typedef {[number, number, number]} Rgb 0 to 255 */
/** @typedef {{name: string, color: string, count: number, codes: number[], open: boolean}} Entry a line of the legend; codes are places in `names` */
/** @typedef {{codes: Uint8Array, colors: string[], entries: Entry[], low: string, high: string}} Coloring codes of points are places in colors */

/** The points of a class that has no color of its own, and those without a value. */
const OTHER = { light: "#c2c2c2", dark: "#5c5c5c" };
export const CLASSES = {
  light: ["#2952ad", "#ff8400", "#52947b", "#a56bc5", "#6b0019", "#00bdff", "#8cb57b", "#4a296b", "#b55a00", "#7b4a4a"],
  dark: ["#197bff", "#f7bd3a", "#63e6a5", "#cebdff", "#d64a10", "#b5f7ff", "#f7f700", "#bd7bc5", "#ef8400", "#9cad84"],
};
/** From low to high, in even steps of lightness. */
const SCALE = {
  light: ["#b9cbe2", "#86abd8", "#5b82c6", "#5d4fa6", "#5c1f6c", "#360930"],
  dark: ["#41506b", "#4a74ac", "#4aa0c4", "#79cfae", "#cbec8a", "#fdfac4"],
};
/** Steps between them. */
const STEPS = 64;

/** @param {string} hex @returns {Rgb} */
export function rgbOf(hex) {
  return /** @type {Rgb} */ ([1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
}

/** A color between two. @param {Rgb} a @param {Rgb} b @param {number} share of b @returns {Rgb} */
export function mixed(a, b, share) {
  return /** @type {Rgb} */ (a.map((each, i) => Math.round(each + (b[i] - each) * share)));
}

/** A color as a pixel of ImageData has it, with a sign. @param {Rgb} color */
export function pixel([r, g, b]) {
  return (255 << 24) | (b << 16) | (g << 8) | r;
}

/** @param {MapColorReply} reply @param {Int32Array|Float32Array} values @param {"light"|"dark"} theme @returns {Coloring} */
export function coloringOf(reply, values, theme) {
  return reply.coloring.scale ? onScale(reply, values, theme) : byClass(reply, values, theme);
}

/** @param {MapColorReply} reply @param {ArrayLike<number>} values @param {"light"|"dark"} theme @returns {Coloring} */
function byClass({ names }, values, theme) {
  const counts = new Array(names.length + 1).fill(0);
  for (let i = 0; i < values.length; i++) counts[values[i] < 0 ? names.length : values[i]]++;
  const some = names.map((_, code) => code).filter((code) => counts[code]);
  const colors = [...CLASSES[theme], OTHER[theme]];
  const own = some.toSorted((a, b) => counts[b] - counts[a] || a - b).slice(0, CLASSES[theme].length).toSorted((a, b) => a - b);
  const rest = some.filter((code) => !own.includes(code));
  const places = new Uint8Array(names.length).fill(colors.length - 1);
  own.forEach((code, place) => (places[code] = place));
  const codes = Uint8Array.from(values, (value) => (value < 0 ? colors.length - 1 : places[value]));
  const total = (/** @type {number[]} */ these) => these.reduce((sum, code) => sum + counts[code], 0);
  const entries = own.map((code, place) => ({ name: names[code], color: colors[place], count: counts[code], codes: [code], open: true }));
  if (rest.length) entries.push({ name: `${rest.length} others`, color: OTHER[theme], count: total(rest), codes: rest, open: true });
  if (counts[names.length]) entries.push({ name: "not known", color: OTHER[theme], count: counts[names.length], codes: [-1], open: true });
  return { codes, colors, entries, low: "", high: "" };
}

/** @param {MapColorReply} reply @param {ArrayLike<number>} values @param {"light"|"dark"} theme @returns {Coloring} */
function onScale({ coloring, low, high }, values, theme) {
  const stops = SCALE[theme].map(rgbOf);
  const colors = Array.from({ length: STEPS }, (_, step) => {
    const at = (step / (STEPS - 1)) * (stops.length - 1);
    const from = Math.min(Math.floor(at), stops.length - 2);
    return `#${mixed(stops[from], stops[from + 1], at - from).map((each) => each.toString(16).padStart(2, "0")).join("")}`;
  });
  colors.push(OTHER[theme]);
  let unknown = 0;
  const codes = Uint8Array.from(values, (value) => {
    if (Number.isNaN(value)) unknown++;
    return Number.isNaN(value) ? STEPS : Math.round(Math.max(0, Math.min(1, (value - low) / (high - low))) * (STEPS - 1));
  });
  const entries = unknown ? [{ name: "not known", color: OTHER[theme], count: unknown, codes: [], open: false }] : [];
  const words = (/** @type {number} */ value) => (coloring.name === "confidence" ? percent(value) : loss(value));
  return { codes, colors, entries, low: words(low), high: words(high) };
}
