// Pure: what a confusion matrix shows of its counts.

/**
 * @param {number[][]} counts rows actual, columns predicted
 * @returns {{rows: number[], columns: number[], recall: (number|null)[], precision: (number|null)[]}} null where nothing was counted
 */
export function margins(counts) {
  const rows = counts.map((row) => row.reduce((sum, n) => sum + n, 0));
  const columns = counts.map((_, c) => counts.reduce((sum, row) => sum + row[c], 0));
  const share = (/** @type {number} */ n, /** @type {number} */ of) => (of ? n / of : null);
  return {
    rows,
    columns,
    recall: rows.map((sum, c) => share(counts[c][c], sum)),
    precision: columns.map((sum, c) => share(counts[c][c], sum)),
  };
}

/**
 * @param {number} n
 * @param {number} row sum of the row
 * @returns {number} strength of the tint, 0 to 1; grows with the logarithm, so that 1 of 200 can still be seen
 */
export function tint(n, row) {
  if (!n || !row) return 0;
  return 0.15 + 0.85 * (Math.log1p((99 * n) / row) / Math.log(100));
}

/**
 * @param {number[][]} counts
 * @param {number} most
 * @returns {{actual: number, predicted: number, n: number}[]} off the diagonal, highest counts first
 */
export function mostConfused(counts, most) {
  return counts
    .flatMap((row, actual) => row.map((n, predicted) => ({ actual, predicted, n })))
    .filter(({ actual, predicted, n }) => n > 0 && actual !== predicted)
    .sort((a, b) => b.n - a.n)
    .slice(0, most);
}

/**
 * @param {number[][]} counts
 * @param {number} most
 * @returns {number[]} the classes with mistakes, the most confused first
 */
export function confusedClasses(counts, most) {
  const { rows, columns } = margins(counts);
  const wrong = counts.map((row, c) => rows[c] + columns[c] - 2 * row[c]);
  return counts
    .map((_, c) => c)
    .filter((c) => wrong[c] > 0)
    .sort((a, b) => wrong[b] - wrong[a] || a - b)
    .slice(0, most);
}
