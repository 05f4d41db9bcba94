// The Explain widget: one image after another under the map of what the network looked at.
import { Connection } from "../shared/connection.js";
import { attribute, button, h, keepSave, origin, say } from "../shared/dom.js";
import { keepFocus } from "../shared/focus.js";
import { whole } from "../shared/format.js";
import { rove } from "../shared/roving.js";
import { followTheme } from "../shared/theme.js";
import { widget } from "../shared/widget.js";
import { Check } from "./check.js";
import { Maps } from "./maps.js";
import { Overlay } from "./overlay.js";
import { MapPanel } from "./panel.js";
import { ZoomMap } from "./zoommap.js";
/** @import { CurveEvent, KernelEvent, Model } from "../shared/types.js" */

/** What methods are called. @type {Record<string, string>} */
const METHODS = { class_map: "Class map (exact)", grad_cam: "Grad-CAM", integrated_gradients: "Integrated gradients", occlusion: "Occlusion", attention_rollout: "Attention rollout" };
/** Explained images that are kept. */
const KEPT = 24;

/** @typedef {{maps: Maps, url: string}} Explained */

class ExplainView {
  #where = h("span", { class: "bw-hint", role: "status" });
  #path = h("bdi", { class: "bw-cut bw-explain-path" });
  #method = h("select", { class: "bw-select", "aria-label": "Method", title: "How the map is made" });
  #image = h("img", { alt: "", draggable: "false" });
  #overlay = new Overlay();
  #box = h("div", { class: "bw-explain-image" }, this.#image, this.#overlay.element);
  #stage = h("div", { class: "bw-explain-stage", tabindex: 0, role: "application", "aria-roledescription": "image with a map", "aria-label": "Arrow keys: left and right go to another image, up and down to the map of another class. D: why this class and not the next." }, this.#box);
  #place = h("p", { class: "bw-hint bw-place" });
  #root;
  #panel;
  #check;
  #connection;
  #model;
  /** @type {string[]} */
  #ids = [];
  #at = 0;
  /** @type {Map<string, Explained>} */
  #kept = new Map();
  /** @type {Explained|null} */
  #shown = null;
  /** @type {Map<string, CurveEvent>} */
  #curves = new Map();
  #asked = "";

