// The Layers widget: what each channel of a layer responds to, a page of channels at a time, one of them in full.
import { dataUrl } from "../grid/imagecache.js";
import { Connection } from "../shared/connection.js";
import { attribute, button, h, keepSave, say } from "../shared/dom.js";
import { keepFocus } from "../shared/focus.js";
import { timeLeft, whole } from "../shared/format.js";
import { rove } from "../shared/roving.js";
import { followTheme } from "../shared/theme.js";
import { widget } from "../shared/widget.js";
import { layerWords, pageOf, place, shown } from "./steps.js";
import { Tiles } from "./tiles.js";
/** @import { Buffer, ChannelReply, JobState, LayerInfo, LayersReply, Model } from "../shared/types.js" */

const PAGE = 48;
/** While images are looked at, what is shown is asked for anew this often, ms. */
const AGAIN = 2_000;
const SHOWS = { patches: "Patches", kernels: "Kernels", maps: "Maps of" };
const NO_LAYERS = "Finding out what each layer sees …";

class LayersView {
  #layer = h("select", { class: "bw-select bw-layer", "aria-label": "Layer" });
  #show = h("select", { class: "bw-select", "aria-label": "Show" });
  #pages = h("span", { class: "bw-page-of", role: "status" });
  #where = h("span", { class: "bw-cut bw-hint" });
  #fill = h("i", {});
  #bar = h("div", { class: "bw-bar", role: "progressbar", "aria-label": "Progress", "aria-valuemin": 0, "aria-valuemax": 100 }, this.#fill);
  #note = h("p", { class: "bw-note bw-layers-note" });
  #full = h("section", { class: "bw-channel-full", "aria-label": "Channel", hidden: true });
  /** @type {LayersReply|null} */
  #known = null;
  #start = 0;
  #channel = -1;
  /** @type {{id: string, path: string}|null} */
  #image = null;
  #asked = 0;
  #drawn = 0;
  #running = false;
  /** Why the look at the images failed. */
  #back;
  #next;
  #stop;
  #again;
  #tiles;
  #connection;
  #refresh;
  #root;

