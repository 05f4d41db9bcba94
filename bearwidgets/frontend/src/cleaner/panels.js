// Everything that opens over or beside the grid.
import { applyDialog, keyTable, openDialog, rollbackDialog } from "./dialogs.js";
import { isMac } from "../shared/dom.js";
import { Drawer } from "./drawer.js";
import { JobPanel } from "./job.js";
import { choices, openMenu } from "../shared/menu.js";
import { only, targets } from "../grid/selection.js";
import { count } from "../shared/ranges.js";
import { Zoom } from "./zoom.js";
/** @typedef {import("../shared/types.js").Item} Item */

export class Panels {
  #view;
  #signal;
  zoom;
  drawer;
  job;

  /** @param {import("./view.js").CleanerView} view @param {AbortSignal} signal */
  constructor(view, signal) {
    this.#view = view;
    this.#signal = signal;
    this.zoom = new Zoom(view, signal);
    this.drawer = new Drawer({
      connection: view.connection,
      onLocate: (id) => void view.acts.locate(id),
      onWithdraw: (id) => void view.acts.withdraw(id),
      onError: (error) => view.complain(error),
      onClose: () => view.grid.focus(),
    });
    this.job = new JobPanel({
      onStop: () => view.connection.ask("stop").catch((error) => view.complain(error)),
    });
  }

  /** @param {import("../shared/types.js").State} state */
  show(state) {
    this.drawer.show(state);
    this.job.show(state.job);
  }

  end() {
    this.zoom.end();
  }

  help() {
    const { root, grid } = this.#view;
    openDialog({ root, title: "Keys", body: keyTable(isMac(root.ownerDocument)), onClose: () => grid.focus(), kind: "bw-help" });
  }

  async apply() {
    await this.#open(applyDialog, () => void this.rollback());
  }

  async rollback() {
    await this.#open(rollbackDialog, () => {});
  }

  /** @param {number} index @param {HTMLElement} anchor */
  menuForTile(index, anchor) {
    const { grid, store, acts, root } = this.#view;
    grid.select(only(index), { show: false });
    this.menu(anchor, store.item(index), root, {
      onChoice: (choice) => void acts.markSelected(choice.action, choice.label),
      onClose: () => grid.focus(),
    });
  }

  /** @param {HTMLElement} anchor */
  menuForSelection(anchor) {
    const { grid, acts, root } = this.#view;
    this.menu(anchor, null, root, {
      onChoice: (choice) => void acts.markSelected(choice.action, choice.label),
      onClose: () => grid.focus(),
    });
  }

  /** By key: for the active tile, or for all that are selected. */
  menuForKeys() {
    const { grid, store } = this.#view;
    const cell = grid.cell(grid.selection.active);
    const anchor = cell?.querySelector(".bw-decide") ?? cell;
    if (!(anchor instanceof HTMLElement)) return;
    if (count(targets(grid.selection, store.total)) > 1) this.menuForSelection(anchor);
    else this.menuForTile(grid.selection.active, anchor);
  }

  /**
   * @param {HTMLElement} anchor
   * @param {Item|null} item null: several
   * @param {HTMLElement} host
   * @param {{onChoice: (choice: import("../shared/menu.js").Choice) => void, onClose: () => void}} options
   */
  menu(anchor, item, host, { onChoice, onClose }) {
    const { state, root } = this.#view;
    if (!state) return;
    const { suggested = null, second = null, label = null } = item ?? {};
    const all = choices(state.classes, { suggested, second, label, marked: !item || item.decision !== null });
    // Two widgets in one page must not share element ids.
    const id = `bw-options-${[...root.ownerDocument.querySelectorAll(".bw-root")].indexOf(root)}`;
    openMenu({ anchor, host, all, onChoice, onClose, signal: this.#signal, id });
  }

  /**
   * @param {(options: {root: HTMLElement, connection: import("../shared/connection.js").Connection,
   *   onState: (state: import("../shared/types.js").State) => void, onRollback: () => void, onClose: () => void}) => Promise<void>} show
   * @param {() => void} onRollback
   */
  async #open(show, onRollback) {
    const view = this.#view;
    const onState = (/** @type {import("../shared/types.js").State} */ state) => {
      view.store.touchIds(null);
      view.setState(state);
      view.draw();
    };
    try {
      await show({ root: view.root, connection: view.connection, onState, onRollback, onClose: () => view.grid.focus() });
    } catch (error) {
      view.complain(error);
    }
  }
}
