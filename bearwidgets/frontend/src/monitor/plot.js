// One chart as SVG: axes, curves, a legend with the newest values, and a cross-hair for pointer and arrow keys.
import { attribute, h, say } from "../shared/dom.js";
import { across, nearest, share, short, upwards } from "./scale.js";
/** @import { Chart } from "../shared/types.js" */
/** @import { Axis, Point } from "./scale.js" */

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 190;
const EDGE = { left: 48, right: 10, top: 6, bottom: 34 };
/** Room for the name of a mark, px. */
const NAME = 56;
/** How far each key moves the cross-hair, in points. @type {Record<string, number>} */
const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10, Home: -Infinity, End: Infinity };

/** @param {string} tag @param {Record<string, string|number>} attributes @param {string} [text] */
function draw(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) attribute(element, name, value);
  if (text !== undefined) say(element, text);
  return element;
}

/** A chart that can be read with pointer and keys; a click or Enter on a point chooses it, where something hears that. */
export class Plot {
  #svg = draw("svg", { "aria-hidden": "true" });
  #cross = draw("line", { class: "bw-cross", y1: EDGE.top, y2: HEIGHT - EDGE.bottom });
  #title = h("strong", {});
  #legend = h("span", { class: "bw-plot-legend" });
  #read = h("p", { class: "bw-plot-read" });
  #box;
  #choose;
  /** @type {Chart} */
  #chart = { title: "", x: "", y: "", lines: [], log: false };
  /** @type {[number, string][]} */
  #marks = [];
  /** @type {Axis} */
  #x = across([], false);
  /** @type {Point[]} */
  #points = [];
  #at = -1;
  #hovered = false;
  #width = 0;
  /** @type {number|null} */
  #chosen = null;
  element;

