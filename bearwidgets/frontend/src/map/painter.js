// Paints points into the pixels of a canvas: some writes for each point, no path, no WebGL.
import { mixed, pixel, rgbOf } from "./colors.js";
/** @import { Rgb } from "./colors.js" */
/** @import { Screen } from "./pick.js" */
/** @typedef {{inner: Int32Array, rim: Int32Array, shares: Uint8Array}} Stamp the pixels of a disc, from its middle: all of it, part of it (of 256) */

/** Points that are far from the eye fade into the ground, in so many steps. */
const LEVELS = 8;
const FADE = 0.72;
/** How much of the ground is in points that are not selected while others are. */
const PALE = 0.8;
/** Beyond the edges, so that a point which is partly outside needs no care, px. */
const MARGIN = 24;

/** Paints points on a canvas. */
export class Painter {
  #context;
  /** @type {ImageData} */
  #image = new ImageData(1, 1);
  /** Signed, for numbers of 32 bits with a sign are the fast ones. */
  #pixels = new Int32Array(1);
  #depth = new Float32Array(0);
  #stride = 1;
  #palette = new Int32Array(0);
  #ground = 0;
  /** @type {Stamp[]} */
  #stamps = [];
  #radius = 0;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
  }

  /** @param {number} width px of the device @param {number} height */
  resize(width, height) {
    Object.assign(this.#context.canvas, { width, height });
    this.#image = new ImageData(width + 2 * MARGIN, height + 2 * MARGIN);
    this.#pixels = new Int32Array(this.#image.data.buffer);
    this.#stride = width + 2 * MARGIN;
    this.#depth = new Float32Array(0);
    this.#radius = 0;
  }

  /** @param {string[]} colors by code @param {Rgb} ground @param {boolean} solid everything as strong as what is marked */
  setColors(colors, ground, solid) {
    this.#ground = pixel(ground);
    this.#palette = new Int32Array(2 * LEVELS * colors.length);
    colors.forEach((hex, code) => {
      for (let level = 0; level < LEVELS; level++) {
        const color = mixed(rgbOf(hex), ground, FADE * (1 - level / (LEVELS - 1)));
        this.#palette[2 * LEVELS * code + level] = pixel(solid ? color : mixed(color, ground, PALE));
        this.#palette[2 * LEVELS * code + LEVELS + level] = pixel(color);
      }
    });
  }

  /**
   * @param {Screen} screen @param {Uint8Array} codes places in the colors @param {Uint8Array|null} marks points that are strong, and above the others
   * @param {number} radius of a point, px of the device @param {boolean} deep whether nearer points hide those behind
   */
  paint(screen, codes, marks, radius, deep) {
    this.#shape(radius);
    this.#pixels.fill(this.#ground);
    if (deep && !this.#depth.length) this.#depth = new Float32Array(this.#pixels.length);
    if (deep) this.#depth.fill(-9);
    const layers = marks ? [0, 1] : [1];
    for (const layer of layers) {
      if (deep && layer && marks) this.#depth.fill(-9);
      if (deep) this.#paintDeep(screen, codes, marks, layer);
      else this.#paintFlat(screen, codes, marks, layer);
    }
    this.#context.putImageData(this.#image, -MARGIN, -MARGIN);
  }

  /** @param {Screen} screen @param {Uint8Array} codes @param {Uint8Array|null} marks @param {number} layer */
  #paintFlat({ x, y, order, width, height }, codes, marks, layer) {
    const [pixels, palette, stride] = [this.#pixels, this.#palette, this.#stride];
    const { inner, rim, shares } = this.#stamps[LEVELS - 1];
    const shade = LEVELS * layer + LEVELS - 1;
    for (let place = 0; place < order.length; place++) {
      const i = order[place];
      if (marks !== null && marks[i] !== layer) continue;
      const px = x[i];
      const py = y[i];
      if (!(px >= -MARGIN / 2 && py >= -MARGIN / 2 && px < width + MARGIN / 2 && py < height + MARGIN / 2)) continue;
      const at = ((py + MARGIN) | 0) * stride + ((px + MARGIN) | 0);
      const color = palette[2 * LEVELS * codes[i] + shade];
      for (let k = 0; k < inner.length; k++) pixels[at + inner[k]] = color;
      for (let k = 0; k < rim.length; k++) pixels[at + rim[k]] = blend(pixels[at + rim[k]], color, shares[k]);
    }
  }

  /** @param {Screen} screen @param {Uint8Array} codes @param {Uint8Array|null} marks @param {number} layer */
  #paintDeep({ x, y, z, order, width, height }, codes, marks, layer) {
    const [pixels, depth, palette, stride] = [this.#pixels, this.#depth, this.#palette, this.#stride];
    for (let place = 0; place < order.length; place++) {
      const i = order[place];
      if (marks !== null && marks[i] !== layer) continue;
      const px = x[i];
      const py = y[i];
      const near = z[i];
      if (!(px >= -MARGIN / 2 && py >= -MARGIN / 2 && px < width + MARGIN / 2 && py < height + MARGIN / 2)) continue;
      const at = ((py + MARGIN) | 0) * stride + ((px + MARGIN) | 0);
      const level = Math.max(0, Math.min(LEVELS - 1, ((near + 1) * (LEVELS / 2)) | 0));
      const color = palette[2 * LEVELS * codes[i] + LEVELS * layer + level];
      const { inner, rim, shares } = this.#stamps[level];
      for (let k = 0; k < inner.length; k++) {
        const to = at + inner[k];
        if (near < depth[to]) continue;
        depth[to] = near;
        pixels[to] = color;
      }
      for (let k = 0; k < rim.length; k++) {
        const to = at + rim[k];
        if (near >= depth[to]) pixels[to] = blend(pixels[to], color, shares[k]);
      }
    }
  }

  /** @param {number} radius */
  #shape(radius) {
    if (radius === this.#radius) return;
    this.#radius = radius;
    this.#stamps = Array.from({ length: LEVELS }, (_, level) => stamp(radius * (0.7 + (0.3 * level) / (LEVELS - 1)), this.#stride));
  }
}

/** A disc. @param {number} radius px @param {number} stride of the pixels @returns {Stamp} */
export function stamp(radius, stride) {
  const [inner, rim, shares] = [/** @type {number[]} */ ([]), /** @type {number[]} */ ([]), /** @type {number[]} */ ([])];
  const reach = Math.ceil(Math.min(radius, MARGIN / 2 - 1));
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      const share = Math.max(0, Math.min(1, radius + 0.5 - Math.hypot(dx, dy)));
      const at = dy * stride + dx;
      // Points of a few px are drawn without a soft rim: it is not seen, and costs most of the time.
      if (share > 0.85 || (radius < 2 && share > 0.4)) inner.push(at);
      else if (share > 0.1 && radius >= 2) {
        rim.push(at);
        shares.push(Math.round(share * 255));
      }
    }
  }
  return { inner: Int32Array.from(inner), rim: Int32Array.from(rim), shares: Uint8Array.from(shares) };
}

/** Two pixels mixed. @param {number} under @param {number} over @param {number} share of `over`, of 256 */
function blend(under, over, share) {
  const rest = 256 - share;
  const even = (((over & 0xff00ff) * share + (under & 0xff00ff) * rest) >>> 8) & 0xff00ff;
  const odd = (((over & 0xff00) * share + (under & 0xff00) * rest) >>> 8) & 0xff00;
  return 0xff000000 | even | odd;
}
