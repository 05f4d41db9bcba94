// The two canvases of the map: points in pixels, and above them images, names and lines; and where everything is.
import { h } from "../shared/dom.js";
import { Camera } from "./camera.js";
import { rgbOf } from "./colors.js";
import { drawOverlay } from "./overlay.js";
import { Painter } from "./painter.js";
import { shuffled, withRoom } from "./pick.js";
/** @import { Coloring, Rgb } from "./colors.js" */
/** @import { MapItems } from "./items.js" */
/** @import { Scene } from "./overlay.js" */
/** @import { Screen } from "./pick.js" */

/** From this zoom on, or with so few points in sight, points become images. */
const IMAGE_ZOOM = 3;
const FEW = 80;
const MOST_IMAGES = 300;
const [LEAST_SIDE, MOST_SIDE] = [44, 96];
/** Names are written on the map where there are no more. */
const MOST_NAMES = 12;
/** How far above its point a name stands, px of the page. */
const ABOVE = 14;

/** Draws the map; what it draws is set, and drawn in the next frame. */
export class Stage {
  #points = h("canvas", { "aria-hidden": "true" });
  #above = h("canvas", { "aria-hidden": "true" });
  #painter = new Painter(this.#points);
  #context = /** @type {CanvasRenderingContext2D} */ (this.#above.getContext("2d"));
  #items;
  #frame = 0;
  #moved = true;
  /** @type {Float32Array} */
  #positions = new Float32Array(0);
  /** @type {Screen} */
  screen = { x: new Float32Array(0), y: new Float32Array(0), z: new Float32Array(0), order: new Uint32Array(0), width: 1, height: 1 };
  /** @type {Coloring} */
  #coloring = { codes: new Uint8Array(0), colors: [], entries: [], low: "", high: "" };
  /** Codes with the points of one class in the color of the text. @type {Uint8Array|null} */
  #told = null;
  /** @type {Uint8Array|null} */
  #marks = null;
  /** @type {{name: string, point: number}[]} */
  #names = [];
  /** @type {Scene["colors"]} */
  #colors = { text: "#000000", ground: "#ffffff", accent: "#0000ff" };
  camera = new Camera();
  /** Px of the device for one of the page. */
  unit = 1;
  active = -1;
  /** @type {ArrayLike<number>} */
  neighbors = [];
  /** @type {[number, number][]|null} */
  shape = null;
  takes = false;
  /** Called after each frame. */
  onDrawn = () => {};

