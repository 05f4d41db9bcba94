// What is drawn above the points: small images, names, lines to neighbors, the shape that is being drawn, the ring.
import { visible } from "../shared/format.js";
/** @import { Screen } from "./pick.js" */

/**
 * @typedef {object} Scene
 * @property {{number: number, image: ImageBitmap, color: string, marked: boolean, pale: boolean}[]} images
 * @property {number} side of an image, px of the device
 * @property {{name: string, x: number, y: number}[]} names
 * @property {number} active point with the ring, -1 for none
 * @property {ArrayLike<number>} neighbors of the active one
 * @property {[number, number][]|null} shape that is being drawn, px of the device
 * @property {boolean} takes the shape takes points away
 * @property {{text: string, ground: string, accent: string}} colors
 * @property {number} unit px of the device for one of the page
 */

/** @param {CanvasRenderingContext2D} context @param {Screen} screen @param {Scene} scene */
export function drawOverlay(context, screen, scene) {
  const { x, y, width, height } = screen;
  const { colors, unit, active } = scene;
  context.clearRect(0, 0, width, height);
  context.lineJoin = "round";
  for (const each of scene.images) drawImage(context, x[each.number], y[each.number], each, scene);
  if (active >= 0 && x[active] === x[active]) {
    context.lineWidth = 1.5 * unit;
    context.strokeStyle = colors.text;
    context.globalAlpha = 0.75;
    context.beginPath();
    for (const other of Array.from(scene.neighbors)) {
      if (other < 0) continue;
      context.moveTo(x[active], y[active]);
      context.lineTo(x[other], y[other]);
    }
    context.stroke();
    context.globalAlpha = 1;
    const radius = scene.images.some(({ number }) => number === active) ? scene.side * 0.62 : 8 * unit;
    for (const [color, line] of [[colors.ground, 5], [colors.accent, 2.5]]) {
      context.beginPath();
      context.arc(x[active], y[active], radius, 0, 2 * Math.PI);
      context.lineWidth = Number(line) * unit;
      context.strokeStyle = String(color);
      context.stroke();
    }
  }
  drawNames(context, scene);
  if (scene.shape?.length) drawShape(context, scene.shape, scene);
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {Scene["images"][number]} each @param {Scene} scene */
function drawImage(context, x, y, { image, color, marked, pale }, { side, unit, colors }) {
  const share = side / Math.max(image.width, image.height);
  const [w, h] = [image.width * share, image.height * share];
  const edge = (marked ? 3 : 2) * unit;
  context.fillStyle = marked ? colors.accent : color;
  context.fillRect(x - w / 2 - edge, y - h / 2 - edge, w + 2 * edge, h + 2 * edge);
  context.drawImage(image, x - w / 2, y - h / 2, w, h);
  if (!pale) return;
  context.globalAlpha = 0.6;
  context.fillStyle = colors.ground;
  context.fillRect(x - w / 2 - edge, y - h / 2 - edge, w + 2 * edge, h + 2 * edge);
  context.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} context @param {Scene} scene */
function drawNames(context, { names, colors, unit }) {
  context.font = `600 ${12 * unit}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineWidth = 4 * unit;
  context.strokeStyle = colors.ground;
  context.fillStyle = colors.text;
  for (const { name, x, y } of names) {
    const text = visible(name);
    context.strokeText(text, x, y);
    context.fillText(text, x, y);
  }
}

/** @param {CanvasRenderingContext2D} context @param {[number, number][]} shape @param {Scene} scene */
function drawShape(context, shape, { colors, unit, takes }) {
  context.beginPath();
  for (const [px, py] of shape) context.lineTo(px, py);
  context.closePath();
  context.fillStyle = context.strokeStyle = colors.accent;
  context.globalAlpha = 0.12;
  context.fill();
  context.globalAlpha = 1;
  context.setLineDash(takes ? [6 * unit, 4 * unit] : []);
  context.lineWidth = 1.5 * unit;
  context.stroke();
  context.setLineDash([]);
}