  /** @param {{model: Model, el: HTMLElement, signal: AbortSignal}} context */
  constructor({ model, el, signal }) {
    this.#model = model;
    this.#connection = new Connection({ model, signal, onRetry: () => void this.#begin(), onEvent: (event) => this.#heard(event) });
    this.#panel = new MapPanel({ onDraw: () => this.#draw(), onMissing: (label) => void this.#add(label), signal });
    this.#check = new Check({ onCheck: () => void this.#checkMap(), onStop: () => void this.#connection.attempt("stop", {}) });
    const go = (/** @type {string} */ text, /** @type {string} */ title, /** @type {number} */ step) => button(text, () => this.#go(step), { class: "bw-button bw-square", title: `${title} (${text})`, "aria-label": title });
    const bar = h("div", { class: "bw-explain-bar", role: "toolbar", "aria-label": "Images" }, go("←", "Previous image", -1), go("→", "Next image", 1), this.#where, this.#path, this.#method);
    const side = h("div", { class: "bw-explain-side" }, this.#panel.element, this.#check.element);
    this.#root = h("div", { class: "bw-root bw-explain" }, bar, this.#connection.element, this.#connection.message, h("div", { class: "bw-explain-main" }, h("div", { class: "bw-explain-left" }, this.#stage, this.#place), side));
    rove(bar, signal);
    this.#listen(signal);
    followTheme(this.#root, signal);
    keepSave(this.#root, signal);
    keepFocus(this.#root, signal, () => this.#stage.focus({ preventScroll: true }));
    const sizes = new ResizeObserver(() => this.#layOut());
    sizes.observe(this.#stage);
    signal.addEventListener("abort", () => {
      sizes.disconnect();
      this.#forget();
      this.#root.remove();
    });
    el.append(this.#root);
    void this.#begin();
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    this.#method.addEventListener("change", () => void this.#load(), { signal });
    this.#image.addEventListener("load", () => this.#layOut(), { signal });
    this.#stage.addEventListener("pointermove", (event) => this.#tell(event), { signal });
    this.#stage.addEventListener("pointerleave", () => say(this.#place, ""), { signal });
    this.#root.addEventListener("keydown", (event) => this.#key(event), { signal });
    const heightened = () => (this.#root.style.height = `${this.#model.get("height") || 560}px`);
    this.#model.on("change:height", heightened);
    signal.addEventListener("abort", () => this.#model.off("change:height", heightened));
    heightened();
  }

  async #begin() {
    const answer = await this.#connection.attempt("items", {});
    if (!answer) return;
    this.#ids = answer.result.ids;
    this.#forget();
    await this.#load();
  }

  /** @param {number} step */
  #go(step) {
    const at = Math.max(0, Math.min(this.#ids.length - 1, this.#at + step));
    if (at === this.#at) return;
    this.#at = at;
    void this.#load();
  }

  get #item() {
    return this.#ids[this.#at];
  }

  /** Shows the present image with the chosen method. */
  async #load() {
    const [item, method] = [this.#item, this.#method.value || null];
    say(this.#where, `${whole(this.#at + 1)} of ${whole(this.#ids.length)}`);
    const key = JSON.stringify([item, method]);
    this.#asked = key;
    const found = this.#kept.get(key) ?? (await this.#explained(item, method));
    if (this.#asked !== key) return;
    this.#shown = found;
    if (found) this.#take(found);
    else {
      this.#image.removeAttribute("src");
      say(this.#path, "");
      this.#panel.show(null);
    }
    this.#root.dataset.ready = "true";
    this.#root.dataset.item = found ? item : "";
  }

  /** @param {string} item @param {string|null} method @returns {Promise<Explained|null>} */
  async #explained(item, method) {
    const answer = await this.#connection.attempt("explain", { item, method, label: null, image: true });
    if (!answer) return null;
    const { result, buffers } = answer;
    const blob = new Blob([/** @type {BlobPart} */ (buffers[1])], { type: "image/jpeg" });
    const found = { maps: new Maps(result, buffers[0]), url: URL.createObjectURL(blob) };
    this.#kept.set(JSON.stringify([item, result.method]), found);
    for (const [key, { url }] of this.#kept) {
      if (this.#kept.size <= KEPT) break;
      URL.revokeObjectURL(url);
      this.#kept.delete(key);
    }
    return found;
  }

  /** @param {Explained} found */
  #take({ maps, url }) {
    const { reply } = maps;
    if (this.#method.value !== reply.method) {
      this.#method.replaceChildren(...reply.methods.map((name) => h("option", { value: name, text: METHODS[name] ?? name })));
      this.#method.value = reply.method;
    }
    this.#image.src = url;
    attribute(this.#image, "alt", `${reply.path}, labeled ${reply.label}`);
    say(this.#path, reply.path);
    this.#panel.show(maps);
  }

  /** A map of a class that has none yet. @param {string} label */
  async #add(label) {
    const shown = this.#shown;
    if (!shown) return;
    const { item, method } = shown.maps.reply;
    const answer = await this.#connection.attempt("explain", { item, method, label, image: false });
    if (!answer || this.#shown !== shown) return;
    shown.maps.add(answer.result, answer.buffers[0]);
    this.#panel.added(label);
  }

  async #checkMap() {
    const reply = this.#shown?.maps.reply;
    if (reply) await this.#connection.attempt("check_map", { item: reply.item, label: this.#panel.label, method: reply.method });
  }

  #draw() {
    const reply = this.#shown?.maps.reply;
    this.#overlay.show(reply ? this.#panel.grid : null, reply?.seen ?? [0, 0, 1, 1], this.#panel.how);
    this.#layOut();
    this.#check.element.hidden = !reply || this.#panel.compares; // a check is of the map of one class
    if (reply) this.#check.show(this.#curves.get(JSON.stringify([reply.item, this.#panel.label, reply.method])) ?? null);
  }

  /** As large as there is room for, with what the network saw beyond the image. */
  #layOut() {
    const { naturalWidth: width, naturalHeight: height } = this.#image;
    const [left, top, right, bottom] = this.#shown?.maps.reply.seen ?? [0, 0, 1, 1];
    this.#box.hidden = !width || !this.#shown;
    if (!width) return;
    const [low, high] = [[Math.min(0, left), Math.min(0, top)], [Math.max(1, right), Math.max(1, bottom)]];
    const [across, down] = [high[0] - low[0], high[1] - low[1]];
    const { clientWidth, clientHeight } = this.#stage;
    const scale = Math.min(clientWidth / (width * across), clientHeight / (height * down));
    const [w, h_] = [width * scale, height * scale];
    const place = { width: w, height: h_, left: (clientWidth - w * across) / 2 - low[0] * w, top: (clientHeight - h_ * down) / 2 - low[1] * h_ };
    for (const [name, value] of Object.entries(place)) this.#box.style.setProperty(name, `${value}px`);
  }

  /** @param {PointerEvent} event */
  #tell(event) {
    const grid = this.#panel.grid;
    say(this.#place, grid ? this.#panel.tell(this.#overlay.place(grid, event)) : "");
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const from = origin(event);
    const listed = from?.matches("[role='listbox']");
    if (event.isComposing || (from !== this.#stage && !listed && from?.matches("select, input, button"))) return;
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity }[event.key];
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
    if (step && plain) this.#go(step);
    else if (!this.#panel.key(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {KernelEvent} event */
  #heard(event) {
    if (event.event === "job") this.#check.follow(event.job);
    if (event.event === "items") this.#renew();
    if (event.event !== "curve") return;
    this.#curves.set(JSON.stringify([event.item, event.label, event.method]), event);
    this.#draw();
  }

  /** The network is another one now. */
  #renew() {
    this.#forget();
    this.#curves.clear();
    void this.#load();
  }

  #forget() {
    for (const { url } of this.#kept.values()) URL.revokeObjectURL(url);
    this.#kept.clear();
  }
}

/** Also what a zoom elsewhere needs, which takes it from Python when it is first wanted. */
export default {
  ...widget((context) => new ExplainView(context)),
  zoomMap: (/** @type {ConstructorParameters<typeof ZoomMap>[0]} */ options) => new ZoomMap(options),
};
