// Paints the cells of a confusion matrix on a canvas: what of them lies in the window, at any size of a cell.
import { visible, whole } from "../shared/format.js";
import { middle, tint } from "./cells.js";
/** @import { Cells, Of } from "./cells.js" */
/** @typedef {[number, number, number]} Rgb */
/** @typedef {CanvasRenderingContext2D|OffscreenCanvasRenderingContext2D} Context */

/** Sides of a cell, px: names are shown from NAMED, numbers from NUMBERED, and the sums from SUMMED on. */
export const [SMALLEST, LARGEST, NAMED, NUMBERED, SUMMED] = [1, 120, 9, 21, 15];
const SUM = 58;
const MOST_CUTS = 5000;
const COLORS = { bg: "--bw-bg", text: "--bw-text", quiet: "--bw-quiet", right: "--bw-accent", model: "--bw-model", label: "--bw-label", more: "--bw-model", less: "--bw-keep" };

export class Painter {
  canvas;
  #context;
  #probe;
  /** @type {Record<keyof typeof COLORS, Rgb>} */
  #colors;
  font = "12px sans-serif";
  /** the width of the longest name, px, once for some names @type {WeakMap<object, number>} */
  #longest = new WeakMap();
  /** names as they were cut @type {Map<string, string>} */
  #cuts = new Map();
  /** the pixels of the cells, which are written anew @type {ImageData|null} */
  #image = null;
  /** all but outlines and names as painted last, and of what @type {{layer: OffscreenCanvas, of: unknown[]}|null} */
  #kept = null;

  /** @param {HTMLCanvasElement} canvas @param {HTMLElement} probe an element in the view, of which colors are read */
  constructor(canvas, probe) {
    this.canvas = canvas;
    this.#context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    this.#probe = probe;
    this.#colors = /** @type {any} */ ({});
  }

