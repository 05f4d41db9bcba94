// Pure: where points of the map are on the screen.

/** How far the eye is from the middle, in half sides of the map. */
const EYE = 4;
/** Share of the canvas that the map fills. */
const FILL = 0.94;
const MOST_ZOOM = 400;
const LEAST_ZOOM = 0.5;

/** Moves, zooms and turns the map. */
export class Camera {
  /** Size of the canvas, px of the device. */
  width = 1;
  height = 1;
  /** @type {2|3} */
  dims = 2;
  zoom = 1;
  /** How far points lie from the middle at most, to the side and up; the plane is fitted to that. */
  half = [1, 1];
  #x = 0;
  #y = 0;
  #yaw = 0.5;
  #pitch = 0.35;

  /** px of the device for one unit of the map */
  get #scale() {
    const [right, up] = this.dims === 3 ? [1.25, 1.25] : this.half;
    return (Math.min(this.width / right, this.height / up) / 2) * FILL * this.zoom;
  }

  /** Shows everything again. */
  fit() {
    [this.zoom, this.#x, this.#y] = [1, 0, 0];
  }

  /** @param {number} dx px @param {number} dy px */
  pan(dx, dy) {
    this.#x -= dx / this.#scale;
    this.#y += dy / this.#scale;
  }

  /** @param {number} dx px @param {number} dy px */
  turn(dx, dy) {
    const side = Math.min(this.width, this.height);
    this.#yaw += (dx / side) * Math.PI;
    this.#pitch = Math.max(-Math.PI / 2, Math.min(Math.PI / 2, this.#pitch + (dy / side) * Math.PI));
  }

  /** Zooms, and what is at a place of the screen stays there. @param {number} factor @param {number} [x] px @param {number} [y] px */
  zoomAt(factor, x = this.width / 2, y = this.height / 2) {
    const zoom = Math.max(LEAST_ZOOM, Math.min(MOST_ZOOM, this.zoom * factor));
    const before = this.#scale;
    this.zoom = zoom;
    const grown = 1 / before - 1 / this.#scale;
    this.#x += (x - this.width / 2) * grown;
    this.#y -= (y - this.height / 2) * grown;
  }

  /** Moves until a place of the screen is well inside of it. @param {number} x px @param {number} y px */
  reveal(x, y) {
    const edge = Math.min(this.width, this.height) / 8;
    const over = (/** @type {number} */ at, /** @type {number} */ size) => Math.min(0, at - edge) + Math.max(0, at - (size - edge));
    const [dx, dy] = [over(x, this.width), over(y, this.height)];
    if (dx || dy) this.pan(-dx, -dy);
    return Boolean(dx || dy);
  }

  /**
   * Writes where each point is on the screen, px, and how near to the eye, -1 to 1; NaN where a point has no place.
   * @param {Float32Array} positions (n, 3) @param {Float32Array} x @param {Float32Array} y @param {Float32Array} z
   */
  project(positions, x, y, z) {
    const scale = this.#scale;
    const [left, top] = [this.width / 2 - this.#x * scale, this.height / 2 + this.#y * scale];
    if (this.dims === 2) {
      for (let i = 0, k = 0; i < x.length; i++, k += 3) {
        x[i] = left + positions[k] * scale;
        y[i] = top - positions[k + 1] * scale;
      }
      return;
    }
    const [cosYaw, sinYaw, cosPitch, sinPitch] = [Math.cos(this.#yaw), Math.sin(this.#yaw), Math.cos(this.#pitch), Math.sin(this.#pitch)];
    for (let i = 0, k = 0; i < x.length; i++, k += 3) {
      const turned = positions[k] * cosYaw + positions[k + 2] * sinYaw;
      const back = positions[k + 2] * cosYaw - positions[k] * sinYaw;
      const up = positions[k + 1] * cosPitch - back * sinPitch;
      const near = back * cosPitch + positions[k + 1] * sinPitch;
      const size = (scale * EYE) / (EYE - near);
      x[i] = left + turned * size;
      y[i] = top - up * size;
      z[i] = near;
    }
  }
}
