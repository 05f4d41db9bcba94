// The Cleaner view: wires synced state, grid, panels and Python together.
import { Acts } from "./acts.js";
import { Connection } from "../shared/connection.js";
import { h, isMac, keepSave } from "../shared/dom.js";
import { Empty } from "./empty.js";
import { Dock, Footer } from "./footer.js";
import { Grid } from "../grid/grid.js";
import { command } from "./keymap.js";
import { Pictures } from "../grid/pictures.js";
import { NoAnswer } from "../shared/requests.js";
import { Seen } from "../grid/seen.js";
import { nothing, only, size } from "../grid/selection.js";
import { Store } from "./store.js";
import { followTheme } from "../shared/theme.js";
import { noFilter, Toolbar } from "./toolbar.js";
import { Panels } from "./panels.js";
/** @typedef {import("../shared/types.js").State} State */
/** @typedef {import("../shared/types.js").ViewSpec} ViewSpec */
/** @typedef {import("../shared/types.js").Range} Range */

/** Commands that work wherever the focus is. */
const EVERYWHERE = new Set(["undo", "redo", "help", "search", "escape", "queues"]);

export class CleanerView {
  #model;
  #signal;
  store = new Store();
  connection;
  pictures;
  grid;
  dock;
  acts;
  panels;
  root = h("div", { class: "bw-root bw-cleaner" });
  #toolbar;
  #footer;
  #empty;
  #seen;
  /** @type {{drawn: Range, sight: Range}} */
  #window = { drawn: [0, 0], sight: [0, 0] };

