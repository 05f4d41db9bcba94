// The Cleaner view: makes the parts, lays them out, and hands each the few functions it needs.
import { DENSE } from "../grid/geometry.js";
import { Grid } from "../grid/grid.js";
import { SeenTracker } from "../grid/seentracker.js";
import { focusOn, nothing, only, size } from "../grid/selection.js";
import { whole } from "../shared/format.js";
import { count } from "../shared/ranges.js";
import { h, isMac, keepSave, origin } from "../shared/dom.js";
import { keepFocus } from "../shared/focus.js";
import { followTheme } from "../shared/theme.js";
import { Decisions } from "./decisions.js";
import { Dock } from "./dock.js";
import { Empty } from "./empty.js";
import { Footer } from "./footer.js";
import { command, ownCommands } from "./keymap.js";
import { Panels } from "./panels.js";
import { noFilter, Session } from "./session.js";
import { Toolbar } from "./toolbar.js";
/** @import { LinkReply, Model, Range, State } from "../shared/types.js" */
/** @import { Command } from "./keymap.js" */
/** @import { Deed } from "./toolbar.js" */

/** Commands that work wherever the focus is. */
const EVERYWHERE = new Set(["undo", "redo", "help", "search", "escape", "queues", "window", "next"]);

/** Commands that decide on, or ask about, the image under the focus. */
const ON_IMAGE = new Set(["mark", "label", "class", "group", "menu", "similar", "tag", "explain"]);

/** In a view that is lower than this, px, what can be done without makes room for images. */
const LOW = 360;

/** Sides of images by key, px. */
const [SMALLEST, NORMAL, LARGEST, STEP] = [96, 176, 320, 32];

/** A Cleaner in a cell's output, until the signal ends it. */
export class CleanerView {
  #model;
  #root = h("div", { class: "bw-root bw-cleaner" });
  #session;
  #seen;
  #grid;
  #dock;
  #decisions;
  #panels;
  #toolbar;
  #footer;
  #empty;
  #keys;

