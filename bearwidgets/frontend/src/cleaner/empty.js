// What stands in place of the grid when it has nothing to show.
import { button, h, say } from "../shared/dom.js";
/** @import { State } from "../shared/types.js" */

/** Says why there is nothing, with a way out where filters are the reason. */
export class Empty {
  #text = h("p", { text: "Waiting for the kernel…" });
  #clear;
  element;

  /** @param {() => void} onClear */
  constructor(onClear) {
    this.#clear = button("Clear filters", onClear, { hidden: true });
    this.element = h("div", { class: "bw-empty", role: "status" }, this.#text, this.#clear);
  }

  /** @param {State} state */
  show(state) {
    this.element.hidden = state.total > 0;
    if (state.total) return;
    const { label, predicted, split, decision, text, tag, ranges } = state.view.filter;
    const { queue } = state.view;
    const others = [label, predicted, split, tag].some((each) => each !== null) || text !== "" || ranges.length > 0;
    this.#clear.hidden = !others && decision === null;
    if (!state.items) say(this.#text, "This data set has no images.");
    else if (decision === "undecided" && !others) say(this.#text, queue ? "Everything in this queue has a decision." : "Everything has a decision.");
    else if (decision !== null && decision !== "undecided" && !others) say(this.#text, "No item has such a decision.");
    else if (queue && !others) say(this.#text, "This queue is empty.");
    else say(this.#text, queue ? "No items of this queue match these filters." : "No items match these filters.");
  }
}
