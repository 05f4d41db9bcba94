// A kernel that answers for a map of the images too: made-up clouds of points, and what else the address asks for.
import { FakeKernel } from "./fake.js";

/** @param {object} options of the FakeKernel @param {URLSearchParams} query n, classes, cross, lost, wait, few, grid */
export function mapKernel(options, query) {
  const number = (name, otherwise) => Number(query.get(name) ?? otherwise);
  const n = options.n ?? number("n", 600);
  const size = number("classes", 3);
  const names = size === 3 ? ["black", "grizzly", "<b>teddy</b>"] : Array.from({ length: size }, (_, i) => `class ${i}`);
  let state = 1;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const spread = () => random() + random() + random() - 1.5;
  // Classes in clouds; the first point stands in the middle, the next four in the corners of a cross.
  const middles = names.map((_, c) => [0.6 * Math.cos((c * 2 * Math.PI) / size), 0.6 * Math.sin((c * 2 * Math.PI) / size), 0.4 * Math.sin(c * 2)]);
  const positions = new Float32Array(3 * n);
  for (let i = 0; i < n; i++) for (let d = 0; d < 3; d++) positions[3 * i + d] = middles[i % size][d] + 0.22 * spread();
  if (query.has("cross")) positions.forEach((each, k) => (positions[k] = Math.max(-0.8, Math.min(0.8, each))));
  if (query.has("cross")) positions.set([0, 0, 0, 0.9, 0, 0, 0, 0.9, 0, -0.9, 0, 0, 0, -0.9, 0]);
  if (query.has("lost")) positions.fill(NaN, 0, 6);
  const pairs = (each, place) => Int32Array.from({ length: n * each }, (_, k) => place(Math.floor(k / each)));
  const near = pairs(10, (i) => (i + size * (1 + Math.floor(random() * 12))) % n);
  const all = [near, pairs(5, () => Math.floor(random() * n)), pairs(20, () => Math.floor(random() * n))];
  const buffer = (values) => values.buffer.slice(0);

  class MapKernel extends FakeKernel {
    revision = 1;
    ready = !query.has("wait");
    selected = [];

    colorings() {
      const known = [...(this.checked ? [["dark_score", "Too dark", true]] : []), ["label", "Label", false], ["predicted", "Prediction", false], ["decision", "Decision", false], ["loss", "Loss", true]];
      return known.map(([name, title, scale]) => ({ name, title, scale }));
    }

    map() {
      const note = n === 0 ? "There are no images." : query.has("lost") ? "2 images cannot be placed: no features are known." : "";
      return { revision: this.revision, total: n, by: "features", note, selected: this.selected, grid: query.has("grid"), buffers: [buffer(positions)] };
    }

    map_pairs() {
      if (query.has("few")) return { revision: this.revision, ready: true, near: 0, mid: 0, far: 0, note: "Shown by principal components: a layout needs 16 images or more." };
      if (!this.ready) return { revision: this.revision, ready: false, near: 0, mid: 0, far: 0, note: "" };
      return { revision: this.revision, ready: true, near: 10, mid: 5, far: 20, note: "", buffers: all.map(buffer) };
    }

    map_color({ name }) {
      const coloring = this.colorings().find((each) => each.name === name);
      const values = Array.from({ length: n }, (_, i) => (name === "loss" ? (i === 7 ? NaN : (i % 100) / 25) : name === "decision" ? Number(i < 20) : (i + Number(name === "predicted" && i % 9 === 0)) % size));
      const typed = coloring.scale ? Float32Array.from(values) : Int32Array.from(values);
      return { revision: this.revision, coloring, colorings: this.colorings(), names: coloring.scale ? [] : name === "decision" ? ["undecided", "keep"] : names, low: 0, high: coloring.scale ? 4 : 1, buffers: [typed.buffer] };
    }

    map_items({ numbers }) {
      const page = this.itemsOf(numbers);
      return { revision: this.revision, items: page.items, buffers: page.buffers };
    }

    /** The grid shows some items, which this kernel does by a filter. */
    shown(path) {
      if (!query.has("grid")) return;
      const filter = { label: null, predicted: null, split: null, decision: null, text: path, ranges: [], tag: null };
      this.push({ event: "state", state: this.view({ filter, sort: "label_issue", descending: true }).state });
    }

    map_link() {
      return { revision: this.revision, selected: this.selected, shown: this.elsewhere ?? [], where: "the confusion matrix" };
    }

    map_select({ ranges }) {
      this.selected = ranges;
      if (ranges.length) this.shown("black");
      return {};
    }

    map_open({ number }) {
      this.selected = [[number, number + 1]];
      this.shown(this.item(number).path);
      return {};
    }

    async module() {
      return { code: await (await fetch("/bearwidgets/static/cleaner.js")).text() };
    }
  }
  return new MapKernel({ n, classes: names, ...options });
}

/** @param {URLSearchParams} query */
export function kernelOf(query) {
  return mapKernel({ traits: { map_height: Number(query.get("height") ?? 520), height: 460, px: 120 } }, query);
}
