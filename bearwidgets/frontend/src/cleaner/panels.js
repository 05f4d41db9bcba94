// Everything that opens over or beside the grid.
import { only, targets } from "../grid/selection.js";
import { openMenu } from "../shared/menu.js";
import { whole } from "../shared/format.js";
import { count } from "../shared/ranges.js";
import { choices, matching } from "./choices.js";
import { applyDialog, helpDialog, rollbackDialog } from "./dialogs.js";
import { Drawer } from "./drawer.js";
import { JobPanel } from "./job.js";
import { suggestionsDialog } from "./suggestions.js";
import { Zoom } from "./zoom.js";
/** @import { Item, State } from "../shared/types.js" */
/** @import { Grid } from "../grid/grid.js" */
/** @import { Choice } from "./choices.js" */
/** @import { Command } from "./keymap.js" */
/** @import { Decisions } from "./decisions.js" */
/** @import { DialogOptions } from "./dialogs.js" */
/** @import { Session } from "./session.js" */

/** Drawer, zoom, training strip, menus and dialogs, made once and shown when they are wanted. */
export class Panels {
  #options;
  #asking = false;
  zoom;
  drawer;
  job;

  /**
   * @param {object} options
   * @param {HTMLElement} options.root
   * @param {AbortSignal} options.signal
   * @param {Session} options.session
   * @param {Grid} options.grid
   * @param {DialogOptions["toast"]} options.toast
   * @param {Decisions} options.decisions
   * @param {(event: KeyboardEvent) => Command|null} options.keys what a press means
   * @param {Record<string, string>} options.own keys of one's own, and what they do
   */
  constructor(options) {
    this.#options = options;
    const { session, grid, decisions } = options;
    this.zoom = new Zoom({ ...options, openMenu: (...wanted) => this.#menu(...wanted) });
    this.drawer = new Drawer({
      load: () => session.attempt("pending", {}),
      onLocate: (id) => void decisions.locate(id),
      onWithdraw: (id) => void decisions.withdraw(id),
      onClose: () => grid.focus(),
    });
    this.job = new JobPanel({ onStop: () => void session.attempt("stop", {}) });
  }

  /** @param {State} state @param {boolean} moved another order */
  show(state, moved) {
    if (moved) void this.zoom.follow();
    this.drawer.show(state);
    this.job.show(state.job);
  }

  /** Gives what runs an act as long as the order is that of now: in another one it would be done to other images. */
  #inThisOrder() {
    const { session, toast } = this.#options;
    const { revision } = session.store;
    return (/** @type {() => void} */ act) => (revision === session.store.revision ? act() : toast("The order changed meanwhile; nothing was done.", null, false));
  }

  /** Gives a tag to what is selected, or takes it away where all have it. */
  tag() {
    const { grid, session, decisions, root, signal } = this.#options;
    const { state, store } = session;
    const anchor = grid.cell(grid.selection.active);
    const ranges = targets(grid.selection, store.total);
    if (!state || !anchor || !count(ranges)) return;
    const items = store.itemsIn(ranges);
    const run = this.#inThisOrder();
    const rows = (/** @type {string} */ typed) => {
      const text = typed.trim();
      const known = Object.entries(state.tags).filter(([name]) => name.toLowerCase().includes(text.toLowerCase()));
      const fresh = text && !Object.hasOwn(state.tags, text) ? [{ text: `New tag “${text}”`, tag: text, on: true }] : [];
      const had = known.map(([name, n]) => {
        const on = !items.length || !items.every((item) => item.tags.includes(name));
        return { text: on ? name : `Take away “${name}”`, hint: whole(n), tag: name, on };
      });
      return [...had, ...fresh];
    };
    openMenu({ anchor, host: root, title: "Tags", placeholder: "Type a tag…", rows, onChoice: ({ tag, on }) => run(() => void decisions.tag(ranges, tag, on)), onClose: () => grid.focus(), signal });
  }

  /** Accepts many suggestions at once, after a look at them. */
  suggestions() {
    return this.#once(() => suggestionsDialog({ ...this.#dialogOptions(), accept: (ranges) => void this.#options.decisions.mark(ranges, "accept", null) }));
  }

  help() {
    helpDialog({ ...this.#dialogOptions(), own: this.#options.own });
  }

  apply() {
    return this.#once(() => applyDialog({ ...this.#dialogOptions(), onRollback: () => void this.rollback() }));
  }

  rollback() {
    return this.#once(() => rollbackDialog(this.#dialogOptions()));
  }

  /** A second press, before Python has answered the first, asks for nothing. @param {() => Promise<void>} open */
  async #once(open) {
    if (this.#asking) return;
    this.#asking = true;
    await open().finally(() => (this.#asking = false));
  }

  /** @param {number} index @param {HTMLElement} anchor */
  menuForTile(index, anchor) {
    const { grid, session } = this.#options;
    grid.select(only(index), { show: false });
    this.menuForSelection(anchor, session.store.item(index));
  }

  /** @param {HTMLElement} anchor @param {Item|null} [item] the one that is selected, if it is one */
  menuForSelection(anchor, item = null) {
    const { grid, decisions, root } = this.#options;
    const run = this.#inThisOrder();
    this.#menu(anchor, item, root, {
      onChoice: (choice) => run(() => void decisions.markSelected(choice.action, choice.label)),
      onClose: () => grid.focus(),
    });
  }

  /** By key: for the active tile, or for all that are selected. */
  menuForKeys() {
    const { grid, session } = this.#options;
    const { active } = grid.selection;
    const cell = grid.cell(active);
    const anchor = cell?.querySelector(".bw-decide") ?? cell;
    if (!(anchor instanceof HTMLElement)) return;
    if (count(targets(grid.selection, session.store.total)) > 1) this.menuForSelection(anchor);
    else this.menuForTile(active, anchor);
  }

  /**
   * @param {HTMLElement} anchor
   * @param {Item|null} item null: several
   * @param {HTMLElement} host
   * @param {{onChoice: (choice: Choice) => void, onClose: () => void}} then
   */
  #menu(anchor, item, host, then) {
    const { session, signal } = this.#options;
    if (!session.state) return;
    const { suggested, second, label } = item ?? {};
    const all = choices(session.state.classes, session.state.digits, { suggested, second, label, marked: !item || item.decision !== null });
    openMenu({ anchor, host, title: "Decision or class", placeholder: "Type a class…", rows: (typed) => matching(all, typed), signal, ...then });
  }

  /** @returns {DialogOptions} */
  #dialogOptions() {
    const { root, session, toast, grid } = this.#options;
    return { root, session, toast, onClose: () => grid.focus() };
  }
}
