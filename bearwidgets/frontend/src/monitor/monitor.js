// The TrainMonitor widget: curves of a learner's trainings, Stop, and a plot in which a click sets the learning rate.
import { Connection } from "../shared/connection.js";
import { attribute, button, focusedNear, h, keepSave, say } from "../shared/dom.js";
import { keepFocus } from "../shared/focus.js";
import { timeLeft, whole } from "../shared/format.js";
import { rove } from "../shared/roving.js";
import { followTheme } from "../shared/theme.js";
import { widget } from "../shared/widget.js";
import { Plot } from "./plot.js";
import { short } from "./scale.js";
/** @import { Chart, Model, MonitorState, Ops } from "../shared/types.js" */

const TITLES = { empty: "Not trained yet", running: "Training", stopping: "Stopping at the next batch", done: "Trained", stopped: "Stopped", failed: "Failed" };

class MonitorView {
  #title = h("strong", { role: "status" });
  #where = h("span", { class: "bw-cut bw-hint" });
  #fill = h("i", {});
  #bar = h("div", { class: "bw-bar", role: "progressbar", "aria-label": "Progress", "aria-valuemin": 0, "aria-valuemax": 100 }, this.#fill);
  #rate = h("input", { class: "bw-input bw-rate", inputmode: "decimal", placeholder: "its own", "aria-label": "Learning rate of the next fit" });
  #suggested = h("span", { class: "bw-suggested" });
  #message = h("p", { class: "bw-message", hidden: true });
  #charts = h("div", { class: "bw-plots" });
  /** @type {Map<string, Plot>} */
  #plots = new Map();
  /** @type {MonitorState|null} */
  #state = null;
  #frame = 0;
  #stop;
  #find;
  #signal;
  #connection;
  #refresh;
  #root;

  /** @param {{model: Model, el: HTMLElement, signal: AbortSignal}} context */
  constructor({ model, el, signal }) {
    this.#signal = signal;
    this.#connection = new Connection({
      model,
      signal,
      onRetry: () => void this.#ask("monitor", {}),
      onEvent: (event) => {
        if (event.event === "monitor") this.#show(event.monitor);
      },
    });
    this.#stop = button("Stop", () => {
      this.#stop.disabled = true;
      void this.#ask("stop", {});
    });
    this.#find = button("Find a rate", () => void this.#ask("find_rate", {}), { title: "Train a little at growing rates, then put everything back" });
    const label = h("label", { class: "bw-rate-label" }, "Rate", this.#rate);
    const bar = h("div", { class: "bw-monitor-bar", role: "toolbar", "aria-label": "Training" }, this.#title, this.#bar, this.#where, this.#stop, this.#find, this.#suggested, label);
    this.#rate.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.#set(this.#rate.value);
    }, { signal });
    this.#rate.addEventListener("change", () => this.#set(this.#rate.value), { signal });
    this.#root = h("div", { class: "bw-root bw-monitor" }, bar, this.#connection.element, this.#connection.message, this.#message, this.#charts);
    this.#root.style.maxHeight = `${model.get("height")}px`;
    this.#refresh = rove(bar, signal);
    followTheme(this.#root, signal);
    keepSave(this.#root, signal);
    keepFocus(this.#root, signal, () => (this.#stop.hidden ? this.#find : this.#stop).focus());
    signal.addEventListener("abort", () => {
      cancelAnimationFrame(this.#frame);
      this.#root.remove();
    });
    el.append(this.#root);
    void this.#ask("monitor", {});
  }

  /**
   * @template {"monitor"|"stop"|"find_rate"|"rate"} K
   * @param {K} op
   * @param {Ops[K]["request"]} args
   */
  async #ask(op, args) {
    const answer = await this.#connection.attempt(op, args);
    if (answer && "monitor" in answer.result) this.#show(answer.result.monitor);
    else if (!answer && this.#state) this.#show(this.#state);
  }

  /** @param {string|number} rate */
  #set(rate) {
    const value = Number(rate);
    if (value === this.#state?.rate || rate === "") return;
    if (value > 0 && Number.isFinite(value)) return void this.#ask("rate", { rate: value });
    this.#connection.tell(`The rate is "${rate}"; allowed is a number above 0, such as 0.001.`);
  }

  /** Draws with the next frame: none comes while the tab is hidden. @param {MonitorState} state */
  #show(state) {
    this.#state = state;
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#draw(state));
  }

  /** @param {MonitorState} state */
  #draw(state) {
    const running = state.state === "running" || state.state === "stopping";
    say(this.#title, running && state.stage === "lr_find" && state.state === "running" ? "Looking for a rate" : TITLES[state.state]);
    const steps = state.total ? `${state.stage} ${whole(state.step)} of ${whole(state.total)}` : state.stage;
    say(this.#where, running ? [steps, timeLeft(state.seconds_left)].filter(Boolean).join(" · ") : "");
    const share = state.total ? state.step / state.total : 0;
    this.#bar.hidden = !running;
    this.#fill.style.width = `${share * 100}%`;
    attribute(this.#bar, "aria-valuenow", Math.round(share * 100));
    this.#stop.hidden = !running;
    this.#stop.disabled = state.state === "stopping";
    this.#find.disabled = running;
    say(this.#message, state.message);
    this.#message.hidden = !state.message;
    this.#message.classList.toggle("bw-failed", state.state === "failed");
    if (focusedNear(this.#rate) !== this.#rate) this.#rate.value = state.rate === null ? "" : short(state.rate).replaceAll(",", "");
    this.#suggest(state);
    const charts = [...state.charts, ...(state.search ? [state.search] : [])];
    for (const [name, plot] of this.#plots) if (!charts.some(({ title }) => title === name)) this.#drop(name, plot);
    for (const chart of charts) this.#plot(chart, state);
    this.#refresh();
    this.#root.dataset.ready = "true";
  }

  /** @param {MonitorState} state */
  #suggest({ suggested, rate }) {
    const key = JSON.stringify([suggested, rate]);
    if (this.#suggested.dataset.key === key) return;
    this.#suggested.dataset.key = key;
    const buttons = Object.entries(suggested).map(([name, value]) => button(`${name} ${short(value)}`, () => this.#set(value), { "aria-pressed": String(value === rate), title: `Train at ${short(value)} the next time` }));
    this.#suggested.replaceChildren(...buttons);
  }

  /** @param {Chart} chart @param {MonitorState} state */
  #plot(chart, { phases, rate, suggested }) {
    let plot = this.#plots.get(chart.title);
    if (!plot) {
      plot = new Plot(this.#signal, chart.log ? (x) => this.#set(x) : undefined);
      this.#plots.set(chart.title, plot);
      this.#charts.append(plot.element);
    }
    plot.show(chart, chart.log ? Object.entries(suggested).map(([name, value]) => [value, name]) : phases, chart.log ? rate : null);
  }

  /** @param {string} name @param {Plot} plot */
  #drop(name, plot) {
    plot.element.remove();
    this.#plots.delete(name);
  }
}

export default widget((context) => new MonitorView(context));
