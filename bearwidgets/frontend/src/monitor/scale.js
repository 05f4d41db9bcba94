// Pure: axes with round ticks, numbers in few digits, and which point is near.

/** @typedef {[number, number]} Point */
/** @typedef {{low: number, high: number, ticks: number[], log: boolean}} Axis */

const TICKS = 6;

/** Round numbers from `low` to `high`, a step of 1, 2 or 5 times a power of ten apart. @param {number} low @param {number} high @param {number} [wanted] @returns {number[]} */
export function ticks(low, high, wanted = TICKS) {
  if (!(high > low)) return [low];
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((each) => each * power >= rough * 0.999) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const n = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: n }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Powers of ten between two numbers above 0, at most eight. @param {number} low @param {number} high */
export function logTicks(low, high) {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const step = Math.max(1, Math.floor((last - first) / 7));
  return Array.from({ length: Math.max(0, Math.floor((last - first) / step) + 1) }, (_, i) => 10 ** (first + i * step));
}

/** The axis along which the curves run. @param {number[]} values @param {boolean} log @returns {Axis} */
export function across(values, log) {
  const low = values.length ? Math.min(...values) : 0;
  const high = values.length ? Math.max(...values) : 1;
  if (log && low > 0) return { low, high: high > low ? high : low * 10, ticks: logTicks(low, high), log: true };
  const end = high > 0 ? high : 1;
  return { low: 0, high: end, ticks: ticks(0, end), log: false };
}

/** The axis of their heights: from 0 where that is near, with a little room. @param {number[]} values @returns {Axis} */
export function upwards(values) {
  let low = values.length ? Math.min(...values) : 0;
  let high = values.length ? Math.max(...values) : 1;
  const room = 0.06 * (high - low);
  low = low >= 0 && low < 0.5 * high ? 0 : low - room;
  high += room;
  if (low === high) [low, high] = [low - Math.abs(low || 1) / 2, high + Math.abs(high || 1) / 2];
  return { low, high, ticks: ticks(low, high), log: false };
}

/** How far along an axis a value lies, 0 to 1. @param {Axis} axis @param {number} value */
export function share({ low, high, log }, value) {
  return log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
}

/** The number of the point that is nearest along an axis. @param {Point[]} points @param {Axis} axis @param {number} at 0 to 1; -1 without points */
export function nearest(points, axis, at) {
  let [found, gap] = [-1, Infinity];
  points.forEach(([x], number) => {
    const away = Math.abs(share(axis, x) - at);
    if (away < gap) [found, gap] = [number, away];
  });
  return found;
}

/** A number of any size with at most three digits that count. @param {number} value */
export function short(value) {
  const size = Math.abs(value);
  if (value !== 0 && !(size >= 1e-3 && size < 1e5)) {
    const [mantissa, power] = value.toExponential(2).split("e");
    return `${Number(mantissa)}e${Number(power)}`;
  }
  return Number(value.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 6 });
}
