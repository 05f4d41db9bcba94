// The queues of suspects: a button that names the one that is shown, and the list that it opens.
import { attribute, h, say } from "../shared/dom.js";
import { counted, openOf, whole } from "../shared/format.js";
import { openMenu } from "../shared/menu.js";
/** @import { Queue, State } from "../shared/types.js" */
/** @import { Row } from "../shared/menu.js" */
/** @typedef {Row & {queue: string|null}} QueueRow */

/** Chooses what is worked through. */
export class QueueMenu {
  #options;
  /** @type {State|null} */
  #state = null;
  #name = h("span", { class: "bw-cut" });
  #count = h("span", { class: "bw-queue-count" });
  element = h("button", { type: "button", class: "bw-button bw-queue", "aria-haspopup": "listbox", "aria-expanded": "false", on: { click: () => this.open() } }, this.#name, this.#count, " ▾");

  /** @param {{root: () => HTMLElement, signal: AbortSignal, onQueue: (queue: string|null) => void, onClose: () => void}} options */
  constructor(options) {
    this.#options = options;
  }

  /** @param {State} state */
  show(state) {
    this.#state = state;
    const queue = state.queues.find(({ name }) => name === state.view.queue);
    const similar = state.view.similar !== null;
    const title = similar ? "Similar images" : (queue?.title ?? "All images");
    say(this.#name, title);
    say(this.#count, similar ? whole(state.total) : queue ? openOf(queue) : whole(state.items));
    attribute(this.element, "title", `${title}: ${queue ? hintOf(queue) : counted(state.items, "image")} (Q)`);
    this.element.classList.toggle("bw-done", Boolean(queue?.problems && !queue.left));
  }

  /** @returns {boolean} false: there are no queues */
  open() {
    const state = this.#state;
    if (!state || (!state.queues.length && state.view.similar === null)) return false;
    const { root, signal, onQueue, onClose } = this.#options;
    const rows = rowsOf(state);
    openMenu({
      anchor: this.element,
      host: root(),
      title: "Queues",
      placeholder: "Search the queues…",
      rows: (typed) => rows.filter(({ text, kind }) => !typed || (kind !== "bw-note" && text.toLowerCase().includes(typed.trim().toLowerCase()))),
      onChoice: ({ queue }) => onQueue(queue),
      onClose,
      signal,
    });
    return true;
  }
}

/** Those that hold something, all images, what was found about the whole set, and which checks found nothing. @param {State} state @returns {QueueRow[]} */
function rowsOf({ queues, items, view, outdated, job }) {
  const work = queues.filter((queue) => !queue.finding && (queue.total || queue.name === view.queue));
  const findings = queues.filter(({ finding }) => finding);
  const empty = queues.filter((queue) => !queue.finding && !work.includes(queue)).map(({ title }) => title);
  const note = (/** @type {string} */ text) => ({ queue: null, text, kind: "bw-note" });
  return [
    ...(outdated ? [note(`Found before files or labels changed. ${job.kind === "find" && job.state === "running" ? "They are being found anew." : "cleaner.find_issues() finds them anew."}`)] : []),
    ...work.map((queue) => ({
      queue: queue.name,
      text: queue.title,
      hint: openOf(queue),
      kind: `${queue.certain ? "bw-certain" : ""}${queue.left ? "" : " bw-done"}`,
      checked: queue.name === view.queue && view.similar === null,
    })),
    { queue: null, text: "All images", hint: whole(items), checked: view.queue === null && view.similar === null },
    ...findings.map(({ finding }) => note(finding)),
    ...(empty.length ? [note(`Nothing found: ${empty.join(", ")}.`)] : []),
  ];
}

/** What a queue holds. @param {Queue} queue */
function hintOf({ total, problems, left, groups, certain }) {
  const grouped = groups ? ` in ${counted(groups, "group")}` : "";
  return `${counted(total, "image")}${grouped}, ${whole(left)} of ${counted(problems, "problem")} left${certain ? "; certain, no guess" : ""}`;
}
