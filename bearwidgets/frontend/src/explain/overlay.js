// A map over an image: one canvas that lies on what the network saw of it.
import { h } from "../shared/dom.js";
import { colors, greatest, smooth } from "./maps.js";
/** @import { Grid } from "./maps.js" */

/** Covers an image, and has the map on its part of it. */
export class Overlay {
  #canvas = h("canvas", { class: "bw-class-map", "aria-hidden": "true" });
  /** What the network saw. */
  #seen = h("i", { class: "bw-seen" });
  element = h("div", { class: "bw-over", hidden: true }, this.#seen, this.#canvas);

  /** @param {Grid|null} grid null: none @param {readonly number[]} seen left, top, right, bottom, as shares of the image @param {{opacity: number, smooth: boolean}} how */
  show(grid, seen, how) {
    this.element.hidden = !grid;
    if (!grid) return;
    const [left, top, right, bottom] = seen;
    const canvas = this.#canvas;
    const drawn = how.smooth ? smooth(grid) : grid;
    canvas.width = drawn.columns;
    canvas.height = drawn.rows;
    canvas.getContext("2d")?.putImageData(new ImageData(colors(drawn, greatest(grid)), drawn.columns, drawn.rows), 0, 0);
    canvas.classList.toggle("bw-cells", !how.smooth);
    this.element.classList.toggle("bw-cropped", left > 0 || top > 0 || right < 1 || bottom < 1);
    this.element.classList.toggle("bw-padded", left < 0 || top < 0);
    const share = (/** @type {number} */ part) => `${100 * part}%`;
    for (const { style } of [canvas, this.#seen]) Object.assign(style, { left: share(left), top: share(top), width: share(right - left), height: share(bottom - top) });
    this.element.style.setProperty("--bw-map-opacity", String(how.opacity));
  }

  /** Which place of a grid lies under a point of the window. @param {Grid} grid @param {{clientX: number, clientY: number}} point @returns {{row: number, column: number}|null} */
  place({ rows, columns }, { clientX, clientY }) {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    const [column, row] = [Math.floor(((clientX - left) / width) * columns), Math.floor(((clientY - top) / height) * rows)];
    return row >= 0 && row < rows && column >= 0 && column < columns ? { row, column } : null;
  }
}