  /** @param {{model: Model, el: HTMLElement, signal: AbortSignal}} context */
  constructor({ model, el, signal }) {
    this.#connection = new Connection({
      model,
      signal,
      onRetry: () => void this.#load(),
      onEvent: (event) => {
        if (event.event === "job") this.#hear(event.job);
      },
    });
    this.#tiles = new Tiles({ onChoose: (channel) => void this.#open(channel), onPage: (by) => this.#turn(by), signal });
    this.#back = button("‹", () => this.#turn(-1), { class: "bw-button bw-square", "aria-label": "Previous channels" });
    this.#next = button("›", () => this.#turn(1), { class: "bw-button bw-square", "aria-label": "Next channels" });
    this.#stop = button("Stop", () => {
      this.#stop.disabled = true;
      void this.#connection.attempt("stop", {});
    });
    this.#again = button("Look again", () => void this.#connection.attempt("look", {}));
    this.#layer.addEventListener("change", () => this.#choose(), { signal });
    this.#show.addEventListener("change", () => void this.#page(), { signal });
    const bar = h("div", { class: "bw-layers-bar", role: "toolbar", "aria-label": "Layers" }, this.#layer, this.#show, this.#back, this.#pages, this.#next, this.#bar, this.#where, this.#stop, this.#again);
    this.#root = h("div", { class: "bw-root bw-layers" }, bar, this.#connection.element, this.#connection.message, this.#note, h("div", { class: "bw-layers-main" }, this.#tiles.element, this.#full));
    this.#root.style.height = `${model.get("height")}px`;
    this.#refresh = rove(bar, signal);
    followTheme(this.#root, signal);
    keepSave(this.#root, signal);
    keepFocus(this.#root, signal, () => this.#tiles.focus());
    signal.addEventListener("abort", () => this.#root.remove());
    el.append(this.#root);
    void this.#load();
  }

  /** The layer that is shown. @returns {LayerInfo|undefined} */
  get #now() {
    return this.#known?.layers[this.#layer.selectedIndex];
  }

  async #load() {
    const answer = await this.#connection.attempt("layers", {});
    if (!answer) return;
    const before = this.#now?.name;
    this.#known = answer.result;
    const { layers, job, note } = answer.result;
    this.#layer.replaceChildren(...layers.map((layer) => h("option", { value: layer.name, text: layerWords(layer) })));
    this.#layer.value = before ?? layers[0]?.name ?? "";
    say(this.#note, layers.length || job.error ? note : NO_LAYERS);
    this.#progress(job);
    if (layers.length) await this.#page();
    this.#root.dataset.ready = "true";
  }

  /** @param {JobState} job */
  #hear(job) {
    const was = this.#running;
    this.#progress(job);
    const ended = was && !this.#running;
    const known = Boolean(this.#known?.layers.length);
    if (ended || (!known && job.phases.length > 1)) void this.#load();
    else if (known && this.#running && !document.hidden && Date.now() - this.#drawn > AGAIN) void this.#page();
    if (ended && this.#channel >= 0 && known) void this.#open(this.#channel);
  }

  /** @param {JobState} job */
  #progress({ state, phases, seconds_left, error }) {
    this.#running = state === "running" || state === "stopping";
    const now = phases.find((phase) => phase.state === "running");
    const share = now?.total ? now.done / now.total : 0;
    say(this.#where, this.#running && now ? [`${now.name} ${now.total ? `${whole(now.done)} of ${whole(now.total)}` : ""}`, timeLeft(seconds_left)].filter(Boolean).join(" · ") : "");
    this.#bar.hidden = !this.#running;
    this.#fill.style.width = `${100 * share}%`;
    attribute(this.#bar, "aria-valuenow", Math.round(100 * share));
    this.#stop.hidden = !this.#running;
    this.#stop.disabled = state === "stopping";
    this.#again.hidden = state !== "stopped" && state !== "failed";
    this.#connection.note = error ?? "";
    this.#connection.tell(this.#connection.note);
    this.#refresh();
  }

  #choose() {
    [this.#start, this.#channel] = [0, -1];
    this.#full.hidden = true;
    this.#tiles.choose(-1);
    void this.#page();
  }

  /** @param {number} by */
  #turn(by) {
    const channels = this.#now?.channels ?? 0;
    this.#start = pageOf(this.#start + by * PAGE, channels, PAGE);
    void this.#page();
  }

  /** What can be shown of this layer. @param {LayerInfo} layer */
  #offer({ kernels }) {
    const before = this.#show.value || "patches";
    const names = ["patches", ...(kernels ? ["kernels"] : []), ...(this.#image ? ["maps"] : [])];
    this.#show.replaceChildren(...names.map((name) => h("option", { value: name, text: SHOWS[/** @type {keyof SHOWS} */ (name)] + (name === "maps" ? ` ${this.#image?.path}` : "") })));
    this.#show.value = names.includes(before) ? before : "patches";
  }

  async #page() {
    const layer = this.#now;
    if (!layer) return;
    this.#offer(layer);
    const asked = (this.#asked += 1);
    this.#drawn = Date.now();
    const show = /** @type {"patches"|"kernels"|"maps"} */ (this.#show.value);
    const answer = await this.#connection.attempt("channels", { layer: layer.name, start: this.#start, stop: this.#start + PAGE, show, image: show === "maps" ? (this.#image?.id ?? null) : null });
    if (!answer || asked !== this.#asked) return;
    const { channels } = answer.result;
    const type = show === "patches" ? "image/jpeg" : "image/png";
    const urls = channels.map(({ buffer }) => (buffer === null ? null : dataUrl(answer.buffers[buffer], type)));
    this.#tiles.show(channels, urls, show !== "patches");
    say(this.#pages, shown(this.#start, layer.channels, PAGE));
    this.#back.disabled = this.#start === 0;
    this.#next.disabled = this.#start + PAGE >= layer.channels;
    this.#root.dataset.shown = `${layer.name} ${this.#start} ${show}`;
    this.#refresh();
  }

  /** Shows one channel in full. @param {number} channel */
  async #open(channel) {
    const layer = this.#now;
    if (!layer) return;
    this.#channel = channel;
    this.#tiles.choose(channel);
    const answer = await this.#connection.attempt("channel", { layer: layer.name, channel });
    if (!answer || channel !== this.#channel || layer !== this.#now) return;
    this.#full.replaceChildren(...this.#channelParts(answer.result, answer.buffers));
    this.#full.hidden = false;
    attribute(this.#full, "aria-label", `Channel ${channel}`);
  }

  /** @param {ChannelReply} channel @param {Buffer[]} buffers */
  #channelParts({ layer, channel, patches }, buffers) {
    const size = this.#known?.size ?? 1;
    const close = button("✕", () => {
      this.#full.hidden = true;
      this.#channel = -1;
      this.#tiles.focus();
    }, { class: "bw-button bw-square", "aria-label": "Close the channel" });
    const head = h("div", { class: "bw-channel-head" }, h("h2", { text: `${layer}, channel ${channel}` }), close);
    const parts = patches.map(({ id, path, label, value, box, center: [x, y] }, number) => {
      const [patch, image] = [0, 1].map((which) => dataUrl(buffers[2 * number + which], "image/jpeg"));
      const frame = h("i", { class: "bw-frame" });
      Object.assign(frame.style, place(box, size));
      const dot = h("i", { class: "bw-dot" });
      Object.assign(dot.style, { left: `${(100 * x) / size}%`, top: `${(100 * y) / size}%` });
      const words = `x ${box[0]}–${box[2]}, y ${box[1]}–${box[3]}`;
      const maps = button("Maps", () => this.#mapsOf({ id, path }), { class: "bw-link", title: "What this layer gives for this image", "aria-label": `Maps of ${path}` });
      return h(
        "li",
        {},
        h("img", { src: patch, alt: `patch of ${path}` }),
        h("span", { class: "bw-whole" }, h("img", { src: image, alt: `${path}, whole` }), frame, dot),
        h("span", { class: "bw-patch-words" }, h("bdi", { class: "bw-cut", text: path, title: path }), h("span", { class: "bw-hint", text: `${label} · ${value.toPrecision(3)}` }), h("span", { class: "bw-hint", text: words }), maps),
      );
    });
    return [head, patches.length ? h("ol", { class: "bw-patches" }, ...parts) : h("p", { class: "bw-hint", text: "No image was looked at yet." })];
  }

  /** @param {{id: string, path: string}} image */
  #mapsOf(image) {
    this.#image = image;
    const layer = this.#now;
    if (!layer) return;
    this.#offer(layer);
    this.#show.value = "maps";
    void this.#page();
  }
}

export default widget((context) => new LayersView(context));
