// Pure: the cells of a confusion matrix, with groups of classes folded into one, and what is said of them.
import { percent, whole } from "../shared/format.js";
/** @import { Buffer, ClassGroup, Cells as Block, MatrixReply } from "../shared/types.js" */
/** @typedef {{name: string, members: number[], group: ClassGroup|null, folded: boolean}} Entry a row and a column: a class, or a folded group; `group` is the one it belongs to */
/** @typedef {"actual"|"predicted"|"all"} Of what a share is of */

/** Classes from which on groups are folded to begin with. */
export const MANY = 40;

/** A matrix as Python sent it, and what of it is shown. */
export class Cells {
  reply;
  /** @type {Entry[]} */
  entries = [];
  /** counts, expected wrong labels (or null), counts before (or null), whether marked (or null); of what is shown, row after row */
  counts = new Int32Array();
  /** @type {Float32Array|null} */
  wrong = null;
  /** @type {Int32Array|null} */
  before = null;
  /** @type {Uint8Array|null} */
  marked = null;
  /** how many images of a cell are selected, or shown, in another view, by the cell's number @type {Map<number, number>} */
  linked = new Map();
  #links = new Int32Array();
  #place = new Int32Array();
  rows = new Int32Array();
  columns = new Int32Array();
  #all;

  /** @param {MatrixReply} reply @param {Buffer[]} buffers */
  constructor(reply, buffers) {
    this.reply = reply;
    const [at, counts, wrong, before, marked, p] = buffers.map(bytes);
    this.#all = {
      at: new Int32Array(at),
      counts: new Int32Array(counts),
      wrong: wrong?.byteLength ? new Float32Array(wrong) : null,
      before: before ? new Int32Array(before) : null,
      marked: marked ? new Uint8Array(marked) : null,
      p: p ? new Float32Array(p) : null,
    };
  }

  /** How many rows and columns are shown. */
  get n() {
    return this.entries.length;
  }

  /** @param {string} order @param {Set<string>} open names of groups that are not folded; null folds none @param {boolean} fold */
  show(order, open, fold) {
    const { classes, orders, groups } = this.reply;
    const { at, counts, wrong, before, marked } = this.#all;
    /** @type {Map<number, ClassGroup>} */
    const groupOf = new Map(fold ? groups.flatMap((group) => group.members.map((member) => /** @type {[number, ClassGroup]} */ ([member, group]))) : []);
    const placed = new Set();
    this.entries = [];
    for (const c of orders[order] ?? classes.keys()) {
      const group = groupOf.get(c) ?? null;
      if (!group) this.entries.push({ name: classes[c], members: [c], group, folded: false });
      else if (!placed.has(group)) {
        placed.add(group);
        if (!open.has(group.name)) this.entries.push({ name: group.name, members: group.members, group, folded: true });
        // the members of an open group stay together
        else for (const each of orders[order].filter((d) => groupOf.get(d) === group)) this.entries.push({ name: classes[each], members: [each], group, folded: false });
      }
    }
    const [n, m] = [classes.length, this.entries.length];
    const place = new Int32Array(n);
    this.entries.forEach(({ members }, shown) => members.forEach((c) => (place[c] = shown)));
    const cell = at.map((each) => place[Math.floor(each / n)] * m + place[each % n]);
    /** @template {Int32Array|Float32Array} T @param {T} from @param {T} to */
    const sum = (from, to) => {
      for (let i = 0; i < cell.length; i++) to[cell[i]] += from[i];
      return to;
    };
    this.#place = place;
    this.#link();
    this.counts = sum(counts, new Int32Array(m * m));
    this.wrong = wrong && sum(wrong, new Float32Array(m * m));
    this.before = before && sum(before, new Int32Array(m * m));
    // Of a folded group nothing was tested.
    this.marked = marked && new Uint8Array(m * m);
    if (this.marked && marked) for (const [i, each] of cell.entries()) if (!this.entries[Math.floor(each / m)].folded && !this.entries[each % m].folded) this.marked[each] = marked[i];
    this.rows = new Int32Array(m);
    this.columns = new Int32Array(m);
    for (let r = 0, i = 0; r < m; r++) {
      for (let c = 0; c < m; c++, i++) {
        this.rows[r] += this.counts[i];
        this.columns[c] += this.counts[i];
      }
    }
  }

  /** Tells what another view has selected, or shows. @param {Buffer} [buffer] int32: row, column and how many, of each cell */
  link(buffer) {
    this.#links = buffer ? new Int32Array(bytes(buffer)) : new Int32Array();
    this.#link();
  }

  #link() {
    this.linked = new Map();
    for (let i = 0; i + 2 < this.#links.length; i += 3) {
      const [row, column] = [this.#place[this.#links[i]], this.#place[this.#links[i + 1]]];
      const cell = row * this.n + column;
      this.linked.set(cell, (this.linked.get(cell) ?? 0) + this.#links[i + 2]);
    }
  }

  /** What the share of a cell is of. @param {number} row @param {number} column @param {Of} of */
  total(row, column, of) {
    return of === "actual" ? this.rows[row] : of === "predicted" ? this.columns[column] : this.reply.total;
  }

  /** A cell in a sentence. @param {number} row @param {number} column @param {Of} of @returns {string} */
  words(row, column, of) {
    const i = row * this.n + column;
    const [count, total] = [this.counts[i], this.total(row, column, of)];
    const [one, other] = [this.entries[row].name, this.entries[column].name];
    if (this.before) return `${one} called ${other}: ${whole(this.before[i])} before, ${whole(count)} after${this.#chance(row, column)}`;
    const said = { actual: `${one} called ${other}`, predicted: `called ${other} are ${one}`, all: `are ${one} called ${other}` }[of];
    const share = total ? nearPercent(count, total) : "–";
    return `${whole(count)} of ${whole(total)} ${said} (${share})${this.#who(row, column)}`;
  }

  /** @param {number} row @param {number} column */
  #who(row, column) {
    const i = row * this.n + column;
    const count = this.counts[i];
    if (!this.wrong || !count) return "";
    const label = Math.round(this.wrong[i]);
    return `, about ${whole(label)} with a wrong label and ${whole(count - label)} where ${row === column ? "both are right" : "the model is wrong"}`;
  }

  /** @param {number} row @param {number} column */
  #chance(row, column) {
    const [a, b] = [this.entries[row], this.entries[column]];
    if (!this.#all.p || a.folded || b.folded) return "";
    const p = this.#all.p[this.#all.at.indexOf(a.members[0] * this.reply.classes.length + b.members[0])] ?? NaN;
    if (Number.isNaN(p)) return ", too few to tell from chance";
    return `, ${this.marked?.[row * this.n + column] ? "more than" : "within"} chance (p = ${p < 0.001 ? p.toExponential(0) : p.toFixed(3)})`;
  }

  /** Mistakes by their counts, the most frequent first; of a comparison what changed most. @param {number} most */
  mostConfused(most) {
    const found = [];
    for (let r = 0, i = 0; r < this.n; r++) {
      for (let c = 0; c < this.n; c++, i++) {
        const n = this.before ? this.counts[i] - this.before[i] : this.counts[i];
        if (n && r !== c) found.push({ row: r, column: c, n });
      }
    }
    return found.sort((a, b) => Math.abs(b.n) - Math.abs(a.n)).slice(0, most);
  }

  /** Cells as the names of classes, as few blocks as can be. @param {Iterable<number>} cells row · n + column @returns {Block[]} */
  blocks(cells) {
    /** @type {Map<number, number[]>} */
    const byRow = new Map();
    for (const cell of [...cells].sort((a, b) => a - b)) {
      const row = Math.floor(cell / this.n);
      byRow.set(row, [...(byRow.get(row) ?? []), cell % this.n]);
    }
    /** @type {Map<string, number[]>} */
    const alike = new Map();
    for (const [row, columns] of byRow) alike.set(String(columns), [...(alike.get(String(columns)) ?? []), row]);
    const names = (/** @type {number[]} */ places) => places.flatMap((at) => this.entries[at].members.map((c) => this.reply.classes[c]));
    return [...alike.values()].map((rows) => ({ actual: names(rows), predicted: names(byRow.get(rows[0]) ?? []) }));
  }
}