  /** @param {{model: import("../shared/types.js").Model, el: HTMLElement, signal: AbortSignal}} context */
  constructor({ model, el, signal }) {
    this.#model = model;
    this.#signal = signal;
    this.connection = new Connection({
      model,
      signal,
      onRetry: () => void this.resync(),
      onEvent: (event) => void this.#heard(event),
    });
    this.pictures = new Pictures({
      store: this.store,
      connection: this.connection,
      onArrival: () => this.draw(),
      onNewer: () => this.askState(),
    });
    this.#seen = new Seen((ranges) => void this.#tellSeen(ranges));
    this.acts = new Acts(this);
    this.panels = new Panels(this, signal);
    this.grid = new Grid({
      signal,
      read: (index) => this.pictures.read(index),
      onWindow: (drawn, sight, half) => this.#onWindow(drawn, sight, half),
      onSelect: (selection) => {
        this.dock.showSelected(size(selection));
        this.#explain();
      },
      onZoom: (index) => this.panels.zoom.open(index),
      onMenu: (index, anchor) => this.panels.menuForTile(index, anchor),
      onSettle: (index) => {
        this.grid.select(only(index), { focus: true });
        void this.acts.settle(false);
      },
    });
    this.#toolbar = new Toolbar({
      signal,
      onView: (view) => void this.setView(view),
      onQueue: (view) => void this.setView(view).then(() => this.grid.focus()),
      onSize: (px, final) => this.#resize(px, final),
      onDeed: (deed) => this.#deed(deed),
    });
    this.#footer = new Footer({
      onClass: (label) => void this.#setFilter({ label }),
      onHelp: () => this.panels.help(),
    });
    this.dock = new Dock({
      signal,
      onMark: (action) => {
        this.grid.focus();
        void this.acts.markSelected(action, null);
      },
      onRelabel: (anchor) => this.panels.menuForSelection(anchor),
      onGone: () => this.grid.focus(),
      onNone: () => this.grid.select(nothing(this.grid.selection.active), { focus: true, show: false }),
    });
    this.#empty = new Empty(() => void this.clearFilters());
    this.#build(el);
    this.#follow();
    void this.resync();
  }

  get state() {
    return this.store.state;
  }

  /** Asks Python for everything anew: at the start, after Retry, after a silence. */
  async resync() {
    this.store.touchIds(null);
    await this.askState();
    this.pictures.retry();
    this.draw();
  }

  async askState() {
    try {
      const { result } = await this.connection.ask("hello");
      this.setState(result.state);
      this.root.dataset.ready = "true";
    } catch (error) {
      // Without an answer the connection says so, with a Retry button.
      if (!(error instanceof NoAnswer)) this.connection.warn(String(/** @type {Error} */ (error).message));
    }
  }

  /** @param {State} state */
  setState(state) {
    const moved = this.store.setState(state);
    const now = this.store.state;
    if (!now) return;
    if (moved) {
      this.pictures.restart();
      this.#seen.restart();
    }
    this.#toolbar.show(now);
    this.#footer.show(now);
    this.#empty.show(now);
    this.panels.show(now);
    this.grid.setTotal(now.total, moved, now.runs);
    this.root.dataset.revision = String(now.revision);
  }

  /** Shows items and decisions as they are known now. */
  draw() {
    this.grid.render();
    this.#explain();
    this.panels.zoom.refresh();
  }

  #explain() {
    this.#footer.explain(this.state?.total ? this.pictures.read(this.grid.selection.active).item : null);
  }

  /** @param {ViewSpec} view */
  async setView(view) {
    try {
      const { result } = await this.connection.ask("view", view);
      this.setState(result.state);
    } catch (error) {
      this.complain(error);
      if (this.state) this.#toolbar.show(this.state);
    }
  }

  clearFilters() {
    return this.#setFilter(noFilter());
  }

  /** Leaves the queue and clears the filters. */
  async showAll() {
    const { state } = this;
    if (state) await this.setView({ filter: noFilter(), sort: state.can.scores ? "label_issue" : "path", descending: state.can.scores, queue: null });
  }

  /** @param {unknown} error shown as Python said it */
  complain(error) {
    this.dock.toast(error instanceof Error ? error.message : String(error), null, true);
  }

  /** @param {Partial<import("../shared/types.js").Filter>} change */
  async #setFilter(change) {
    const { state } = this;
    if (state) await this.setView({ ...state.view, filter: { ...state.view.filter, ...change } });
  }

  /** @param {HTMLElement} el */
  #build(el) {
    const main = h("div", { class: "bw-main" }, this.grid.element, this.#empty.element, this.panels.drawer.element, this.dock.element);
    this.root.append(
      h("style", { text: VIEW_CSS }),
      this.#toolbar.element,
      this.connection.element,
      this.panels.job.element,
      main,
      this.#footer.element,
    );
    followTheme(this.root, this.#signal);
    this.#signal.addEventListener("abort", () => {
      this.#seen.end();
      this.pictures.end();
      this.panels.end();
      this.root.remove();
    });
    this.root.addEventListener("keydown", (event) => this.#key(event), { signal: this.#signal });
    keepSave(this.root, this.#signal);
    el.append(this.root);
  }

  #follow() {
    const sized = () => {
      const px = this.#model.get("px") || 160;
      this.#toolbar.setSize(px);
      this.pictures.setSize(px);
      this.grid.setSize(px);
    };
    const heightened = () => (this.root.style.height = `${this.#model.get("height") || 640}px`);
    this.#model.on("change:px", sized);
    this.#model.on("change:height", heightened);
    this.#signal.addEventListener("abort", () => {
      this.#model.off("change:px", sized);
      this.#model.off("change:height", heightened);
    });
    heightened();
    sized();
  }

  /** @param {Range} drawn @param {Range} sight @param {Range} half */
  #onWindow(drawn, sight, half) {
    this.#window = { drawn, sight };
    this.pictures.want(sight, drawn);
    /** @type {Range[]} */
    const looked = [];
    for (let index = half[0]; index < half[1]; index++) {
      const { item, url } = this.pictures.read(index);
      if (item && (url || item.error)) looked.push([index, index + 1]);
    }
    this.#seen.look(looked);
  }

  /** @param {Range[]} ranges */
  async #tellSeen(ranges) {
    try {
      const { result } = await this.connection.ask("seen", { ranges, revision: this.store.revision });
      this.setState(result.state);
    } catch {
      // Only the count of seen items is behind; the connection shows a dead kernel.
    }
  }

  /** @param {number} px @param {boolean} final */
  #resize(px, final) {
    this.grid.setSize(px);
    if (!final) return;
    this.pictures.setSize(px);
    this.pictures.want(this.#window.sight, this.#window.drawn);
    this.#model.set("px", px);
    this.#model.save_changes();
  }

  /** @param {any} event */
  async #heard(event) {
    if (event.event === "state") this.setState(event.state);
    else if (event.event === "items") this.store.touchIds(event.ids);
    else if (event.event === "job" && this.state) this.setState({ ...this.state, job: event.job });
    else if (event.event === "scroll") this.acts.goTo(event.index, false);
    this.draw();
  }

  /** @param {import("./toolbar.js").Deed} deed */
  #deed(deed) {
    const { panels, acts } = this;
    if (deed === "undo" || deed === "redo") void acts.step(deed);
    else if (deed === "refresh") {
      if (this.state) void this.setView(this.state.view);
    } else if (deed === "retrain") void acts.retrain();
    else if (deed === "pending") panels.drawer.toggle();
    else if (deed === "apply") void panels.apply();
    else if (deed === "rollback") void panels.rollback();
    else panels.help();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const onCell = event.target === this.grid.cell(this.grid.selection.active);
    const typing = event.target instanceof Element && event.target.matches("input, select");
    if (typing || event.isComposing) return;
    const found = command(event, isMac(this.root.ownerDocument));
    // Elsewhere than on a tile, Enter, Space and arrows belong to the button that has the focus.
    if (!found || (!onCell && !EVERYWHERE.has(found.kind))) return;
    event.preventDefault();
    event.stopPropagation();
    this.#run(found);
  }

  /** @param {import("./keymap.js").Command} found */
  #run(found) {
    const { grid, acts, panels } = this;
    switch (found.kind) {
      case "move":
        return grid.move(found);
      case "mark":
        return void acts.markSelected(found.action, null);
      case "class":
        return acts.relabelByNumber(found.index);
      case "settle":
        return void acts.settle(found.keepers);
      case "queues":
        if (!this.#toolbar.queues.focus()) this.dock.toast("There are no queues: give the Cleaner issues=bw.find_issues(…).");
        return;
      case "undo":
      case "redo":
        return void acts.step(found.kind);
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
        return grid.select(nothing(grid.selection.active), { show: false });
      case "search":
        return this.#toolbar.focusSearch();
    }
  }
}
