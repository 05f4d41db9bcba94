// Paints the cells of a confusion matrix on a canvas: what of them lies in the window, at any size of a cell.
import { visible, whole } from "../shared/format.js";
import { middle, tint } from "./cells.js";
/** @import { Cells, Of } from "./cells.js" */
/** @typedef {[number, number, number]} Rgb */

/** Sides of a cell, px: names are shown from NAMED, numbers from NUMBERED, and the sums from SUMMED on. */
export const [SMALLEST, LARGEST, NAMED, NUMBERED, SUMMED] = [1, 120, 9, 21, 15];
const SUM = 58;
const COLORS = { bg: "--bw-bg", text: "--bw-text", quiet: "--bw-quiet", right: "--bw-accent", model: "--bw-model", label: "--bw-label", more: "--bw-model", less: "--bw-keep" };

export class Painter {
  canvas;
  #context;
  #probe;
  /** @type {Record<keyof typeof COLORS, Rgb>} */
  #colors;
  font = "12px sans-serif";
  dark = false;

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
  }

  /** Room for the names: left and top, px. @param {Cells} cells @param {number} side */
  margins(cells, side) {
    if (side < NAMED) return { left: 18, top: 18, upright: false };
    this.#context.font = this.font;
    const longest = Math.min(150, Math.max(40, ...cells.entries.map(({ name }) => this.#width(name))));
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
    if (this.canvas.width !== w || this.canvas.height !== h) Object.assign(this.canvas, { width: w, height: h });
    const context = this.#context;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = rgb(this.#colors.bg);
    context.fillRect(0, 0, w, h);
    const { left, top, upright } = this.margins(cells, side);
    const first = [Math.max(0, Math.floor(y / side)), Math.max(0, Math.floor(x / side))];
    const last = [Math.min(cells.n - 1, Math.floor((y + height - top) / side)), Math.min(cells.n - 1, Math.floor((x + width - left) / side))];
    if (side < 4) this.#pixels(cells, options, { ratio, left, top, first, last });
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.save();
    context.beginPath();
    context.rect(left, top, width - left, height - top);
    context.clip();
    context.translate(left - x, top - y);
    if (side >= 4) this.#cells(cells, options, first, last);
    this.#outlines(cells, options);
    if (side >= SUMMED && !cells.before) this.#sums(cells, options, first, last);
    context.restore();
    this.#names(cells, options, { left, top, upright, first, last });
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

  /** Small cells, each some pixels. @param {Cells} cells @param {any} options @param {any} place */
  #pixels(cells, options, { ratio, left, top, first, last }) {
    const { side, x, y, width, height } = options;
    const [w, h] = [Math.floor((width - left) * ratio), Math.floor((height - top) * ratio)];
    if (w <= 0 || h <= 0) return;
    const image = this.#context.createImageData(w, h);
    const data = new Uint32Array(image.data.buffer);
    const [bg, label] = [this.#colors.bg, this.#colors.label];
    const ground = pack(bg);
    data.fill(ground);
    const starts = (/** @type {number} */ at, /** @type {number} */ scrolled) => Math.round((at * side - scrolled) * ratio);
    for (let r = first[0]; r <= last[0]; r++) {
      const [y0, y1] = [Math.max(0, starts(r, y)), Math.min(h, starts(r + 1, y))];
      for (let c = first[1]; c <= last[1]; c++) {
        const i = r * cells.n + c;
        if (!cells.counts[i] && !cells.before?.[i]) continue; // most of a large matrix
        const look = this.#look(cells, r, c, options);
        const color = pack(mix(bg, mix(look.color, label, look.label), look.strength));
        const [x0, x1] = [Math.max(0, starts(c, x)), Math.min(w, starts(c + 1, x))];
        for (let line = y0; line < y1; line++) data.fill(color, line * w + x0, line * w + x1);
      }
    }
    this.#context.putImageData(image, Math.round(left * ratio), Math.round(top * ratio));
  }

  /** @param {Cells} cells @param {any} options @param {number[]} first @param {number[]} last */
  #cells(cells, options, first, last) {
    const context = this.#context;
    const { side, shares, of } = options;
    const { bg, text, quiet, label } = this.#colors;
    const gap = side >= 12 ? 1 : 0;
    const inside = side - gap;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.font = this.font.replace(/^\d+/, String(Math.round(Math.min(13, Math.max(9, side * 0.4)))));
    for (let r = first[0]; r <= last[0]; r++) {
      for (let c = first[1]; c <= last[1]; c++) {
        const i = r * cells.n + c;
        const look = this.#look(cells, r, c, options);
        const [px, py] = [c * side, r * side];
        const strength = look.strength * (side >= NUMBERED ? 0.6 : 1);
        if (strength) {
          context.fillStyle = rgb(mix(bg, look.color, strength));
          context.fillRect(px, py, inside, inside);
          if (look.label > 0.02) {
            context.fillStyle = rgb(mix(bg, label, Math.max(strength, 0.35)));
            context.fillRect(px, py + inside * (1 - look.label), inside, inside * look.label);
          }
        } else if (gap) {
          context.fillStyle = rgb(mix(bg, quiet, 0.06));
          context.fillRect(px, py, inside, inside);
        }
        if (cells.marked?.[i]) {
          context.fillStyle = rgb(text);
          context.beginPath();
          context.arc(px + inside - Math.min(6, side / 4), py + Math.min(6, side / 4), Math.min(3, side / 8), 0, 7);
          context.fill();
        }
        if (side < NUMBERED) continue;
        const said = this.#number(cells, r, c, shares, of);
        if (!said) continue;
        context.fillStyle = rgb(look.strength ? text : quiet);
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

  /** @param {Cells} cells @param {any} options @param {number[]} first @param {number[]} last */
  #sums(cells, { side }, first, last) {
    const context = this.#context;
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
    const bold = `bold ${this.font}`;
    const look = (/** @type {number} */ at, /** @type {boolean} */ active) => {
      const name = cells.entries[at].name.toLowerCase();
      const hit = found && name.includes(found);
      context.font = active || hit ? bold : this.font;
      context.fillStyle = rgb(hit ? right : text);
      return side >= NAMED || hit;
    };
    const size = side >= 12 ? 12 : 9;
    if (side < NAMED) this.font = this.font.replace(/^\d+/, "12");
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
      if (!look(r, focused && r === row) || side < NAMED) continue;
      context.font = context.font.replace(/\d+px/, `${size}px`);
      context.textAlign = "right";
      context.fillText(middle(`${folded ? "▸ " : ""}${visible(name)}`, (text_) => context.measureText(text_).width, left - 14), left - 9, middleY);
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
      if (!look(c, focused && c === column) || side < NAMED) continue;
      context.font = context.font.replace(/\d+px/, `${size}px`);
      const said = `${folded ? "▸ " : ""}${visible(name)}`;
      if (upright) {
        context.textAlign = "center";
        context.fillText(middle(said, (text_) => context.measureText(text_).width, side - 2), middleX, top - 13);
      } else {
        context.save();
        context.translate(middleX, top - 9);
        context.rotate(-Math.PI / 2);
        context.textAlign = "left";
        context.fillText(middle(said, (text_) => context.measureText(text_).width, top - 14), 0, 0);
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

  /** @param {string} name */
  #width(name) {
    return this.#context.measureText(visible(name)).width;
  }
}

/** @param {Rgb} color */
function rgb([r, g, b]) {
  return `rgb(${r} ${g} ${b})`;
}

/** @param {Rgb} a @param {Rgb} b @param {number} share of b @returns {Rgb} */
function mix(a, b, share) {
  return /** @type {Rgb} */ (a.map((value, i) => Math.round(value + (b[i] - value) * share)));
}

/** A pixel as `ImageData` holds it on little-endian machines, which all are that have browsers. @param {Rgb} color */
function pack([r, g, b]) {
  return (255 << 24) | (b << 16) | (g << 8) | r;
}