  /** Reads the colors of the theme. */
  readColors() {
    const style = getComputedStyle(this.#probe);
    const pixel = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true }));
    for (const [name, variable] of Object.entries(COLORS)) {
      this.#probe.style.color = `var(${variable})`;
      pixel.fillStyle = style.color;
      pixel.fillRect(0, 0, 1, 1);
      const [r, g, b] = pixel.getImageData(0, 0, 1, 1).data;
      this.#colors[/** @type {keyof typeof COLORS} */ (name)] = [r, g, b];
    }
    this.font = `12px ${style.fontFamily}`;
    this.#longest = new WeakMap();
    this.#kept = null;
  }

  /** Room for the names: left and top, px. @param {Cells} cells @param {number} side */
  margins(cells, side) {
    if (side < NAMED) return { left: 18, top: 18, upright: false };
    const longest = this.#longest.get(cells.entries) ?? this.#measure(cells);
    const upright = longest <= side - 4;
    return { left: longest + 30, top: upright ? 36 : Math.min(120, longest + 22), upright };
  }

  /** All that is to be scrolled, px. @param {Cells} cells @param {number} side */
  size(cells, side) {
    const { left, top } = this.margins(cells, side);
    const sums = side >= SUMMED && !cells.before;
    return { width: left + cells.n * side + (sums ? 2 * SUM : 0) + 2, height: top + cells.n * side + (sums ? 44 : 0) + 2 };
  }

  /**
   * @param {Cells} cells
   * @param {object} options
   * @param {number} options.side of a cell, px
   * @param {number} options.x scrolled to, px
   * @param {number} options.y
   * @param {number} options.width of the window, px
   * @param {number} options.height
   * @param {Of} options.of what shares and tints are of
   * @param {boolean} options.shares numbers are percent
   * @param {boolean} options.who tell who is wrong
   * @param {Set<number>} options.chosen
   * @param {number} options.row the cell that keys act on
   * @param {number} options.column
   * @param {boolean} options.focused
   * @param {string} options.found what names are looked for
   */
  paint(cells, options) {
    const { width, height, side, x, y } = options;
    const ratio = this.canvas.ownerDocument.defaultView?.devicePixelRatio ?? 1;
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (!w || !h) return; // not in sight
    if (this.canvas.width !== w || this.canvas.height !== h) Object.assign(this.canvas, { width: w, height: h });
    const { left, top, upright } = this.margins(cells, side);
    const first = [Math.max(0, Math.floor(y / side)), Math.max(0, Math.floor(x / side))];
    const last = [Math.min(cells.n - 1, Math.floor((y + height - top) / side)), Math.min(cells.n - 1, Math.floor((x + width - left) / side))];
    const place = { ratio, w, h, left, top, upright, first, last };
    const of = [cells.counts, w, h, ratio, side, x, y, options.of, options.shares, options.who];
    const kept = this.#kept;
    const layer = kept && of.every((each, i) => each === kept.of[i]) ? kept.layer : this.#keep(cells, options, place);
    this.#kept = { layer, of };
    const context = this.#context;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(layer, 0, 0);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#inside(context, options, place, () => this.#outlines(cells, options));
    this.#names(cells, options, place);
  }

  /** Paints the cells and sums on a layer that is kept. @param {Cells} cells @param {any} options @param {any} place */
  #keep(cells, options, place) {
    const { w, h, ratio, first, last } = place;
    const before = this.#kept?.layer;
    const layer = before && before.width === w && before.height === h ? before : new OffscreenCanvas(w, h);
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (layer.getContext("2d", { alpha: false }));
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = rgb(this.#colors.bg);
    context.fillRect(0, 0, w, h);
    this.#pixels(context, cells, options, place);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.textBaseline = "middle";
    this.#inside(context, options, place, () => {
      if (options.side >= NUMBERED || cells.marked) this.#figures(context, cells, options, first, last);
      if (options.side >= SUMMED && !cells.before) this.#sums(context, cells, options, first, last);
    });
    return layer;
  }

  /** Paints where cells are, from the first cell's corner on. @param {Context} context @param {any} options @param {any} place @param {() => void} paint */
  #inside(context, { x, y, width, height }, { left, top }, paint) {
    context.save();
    context.beginPath();
    context.rect(left, top, width - left, height - top);
    context.clip();
    context.translate(left - x, top - y);
    paint();
    context.restore();
  }

  /** The tint of a cell. @param {Cells} cells @param {number} row @param {number} column @param {{of: Of, who: boolean}} options @returns {{strength: number, color: Rgb, label: number}} `label` is the share of wrong labels */
  #look(cells, row, column, { of, who }) {
    const i = row * cells.n + column;
    const count = cells.counts[i];
    const { right, model, more, less } = this.#colors;
    if (cells.before) {
      const change = count - cells.before[i];
      return { strength: tint(Math.abs(change), cells.total(row, column, of)), color: change > 0 === (row === column) ? less : more, label: 0 };
    }
    const label = who && cells.wrong && count ? Math.min(1, cells.wrong[i] / count) : 0;
    return { strength: tint(count, cells.total(row, column, of)), color: row === column ? right : model, label };
  }

  /** The colors of all cells, pixel by pixel: of thousands that is faster than rectangles. @param {Context} context @param {Cells} cells @param {any} options @param {any} place */
  #pixels(context, cells, options, { ratio, left, top, first, last }) {
    const { side, x, y, width, height } = options;
    const [w, h] = [Math.floor((width - left) * ratio), Math.floor((height - top) * ratio)];
    if (w <= 0 || h <= 0) return;
    const image = this.#image && this.#image.width === w && this.#image.height === h ? this.#image : context.createImageData(w, h);
    this.#image = image;
    const data = new Uint32Array(image.data.buffer);
    const { bg, quiet, label } = this.#colors;
    const gap = side >= 12 ? Math.round(ratio) : 0;
    const spans = (/** @type {number} */ scrolled, /** @type {number} */ from, /** @type {number} */ to, /** @type {number} */ most) => Array.from({ length: to - from + 1 }, (_, i) => [i, i + 1].map((at, end) => Math.max(0, Math.min(most, Math.round(((from + at) * side - scrolled) * ratio) - end * gap))));
    const [rows, columns] = [spans(y, first[0], last[0], h), spans(x, first[1], last[1], w)];
    data.fill(pack(bg));
    if (gap) {
      const line = new Uint32Array(w).fill(pack(bg));
      for (const [x0, x1] of columns) line.fill(pack(mix(bg, quiet, 0.06)), x0, x1);
      for (const [y0, y1] of rows) for (let at = y0; at < y1; at++) data.set(line, at * w);
    }
    const number = side >= NUMBERED ? 0.6 : 1; // so that it can be read
    for (const [j, [y0, y1]] of rows.entries()) {
      const row = first[0] + j;
      for (let c = first[1], i = row * cells.n + c; c <= last[1]; c++, i++) {
        if (!cells.counts[i] && !cells.before?.[i]) continue; // most of a large matrix
        const look = this.#look(cells, row, c, options);
        const strength = look.strength * number;
        if (!strength) continue;
        const small = side < 4; // one color, not two parts
        const split = !small && look.label > 0.02 ? Math.round((row + 1 - look.label) * side * ratio - y * ratio) : y1;
        const upper = pack(mix(bg, small ? mix(look.color, label, look.label) : look.color, strength));
        const lower = split < y1 ? pack(mix(bg, label, Math.max(strength, 0.35))) : upper;
        const [x0, x1] = columns[c - first[1]];
        for (let line = y0; line < y1; line++) data.fill(line < split ? upper : lower, line * w + x0, line * w + x1);
      }
    }
    context.putImageData(image, Math.round(left * ratio), Math.round(top * ratio));
  }

  /** Marks and numbers. @param {Context} context @param {Cells} cells @param {any} options @param {number[]} first @param {number[]} last */
  #figures(context, cells, { side, shares, of }, first, last) {
    const { text, quiet } = this.#colors;
    const inside = side - (side >= 12 ? 1 : 0);
    context.textAlign = "center";
    context.font = this.font.replace(/^\d+/, String(Math.round(Math.min(13, Math.max(9, side * 0.4)))));
    for (let r = first[0]; r <= last[0]; r++) {
      for (let c = first[1]; c <= last[1]; c++) {
        const [px, py] = [c * side, r * side];
        if (cells.marked?.[r * cells.n + c]) {
          context.fillStyle = rgb(text);
          context.beginPath();
          context.arc(px + inside - Math.min(6, side / 4), py + Math.min(6, side / 4), Math.min(3, side / 8), 0, 7);
          context.fill();
        }
        const said = side >= NUMBERED && this.#number(cells, r, c, shares, of);
        if (!said) continue;
        context.fillStyle = rgb(cells.counts[r * cells.n + c] || cells.before ? text : quiet);
        context.fillText(said, px + inside / 2, py + inside / 2 + 1, inside - 2);
      }
    }
  }

  /** @param {Cells} cells @param {number} r @param {number} c @param {boolean} shares @param {Of} of */
  #number(cells, r, c, shares, of) {
    const i = r * cells.n + c;
    const n = cells.counts[i];
    if (cells.before) {
      const change = n - cells.before[i];
      return change ? `${change > 0 ? "+" : "−"}${whole(Math.abs(change))}` : "";
    }
    if (!shares) return n || cells.n <= 12 ? whole(n) : "";
    const total = cells.total(r, c, of);
    return n && total ? `${Math.round((100 * n) / total) || "<1"}` : "";
  }

  /** @param {Cells} cells @param {any} options */
  #outlines(cells, { side, chosen, row, column, focused }) {
    const context = this.#context;
    const line = Math.min(3, Math.max(1, side / 8));
    context.lineWidth = line;
    context.strokeStyle = rgb(this.#colors.text);
    for (const cell of chosen) {
      const [r, c] = [Math.floor(cell / cells.n), cell % cells.n];
      context.strokeRect(c * side + line / 2 - 0.5, r * side + line / 2 - 0.5, Math.max(1, side - line), Math.max(1, side - line));
    }
    // A dot where images are selected elsewhere, in the corner that "more than chance" leaves free.
    context.fillStyle = context.strokeStyle = rgb(this.#colors.right);
    for (const cell of cells.linked.keys()) {
      const [r, c] = [Math.floor(cell / cells.n), cell % cells.n];
      const radius = Math.max(1, Math.min(4, side / 6));
      context.setLineDash([3, 2]);
      if (side >= 12) context.strokeRect(c * side + line / 2 + 0.5, r * side + line / 2 + 0.5, side - line - 2, side - line - 2);
      context.setLineDash([]);
      context.beginPath();
      context.arc(c * side + radius + 2, r * side + radius + 2, radius, 0, 7);
      context.fill();
    }
    if (!focused || !cells.n) return;
    context.lineWidth = 2;
    context.strokeStyle = rgb(this.#colors.right);
    context.strokeRect(column * side - 2, row * side - 2, side + 3, side + 3);
  }

  /** @param {Context} context @param {Cells} cells @param {any} options @param {number[]} first @param {number[]} last */
  #sums(context, cells, { side }, first, last) {
    const end = cells.n * side;
    context.font = this.font;
    context.fillStyle = rgb(this.#colors.quiet);
    context.textAlign = "right";
    const share = (/** @type {number} */ hit, /** @type {number} */ of) => (of ? `${Math.round((100 * hit) / of)} %` : "–");
    for (let r = first[0]; r <= last[0]; r++) {
      context.fillText(whole(cells.rows[r]), end + SUM - 8, (r + 0.5) * side);
      context.fillText(share(cells.counts[r * cells.n + r], cells.rows[r]), end + 2 * SUM - 8, (r + 0.5) * side);
    }
    context.textAlign = "center";
    for (let c = first[1]; c <= last[1]; c++) {
      context.fillText(whole(cells.columns[c]), (c + 0.5) * side, end + 12, side - 2);
      context.fillText(share(cells.counts[c * cells.n + c], cells.columns[c]), (c + 0.5) * side, end + 30, side - 2);
    }
  }

  /** @param {Cells} cells @param {any} options @param {any} place */
  #names(cells, { side, x, y, width, height, found, row, column, focused }, { left, top, upright, first, last }) {
    const context = this.#context;
    const { bg, text, quiet, right } = this.#colors;
    const end = cells.n * side;
    context.fillStyle = rgb(bg);
    context.fillRect(0, 0, width, top);
    context.fillRect(0, 0, left, height);
    context.textBaseline = "middle";
    context.font = `11px ${this.font.slice(5)}`;
    context.fillStyle = rgb(quiet);
    context.textAlign = "left";
    if (side >= NAMED) {
      context.fillText("actual ↓", 4, top - 10);
      context.fillText("predicted →", 4, top - 24);
    }
    context.font = this.font;
    const normal = this.font.replace(/\d+px/, `${side >= 12 ? 12 : 9}px`);
    /** Sets how a name looks. @param {number} at @param {boolean} active @returns {boolean} whether it is shown */
    const look = (at, active) => {
      if (side < NAMED) return false;
      const hit = found && cells.entries[at].name.toLowerCase().includes(found);
      context.font = active || hit ? `bold ${normal}` : normal;
      context.fillStyle = rgb(hit ? right : text);
      return true;
    };
    context.save();
    context.beginPath();
    context.rect(0, top, left, height - top);
    context.clip();
    for (let r = first[0]; r <= last[0]; r++) {
      const { name, group, folded } = cells.entries[r];
      const middleY = top - y + (r + 0.5) * side;
      if (group) {
        context.fillStyle = rgb(right);
        context.fillRect(left - 5, top - y + r * side, 2, side);
      }
      if (!look(r, focused && r === row)) continue;
      context.textAlign = "right";
      context.fillText(this.#cut(name, folded, left - 14), left - 9, middleY);
    }
    context.restore();
    context.save();
    context.beginPath();
    context.rect(left, 0, width - left, top);
    context.clip();
    for (let c = first[1]; c <= last[1]; c++) {
      const { name, group, folded } = cells.entries[c];
      const middleX = left - x + (c + 0.5) * side;
      if (group) {
        context.fillStyle = rgb(right);
        context.fillRect(left - x + c * side, top - 5, side, 2);
      }
      if (!look(c, focused && c === column)) continue;
      if (upright) {
        context.textAlign = "center";
        context.fillText(this.#cut(name, folded, side - 2), middleX, top - 13);
      } else {
        context.save();
        context.translate(middleX, top - 9);
        context.rotate(-Math.PI / 2);
        context.textAlign = "left";
        context.fillText(this.#cut(name, folded, top - 14), 0, 0);
        context.restore();
      }
    }
    if (side >= SUMMED && !cells.before) {
      context.font = this.font;
      context.fillStyle = rgb(quiet);
      context.textAlign = "right";
      context.fillText("total", left - x + end + SUM - 8, top - 12);
      context.fillText("recall", left - x + end + 2 * SUM - 8, top - 12);
    }
    context.restore();
    if (side >= SUMMED && !cells.before) {
      context.save();
      context.beginPath();
      context.rect(0, top, left, height - top);
      context.clip();
      context.textAlign = "right";
      context.fillText("total", left - 9, top - y + end + 12);
      context.fillText("precision", left - 9, top - y + end + 30);
      context.restore();
    }
  }

  /** A name as far as there is room, which is found once. @param {string} name @param {boolean} folded @param {number} room px */
  #cut(name, folded, room) {
    const context = this.#context;
    const key = `${context.font} ${Math.floor(room)} ${folded} ${name}`;
    if (this.#cuts.size > MOST_CUTS) this.#cuts.clear();
    const known = this.#cuts.get(key) ?? middle(`${folded ? "▸ " : ""}${visible(name)}`, (text) => context.measureText(text).width, room);
    this.#cuts.set(key, known);
    return known;
  }

  /** @param {Cells} cells */
  #measure({ entries }) {
    this.#context.font = this.font;
    const longest = Math.min(150, Math.max(40, ...entries.map(({ name }) => this.#context.measureText(visible(name)).width)));
    this.#longest.set(entries, longest);
    return longest;
  }
}

/** @param {Rgb} color */
function rgb([r, g, b]) {
  return `rgb(${r} ${g} ${b})`;
}

/** @param {Rgb} a @param {Rgb} b @param {number} share of b @returns {Rgb} */
function mix(a, b, share) {
  return [Math.round(a[0] + (b[0] - a[0]) * share), Math.round(a[1] + (b[1] - a[1]) * share), Math.round(a[2] + (b[2] - a[2]) * share)];
}

/** A pixel as `ImageData` holds it on little-endian machines, which all are that have browsers. @param {Rgb} color */
function pack([r, g, b]) {
  return (255 << 24) | (b << 16) | (g << 8) | r;
}
