// A kernel that answers for a confusion matrix too: made-up counts, with a difference and a grid if the address asks for them.
import { FakeKernel } from "./fake.js";

/** @param {object} options of the FakeKernel @param {URLSearchParams} query classes, compare, grid */
export function matrixKernel(options, query) {
  const size = Number(query.get("classes") ?? 3);
  const names = size === 3 ? ["black", "grizzly", "<b>teddy</b>"] : Array.from({ length: size }, (_, i) => `class ${i}`);
  const counts = names.map((_, a) => names.map((_, p) => (a === p ? 90 + a : (a * 7 + p * 3) % 11 === 0 ? 1 + ((a + p) % 9) : 0)));
  if (size === 3) counts[1][0] = 12;
  const flat = (array, kind) => kind.from(array.flat()).buffer;
  class MatrixKernel extends FakeKernel {
    names = names;
    counts = counts;
    groups = size > 5 ? [{ name: "first ones", members: [0, 1, 2], pinned: false }] : [];
    part = "valid";
    limited = "";

    matrix({ part, everything }) {
      if (everything) this.limited = "";
      this.part = part ?? this.part;
      const order = this.names.map((_, c) => c);
      const total = this.counts.flat().reduce((a, b) => a + b, 0);
      const right = this.counts.reduce((sum, row, c) => sum + row[c], 0);
      const difference = query.has("compare") ? { paired: true, level: 0.05, changed: 1 } : null;
      const buffers = [flat(this.counts.map((row, a) => row.map((_, p) => a * row.length + p)), Int32Array), flat(this.counts, Int32Array), flat(this.counts.map((row, a) => row.map((n, p) => (a === p ? n * 0.02 : n * 0.25))), Float32Array)];
      if (difference) {
        buffers.push(flat(this.counts.map((row, a) => row.map((n, p) => (a === p ? n - 10 : n + 10))), Int32Array));
        buffers.push(flat(this.counts.map((row, a) => row.map((_, p) => Number(a === 1 && p === 0))), Uint8Array));
        buffers.push(flat(this.counts.map((row, a) => row.map((_, p) => (a === 1 && p === 0 ? 1e-6 : 0.4))), Float32Array));
      }
      return {
        classes: this.names, part: this.part, parts: ["valid", "train"], part_title: "Split", labels: "labels as on disk", kind: "as decided",
        kinds: ["as decided", "as on disk"], total, accuracy: total ? right / total : null, grid: query.has("grid"), images: true, difference,
        orders: { name: order, size: order.toReversed(), "most confused": order, similarity: order }, groups: this.groups, limited: this.limited, limit: this.limited.length, buffers,
      };
    }

    cells({ blocks }) {
      const [{ actual, predicted }] = blocks;
      const filter = { label: actual[0], predicted: predicted[0], split: null, decision: null, text: "", ranges: [], tag: null };
      this.push({ event: "state", state: this.view({ filter, sort: "label_issue", descending: true }).state });
      return {};
    }

    matrix_link() {
      const cells = this.cellsLinked ?? [];
      return { selected: cells.reduce((sum, [, , n]) => sum + n, 0), shown: 0, where: "the map", limit: this.limited.length, buffers: [flat(cells, Int32Array)] };
    }

    scores() {
      return { columns: ["class", "support", "precision"], rows: this.names.map((name) => [name, "9", "90.0 % (70.0–95.0 %)"]) };
    }

    group({ name, rename, pinned }) {
      this.groups = this.groups.map((group) => (group.name === name ? { ...group, name: rename ?? name, pinned: pinned ?? (rename !== null || group.pinned) } : group));
      this.push({ event: "matrix" });
      return {};
    }

    async module() {
      return { code: await (await fetch("/bearwidgets/static/cleaner.js")).text() };
    }
  }
  return new MatrixKernel(options);
}

/** @param {URLSearchParams} query */
export function kernelOf(query) {
  return matrixKernel({ n: 120, traits: { px: 120, height: 460 } }, query);
}
