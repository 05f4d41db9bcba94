// Whether to believe a map: the button, how far the check is, its verdict and its curves.
import { button, h, say } from "../shared/dom.js";
import { whole } from "../shared/format.js";
/** @import { CurveEvent, JobState } from "../shared/types.js" */

const [WIDTH, HEIGHT] = [220, 110];
/** @type {{name: "deletion"|"insertion"|"random", kind: string, words: string}[]} */
const LINES = [
  { name: "deletion", kind: "bw-line-covered", words: "marked places covered" },
  { name: "insertion", kind: "bw-line-shown", words: "only they are shown" },
  { name: "random", kind: "bw-line-random", words: "random places" },
];

export class Check {
  #button;
  #stop;
  #verdict = h("p", { class: "bw-verdict", role: "status" });
  #chart = h("div", { class: "bw-check-chart", hidden: true });
  element;

  /** @param {{onCheck: () => void, onStop: () => void}} acts */
  constructor({ onCheck, onStop }) {
    this.#button = button("Check this map", onCheck, { title: "Cover what the map marks, and random places, and see what the network says then" });
    this.#stop = button("Stop", onStop, { hidden: true });
    this.element = h("section", { class: "bw-check-map", "aria-label": "Whether to believe the map" }, h("p", { class: "bw-tools" }, this.#button, this.#stop), this.#verdict, this.#chart);
  }

  /** @param {JobState} job */
  follow(job) {
    const running = job.state === "running" || job.state === "stopping";
    this.#button.disabled = running;
    this.#stop.hidden = !running;
    if (running) say(this.#verdict, job.total ? `Covering places: ${whole(job.step)} of ${whole(job.total)} images` : "Covering places…");
    else if (job.state === "failed") say(this.#verdict, `⚠ ${job.error}`);
    else if (job.state === "stopped") say(this.#verdict, "");
  }

  /** @param {CurveEvent|null} curve null: this map was not checked */
  show(curve) {
    this.#chart.hidden = !curve;
    if (!this.#button.disabled) say(this.#verdict, curve?.verdict ?? "");
    if (!curve) return;
    say(this.#verdict, curve.verdict);
    const line = (/** @type {number[]} */ values) => curve.shares.map((share, k) => `${(share * WIDTH).toFixed(1)},${((1 - values[k]) * HEIGHT).toFixed(1)}`).join(" ");
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [name, value] of Object.entries({ viewBox: `-2 -2 ${WIDTH + 4} ${HEIGHT + 4}`, class: "bw-check-lines", role: "img", "aria-label": `Probability of ${curve.label} by the share of places. ${curve.verdict}` })) svg.setAttribute(name, value);
    for (const { name, kind } of LINES) {
      const drawn = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
      drawn.setAttribute("points", line(curve[name]));
      drawn.setAttribute("class", kind);
      svg.append(drawn);
    }
    const legend = LINES.map(({ kind, words }) => h("span", {}, h("i", { class: `bw-swatch ${kind}` }), words));
    this.#chart.replaceChildren(h("p", { class: "bw-hint", text: `Probability of ${curve.label}, 0 to 100 %` }), svg, h("p", { class: "bw-hint", text: "share of the places, 0 to 100 %" }), h("p", { class: "bw-class-legend" }, ...legend));
  }
}
