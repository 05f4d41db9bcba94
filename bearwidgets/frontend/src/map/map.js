// Entry point of the ImageMap widget.
import { h, keepSave, say } from "../shared/dom.js";
import { bytes } from "../grid/imagecache.js";
import { Connection } from "../shared/connection.js";
import { keepFocus } from "../shared/focus.js";
import { counted, whole } from "../shared/format.js";
import { openGridBelow } from "../shared/gridbelow.js";
import { followTheme } from "../shared/theme.js";
import { widget } from "../shared/widget.js";
import { CLASSES, coloringOf } from "./colors.js";
import { Controls } from "./controls.js";
import { followGestures } from "./gestures.js";
import { MapItems } from "./items.js";
import { mapKey } from "./keys.js";
import { Look } from "./look.js";
import { combined, countOf, marksOf, rangesOf } from "./marks.js";
import { pointsIn, thinned } from "./pick.js";
import { Places } from "./places.js";
import { Stage, themeOf } from "./stage.js";
/** @import { Buffer, KernelEvent, MapColorReply, MapReply, Model, Ops } from "../shared/types.js" */
/** @import { Entry } from "./colors.js" */
/** @import { How, Place, Tool } from "./gestures.js" */
/** @import { Act } from "./keys.js" */

const HELP = "Drag to move, wheel to zoom, click an image to see it with its neighbors. Shift adds to a selection, Alt takes away.";
/** Longest side of the images that are asked for, px. */
const PX = 160;
/** Decisions come one after the other: so long is waited for the next, ms. */
const CALM = 400;

