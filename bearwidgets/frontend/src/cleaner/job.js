// A training in the footer: curve, time left, Stop, and what it changed.
import { attribute, button, h, say } from "../shared/dom.js";
import { counted, percent, timeLeft, whole } from "../shared/format.js";
import { polyline } from "./curve.js";
/** @import { JobState } from "../shared/types.js" */

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 220;
const HEIGHT = 44;

/** Shows a training while it runs, and its result until it is closed. */
export class JobPanel {
  #title = h("strong", { role: "status" });
  #text = h("span", { class: "bw-cut" });
  #fill = h("i", {});
  #bar = h("div", { class: "bw-bar", role: "progressbar", "aria-label": "Progress", "aria-valuemin": 0 }, this.#fill);
  #chart = document.createElementNS(SVG, "svg");
  #lossLine = document.createElementNS(SVG, "polyline");
  #errorLine = document.createElementNS(SVG, "polyline");
  #stop;
  #close;
  #dismissed = "";
  #key = "";
  element;

  /** @param {{onStop: () => void}} options */
  constructor({ onStop }) {
    this.#stop = button("Stop", () => {
      this.#stop.disabled = true;
      onStop();
    });
    this.#close = button("✕", () => this.#dismiss(), { class: "bw-button bw-square", "aria-label": "Close the training report" });
    attribute(this.#chart, "viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    attribute(this.#chart, "role", "img");
    attribute(this.#lossLine, "class", "bw-curve-loss");
    attribute(this.#errorLine, "class", "bw-curve-error");
    this.#chart.append(this.#lossLine, this.#errorLine);
    this.element = h("div", { class: "bw-job", hidden: true }, this.#chart, this.#title, this.#text, this.#bar, this.#stop, this.#close);
  }

  /** @param {JobState} job */
  show(job) {
    const running = job.state === "running" || job.state === "stopping";
    if (running && job.kind !== "find") this.#dismissed = ""; // the report of before comes back after that
    this.#key = JSON.stringify(job);
    // Work that ended well and measured nothing says so by what is shown now.
    const told = job.state === "done" && !job.after && !job.error;
    this.element.hidden = job.state === "idle" || told || this.#dismissed === this.#key;
    if (this.element.hidden) return;
    say(this.#title, title(job));
    this.element.dataset.state = job.state;
    const now = job.phases.find(({ state }) => state === "running");
    const where = now ? `${now.name}${now.total ? ` ${whole(now.done)} of ${whole(now.total)}` : ""}` : job.total ? `step ${job.step} of ${job.total}` : "";
    const progress = running ? [where, timeLeft(job.seconds_left)] : [];
    const said = job.error ?? (job.after ? resultWords(job) : now && running ? "" : job.message);
    say(this.#text, [...progress, said].filter(Boolean).join(" · "));
    attribute(this.#text, "title", this.#text.textContent);
    this.#bar.hidden = !running;
    const share = overall(job);
    this.#fill.style.width = `${share * 100}%`;
    attribute(this.#bar, "aria-valuemax", 100);
    attribute(this.#bar, "aria-valuenow", Math.round(share * 100));
    this.#stop.hidden = !running;
    this.#stop.disabled = job.state === "stopping";
    this.#close.hidden = running;
    this.#draw(job);
  }

  #dismiss() {
    this.#dismissed = this.#key;
    this.element.hidden = true;
  }

  /** @param {JobState} job */
  #draw(job) {
    const last = (/** @type {1|2} */ column) => job.curve.findLast((point) => point[column] !== null)?.[column] ?? null;
    const [trained, wrong] = [last(1), last(2)];
    this.#chart.toggleAttribute("hidden", job.curve.length < 2);
    attribute(this.#lossLine, "points", polyline(job.curve.map(([x, y]) => [x, y]), WIDTH, HEIGHT, job.total));
    attribute(this.#errorLine, "points", polyline(job.curve.map(([x, , y]) => [x, y]), WIDTH, HEIGHT, job.total));
    const words = [trained === null ? "" : `— training loss ${trained.toFixed(3)}`, wrong === null ? "" : `┄ valid error ${percent(wrong, 1)}`];
    attribute(this.#chart, "aria-label", words.filter(Boolean).join(", "));
  }
}

/** What is being done, or how it ended. @param {JobState} job */
function title({ state, kind }) {
  const [doing, done] = { retrain: ["Training", "Trained"], open: ["Looking for suspects", "Ready"], find: ["Finding the queues anew", "Found"], check: ["Checking a map", "Checked"] }[kind];
  return { idle: "", running: doing, stopping: "Stopping at the next batch", done, stopped: `${doing} stopped`, failed: `${doing} failed` }[state];
}

/** How much of all parts is done, 0 to 1. @param {JobState} job */
function overall({ phases, step, total }) {
  if (!phases.length) return total ? step / total : 0;
  const parts = phases.map(({ state, done, total: all }) => (state === "done" ? 1 : state === "running" && all ? done / all : 0));
  return parts.reduce((sum, part) => sum + part, 0) / phases.length;
}

/** What a training changed, in one line. @param {JobState} job */
function resultWords({ before, after, message }) {
  if (!after) return message;
  const was = before ? `${percent(before.error_rate, 1)} → ` : "";
  const corrected = after.error_rate_corrected === null ? "" : `, ${percent(after.error_rate_corrected, 1)} on the corrected labels`;
  return `error ${was}${percent(after.error_rate, 1)}${corrected} (${counted(after.n, "held-out image")})`;
}
