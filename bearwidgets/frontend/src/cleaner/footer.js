// The one line under the grid: why the active image is shown, what the digits mean, and the keys. Messages, the buttons
// for several images and a training take their places in it.
import { verb } from "../shared/actions.js";
import { attribute, button, h, say } from "../shared/dom.js";
import { progressLine, whole } from "../shared/format.js";
/** @import { Item, State, Yield } from "../shared/types.js" */

/** A line with two places: words at the left, keys at the right. */
export class Footer {
  #chips = h("div", { class: "bw-legend", role: "group", "aria-label": "Classes and their keys" });
  #accept = h("span", {});
  #enter = h("span", {}, h("kbd", { text: "Enter" }), " ", this.#accept, " ");
  #keep = h("span", {});
  #keys = h("span", { class: "bw-keys", "aria-hidden": "true" }, this.#enter, h("kbd", { text: "Del" }), " delete ", h("kbd", { text: "K" }), " ", this.#keep);
  #figures = h("span", { class: "bw-figures bw-cut" });
  #hint = h("span", { class: "bw-stop bw-cut", role: "status" });
  #path = h("span", { class: "bw-path" });
  #why = h("span", {});
  #reason = h("span", { class: "bw-reason bw-cut" }, this.#path, " ", this.#why);
  #key = "";
  #onLabel;
  element;

  /**
   * @param {object} options
   * @param {(label: string) => void} options.onLabel a class was pressed: as its key does
   * @param {() => void} options.onHelp
   * @param {HTMLElement} options.message takes the place of the reason while it says something
   * @param {HTMLElement[]} options.over what takes the place of the keys while it is shown
   */
  constructor({ onLabel, onHelp, message, over }) {
    this.#onLabel = onLabel;
    const strip = h("div", { class: "bw-strip" }, this.#chips, this.#keys, button("all keys", onHelp, { class: "bw-link" }));
    const said = h("div", { class: "bw-said" }, message, this.#reason, this.#figures, this.#hint);
    this.element = h("div", { class: "bw-footer", hidden: true }, said, ...over, strip);
  }

  /** @param {Yield|null} figures what the decisions brought */
  showYield(figures) {
    say(this.#figures, figures && !figures.hint ? progressLine(figures) : "");
    say(this.#hint, figures?.hint ?? "");
    attribute(this.#figures, "title", this.#figures.textContent);
    attribute(this.#hint, "title", figures?.hint ?? null);
  }

  /** @param {State} state */
  show(state) {
    this.element.hidden = false;
    const key = JSON.stringify([state.classes.length, state.digits, state.keep]);
    if (key === this.#key) return;
    this.#key = key;
    say(this.#keep, state.keep);
    const chips = state.digits.map((name, index) =>
      h(
        "button",
        { type: "button", class: "bw-chip", tabindex: "-1", title: `Relabel to ${name} (${index + 1})`, on: { click: () => this.#onLabel(name) } },
        h("kbd", { text: String(index + 1) }),
        h("span", { class: "bw-chip-name bw-cut", text: name }),
      ),
    );
    const more = state.classes.length - chips.length;
    const rest = more > 0 ? h("span", { class: "bw-hint", text: `+ ${whole(more)} more: R`, title: "Press R to choose any class" }) : null;
    this.#chips.replaceChildren(...chips, ...(rest ? [rest] : []));
  }

  /** @param {Item|null} item the active one; a screen reader hears it from the tile */
  explain(item) {
    say(this.#path, item?.path ?? "");
    say(this.#why, item?.why ?? "");
    const { proposal = null, group = null } = item ?? {};
    say(this.#accept, group?.proposal ? "keep one" : proposal ? verb(proposal.action, proposal.label, proposal.about) : "");
    this.#enter.hidden = !this.#accept.textContent;
    attribute(this.#reason, "title", item ? [item.path, item.why].filter(Boolean).join("\n") : null);
  }
}
