// What a person can decide: shown at once, then confirmed or taken back by Python's answer.
import { targets } from "../grid/selection.js";
import { verb } from "../shared/actions.js";
import { counted, whole } from "../shared/format.js";
import { count, has } from "../shared/ranges.js";
import { noFilter } from "./session.js";
/** @import { Action, Decision, Item, Ops, Range } from "../shared/types.js" */
/** @import { Grid } from "../grid/grid.js" */
/** @import { Session } from "./session.js" */
/** @import { Guess } from "./store.js" */

/** Said instead of an act on what nobody could see. */
export const NOT_HERE = "The image is not loaded yet; nothing was done.";

/** Marks, groups, undo and redo, from the grid as from the panels. */
export class Decisions {
  #session;
  #grid;
  #draw;
  #toast;
  #speak;
  #closeUndo = () => {};
  /** How many acts were sent; the last is what an undo takes back. */
  #acts = 0;

  /**
   * @param {object} options
   * @param {Session} options.session
   * @param {Grid} options.grid
   * @param {() => void} options.draw
   * @param {(text: string, act?: {text: string, run: () => void}) => () => void} options.toast gives what closes it
   * @param {(text: string) => void} options.speak
   */
  constructor({ session, grid, draw, toast, speak }) {
    this.#session = session;
    this.#grid = grid;
    this.#draw = draw;
    this.#toast = toast;
    this.#speak = speak;
  }

  /** @param {Action} action @param {string|null} [label] acts on the selection, or on the active tile and moves on */
  async markSelected(action, label = null) {
    const { store } = this.#session;
    const ranges = this.#targets();
    if (!count(ranges)) return;
    const single = count(ranges) === 1;
    const index = ranges[0][0];
    if (single && action === "accept" && store.item(index)?.proposal === null) {
      this.#toast("There is no suggestion for this image.");
      return;
    }
    if (action === "accept" && store.item(index)?.group?.proposal) return void (await this.resolveGroups(true, ranges));
    const sent = this.mark(ranges, action, label);
    if (single) this.#moveOn(index, index + 1);
    await sent;
  }

  /** @param {number} index place in `digits` */
  relabelByNumber(index) {
    const digits = this.#session.state?.digits ?? [];
    if (index < digits.length) void this.markSelected("relabel", digits[index]);
    else this.#toast(`There is no class ${index + 1}; there are ${digits.length}.`);
  }

