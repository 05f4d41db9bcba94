// The drawer of pending decisions: groups, items, a way to each item and a way to withdraw it.
import { verb } from "../shared/actions.js";
import { button, focusedNear, h } from "../shared/dom.js";
import { firstOf, whole } from "../shared/format.js";
/** @import { PendingReply, State } from "../shared/types.js" */

/** Lists the decisions that are not applied yet. */
export class Drawer {
  #options;
  #body = h("div", { class: "bw-drawer-body" });
  #key = "";
  element;

  /**
   * @param {object} options
   * @param {() => Promise<PendingReply|null>} options.load what is pending; null after an error
   * @param {(id: string) => void} options.onLocate
   * @param {(id: string) => void} options.onWithdraw
   * @param {() => void} options.onClose
   */
  constructor(options) {
    this.#options = options;
    const close = button("✕", () => this.close(), { class: "bw-button bw-square", "aria-label": "Close the pending decisions" });
    this.element = h(
      "section",
      { class: "bw-drawer", "aria-label": "Pending decisions", hidden: true },
      h("header", {}, h("h2", { text: "Pending" }), close),
      this.#body,
    );
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.close();
    });
  }

  toggle() {
    if (!this.element.hidden) {
      this.close();
      return;
    }
    this.element.hidden = false;
    void this.#load();
    this.element.querySelector("button")?.focus();
  }

  close() {
    this.element.hidden = true;
    this.#options.onClose();
  }

  /** @param {State} state */
  show(state) {
    const key = JSON.stringify([state.counts.action, state.revision]);
    if (key === this.#key) return;
    this.#key = key;
    if (!this.element.hidden) void this.#load();
  }

  async #load() {
    const pending = await this.#options.load();
    if (pending) this.#fill(pending);
  }

  /** @param {PendingReply} pending */
  #fill(pending) {
    const kept = this.#body.scrollTop;
    const focused = [...this.#body.querySelectorAll("button")].findIndex((each) => each === focusedNear(each));
    this.#draw(pending);
    this.#body.scrollTop = kept;
    if (focused < 0) return;
    // The button that was pressed is gone with its item: the one in its place gets the focus.
    const buttons = this.#body.querySelectorAll("button");
    (buttons[Math.min(focused, buttons.length - 1)] ?? this.element.querySelector("button")).focus();
  }

  /** @param {PendingReply} pending */
  #draw({ groups, items, total }) {
    const { onLocate, onWithdraw } = this.#options;
    if (!total) {
      this.#body.replaceChildren(h("p", { class: "bw-hint", text: "Nothing is pending. Decisions that you make appear here until they are applied." }));
      return;
    }
    const summary = groups.map((group) =>
      h("li", { text: `${whole(group.count)} × ${group.label === null ? "" : `${group.label}: `}${verb(group.action, group.new_label)}` }),
    );
    const rows = items.map((item) =>
      h(
        "li",
        { class: "bw-drawer-item" },
        h(
          "button",
          { type: "button", class: "bw-link", title: `Show ${item.path} in the grid`, on: { click: () => onLocate(item.id) } },
          h("span", { class: "bw-path", text: item.path }),
          h("span", { class: "bw-hint", text: `${verb(item.action, item.new_label)}${item.split === "train" ? "" : ` · ${item.split}`}` }),
        ),
        button("Withdraw", () => onWithdraw(item.id), { "aria-label": `Withdraw the decision on ${item.path}` }),
      ),
    );
    const more = h("p", { class: "bw-hint", text: firstOf(items.length, total) });
    this.#body.replaceChildren(h("ul", { class: "bw-summary" }, ...summary), h("ul", {}, ...rows), more);
  }
}