  /** @param {{model: Model, el: HTMLElement, signal: AbortSignal}} context */
  constructor({ model, el, signal }) {
    this.#model = model;
    this.#session = new Session({
      model,
      signal,
      onState: (state, moved) => this.#show(state, moved),
      onChange: () => this.#draw(),
      onItems: () => this.#decisions.forgetUndo(),
      onYield: (figures) => this.#footer.showYield(figures),
      onLink: (news) => this.#follow(news),
      onError: (sentence) => this.#dock.toast(sentence, null, true),
    });
    this.#seen = new SeenTracker((ranges) => void this.#session.tellSeen(ranges));
    this.#grid = this.#makeGrid(signal);
    this.#dock = this.#makeDock(signal);
    const [session, grid, root] = [this.#session, this.#grid, this.#root];
    const toast = this.#dock.toast.bind(this.#dock);
    const speak = this.#dock.speak.bind(this.#dock);
    this.#decisions = new Decisions({ session, grid, draw: () => this.#draw(), toast, speak });
    const own = model.get("own_keys") ?? {};
    const commands = ownCommands(own);
    this.#keys = (/** @type {KeyboardEvent} */ event) => command(event, isMac(root.ownerDocument), commands);
    this.#panels = new Panels({ root, signal, session, grid, toast, decisions: this.#decisions, keys: this.#keys, own });
    this.#toolbar = new Toolbar({
      root: () => root,
      signal,
      onView: (change) => void session.setView(change),
      onFilter: (change) => void session.setFilter(change),
      filter: () => session.filter,
      onQueue: (queue) => void session.setQueue(queue).then(() => grid.focus()),
      onSize: (px, final) => this.#resize(px, final),
      onDeed: (deed) => this.#deed(deed),
      onClear: () => void session.setFilter(noFilter()),
      loadRanges: async () => (await session.attempt("ranges", {}))?.ranges ?? [],
      onSave: (name) => void session.attempt("save_view", { name }),
      onDrop: (name) => void session.attempt("drop_view", { name }),
      onClose: () => grid.focus(),
    });
    this.#footer = new Footer({
      onLabel: (label) => {
        grid.focus();
        if (this.#decisions.inSight()) void this.#decisions.markSelected("relabel", label);
      },
      onHelp: () => this.#panels.help(),
      message: this.#dock.toastElement,
      over: [this.#dock.bulk, this.#panels.job.element],
    });
    this.#empty = new Empty(() => void session.setFilter(noFilter()));
    this.#build(el, signal);
    this.#followTraits(signal);
    void session.resync();
  }

  /** @param {AbortSignal} signal */
  #makeGrid(signal) {
    return new Grid({
      signal,
      read: (index) => this.#session.images.read(index),
      onWindow: (drawn, sight, half) => this.#onWindow(drawn, sight, half),
      onSelect: (selection) => {
        this.#dock.showSelected(size(selection));
        this.#session.tellSelected(selection.ranges);
        this.#explain();
      },
      onSide: (side) => this.#session.images.setSize(side),
      onZoom: (index) => this.#panels.zoom.open(index),
      onMenu: (index, anchor) => this.#panels.menuForTile(index, anchor),
      onKeepOne: (index) => {
        this.#grid.select(only(index), { focus: true });
        void this.#decisions.resolveGroups(false);
      },
    });
  }

  /** @param {AbortSignal} signal */
  #makeDock(signal) {
    return new Dock({
      signal,
      onMark: (action) => {
        this.#grid.focus();
        void this.#decisions.markSelected(action);
      },
      onRelabel: (anchor) => this.#panels.menuForSelection(anchor),
      onGone: () => this.#grid.focus(),
      onNone: () => this.#grid.select(nothing(this.#grid.selection.active), { focus: true, show: false }),
    });
  }

  /** @param {State} state @param {boolean} moved another order */
  #show(state, moved) {
    if (moved) this.#seen.restart();
    for (const part of [this.#toolbar, this.#footer, this.#empty]) part.show(state);
    this.#panels.show(state, moved);
    this.#grid.setTotal(state.total, moved, state.runs);
    this.#root.dataset.revision = String(state.revision);
    this.#root.dataset.marked = String(state.marked);
    this.#root.dataset.ready = "true";
  }

  /** Selects what is selected in another view; what is not in sight here is said. @param {LinkReply} news */
  #follow({ ranges, selected, where, offer }) {
    const grid = this.#grid;
    const here = count(ranges);
    grid.select({ ...grid.selection, ranges, base: ranges }, { show: false });
    const show = (/** @type {"selected"|"shown"} */ what) => () => void this.#session.attempt("follow", { what }).then(() => grid.focus());
    if (offer) this.#dock.toast(offer, { text: "Show here too", run: show("shown") }, false, true);
    else if (selected > here) this.#dock.toast(`${whole(selected)} selected in ${where}, ${here ? whole(here) : "none"} of them in this view.`, { text: "Show them", run: show("selected") }, false, true);
    else if (here && !grid.sees(ranges)) this.#dock.toast(`${whole(selected)} selected in ${where}, out of sight here.`, { text: "Go there", run: () => grid.select(focusOn(grid.selection, ranges[0][0]), { focus: true }) }, false, true);
  }

  /** Shows items and decisions as they are known now. */
  #draw() {
    this.#grid.render();
    this.#explain();
    this.#panels.zoom.refresh();
  }

  #explain() {
    this.#footer.explain(this.#session.images.read(this.#grid.selection.active).item);
  }

  /** @param {HTMLElement} el @param {AbortSignal} signal */
  #build(el, signal) {
    const root = this.#root;
    const over = [this.#empty, this.#panels.drawer, this.#session.connection].map(({ element }) => element);
    root.append(
      h("style", { text: VIEW_CSS }),
      this.#toolbar.element,
      h("div", { class: "bw-main" }, this.#grid.element, ...over),
      this.#footer.element,
      this.#dock.spoken,
    );
    followTheme(root, signal);
    keepSave(root, signal);
    keepFocus(root, signal, () => this.#grid.focus());
    root.addEventListener("keydown", (event) => this.#key(event), { signal });
    signal.addEventListener("abort", () => {
      this.#seen.end();
      root.remove();
    });
    el.append(root);
  }

  /** @param {AbortSignal} signal */
  #followTraits(signal) {
    const sized = () => {
      const px = this.#model.get("px") || 160;
      this.#toolbar.filters.setSize(px);
      this.#resize(px, true);
    };
    const heightened = () => {
      const height = this.#model.get("height") || 600;
      this.#root.style.height = `${height}px`;
      this.#root.classList.toggle("bw-low", height < LOW);
    };
    // marimo runs cells again only for what a page says.
    let told = this.#model.get("changes");
    const counted = () => {
      const changes = this.#model.get("changes");
      const { host } = /** @type {ShadowRoot} */ (this.#root.getRootNode());
      if (changes === told || !host?.localName.startsWith("marimo-")) return;
      told = changes;
      this.#model.set("changes", changes);
      this.#model.save_changes();
    };
    for (const [trait, follow] of /** @type {[string, () => void][]} */ ([["change:px", sized], ["change:height", heightened], ["change:changes", counted]])) {
      this.#model.on(trait, follow);
      signal.addEventListener("abort", () => this.#model.off(trait, follow));
      follow();
    }
  }

  /** @param {Range} drawn @param {Range} sight @param {Range} half */
  #onWindow(drawn, sight, half) {
    const { images } = this.#session;
    images.want(sight, drawn);
    /** @type {Range[]} */
    const shown = [];
    for (let index = half[0]; index < half[1]; index++) {
      const { item, url } = images.read(index);
      if (item && (url || item.error)) shown.push([index, index + 1]);
    }
    this.#seen.watch(shown);
  }

  /** @param {number} px @param {boolean} final the slider was let go */
  #resize(px, final) {
    this.#grid.setSize(px);
    if (!final || px === this.#model.get("px")) return;
    this.#model.set("px", px);
    this.#model.save_changes();
  }

  /** Larger or smaller images; 0 goes between dense and normal. @param {number} step */
  #step(step) {
    const px = this.#model.get("px") || 160;
    const next = step ? px + step * STEP : px < DENSE ? NORMAL : SMALLEST;
    this.#toolbar.filters.setSize(next);
    this.#resize(Math.max(SMALLEST, Math.min(LARGEST, next)), true);
  }

  /** From similar images to what was shown before, at the same image. */
  async #back() {
    const id = this.#session.state?.view.similar;
    await this.#session.showSimilar(null);
    this.#grid.focus();
    if (id) await this.#decisions.locate(id);
  }

  /** What was found while the person was at work: the first queue, or all by how suspect they are. */
  #showReady() {
    const [first] = this.#session.state?.queues.filter(({ finding, total }) => total && !finding) ?? [];
    void this.#session.setQueue(first?.name ?? null).then(() => this.#grid.focus());
  }

  #similar() {
    const { item } = this.#session.images.read(this.#grid.selection.active);
    if (item) void this.#session.showSimilar(item.id).then(() => this.#grid.focus());
  }

  /** @param {Deed} deed */
  #deed(deed) {
    if (deed === "undo" || deed === "redo") void this.#decisions.step(deed);
    else if (deed === "retrain") void this.#session.attempt("retrain", {});
    else if (deed === "pending") this.#panels.drawer.toggle();
    else if (deed === "window") this.#fullWindow();
    else if (deed === "ready") this.#showReady();
    else if (deed === "back") void this.#back();
    else if (deed === "harmful") void this.#decisions.undoHarmful().then(() => this.#grid.focus());
    else void this.#panels[deed]();
  }

  /** The view over everything else, and back: by the browser, or within the frame where that is not allowed. */
  #fullWindow() {
    const root = this.#root;
    const document_ = root.ownerDocument;
    if (document_.fullscreenElement) return void document_.exitFullscreen();
    if (root.classList.contains("bw-window")) return root.classList.remove("bw-window");
    // Safari on a phone has no such method.
    const asked = root.requestFullscreen?.() ?? Promise.reject(new Error("not known here"));
    asked.catch(() => root.classList.add("bw-window"));
    this.#grid.focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const from = origin(event);
    const onCell = from === this.#grid.cell(this.#grid.selection.active);
    const typing = from?.matches("input, select");
    if (typing && event.key === "Escape") this.#grid.focus();
    if (typing || event.isComposing) return;
    const found = this.#keys(event);
    // Elsewhere than on a tile, Enter, Space and arrows belong to the button that has the focus.
    if (!found || (!onCell && !EVERYWHERE.has(found.kind))) return;
    event.preventDefault();
    event.stopPropagation();
    this.#run(found);
  }

  /** @param {Command} found */
  #run(found) {
    const [grid, decisions, panels] = [this.#grid, this.#decisions, this.#panels];
    if (ON_IMAGE.has(found.kind) && !decisions.inSight()) return;
    switch (found.kind) {
      case "move":
        return grid.move(found);
      case "mark":
        return void decisions.markSelected(found.action);
      case "label":
        return void decisions.markSelected("relabel", found.label);
      case "class":
        return decisions.relabelByNumber(found.index);
      case "group":
        return void decisions.resolveGroups(found.keepers);
      case "queues":
        if (!this.#toolbar.queues.open()) this.#dock.toast("There are no queues: give the Cleaner issues=bw.find_issues(…).");
        return;
      case "undo":
      case "redo":
        return void decisions.step(found.kind);
      case "all":
        return grid.selectAll();
      case "toggle":
        return grid.toggle();
      case "zoom":
        return panels.zoom.open(grid.selection.active);
      case "menu":
        return panels.menuForKeys();
      case "help":
        return panels.help();
      case "escape":
        if (this.#root.classList.contains("bw-window")) return this.#fullWindow();
        if (this.#session.state?.view.similar && size(grid.selection) < 2) return void this.#back();
        return grid.select(nothing(grid.selection.active), { focus: true, show: false });
      case "similar":
        return this.#similar();
      case "tag":
        return panels.tag();
      case "search":
        return this.#toolbar.focusSearch();
      case "window":
        return this.#fullWindow();
      case "next":
        return void decisions.nextUndecided(found.back);
      case "compare":
        return panels.zoom.open(grid.selection.active, true);
      case "explain":
        return panels.zoom.explain(grid.selection.active);
      case "size":
        return this.#step(found.step);
    }
  }
}
