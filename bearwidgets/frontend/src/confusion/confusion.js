// Entry point of the ConfusionMatrix widget.
import { CleanerView } from "../cleaner/view.js";
import { Connection } from "../shared/connection.js";
import { button, h, keepSave, say } from "../shared/dom.js";
import { keepFocus } from "../shared/focus.js";
import { counted, percent, whole } from "../shared/format.js";
import { Matrix } from "./matrix.js";
import { confusedClasses, mostConfused } from "./shading.js";
import { followTheme } from "../shared/theme.js";
import { widget } from "../shared/widget.js";
/** @import { MatrixReply, Ops } from "../shared/types.js" */

/** Pairs listed beside the table. */
const MOST_PAIRS = 12;
/** Classes shown at first; one cell is one button. */
const MOST_CLASSES = 40;
/** More classes than this are never shown at once: one cell is one button. */
const ALL_CLASSES = 100;

class ConfusionView {
  #split = h("select", { class: "bw-select", "aria-label": "Split" });
  #summary = h("span", { role: "status" });
  #scope = h("span", { class: "bw-hint" });
  #wider;
  #pairs = h("ol", { class: "bw-pairs" });
  #message = h("p", { class: "bw-message", role: "alert", hidden: true });
  #all = false;
  /** @type {MatrixReply|null} */
  #answer = null;
  #connection;
  #matrix;

  /** @param {{model: import("../shared/types.js").Model, el: HTMLElement, signal: AbortSignal}} context */
  constructor({ model, el, signal }) {
    this.#connection = new Connection({
      model,
      signal,
      onRetry: () => void this.#ask("matrix", {}),
      onEvent: (event) => {
        if (event.event === "matrix") this.#show(event.matrix);
      },
    });
    this.#matrix = new Matrix((actual, predicted) => void this.#ask("cell", { actual, predicted }));
    this.#wider = button("", () => {
      this.#all = !this.#all;
      if (this.#answer) this.#show(this.#answer);
    }, { class: "bw-link", hidden: true });
    this.#split.addEventListener("change", () => void this.#ask("matrix", { split: this.#split.value }), { signal });
    const root = h(
      "div",
      { class: "bw-root bw-confusion" },
      h("div", { class: "bw-confusion-head" }, this.#split, this.#summary, this.#scope, this.#wider),
      this.#connection.element,
      this.#message,
      h("div", { class: "bw-confusion-main" }, this.#matrix.element, h("section", { class: "bw-pairs-box", "aria-label": "Most confused" }, h("h2", { text: "Most confused" }), this.#pairs)),
    );
    followTheme(root, signal);
    keepSave(root, signal);
    keepFocus(root, signal, () => this.#matrix.focus());
    signal.addEventListener("abort", () => root.remove());
    el.append(root);
    this.#root = root;
    this.#openGrid = () => new CleanerView({ model, el, signal });
    void this.#ask("matrix", {});
  }

  #root;
  /** @type {(() => unknown)|null} opens the grid below, once */
  #openGrid;

  /**
   * @template {"matrix"|"cell"} K
   * @param {K} op
   * @param {Ops[K]["request"]} args
   */
  async #ask(op, args) {
    this.#message.hidden = true;
    try {
      const { result } = await this.#connection.ask(op, args);
      if ("counts" in result) this.#show(result);
    } catch (error) {
      say(this.#message, /** @type {Error} */ (error).message);
      this.#message.hidden = false;
    }
  }

  /** @param {MatrixReply} answer */
  #show(answer) {
    this.#answer = answer;
    const { classes, counts, split, splits, total, accuracy, labels } = answer;
    this.#split.replaceChildren(...splits.map((name) => h("option", { value: name, text: name })));
    this.#split.value = split;
    say(this.#summary, total ? `${counted(total, "image")} · accuracy ${percent(accuracy, 1)} · ${labels}` : "No images in this split.");
    const some = classes.length > MOST_CLASSES;
    const whole_ = !some || (this.#all && classes.length <= ALL_CLASSES);
    const confused = confusedClasses(counts, MOST_CLASSES);
    const shown = whole_ || !confused.length ? classes.map((_, c) => c) : confused;
    say(this.#scope, whole_ ? "" : scope(confused.length, classes.length));
    say(this.#wider, whole_ ? "Only the most confused" : "Show all");
    this.#wider.hidden = !some || classes.length > ALL_CLASSES;
    this.#matrix.show({ classes, counts }, shown.slice(0, whole_ ? ALL_CLASSES : MOST_CLASSES));
    const pairs = mostConfused(counts, MOST_PAIRS).map(({ actual, predicted, n }) => {
      const [from, to] = [classes[actual], classes[predicted]];
      const pair = button("", () => this.#matrix.choose(from, to), { class: "bw-link" });
      pair.append(h("bdi", { text: from }), " → ", h("bdi", { text: to }), `: ${whole(n)}`);
      return h("li", {}, pair);
    });
    this.#pairs.replaceChildren(...(pairs.length ? pairs : [h("li", { class: "bw-hint", text: "Nothing is confused here." })]));
    if (answer.grid) this.#openGrid?.();
    this.#openGrid = null;
    this.#root.dataset.ready = "true";
  }
}

/** What is shown of many classes. @param {number} confused @param {number} of */
function scope(confused, of) {
  if (!confused) return `No mistakes in ${of} classes; the first ${MOST_CLASSES} are shown.`;
  return confused < MOST_CLASSES
    ? `${confused} of ${of} classes have mistakes; the most confused come first.`
    : `The ${MOST_CLASSES} most confused of ${of} classes.`;
}

export default widget((context) => new ConfusionView(context));