  /** @param {AbortSignal} signal @param {(x: number) => void} [choose] */
  constructor(signal, choose) {
    this.#choose = choose;
    this.#box = h("div", { class: "bw-plot-box", tabindex: 0, role: "slider", "aria-valuemin": 0 }, /** @type {any} */ (this.#svg));
    this.element = h("figure", { class: `bw-plot${choose ? " bw-plot-choice" : ""}` }, h("figcaption", {}, this.#title, this.#legend), this.#box, this.#read);
    const size = new ResizeObserver(() => this.#fit());
    size.observe(this.#box);
    signal.addEventListener("abort", () => size.disconnect());
    this.#box.addEventListener("pointermove", (event) => this.#point(event), { signal });
    this.#box.addEventListener("pointerleave", () => this.#hover(-1), { signal });
    this.#box.addEventListener("blur", () => this.#hover(-1), { signal });
    this.#box.addEventListener(
      "click",
      (event) => {
        this.#point(event);
        this.#pick();
      },
      { signal },
    );
    this.#box.addEventListener("keydown", (event) => this.#key(event), { signal });
  }

  /** @param {Chart} chart @param {[number, string][]} [marks] lines across, such as where a phase began @param {number|null} [chosen] the chosen x */
  show(chart, marks = [], chosen = null) {
    [this.#chart, this.#marks, this.#chosen] = [chart, marks, chosen];
    const longest = chart.lines.reduce((most, line) => (line.points.length > most.points.length ? line : most), chart.lines[0]);
    this.#points = longest?.points ?? [];
    say(this.#title, chart.title);
    attribute(this.#box, "aria-label", `${chart.title} over ${chart.x}`);
    this.#legend.replaceChildren(
      ...chart.lines.map(({ name, points }, number) => h("span", {}, h("i", { class: `bw-line-${number % 6}` }), `${name} ${chart.log ? "" : short(points.at(-1)?.[1] ?? 0)}`)),
    );
    this.#draw();
  }

  #fit() {
    const width = this.#box.clientWidth;
    if (width === this.#width || !width) return;
    this.#width = width;
    this.#draw();
  }

  #draw() {
    const [width, { lines, log, x: below }] = [this.#width, this.#chart];
    if (!width) return;
    const all = lines.flatMap(({ points }) => points);
    const y = upwards(all.map(([, value]) => value));
    this.#x = across([...all.map(([x]) => x), ...(this.#chosen && log ? [this.#chosen] : [])], log);
    const [left, right, top, bottom] = [EDGE.left, width - EDGE.right, EDGE.top, HEIGHT - EDGE.bottom];
    const px = (/** @type {number} */ value) => left + share(this.#x, value) * (right - left);
    const py = (/** @type {number} */ value) => bottom - share(y, value) * (bottom - top);
    const rule = (/** @type {string} */ name, /** @type {number} */ at) => draw("line", { class: name, x1: px(at), x2: px(at), y1: top, y2: bottom });
    const parts = [];
    for (const tick of y.ticks) {
      parts.push(draw("line", { class: "bw-rule", x1: left, x2: right, y1: py(tick), y2: py(tick) }), draw("text", { x: left - 5, y: py(tick) + 4, "text-anchor": "end" }, short(tick)));
    }
    for (const tick of this.#x.ticks) parts.push(rule("bw-rule", tick), draw("text", { x: px(tick), y: bottom + 14, "text-anchor": "middle" }, short(tick)));
    parts.push(draw("text", { class: "bw-axis", x: (left + right) / 2, y: HEIGHT - 5, "text-anchor": "middle" }, below));
    let free = left; // where the next name has room
    for (const [at, name] of [...this.#marks].sort(([a], [b]) => a - b)) {
      if (at > 0 || log) parts.push(rule("bw-mark", at));
      if (px(at) < free || px(at) > right - NAME) continue;
      free = px(at) + NAME;
      parts.push(draw("text", { x: px(at) + 3, y: top + 10 }, name));
    }
    lines.forEach(({ points }, number) => {
      const at = points.map(([x, value]) => `${px(x).toFixed(1)},${py(value).toFixed(1)}`);
      parts.push(draw("polyline", { class: `bw-line-${number % 6}`, points: at.join(" ") }));
      if (points.length < 12) parts.push(...points.map(([x, value]) => draw("circle", { class: `bw-line-${number % 6}`, cx: px(x), cy: py(value), r: 3 })));
    });
    if (this.#chosen && this.#choose) parts.push(rule("bw-chosen", this.#chosen));
    attribute(this.#svg, "viewBox", `0 0 ${width} ${HEIGHT}`);
    this.#svg.replaceChildren(...parts, this.#cross);
    this.#hover(Math.min(this.#at, this.#points.length - 1), this.#hovered);
  }

  /** @param {MouseEvent} event */
  #point(event) {
    const { left, width } = this.#box.getBoundingClientRect();
    const at = (event.clientX - left - EDGE.left) / (width - EDGE.left - EDGE.right);
    this.#hover(nearest(this.#points, this.#x, at), true);
  }

  /** Reads a point out; -1 none. @param {number} at @param {boolean} [hovered] */
  #hover(at, hovered = false) {
    [this.#at, this.#hovered] = [at, hovered];
    const point = this.#points[at] ?? this.#points.at(-1);
    this.#cross.classList.toggle("bw-shown", at >= 0);
    const text = point ? this.#words(point[0]) : "";
    say(this.#read, at < 0 ? (this.#choose ? "Click a rate, or move with the arrow keys and press Enter." : "") : text);
    attribute(this.#box, "aria-valuenow", Math.max(at, 0));
    attribute(this.#box, "aria-valuemax", Math.max(this.#points.length - 1, 0));
    attribute(this.#box, "aria-valuetext", text || "nothing yet");
    if (at < 0 || !point) return;
    const x = EDGE.left + share(this.#x, point[0]) * (this.#width - EDGE.left - EDGE.right);
    attribute(this.#cross, "x1", x);
    attribute(this.#cross, "x2", x);
  }

  /** What all curves say there. @param {number} x */
  #words(x) {
    const { lines, x: axis } = this.#chart;
    const said = lines.map(({ name, points }) => {
      const at = nearest(points, this.#x, share(this.#x, x));
      return at < 0 ? "" : `${name} ${short(points[at][1])}`;
    });
    return [`${axis} ${short(x)}`, ...said].filter(Boolean).join(" · ");
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = STEPS[event.key];
    if (step && this.#points.length) {
      const last = this.#points.length - 1;
      const from = this.#at < 0 ? (step < 0 ? last + 1 : -1) : this.#at;
      this.#hover(Math.max(0, Math.min(last, from + step)), true);
    } else if (event.key === "Enter" && this.#choose && this.#at >= 0) this.#pick();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #pick() {
    const point = this.#points[this.#at];
    if (point && this.#choose) this.#choose(point[0]);
  }
}