/** A share in whole percent, where 0 % and 100 % would say more than is known. @param {number} count @param {number} total */
export function nearPercent(count, total) {
  const share = count / total;
  if (!count || count === total) return percent(share);
  return share < 0.005 ? "under 1 %" : share > 0.995 ? "over 99 %" : percent(share);
}

/**
 * @param {number} n
 * @param {number} total
 * @returns {number} strength of the tint, 0 to 1; grows with the logarithm, so that 1 of 200 can still be seen
 */
export function tint(n, total) {
  if (!n || !total) return 0;
  return 0.15 + 0.85 * (Math.log1p((99 * n) / total) / Math.log(100));
}

/** A name that is cut in its middle, where the ends tell more. @param {string} name @param {(text: string) => number} width px of a text @param {number} room px */
export function middle(name, width, room) {
  if (width(name) <= room) return name;
  let [low, high] = [0, name.length - 1];
  const cut = (/** @type {number} */ kept) => `${name.slice(0, Math.ceil(kept / 2))}…${kept > 1 ? name.slice(-Math.floor(kept / 2)) : ""}`;
  while (low < high) {
    const half = Math.ceil((low + high) / 2);
    if (width(cut(half)) <= room) low = half;
    else high = half - 1;
  }
  return cut(low);
}

/** Its bytes in a buffer of their own: a view into a longer message begins anywhere. @param {Buffer} buffer @returns {ArrayBuffer} */
function bytes(buffer) {
  if (buffer instanceof ArrayBuffer) return buffer;
  return /** @type {ArrayBuffer} */ (buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength));
}
