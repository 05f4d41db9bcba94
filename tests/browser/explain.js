// A kernel that answers for what the network looked at too.
import { FakeKernel } from "./fake.js";

/** @param {URLSearchParams} query */
export function kernelOf(query) {
  const size = Number(query.get("classes") ?? 3);
  const classes = size === 3 ? ["black", "grizzly", "<b>teddy</b>"] : Array.from({ length: size }, (_, i) => `class ${i}`);
  class ExplainKernel extends FakeKernel {
    items() {
      return { ids: Array.from({ length: 30 }, (_, k) => `id${k}`) };
    }

    check_map({ item, label, method }) {
      this.setJob({ state: "running", kind: "check", step: 8, total: 92 });
      const shares = [0, 0.25, 0.5, 0.75, 1];
      this.finish = () => {
        this.push({ event: "curve", item, label, method: method ?? "class_map", shares, deletion: [0.9, 0.2, 0.1, 0.1, 0.1], insertion: [0.1, 0.8, 0.9, 0.9, 0.9], random: [0.9, 0.7, 0.5, 0.3, 0.1], verdict: "You can believe this map: the patches it marks matter more than random ones." });
        this.setJob({ state: "done", kind: "check" });
      };
      return {};
    }
  }
  const kernel = new ExplainKernel({ n: 120, classes, traits: { height: 520, name_of_copy: "a" } });
  if (query.has("seen")) kernel.seenPart = query.get("seen").split(",").map(Number);
  if (query.has("fail")) kernel.fail.explain = query.get("fail");
  return kernel;
}
