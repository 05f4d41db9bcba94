// The queues of suspects: a row of buttons that is one tab stop.
import { attribute, focusedNear, h } from "../shared/dom.js";
import { counted, openOf, whole } from "../shared/format.js";
/** @import { Queue, State } from "../shared/types.js" */

/** The queue buttons; the arrow keys go from one to the next. */
export class Queues {
  #onQueue;
  #key = "";
  element = h("div", { class: "bw-queues", role: "toolbar", "aria-label": "Queues", hidden: true });

  /** @param {(name: string|null) => void} onQueue null: all items */
  constructor(onQueue) {
    this.#onQueue = onQueue;
    this.element.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -Infinity, End: Infinity }[event.key];
      if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      const buttons = this.#buttons;
      const at = buttons.findIndex((each) => each.tabIndex === 0) + step;
      this.#point(buttons[Math.max(0, Math.min(buttons.length - 1, at))]).focus();
    });
  }

  get #buttons() {
    return [...this.element.querySelectorAll("button")];
  }

  /** Puts the focus on the queue that is shown. @returns {boolean} false: there are no queues */
  focus() {
    const shown = this.#buttons.find((each) => each.getAttribute("aria-pressed") === "true");
    if (shown) this.#point(shown).focus();
    return Boolean(shown);
  }

  /** @param {State} state */
  show({ queues, items, view }) {
    const key = JSON.stringify([queues, items, view.queue]);
    if (key === this.#key) return;
    this.#key = key;
    this.element.hidden = !queues.length;
    if (!queues.length) {
      this.element.replaceChildren();
      return;
    }
    const focused = this.#buttons.findIndex((each) => each === focusedNear(each));
    const full = queues.filter((queue) => queue.total || queue.name === view.queue);
    const empty = queues.filter((queue) => !full.includes(queue)).map((queue) => queue.title);
    this.element.replaceChildren(
      this.#button(null, "All items", whole(items), "Every item of the data set", view.queue === null),
      ...full.map((queue) => this.#button(queue, queue.title, openOf(queue), hintOf(queue), queue.name === view.queue)),
      ...(empty.length
        ? [h("span", { class: "bw-hint", title: `Nothing found: ${empty.join(", ")}`, text: `+ ${whole(empty.length)} empty` })]
        : []),
    );
    const buttons = this.#buttons;
    const stop = buttons[focused] ?? buttons.find((each) => each.getAttribute("aria-pressed") === "true");
    if (stop) this.#point(stop);
    buttons[focused]?.focus();
  }

  /** @param {Queue|null} queue @param {string} title @param {string} count @param {string} hint @param {boolean} shown */
  #button(queue, title, count, hint, shown) {
    const classes = `bw-chip${queue?.certain ? " bw-certain" : ""}${queue && !queue.undecided ? " bw-done" : ""}`;
    return h(
      "button",
      {
        type: "button",
        class: classes,
        tabindex: -1,
        "aria-pressed": String(shown),
        "aria-label": `${title}: ${hint}`,
        title: hint,
        on: { click: () => this.#onQueue(queue?.name ?? null) },
      },
      h("span", { class: "bw-chip-name bw-cut", text: title }),
      h("span", { class: "bw-hint", text: count }),
    );
  }

  /** @param {HTMLButtonElement} button the one that the Tab key finds */
  #point(button) {
    for (const each of this.#buttons) attribute(each, "tabindex", each === button ? 0 : -1);
    return button;
  }
}

/** What a queue holds. @param {Queue} queue */
function hintOf({ total, undecided, groups, certain }) {
  const grouped = groups ? ` in ${counted(groups, "group")}` : "";
  return `${counted(total, "item")}${grouped}, ${whole(undecided)} undecided${certain ? "; certain, no guess" : ""}`;
}
