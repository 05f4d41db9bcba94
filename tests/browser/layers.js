// A kernel that answers for what layers respond to too.
import { FakeKernel } from "./fake.js";

/** @param {URLSearchParams} query */
export function kernelOf(query) {
  const layers = [
    { name: "conv_stem", channels: 32, map: [112, 112], field: [3, 3], kernels: true },
    { name: "blocks.2.<b>.conv_dw", channels: 100, map: [28, 28], field: [51, 51], kernels: false },
    { name: "conv_head", channels: 1280, map: [7, 7], field: [224, 224], kernels: false },
  ];
  const idle = { state: "done", kind: "open", phases: [{ name: "receptive fields", done: 448, total: 448, state: "done" }, { name: "layers", done: 480, total: 480, state: "done" }], step: 480, total: 480, seconds_left: null, message: "done", curve: [], before: null, after: null, error: null };
  async function drawn(type, hue, side = 136) {
    const canvas = new OffscreenCanvas(side, side);
    const context = canvas.getContext("2d");
    for (let i = 0; i < 9; i++) {
      context.fillStyle = `hsl(${hue + i * 9} 45% ${40 + (i % 3) * 12}%)`;
      context.fillRect((i % 3) * side / 3, Math.floor(i / 3) * side / 3, side / 3 - 1, side / 3 - 1);
    }
    return await (await canvas.convertToBlob({ type })).arrayBuffer();
  }
  class LayersKernel extends FakeKernel {
    known = { layers, job: idle, note: "The strongest responses in 480 images.", size: 224 };

    layers() {
      return this.known;
    }

    async channels({ layer, start, stop, show }) {
      const { channels } = layers.find(({ name }) => name === layer);
      const numbers = Array.from({ length: Math.max(0, Math.min(stop, channels) - start) }, (_, i) => start + i);
      const buffers = await Promise.all(numbers.map((number) => drawn(show === "patches" ? "image/jpeg" : "image/png", number * 23, show === "kernels" ? 3 : 136)));
      return { layer, channels: numbers.map((number, buffer) => ({ number, value: 9 - number / 10, buffer })), done: 480, buffers };
    }

    async channel({ layer, channel }) {
      const patches = Array.from({ length: 9 }, (_, i) => ({ id: `id${i}`, path: i === 1 ? "teddy/<img src=x onerror=alert(1)>.jpg" : `grizzly/00${i}.jpg`, label: "grizzly", value: 8.5 - i / 3, box: [20 * i, 10, 20 * i + 51, 61], center: [20 * i + 25, 36] }));
      const buffers = (await Promise.all(patches.map((_, i) => Promise.all([drawn("image/jpeg", i * 40), drawn("image/jpeg", i * 40 + 20)])))).flat();
      return { layer, channel, patches, buffers };
    }

    stop() {
      this.push({ event: "job", job: { ...this.known.job, state: "stopping" } });
      return {};
    }

    look() {
      this.push({ event: "job", job: { ...idle, state: "running", phases: [{ name: "receptive fields", done: 16, total: 448, state: "running" }] } });
      return {};
    }
  }
  const kernel = new LayersKernel({ n: 3, traits: { height: 560 } });
  if (query.has("running")) kernel.known = { ...kernel.known, layers: [], job: { ...idle, state: "running", phases: [{ name: "receptive fields", done: 112, total: 448, state: "running" }], seconds_left: 8 } };
  window.all = layers;
  window.idle = idle;
  return kernel;
}
