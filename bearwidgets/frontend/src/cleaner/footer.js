// Under the grid: why the active image is shown, what the digits mean (a click filters), and the keys.
import { attribute, button, h, say } from "../shared/dom.js";
import { progressLine, whole } from "../shared/format.js";
import { KEYS } from "./keymap.js";
/** @import { Item, State, Yield } from "../shared/types.js" */

/** Two lines: the reason and the progress, the classes and the keys. */
export class Footer {
  #legend = h("div", { class: "bw-legend", role: "group", "aria-label": "Classes and their keys" });
  #groupKey = h("span");
  #figures = h("span", { class: "bw-figures" });
  #hint = h("span", { class: "bw-stop", role: "status" });
  #progress = h("span", { class: "bw-looks" }, this.#figures, this.#hint);
  #path = h("span", { class: "bw-path" });
  #why = h("span", {});
  #reason = h("span", { class: "bw-reason bw-cut" }, this.#path, " ", this.#why);
  #key = "";
  #onClass;
  element;

  /** @param {{onClass: (name: string|null) => void, onHelp: () => void}} options */
  constructor({ onClass, onHelp }) {
    this.#onClass = onClass;
    const keys = h("div", { class: "bw-keys bw-cut", "aria-hidden": "true" });
    for (const { footer, press } of KEYS) {
      if (!footer) continue;
      const part = h("span", {}, h("kbd", { text: footer[0] }), ` ${footer[1]} `);
      if (press?.g) this.#groupKey = part;
      keys.append(part);
    }
    const strip = h("div", { class: "bw-strip" }, this.#legend, keys, button("all keys", onHelp, { class: "bw-link" }));
    const said = h("div", { class: "bw-said" }, this.#reason, this.#progress);
    this.element = h("div", { class: "bw-footer", hidden: true }, said, strip);
  }

  /** @param {Yield|null} figures what the decisions brought */
  showYield(figures) {
    say(this.#figures, figures && !figures.hint ? progressLine(figures) : "");
    say(this.#hint, figures?.hint ?? "");
  }

  /** @param {State} state */
  show(state) {
    this.element.hidden = false;
    this.#groupKey.hidden = !state.runs.length;
    const chosen = state.view.filter.label;
    const key = JSON.stringify([state.classes, state.counts.label, chosen]);
    if (key === this.#key) return;
    this.#key = key;
    const chips = state.classes.slice(0, 9).map((name, index) =>
      h(
        "button",
        {
          type: "button",
          class: "bw-chip",
          "aria-pressed": String(name === chosen),
          title: name === chosen ? "Show all classes" : `Show only ${name}`,
          on: { click: () => this.#onClass(name === chosen ? null : name) },
        },
        h("kbd", { text: String(index + 1) }),
        h("span", { class: "bw-chip-name bw-cut", text: name }),
        h("span", { class: "bw-hint", text: whole(state.counts.label[name] ?? 0) }),
      ),
    );
    const more = state.classes.length - chips.length;
    const rest = more > 0 ? h("span", { class: "bw-hint", text: `+ ${whole(more)} more: R`, title: "Press R to choose any class" }) : null;
    this.#legend.replaceChildren(...chips, ...(rest ? [rest] : []));
  }

  /** @param {Item|null} item the active one; a screen reader hears it from the tile */
  explain(item) {
    say(this.#path, item?.path ?? "");
    say(this.#why, item?.why ?? "");
    attribute(this.#reason, "title", item ? [item.path, item.why].filter(Boolean).join("\n") : null);
  }
}