  /** @param {Range[]} ranges @param {Action} action @param {string|null} label */
  async mark(ranges, action, label) {
    const { store } = this.#session;
    const asks = store.state?.asks;
    const guess = store.guess(ranges, (item) => decisionAfter(item, action, label, asks));
    const sent = this.#send("mark", { revision: store.revision, ranges, action, label }, guess);
    const act = this.#acts;
    const result = await sent;
    if (!result) return;
    if (count(ranges) < 2) {
      const item = store.item(ranges[0][0]);
      if (item) this.#speak(`${item.decision ? verb(item.decision.action, item.decision.label, item.decision.about) : "no decision"}: ${item.path}`);
      return;
    }
    if (result.changed) this.#toastUndo(act, markedWords(result.changed, action, label));
    else this.#toast(`Nothing changed: ${unchangedWords(action)}.`);
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
      this.#toast("This image is in no group of copies.");
      return;
    }
    const members = store.itemsOfGroups(items).map(({ i }) => /** @type {Range} */ ([i, i + 1]));
    const guess = store.guess(members, (each) => decisionInGroup(each, ranges, keepers));
    const sent = this.#send("resolve_group", { revision: store.revision, ranges, keepers }, guess);
    const act = this.#acts;
    if (single && item.group) this.#moveOn(item.i, item.i - item.group.at + item.group.shown);
    const result = await sent;
    if (result?.changed) this.#toastUndo(act, `${counted(result.changed, "decision")}: one of each group kept, the others deleted`);
    else if (result) this.#toast(`Decided already${keepers ? "; Shift+G keeps this one and deletes the others" : ""}.`);
  }

  /** Goes to the next undecided image of the view, or says that there is none. @param {boolean} back */
  async nextUndecided(back) {
    const { store } = this.#session;
    const result = await this.#session.attempt("next", { revision: store.revision, start: this.#grid.selection.active, back });
    if (!result) return;
    if (result.index !== null) this.#grid.goTo(result.index);
    else this.#toast(`Nothing undecided ${back ? "before" : "after"} this image.`);
  }

  /** Withdraws the decisions that harm, as one act. */
  async undoHarmful() {
    const result = await this.#ask("undo_harmful", {});
    if (!result) return;
    this.#session.store.touch(result.changed > result.ids.length ? null : result.ids);
    this.#toastUndo(this.#acts, `${counted(result.changed, "decision")} that harmed undone`);
    this.#draw();
  }

  /** @param {string} id an item that need not be in this view */
  async withdraw(id) {
    if (!(await this.#ask("mark", { ids: [id], action: "clear" }))) return;
    this.#session.store.touch([id]);
    this.#draw();
  }

  /** @param {Range[]} ranges @param {string} tag @param {boolean} on */
  async tag(ranges, tag, on) {
    const result = await this.#ask("tag", { revision: this.#session.store.revision, ranges, tag, on });
    if (!result) return;
    this.#session.store.touch(result.changed > result.ids.length ? null : result.ids);
    this.#toastUndo(this.#acts, `${on ? "Tagged" : "Took the tag from"} ${counted(result.changed, "image")}: ${tag}`);
    this.#draw();
  }

  /** @param {string} item its id @param {string} text */
  async note(item, text) {
    const result = await this.#ask("note", { item, text });
    if (result) this.#session.store.touch(result.ids);
    this.#draw();
  }

  /** @param {"undo"|"redo"} which */
  async step(which) {
    const result = await this.#ask(which, {});
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
      this.#toast("That image is hidden by the filters.", { text: "Clear filters", run });
    }
  }

  /** Whether what is to be acted on was seen: several that were selected, or one whose image is here; else it is said. */
  inSight() {
    const ranges = this.#targets();
    if (count(ranges) !== 1) return true;
    const seen = this.#session.images.isHere(ranges[0][0]);
    if (!seen) this.#toast(NOT_HERE);
    return seen;
  }

  #targets() {
    return targets(this.#grid.selection, this.#session.store.total);
  }

  /** @param {number} from the active item, else nothing happens @param {number} to */
  #moveOn(from, to) {
    const { total } = this.#session.store;
    if (this.#grid.selection.active === from) this.#grid.goTo(Math.min(to, total - 1));
  }

  /**
   * @template {"mark"|"resolve_group"} K
   * @param {K} op
   * @param {Ops[K]["request"]} args
   * @param {Guess} guess shown until the answer
   */
  async #send(op, args, guess) {
    const { store } = this.#session;
    this.#draw();
    const result = await this.#ask(op, args);
    if (result) store.confirm(guess);
    else store.takeBack(guess);
    this.#draw();
    return result;
  }

  /**
   * Every act goes this way.
   * @template {"mark"|"resolve_group"|"tag"|"note"|"undo"|"redo"|"undo_harmful"} K
   * @param {K} op
   * @param {Ops[K]["request"]} args
   */
  #ask(op, args) {
    this.forgetUndo();
    this.#acts += 1;
    return this.#session.attempt(op, args);
  }

  /** Closes the toast that offers an undo: after another act it would take back that one. */
  forgetUndo() {
    this.#closeUndo();
  }

  /** @param {number} act which one; where another was sent meanwhile, an undo would take back that one @param {string} text */
  #toastUndo(act, text) {
    const undo = { text: "Undo", run: () => void this.step("undo") };
    this.#closeUndo = this.#toast(text, act === this.#acts ? undo : undefined);
  }
}

/** What an act decides for an item, as Python will say as far as can be known. @param {Item} item @param {Action} action @param {string|null} label @param {Decision["about"]} [asks] what K answers here; null: each image something of its own @returns {Decision|null} */
export function decisionAfter(item, action, label, asks = "label") {
  if (action === "clear") return null;
  if (action === "accept") return item.proposal ?? item.decision;
  if (action === "relabel" && label !== item.label) return { action, label, about: null };
  if (action !== "keep" && action !== "relabel") return { action, label: null, about: null };
  const about = action === "keep" ? asks : "label";
  // An answer about the image or its copies takes no new label back.
  return about !== "label" && item.decision?.action === "relabel" ? item.decision : { action: "keep", label: null, about };
}

/** The same where one of a group stays: as proposed, or those in the ranges. @param {Item} item @param {Range[]} ranges @param {boolean} keepers @returns {Decision|null} */
export function decisionInGroup(item, ranges, keepers) {
  if (keepers) return item.group?.proposal ?? item.decision;
  if (!has(ranges, item.i)) return { action: "delete", label: null, about: null };
  return item.decision?.action === "relabel" ? item.decision : { action: "keep", label: null, about: "duplicate" };
}

/** Why an act on several items changed none. @param {Action} action */
function unchangedWords(action) {
  if (action === "accept") return "these images have no suggestion, or it is accepted already";
  return action === "clear" ? "these images have no decision" : "these images are marked so already";
}

/** What was done to several items. @param {number} n @param {Action} action @param {string|null} label */
function markedWords(n, action, label) {
  if (action === "accept") return `Accepted ${counted(n, "suggestion")}`;
  if (action === "clear") return `Cleared ${counted(n, "decision")}`;
  return `Marked ${whole(n)} ${verb(action, label)}`;
}