class MapView {
  #controls;
  #progress = h("div", { class: "bw-map-progress", role: "status" });
  #table = h("table", { class: "bw-sr" });
  #element = h("div", {
    class: "bw-map-stage",
    tabindex: 0,
    role: "application",
    "aria-label": "Map of the images",
    "aria-description": "Arrow keys go to the nearest image in a direction, Enter shows it with its neighbors, Space selects it.",
  });
  #root = h("div", { class: "bw-root bw-map" });
  #connection;
  #items;
  #stage;
  #places;
  #look;
  #signal;
  /** @type {Tool} */
  #tool = "move";
  /** @type {MapReply|null} */
  #map = null;
  /** @type {{reply: MapColorReply, values: Int32Array|Float32Array}|null} */
  #colored = null;
  /** @type {Uint8Array} */
  #marks = new Uint8Array(0);
  /** What another view shows. @type {{marks: Uint8Array, where: string}|null} */
  #shown = null;
  /** @type {any} */
  #calm = null;
  /** @type {(() => unknown)|null} opens the grid below, once */
  #openGrid;

  /** @param {{model: Model, el: HTMLElement, signal: AbortSignal}} context */
  constructor(context) {
    const { model, el, signal } = context;
    this.#signal = signal;
    this.#connection = new Connection({ model, signal, onRetry: () => void this.#load(), onEvent: (event) => this.#hear(event) });
    this.#items = new MapItems({
      ask: (numbers) => this.#connection.ask("map_items", { revision: this.#revision, numbers, px: PX }),
      onArrival: () => {
        this.#look.show();
        this.#stage.draw(false);
      },
    });
    const stage = (this.#stage = new Stage(this.#element, this.#items, signal));
    this.#places = new Places(stage, (share) => this.#settling(share));
    this.#look = new Look({
      stage,
      items: this.#items,
      neighbors: (point) => this.#places.neighbors(point),
      value: (point) => this.#valueOf(point),
      alike: (point) => this.#alike(point),
      selected: (point) => this.#marks[point] === 1,
    });
    stage.onDrawn = () => this.#look.place();
    this.#controls = new Controls({
      signal,
      onColor: (name) => void this.#loadColors(name),
      onTool: (tool) => this.#choose(tool),
      onFit: () => this.#fitAll(),
      onSpace: () => this.#turnSpace(),
      onClear: () => this.#selectNothing(),
      onFind: (text, final) => this.#find(text, final),
      onPoint: (entry) => stage.setMarks(entry ? this.#of(entry.codes) : this.#strong),
      onEntry: (entry) => this.#select(this.#of(entry.codes)),
    });
    this.#element.append(this.#look.tip, this.#progress);
    this.#root.style.height = `${model.get("map_height")}px`;
    this.#root.append(this.#controls.element, this.#connection.element, this.#connection.message, this.#element, h("div", { class: "bw-map-help bw-hint", text: HELP }), this.#look.live, this.#table);
    this.#choose("move");
    this.#listen(signal);
    el.append(this.#root);
    this.#openGrid = () => openGridBelow(() => this.#ask("module", {}), context);
    void this.#load();
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    const root = this.#root;
    followTheme(root, signal);
    keepSave(root, signal);
    keepFocus(root, signal, () => this.#element.focus({ preventScroll: true }));
    const themed = new MutationObserver(() => this.#paintColors());
    themed.observe(root, { attributeFilter: ["class"] });
    signal.addEventListener("abort", () => {
      themed.disconnect();
      clearTimeout(this.#calm);
      this.#places.end();
      this.#items.clear();
      root.remove();
    });
    this.#element.addEventListener("keydown", (event) => this.#key(event), { signal });
    const hover = (/** @type {Place|null} */ at) => void this.#element.classList.toggle("bw-map-over", this.#look.hover(at));
    this.#element.addEventListener("blur", () => this.#look.activate(-1), { signal });
    followGestures(this.#element, signal, {
      tool: () => this.#tool,
      move: (dx, dy, aside) => {
        const { camera, unit } = this.#stage;
        if (camera.dims === 3 && !aside) camera.turn(dx * unit, dy * unit);
        else camera.pan(dx * unit, dy * unit);
        this.#stage.draw();
      },
      zoom: (factor, [x, y]) => this.#zoom(factor, x, y),
      draw: (shape, how) => this.#draw(shape, how),
      drawn: (shape, how) => this.#drawn(shape, how),
      click: (at, how) => this.#click(at, how),
      hover,
    });
  }

  get #revision() {
    return this.#map?.revision ?? 0;
  }

  // ---------------------------------------------------------------- from Python

  /**
   * @template {"map"|"map_pairs"|"map_color"|"map_select"|"map_open"|"map_link"|"module"} K
   * @param {K} op @param {Ops[K]["request"]} args
   * @returns {Promise<{result: Ops[K]["reply"], buffers: Buffer[]}|null>} null: it was said what went wrong
   */
  async #ask(op, args) {
    const answer = await this.#connection.attempt(op, args);
    return this.#signal.aborted ? null : answer;
  }

  /** @param {KernelEvent} event */
  #hear(event) {
    if (event.event === "link" && event.by !== this.#connection.page) void this.#link();
    if (event.event !== "map") return;
    if (event.what === "points") void this.#load();
    else if (event.what === "pairs") void this.#loadPairs();
    else {
      this.#items.age();
      clearTimeout(this.#calm);
      this.#calm = setTimeout(() => void this.#loadColors(), CALM);
    }
  }

  async #load() {
    const answer = await this.#ask("map", {});
    if (!answer) return;
    const map = (this.#map = answer.result);
    const data = bytes(answer.buffers[0]);
    this.#items.clear();
    this.#places.begin(new Float32Array(data.slice().buffer));
    await this.#loadColors();
    this.#showMarks(marksOf(map.selected, this.#places.n));
    this.#connection.note = map.note;
    this.#connection.tell(map.note);
    if (map.grid) this.#openGrid?.();
    this.#openGrid = null;
    this.#root.dataset.ready = "true";
    await this.#loadPairs();
  }

  async #loadPairs() {
    const answer = await this.#ask("map_pairs", {});
    if (!answer || answer.result.revision !== this.#revision) return;
    const { ready, near, note } = answer.result;
    say(this.#progress, ready ? note : "Looking for neighbors…");
    if (!ready || !near || this.#places.going) return;
    const [nearest, mid, far] = answer.buffers.map((buffer) => new Int32Array(bytes(buffer).slice().buffer));
    this.#places.setPairs({ near: nearest, mid, far }, near);
  }

  /** @param {string} [name] */
  async #loadColors(name = this.#controls.color) {
    const answer = await this.#ask("map_color", { revision: this.#revision, name });
    if (!answer) return;
    const { coloring, colorings } = answer.result;
    const { buffer } = bytes(answer.buffers[0]).slice();
    this.#colored = { reply: answer.result, values: coloring.scale ? new Float32Array(buffer) : new Int32Array(buffer) };
    this.#controls.setColorings(colorings, coloring.name);
    this.#paintColors();
  }

  #paintColors() {
    if (!this.#colored) return;
    const { reply, values } = this.#colored;
    const { theme, ...colors } = themeOf(this.#root);
    const coloring = coloringOf(reply, values, theme);
    this.#stage.setColoring(coloring, colors);
    this.#controls.setLegend(coloring, coloring.entries.some(({ codes }) => codes.length > 1));
    this.#fillTable(coloring.entries);
    this.#look.show();
  }

  /** The points of some classes. @param {number[]} codes */
  #of(codes) {
    const wanted = new Set(codes);
    return Uint8Array.from(this.#colored?.values ?? [], (value) => Number(wanted.has(value)));
  }

  /** The points of the classes whose name has a text in it stand out, or are selected. @param {string} text @param {boolean} final */
  #find(text, final) {
    const names = this.#colored?.reply.names ?? [];
    const found = names.flatMap((name, code) => (name.toLowerCase().includes(text.toLowerCase()) ? [code] : []));
    if (!text || !found.length) this.#stage.setMarks(this.#strong);
    else if (final) this.#select(this.#of(found));
    else this.#stage.setMarks(this.#of(found));
    return found.length > 0;
  }

  /** @param {Entry[]} entries */
  #fillTable(entries) {
    const title = this.#colored?.reply.coloring.title ?? "";
    const rows = entries.map(({ name, count }) => h("tr", {}, h("th", { scope: "row", text: name }), h("td", { text: whole(count) })));
    this.#table.replaceChildren(h("caption", { text: `Images by ${title}` }), h("tbody", {}, ...rows));
  }

  // ---------------------------------------------------------------- where points are

  /** @param {number} share */
  #settling(share) {
    const { dims } = this.#stage.camera;
    if (share >= 0) say(this.#progress, share < 1 ? `Settling ${Math.floor(share * 100)} %` : "");
    if (share === 1) this.#root.dataset.settled = String(dims);
    else delete this.#root.dataset.settled;
  }

  #turnSpace() {
    const { camera } = this.#stage;
    camera.dims = camera.dims === 2 ? 3 : 2;
    this.#controls.setDims(camera.dims);
    this.#places.settle();
  }

  #fitAll() {
    this.#stage.camera.fit();
    this.#stage.draw();
  }

  /** @param {number} factor @param {number} [x] px of the page @param {number} [y] */
  #zoom(factor, x, y) {
    const { camera, unit } = this.#stage;
    if (x === undefined || y === undefined) camera.zoomAt(factor);
    else camera.zoomAt(factor, x * unit, y * unit);
    this.#stage.draw();
  }

  // ---------------------------------------------------------------- selection

  /** @param {Tool} tool */
  #choose(tool) {
    this.#tool = tool;
    this.#controls.setTool(tool);
    this.#element.classList.toggle("bw-map-draws", tool !== "move");
  }

  /** @param {Place[]|null} shape @param {How} how */
  #draw(shape, how) {
    this.#stage.shape = shape && this.#inDevice(shape);
    this.#stage.takes = how === "take";
    this.#stage.draw(false);
  }

  /** @param {Place[]} shape @param {How} how */
  #drawn(shape, how) {
    this.#draw(null, how);
    this.#select(combined(this.#marks, pointsIn(this.#stage.screen, thinned(this.#inDevice(shape), 2)), how));
  }

  /** @param {Place[]} shape @returns {Place[]} */
  #inDevice(shape) {
    return shape.map(([x, y]) => [x * this.#stage.unit, y * this.#stage.unit]);
  }

  /** @param {Place} at @param {How} how */
  #click(at, how) {
    const point = this.#look.at(at);
    if (point < 0) return;
    this.#look.activate(point);
    if (how === "new") this.#open(point);
    else this.#select(combined(this.#marks, this.#only(point), how));
  }

  /** @param {number} point */
  #only(point) {
    return Uint8Array.from(this.#marks, (_, i) => Number(i === point));
  }

  /** @param {number} point */
  #open(point) {
    this.#showMarks(this.#only(point));
    void this.#ask("map_open", { revision: this.#revision, number: point, by: this.#connection.page });
  }

  #selectNothing() {
    this.#select(new Uint8Array(this.#places.n));
  }

  /** @param {Uint8Array} marks */
  #select(marks) {
    this.#showMarks(marks);
    void this.#ask("map_select", { revision: this.#revision, ranges: rangesOf(marks), by: this.#connection.page });
  }

  /** Another view has selected something, or shows some of the images. */
  async #link() {
    const answer = await this.#ask("map_link", {});
    if (!answer || answer.result.revision !== this.#revision) return;
    const { selected, shown, where } = answer.result;
    this.#shown = shown.length ? { marks: marksOf(shown, this.#places.n), where } : null;
    this.#showMarks(marksOf(selected, this.#places.n));
  }

  /** @param {Uint8Array} marks */
  #showMarks(marks) {
    this.#marks = marks;
    const n = countOf(marks);
    this.#stage.setMarks(this.#strong);
    const elsewhere = this.#shown ? ` · ${whole(countOf(this.#shown.marks))} shown in ${this.#shown.where}` : "";
    this.#controls.setWords(`${counted(this.#places.n, "image")} by ${this.#map?.by ?? ""}${n ? ` · ${whole(n)} selected` : elsewhere}`, n > 0);
  }

  get #strong() {
    return this.#marks.includes(1) ? this.#marks : (this.#shown?.marks ?? null);
  }

  // ---------------------------------------------------------------- the image that is looked at

  /** @param {number} point */
  #valueOf(point) {
    const { reply, values } = this.#colored ?? {};
    const value = reply?.coloring.scale ? (values?.[point] ?? NaN) : NaN;
    return Number.isNaN(value) ? "" : `${reply?.coloring.title}: ${value.toPrecision(3)}`;
  }

  /** With more classes than colors, those of the class of a point stand out. @param {number} point */
  #alike(point) {
    const { reply, values } = this.#colored ?? {};
    return values && (reply?.names.length ?? 0) > CLASSES.light.length ? (/** @type {number} */ i) => values[i] === values[point] : null;
  }

  // ---------------------------------------------------------------- keys

  /** @param {KeyboardEvent} event */
  #key(event) {
    const act = mapKey(event);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    this.#act(act, this.#look.active);
  }

  /** @param {Act} act @param {number} point -1 for none */
  #act(act, point) {
    const { screen, unit } = this.#stage;
    if (act.kind === "go") this.#look.go(act.right, act.down);
    else if (act.kind === "zoom") this.#zoom(act.factor, ...(point < 0 ? [] : [screen.x[point] / unit, screen.y[point] / unit]));
    else if (act.kind === "tool") this.#choose(act.tool);
    else if (act.kind === "fit") this.#fitAll();
    else if (act.kind === "space") this.#turnSpace();
    else if (act.kind === "nothing") this.#strong ? this.#selectNothing() : this.#look.activate(-1);
    else if (point >= 0 && act.kind === "open") this.#open(point);
    else if (point >= 0) this.#select(combined(this.#marks, this.#only(point), this.#marks[point] ? "take" : "add"));
  }
}

export default widget((context) => new MapView(context));