  /** @param {HTMLElement} element it fills @param {MapItems} items @param {AbortSignal} signal */
  constructor(element, items, signal) {
    this.#items = items;
    element.prepend(this.#points, this.#above);
    const observer = new ResizeObserver(() => this.#resize(element));
    observer.observe(element);
    signal.addEventListener("abort", () => {
      observer.disconnect();
      cancelAnimationFrame(this.#frame);
    });
  }

  /** @param {Float32Array} positions (n, 3) within -1 and 1, NaN where a point has no place */
  setPositions(positions) {
    const n = positions.length / 3;
    if (this.screen.x.length !== n) {
      const [x, y, z] = [new Float32Array(n), new Float32Array(n), new Float32Array(n)];
      this.screen = { ...this.screen, x, y, z, order: shuffled(n) };
      this.#marks = this.#told = null;
      this.active = -1;
    }
    if (this.camera.dims === 2) this.screen.z.fill(0);
    this.camera.half = [farthest(positions, 0), farthest(positions, 1)];
    this.#positions = positions;
    this.#place();
    this.draw();
  }

  /** @param {Coloring} coloring @param {Scene["colors"]} colors of the theme, #rrggbb */
  setColoring(coloring, colors) {
    this.#coloring = coloring;
    this.#colors = colors;
    this.#told = null;
    this.#mix();
    this.#place();
    this.draw();
  }

  /** @param {Uint8Array|null} marks points that stand out; null: all alike */
  setMarks(marks) {
    if (marks === this.#marks) return;
    this.#marks = marks;
    this.#mix();
    this.draw();
  }

  /** Gives the points that `is` chooses the color of the text; null: none. @param {((point: number) => boolean)|null} is */
  tell(is) {
    if (!is && !this.#told) return;
    const last = this.#coloring.colors.length;
    this.#told = is && this.#coloring.codes.map((code, i) => (is(i) ? last : code));
    this.draw();
  }

  /** Draws in the next frame. @param {boolean} [points] false: only what is above them changed */
  draw(points = true) {
    this.#moved ||= points;
    this.#frame ||= requestAnimationFrame(() => this.#paint());
  }

  #mix() {
    const ground = /** @type {Rgb} */ (rgbOf(this.#colors.ground));
    this.#painter.setColors([...this.#coloring.colors, this.#colors.text], ground, !this.#marks);
  }

  /** @param {HTMLElement} element */
  #resize({ clientWidth, clientHeight }) {
    if (!clientWidth || !clientHeight) return;
    this.unit = Math.min(2, globalThis.devicePixelRatio || 1);
    const [width, height] = [Math.round(clientWidth * this.unit), Math.round(clientHeight * this.unit)];
    if (width === this.camera.width && height === this.camera.height) return;
    Object.assign(this.camera, { width, height });
    Object.assign(this.screen, { width, height });
    Object.assign(this.#above, { width, height });
    this.#painter.resize(width, height);
    this.draw();
  }

  #paint() {
    this.#frame = 0;
    const { screen, camera } = this;
    if (camera.width < 2 || this.#coloring.codes.length !== screen.x.length) return;
    const moved = this.#moved;
    if (moved) {
      camera.project(this.#positions, screen.x, screen.y, screen.z);
      this.#painter.paint(screen, this.#told ?? this.#coloring.codes, this.#marks, this.radius * this.unit, camera.dims === 3);
    }
    this.#moved = false;
    const side = this.side * this.unit;
    const images = this.#images(side, moved);
    const names = images.length ? [] : this.#names.map(({ name, point }) => ({ name, x: screen.x[point], y: screen.y[point] - ABOVE * this.unit }));
    const { active, neighbors, shape, takes, unit } = this;
    drawOverlay(this.#context, screen, { images, side, names, active, neighbors, shape, takes, unit, colors: this.#colors });
    this.onDrawn();
  }

  /** Of a point, px of the page: smaller where there are many, larger where one is near. */
  get radius() {
    const n = Math.max(1, this.screen.x.length);
    return Math.max(1.5, Math.min(6, (22 / n ** 0.25) * this.camera.zoom ** 0.3));
  }

  /** Of an image, px of the page. */
  get side() {
    return Math.max(LEAST_SIDE, Math.min(MOST_SIDE, LEAST_SIDE * Math.sqrt(this.camera.zoom / IMAGE_ZOOM)));
  }

  /** @type {number[]} */
  #shown = [];

  /** The images that have room, of those that are here; the others are asked for. @param {number} side @param {boolean} moved */
  #images(side, moved) {
    const near = this.camera.zoom >= IMAGE_ZOOM || this.#inSight() <= FEW;
    if (moved) this.#shown = near ? withRoom(this.screen, side * 1.12, MOST_IMAGES) : [];
    if (this.#shown.length) this.#items.want(this.#shown);
    const { codes, colors } = this.#coloring;
    return this.#shown.flatMap((number) => {
      const image = this.#items.get(number)?.image;
      const marked = this.#marks?.[number] === 1;
      return image ? [{ number, image, color: colors[codes[number]], marked, pale: this.#marks !== null && !marked }] : [];
    });
  }

  #inSight() {
    const { x, y, width, height } = this.screen;
    let n = 0;
    for (let i = 0; i < x.length && n <= FEW; i++) if (x[i] >= 0 && x[i] < width && y[i] >= 0 && y[i] < height) n++;
    return n;
  }

  /** Where the names of the classes stand: above the point of each that is nearest to its middle. */
  #place() {
    const { entries, codes } = this.#coloring;
    const classes = entries.filter((each) => each.open && each.codes.length === 1 && each.codes[0] >= 0);
    if (classes.length > MOST_NAMES || codes.length !== this.screen.x.length) {
      this.#names = [];
      return;
    }
    const at = this.#positions;
    const sums = classes.map(() => [0, 0, 0, 0]);
    const isHere = (/** @type {number} */ i) => codes[i] < classes.length && at[3 * i] === at[3 * i];
    for (let i = 0; i < codes.length; i++) {
      if (!isHere(i)) continue;
      const sum = sums[codes[i]];
      for (let d = 0; d < 3; d++) sum[d] += at[3 * i + d];
      sum[3]++;
    }
    const best = classes.map(({ name }) => ({ name, point: -1, far: Infinity }));
    for (let i = 0; i < codes.length; i++) {
      if (!isHere(i)) continue;
      const [x, y, z, n] = sums[codes[i]];
      const far = (at[3 * i] - x / n) ** 2 + (at[3 * i + 1] - y / n) ** 2 + (at[3 * i + 2] - z / n) ** 2;
      if (far < best[codes[i]].far) Object.assign(best[codes[i]], { point: i, far });
    }
    this.#names = best.filter(({ point }) => point >= 0);
  }
}

/** The largest of one coordinate, whatever its sign; 1 where all are 0. @param {Float32Array} positions (n, 3) @param {number} axis */
function farthest(positions, axis) {
  let most = 0;
  for (let k = axis; k < positions.length; k += 3) if (Math.abs(positions[k]) > most) most = Math.abs(positions[k]);
  return most || 1;
}

/** Colors of the theme as the map needs them. @param {HTMLElement} root @returns {Scene["colors"] & {theme: "light"|"dark"}} */
export function themeOf(root) {
  const style = getComputedStyle(root);
  const hex = (/** @type {string} */ name) => {
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(1, 1).getContext("2d"));
    context.fillStyle = style.getPropertyValue(name).trim() || "#888";
    context.fillRect(0, 0, 1, 1);
    return `#${[...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map((each) => each.toString(16).padStart(2, "0")).join("")}`;
  };
  const theme = root.classList.contains("bw-dark") ? "dark" : "light";
  return { text: hex("--bw-text"), ground: hex("--bw-bg"), accent: hex("--bw-accent"), theme };
}
