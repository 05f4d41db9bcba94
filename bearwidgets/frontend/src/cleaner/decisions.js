// What a person can decide: shown at once, then confirmed or taken back by Python's answer.
import { only, targets } from "../grid/selection.js";
import { verb } from "../shared/actions.js";
import { counted, whole } from "../shared/format.js";
import { count, has } from "../shared/ranges.js";
import { noFilter } from "./session.js";
/** @import { Action, Item, Range } from "../shared/types.js" */
/** @import { Grid } from "../grid/grid.js" */
/** @import { Session } from "./session.js" */
/** @import { Guess } from "./store.js" */

/** Marks, groups, undo and redo, from the grid as from the panels. */
export class Decisions {
  #session;
  #grid;
  #draw;
  #toast;

  /**
   * @param {object} options
   * @param {Session} options.session
   * @param {Grid} options.grid
   * @param {() => void} options.draw
   * @param {(text: string, act?: {text: string, run: () => void}) => void} options.toast
   */
  constructor({ session, grid, draw, toast }) {
    this.#session = session;
    this.#grid = grid;
    this.#draw = draw;
    this.#toast = toast;
  }

  /** @param {Action} action @param {string|null} [label] acts on the selection, or on the active tile and moves on */
  async markSelected(action, label = null) {
    const { store } = this.#session;
    const ranges = this.#targets();
    if (!count(ranges)) return;
    const single = count(ranges) === 1;
    const index = ranges[0][0];
    if (single && action === "accept" && store.item(index)?.suggested === null) {
      this.#toast("There is no suggestion for this item.");
      return;
    }
    const sent = this.mark(ranges, action, label);
    if (single) this.#moveOn(index, index + 1);
    await sent;
  }

  /** @param {number} index place in `classes` */
  relabelByNumber(index) {
    const classes = this.#session.state?.classes ?? [];
    if (index < classes.length) void this.markSelected("relabel", classes[index]);
    else this.#toast(`There is no class ${index + 1}; there are ${classes.length}.`);
  }

  /** @param {Range[]} ranges @param {Action} action @param {string|null} label */
  async mark(ranges, action, label) {
    const sent = this.#send("mark", { ranges, action, label }, [this.#session.store.guess(ranges, action, label)]);
    const result = await sent;
    if (result && count(ranges) > 1) this.#toastUndo(markedWords(result.changed, action, label));
  }

  /**
   * Keeps one of each group that the ranges touch and deletes the others, as one act; from a single item it moves on to
   * the next group.
   * @param {boolean} keepers the proposed ones stay; else those in the ranges
   * @param {Range[]} [ranges]
   */
  async resolveGroups(keepers, ranges = this.#targets()) {
    const { store } = this.#session;
    const items = store.itemsIn(ranges);
    const [item] = items;
    const single = count(ranges) === 1;
    if (single && !item?.group?.copies) {
      this.#toast("This item is in no group of copies.");
      return;
    }
    const { stay, go } = staysAndGoes(store.itemsOfGroups(items), ranges, keepers);
    const guesses = [store.guess(stay, "keep", null), store.guess(go, "delete", null)];
    const sent = this.#send("resolve_group", { ranges, keepers }, guesses);
    if (single && item.group) this.#moveOn(item.i, item.i - item.group.at + item.group.shown);
    const result = await sent;
    if (result?.changed) this.#toastUndo(`${counted(result.changed, "decision")}: one of each group kept, the others deleted`);
    else if (result) this.#toast(`Decided already${keepers ? "; Shift+G keeps this one and deletes the others" : ""}.`);
  }

  /** @param {string} id an item that need not be in this view */
  async withdraw(id) {
    if (await this.#send("mark", { ids: [id], action: "clear", label: null }, [])) {
      this.#session.store.touch([id]);
      this.#draw();
    }
  }

  /** @param {"undo"|"redo"} which */
  async step(which) {
    const result = await this.#session.attempt(which);
    if (!result) return;
    this.#session.store.touch(result.changed > result.ids.length ? null : result.ids);
    if (!result.changed) this.#toast(`Nothing to ${which}.`);
    else this.#toast(`${which === "undo" ? "Undone" : "Redone"}: ${result.what}`);
    if (result.index !== null && result.changed) this.#grid.goTo(result.index);
    this.#draw();
  }

  /** @param {string} id */
  async locate(id) {
    const result = await this.#session.attempt("locate", { item: id });
    if (!result) return;
    if (result.index !== null) this.#grid.goTo(result.index);
    else {
      const run = () => void this.#session.setQueue(null, { filter: noFilter() }).then(() => this.locate(id));
      this.#toast("That item is hidden by the filters.", { text: "Clear filters", run });
    }
  }

  #targets() {
    return targets(this.#grid.selection, this.#session.store.total);
  }

  /** @param {number} from the active item, else nothing happens @param {number} to */
  #moveOn(from, to) {
    const { total } = this.#session.store;
    if (this.#grid.selection.active === from) this.#grid.select(only(Math.min(to, total - 1)), { focus: true });
  }

  /** @param {string} op @param {object} args @param {Guess[]} guesses shown until the answer */
  async #send(op, args, guesses) {
    const { store } = this.#session;
    this.#draw();
    const result = await this.#session.attempt(op, { revision: store.revision, ...args });
    for (const guess of guesses) result ? store.confirm(guess) : store.takeBack(guess);
    this.#draw();
    return result;
  }

  /** @param {string} text */
  #toastUndo(text) {
    this.#toast(text, { text: "Undo", run: () => void this.step("undo") });
  }
}

/**
 * Who stays and who goes, as Python will say: for the proposed ones only what is not decided yet, else what has a new
 * label keeps that.
 * @param {Item[]} members
 * @param {Range[]} ranges
 * @param {boolean} keepers
 * @returns {{stay: Range[], go: Range[]}}
 */
export function staysAndGoes(members, ranges, keepers) {
  const kept = new Set(members.filter((item) => keepers && ["keep", "relabel"].includes(item.decision?.action ?? "")).map((item) => item.group?.number));
  const open = (/** @type {Item} */ item) => !keepers || !item.decision;
  const stays = members.filter((item) =>
    keepers ? item.group?.keeper && open(item) && !kept.has(item.group.number) : item.group?.copies && has(ranges, item.i),
  );
  const groups = new Set([...stays.map((item) => item.group?.number), ...kept]);
  const rangesOf = (/** @type {Item[]} */ items) => items.map((item) => /** @type {Range} */ ([item.i, item.i + 1]));
  return {
    stay: rangesOf(stays.filter((item) => item.decision?.action !== "relabel")),
    go: rangesOf(members.filter((item) => open(item) && !stays.includes(item) && groups.has(item.group?.number))),
  };
}

/** What was done to several items. @param {number} n @param {Action} action @param {string|null} label */
function markedWords(n, action, label) {
  if (action === "accept") return `Accepted ${counted(n, "suggestion")}`;
  if (action === "clear") return `Cleared ${counted(n, "decision")}`;
  return `Marked ${whole(n)} ${verb(action, label)}`;
}
