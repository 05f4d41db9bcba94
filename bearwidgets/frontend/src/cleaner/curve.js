// Pure: the points of a small line chart.

/**
 * The `points` of an SVG polyline, scaled from 0 to the highest y.
 * @param {[number, number|null][]} points x and y; null y leaves a gap out
 * @param {number} width px
 * @param {number} height px
 * @param {number} total the x at the right edge
 * @returns {string}
 */
export function polyline(points, width, height, total) {
  const known = points.filter(([, y]) => y !== null && Number.isFinite(y));
  const top = Math.max(...known.map(([, y]) => Number(y)), 1e-9);
  const right = Math.max(total, 1, ...known.map(([x]) => x));
  return known
    .map(([x, y]) => `${((x / right) * width).toFixed(1)},${(height - (Number(y) / top) * (height - 4) - 2).toFixed(1)}`)
    .join(" ");
}
