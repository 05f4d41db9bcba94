// What a person can do to items: shown at once, then confirmed or taken back by Python's answer.
import { counted, verb, whole } from "../shared/format.js";
import { count, has } from "../shared/ranges.js";
import { NoAnswer } from "../shared/requests.js";
import { only, targets } from "../grid/selection.js";
/** @typedef {import("../shared/types.js").Action} Action */
/** @typedef {import("../shared/types.js").Range} Range */

export class Acts {
  #view;

  /** @param {import("./view.js").CleanerView} view */
  constructor(view) {
    this.#view = view;
  }

  /** @param {Action} action @param {string|null} label acts on the selection, or on the active tile and moves on */
  async markSelected(action, label) {
    const { grid, store } = this.#view;
    const ranges = targets(grid.selection, store.total);
    const single = count(ranges) === 1;
    if (!count(ranges)) return;
    const index = ranges[0][0];
    if (single && action === "accept" && store.item(index)?.suggested === null) {
      this.#view.dock.toast("There is no suggestion for this item.");
      return;
    }
    const sent = this.mark(ranges, action, label);
    if (single && grid.selection.active === index) grid.select(only(Math.min(index + 1, store.total - 1)), { focus: true });
    await sent;
  }

  /**
   * Keeps one of each group that the ranges touch and deletes the others, as one act; from a single item it moves on to
   * the next group.
   * @param {boolean} keepers the proposed ones stay; else those in the ranges
   * @param {Range[]} [ranges]
   */
  async settle(keepers, ranges = targets(this.#view.grid.selection, this.#view.store.total)) {
    const { grid, store, connection, dock } = this.#view;
    const items = store.itemsIn(ranges);
    const first = items[0]?.group;
    if (count(ranges) === 1 && !first?.copies) {
      dock.toast("This item is in no group of copies.");
      return;
    }
    const { stay, go } = settled(store.itemsOfGroups(items), ranges, keepers);
    const guesses = [store.guess(stay, "keep", null), store.guess(go, "delete", null)];
    if (count(ranges) === 1 && first && grid.selection.active === items[0].i) {
      const next = items[0].i - first.at + first.shown;
      grid.select(only(Math.min(next, store.total - 1)), { focus: true });
    }
    this.#view.draw();
    try {
      const { result } = await connection.ask("settle", { revision: store.revision, ranges, keepers });
      guesses.forEach((guess) => store.settle(guess, true));
      this.#view.setState(result.state);
      if (result.changed) dock.toast(said(result.changed, "settle", null), { text: "Undo", run: () => void this.step("undo") });
      else dock.toast(`Decided already${keepers ? "; Shift+G keeps this one and deletes the others" : ""}.`);
    } catch (error) {
      guesses.forEach((guess) => store.settle(guess, false));
      this.#view.complain(error);
      if (!(error instanceof NoAnswer)) await this.#view.askState();
    }
    this.#view.draw();
  }

  /** @param {number} index place in `classes` */
  relabelByNumber(index) {
    const { state, dock } = this.#view;
    const name = state?.classes[index];
    if (name === undefined) dock.toast(`There is no class ${index + 1}; there are ${state?.classes.length ?? 0}.`);
    else void this.markSelected("relabel", name);
  }

  /** @param {Range[]} ranges @param {Action} action @param {string|null} label */
  async mark(ranges, action, label) {
    const { store, connection, dock } = this.#view;
    const guess = store.guess(ranges, action, label);
    this.#view.draw();
    try {
      const { result } = await connection.ask("mark", { revision: store.revision, ranges, action, label });
      store.settle(guess, true);
      this.#view.setState(result.state);
      const n = count(ranges);
      if (n > 1) dock.toast(said(result.changed, action, label), { text: "Undo", run: () => void this.step("undo") });
    } catch (error) {
      store.settle(guess, false);
      this.#view.complain(error);
      if (!(error instanceof NoAnswer)) await this.#view.askState();
    }
    this.#view.draw();
  }

  /** @param {string} id an item that need not be in this view */
  async withdraw(id) {
    const { store, connection } = this.#view;
    try {
      const { result } = await connection.ask("mark", { revision: store.revision, ids: [id], action: "clear", label: null });
      store.touchIds([id]);
      this.#view.setState(result.state);
      this.#view.draw();
    } catch (error) {
      this.#view.complain(error);
    }
  }

  /** @param {"undo"|"redo"} which */
  async step(which) {
    const { store, connection, dock } = this.#view;
    try {
      const { result } = await connection.ask(which);
      store.touchIds(result.changed > result.ids.length ? null : result.ids);
      this.#view.setState(result.state);
      if (!result.changed) dock.toast(`Nothing to ${which}.`);
      else dock.toast(`${which === "undo" ? "Undone" : "Redone"}: ${result.what}`);
      if (result.index !== null && result.changed) this.goTo(result.index, true);
      this.#view.draw();
    } catch (error) {
      this.#view.complain(error);
    }
  }

  /** @param {number} index @param {boolean} focus */
  goTo(index, focus) {
    const { grid, store, root } = this.#view;
    if (index >= store.total) return;
    // Focus is moved only if the person is working here, never stolen from another cell.
    grid.select(only(index), { focus: focus && root.contains(root.ownerDocument.activeElement) });
  }

  /** @param {string} id */
  async locate(id) {
    const { connection, dock } = this.#view;
    try {
      const { result } = await connection.ask("locate", { item: id });
      if (result.index !== null) this.goTo(result.index, true);
      else {
        const run = () => void this.#view.showAll().then(() => this.locate(id));
        dock.toast("That item is hidden by the filters.", { text: "Clear filters", run });
      }
    } catch (error) {
      this.#view.complain(error);
    }
  }

  async retrain() {
    try {
      await this.#view.connection.ask("retrain");
    } catch (error) {
      this.#view.complain(error);
    }
  }
}

/**
 * Who stays and who goes, as Python will say: for the proposed ones only what is not decided yet, else what has a new
 * label keeps that.
 * @param {import("../shared/types.js").Item[]} members
 * @param {Range[]} ranges
 * @param {boolean} keepers
 * @returns {{stay: Range[], go: Range[]}}
 */
export function settled(members, ranges, keepers) {
  const kept = new Set(members.filter((item) => keepers && ["keep", "relabel"].includes(item.decision?.action ?? "")).map((item) => item.group?.number));
  const open = (/** @type {import("../shared/types.js").Item} */ item) => !keepers || !item.decision;
  const stays = members.filter((item) =>
    keepers ? item.group?.keeper && open(item) && !kept.has(item.group.number) : item.group?.copies && has(ranges, item.i),
  );
  const groups = new Set([...stays.map((item) => item.group?.number), ...kept]);
  const rangesOf = (/** @type {typeof members} */ items) => items.map((item) => /** @type {Range} */ ([item.i, item.i + 1]));
  return {
    stay: rangesOf(stays.filter((item) => item.decision?.action !== "relabel")),
    go: rangesOf(members.filter((item) => open(item) && !stays.includes(item) && groups.has(item.group?.number))),
  };
}

/** @param {number} n @param {Action|"settle"} action @param {string|null} label */
function said(n, action, label) {
  if (action === "settle") return `${counted(n, "decision")}: one of each group kept, the others deleted`;
  if (action === "accept") return `Accepted ${counted(n, "suggestion")}`;
  if (action === "clear") return `Cleared ${counted(n, "decision")}`;
  return `Marked ${whole(n)} ${verb(action, label)}`;
}
