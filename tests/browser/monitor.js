// A kernel that answers for a training too.
import { FakeKernel } from "./fake.js";

/** @param {URLSearchParams} query */
export function kernelOf(query) {
  const steps = Array.from({ length: 120 }, (_, i) => (i + 1) / 30);
  const line = (name, points) => ({ name, points });
  const charts = [
    { title: "Loss", x: "epoch", y: "loss", log: false, lines: [line("training loss", steps.map((x) => [x, 1.1 * Math.exp(-x / 2) + 0.05 * Math.sin(x * 9)])), line("validation loss", [1, 2, 3, 4].map((x) => [x, 0.95 * Math.exp(-x / 3)]))] },
    { title: "On the evaluation split", x: "epoch", y: "metric", log: false, lines: [line("error rate", [[1, 0.21], [2, 0.12], [3, 0.08], [4, 0.0625]]), line("f1 <b>", [[1, 0.8], [2, 0.85], [3, 0.9], [4, 0.94]])] },
    { title: "Learning rate", x: "epoch", y: "learning rate", log: false, lines: [line("learning rate", steps.map((x) => [x, 1e-3 * Math.sin((Math.PI * x) / 4.05)]))] },
  ];
  const rates = Array.from({ length: 90 }, (_, i) => 1e-7 * 1.2 ** i);
  const search = { title: "Find a rate", x: "learning rate", y: "loss", log: true, lines: [line("loss, smoothed", rates.map((x, i) => [x, 1.3 - Math.max(0, i - 35) * 0.012 + Math.max(0, i - 75) ** 2 * 0.01]))] };
  class MonitorKernel extends FakeKernel {
    state = { state: "done", message: "", stage: "", step: 0, total: 0, seconds_left: null, charts, phases: [[0, "frozen"], [1, "unfrozen"]], search: null, suggested: {}, rate: null };

    change(changes) {
      this.state = { ...this.state, ...changes };
      this.push({ event: "monitor", monitor: this.state });
    }

    monitor() {
      return { monitor: this.state };
    }

    rate({ rate }) {
      this.state = { ...this.state, rate };
      return { monitor: this.state };
    }

    find_rate() {
      this.change({ search, suggested: { valley: 0.0021, slide: 0.031, steep: 0.0008, minimum: 0.012 } });
      return {};
    }

    stop() {
      this.change({ state: "stopping" });
      return {};
    }
  }
  const kernel = new MonitorKernel({ n: 3, traits: { height: 460 } });
  if (query.has("empty")) kernel.state = { ...kernel.state, state: "empty", charts: [], phases: [], message: "This learner has no history yet." };
  if (query.has("quick")) kernel.state = { ...kernel.state, charts: charts.slice(0, 2).map((each) => ({ ...each, lines: each.lines.map(({ name, points }) => line(name, points.slice(-1))) })), phases: [[0, "head"]] };
  return kernel;
}
