// One item as large as the window allows, with probabilities and history; decisions work here as in the grid.
import { attribute, button, h, isMac, say } from "../shared/dom.js";
import { badge, percent, verb, whole } from "../shared/format.js";
import { ImageCache } from "../grid/imagecache.js";
import { command } from "./keymap.js";
import { focusOn, only, size } from "../grid/selection.js";
/** @typedef {import("../shared/types.js").Item} Item */
/** @typedef {import("../shared/types.js").Action} Action */

/** Full pictures kept, so that going one back is instant. */
const MOST = 6;

export class Zoom {
  #view;
  #signal;
  #images = new ImageCache(MOST);
  /** @type {Map<string, any>} */
  #details = new Map();
  #index = 0;
  #asked = "";
  #image = h("img", { alt: "" });
  #wait = h("p", { class: "bw-hint", role: "status" });
  #title = h("h2", {});
  #where = h("p", { class: "bw-hint" });
  #verdict = h("p", { class: "bw-verdict", "aria-live": "polite" });
  #why = h("p", { class: "bw-why" });
  #group = h("p", { class: "bw-hint" });
  #settle = button("Keep this, delete the others", () => this.#settled(false), { title: "Shift+G; G keeps the proposed one" });
  #probabilities = h("div", { class: "bw-probabilities" });
  #history = h("ul", { class: "bw-history" });
  #dialog;

  /** @param {import("./view.js").CleanerView} view @param {AbortSignal} signal */
  constructor(view, signal) {
    this.#view = view;
    this.#signal = signal;
    const act = (/** @type {string} */ text, /** @type {Action} */ action, /** @type {string} */ key) =>
      button(text, () => this.#mark(action, null), { title: key });
    const relabel = button("Relabel ▾", () => this.#menu(relabel), { title: "R, or 1–9", "aria-haspopup": "listbox" });
    this.#dialog = h(
      "dialog",
      { class: "bw-zoom", "aria-label": "Full picture", tabindex: "-1" },
      h("div", { class: "bw-zoom-picture" }, this.#image, this.#wait),
      h(
        "div",
        { class: "bw-zoom-side" },
        h(
          "div",
          { class: "bw-tools" },
          button("←", () => this.#go(-1), { class: "bw-button bw-square", "aria-label": "Previous" }),
          button("→", () => this.#go(1), { class: "bw-button bw-square", "aria-label": "Next" }),
          button("✕", () => this.#dialog.close(), { class: "bw-button bw-square bw-end", "aria-label": "Close" }),
        ),
        this.#title,
        this.#where,
        this.#verdict,
        this.#why,
        this.#group,
        h(
          "div",
          { class: "bw-tools" },
          act("Accept", "accept", "Enter"),
          act("Delete", "delete", "Delete"),
          act("Keep", "keep", "K"),
          act("Unsure", "unsure", "U"),
          relabel,
          act("Clear", "clear", "C"),
          this.#settle,
        ),
        this.#probabilities,
        this.#history,
      ),
    );
    this.#dialog.addEventListener("keydown", (event) => this.#key(event), { signal });
    this.#dialog.addEventListener("close", () => this.#closed(), { signal });
  }

  /** @param {number} index */
  open(index) {
    if (index >= this.#view.store.total) return;
    this.#index = index;
    this.#view.root.append(this.#dialog);
    this.#dialog.showModal();
    this.#dialog.focus();
    this.#to(index);
  }

  /** Items or decisions changed. */
  refresh() {
    if (!this.#dialog.open) return;
    const { store } = this.#view;
    if (!store.total) {
      this.#dialog.close();
      return;
    }
    this.#index = Math.min(this.#view.grid.selection.active, store.total - 1);
    const item = store.item(this.#index);
    say(this.#title, item?.path ?? "…");
    say(this.#where, `${whole(this.#index + 1)} of ${whole(store.total)}${item && item.split !== "train" ? ` · ${item.split}: held out, a decision is a proposed correction` : ""}`);
    this.#verdict.replaceChildren(...(item ? verdict(item) : []));
    say(this.#why, item?.why ?? "");
    const group = item?.group;
    this.#settle.hidden = !group?.copies || group.shown < 2;
    say(
      this.#group,
      group
        ? `${group.at + 1} of ${group.shown} in its group${group.keeper ? ", proposed to stay" : ""}${group.differs ? "; their labels contradict each other" : ""}`
        : "",
    );
    this.#showPicture(item);
    if (item && this.#asked !== item.id) void this.#load(item);
    else this.#showDetails(item);
  }

  end() {
    this.#images.clear();
  }

  /** @param {number} index */
  #to(index) {
    const { grid } = this.#view;
    grid.select(focusOn(grid.selection, index));
    this.refresh();
  }

  /** @param {number} step */
  #go(step) {
    this.#to(Math.max(0, Math.min(this.#view.store.total - 1, this.#index + step)));
  }

  /** @param {Item|null} item */
  #showPicture(item) {
    const full = item && this.#images.get(item.id);
    const url = full ?? this.#view.pictures.read(this.#index).url;
    const error = item ? (this.#details.get(item.id)?.error ?? item.error) : null;
    attribute(this.#image, "src", error ? null : url);
    this.#image.hidden = !url || Boolean(error);
    attribute(this.#image, "alt", item ? `${item.path}, labelled ${item.label}` : "");
    this.#image.classList.toggle("bw-rough", !full);
    this.#dialog.dataset.full = String(Boolean(full));
    say(this.#wait, error ? `⚠ No picture: ${error}` : full ? "" : "loading the full picture…");
  }

  /** @param {Item} item */
  async #load(item) {
    this.#asked = item.id;
    this.#showDetails(item);
    try {
      if (!this.#images.has(item.id) || !this.#details.has(item.id)) {
        const { result, buffers } = await this.#view.connection.ask("full", { item: item.id });
        if (this.#signal.aborted) return;
        this.#details.set(item.id, result);
        if (buffers[0]) this.#images.put(item.id, buffers[0], result.mime);
      }
    } catch (error) {
      this.#details.set(item.id, { error: /** @type {Error} */ (error).message, probabilities: [], history: [] });
    }
    while (this.#details.size > 2 * MOST) {
      const [oldest] = this.#details.keys();
      this.#details.delete(oldest);
    }
    if (this.#asked !== item.id || !this.#dialog.open) return;
    this.#showPicture(item);
    this.#showDetails(item);
  }

  /** @param {Item|null} item */
  #showDetails(item) {
    const details = item ? this.#details.get(item.id) : null;
    const size = details?.width ? ` · ${details.width} × ${details.height} px · ${whole(Math.ceil(details.bytes / 1024))} KB` : "";
    if (size && !this.#where.textContent?.includes("px")) this.#where.append(size);
    this.#probabilities.replaceChildren(
      ...(details?.probabilities ?? []).map((/** @type {[string, number]} */ [name, share]) => {
        const bar = h("i", {});
        bar.style.width = `${share * 100}%`;
        return h("div", { class: "bw-probability" }, h("span", { text: name }), h("span", { class: "bw-bar" }, bar), h("span", { text: percent(share, 1) }));
      }),
    );
    this.#history.replaceChildren(
      ...(details?.history ?? []).map((/** @type {any} */ line) =>
        h("li", { text: `${line.time} · ${line.by}: ${verb(line.action, line.label)}` }),
      ),
    );
  }

  /** @param {Action} action @param {string|null} label */
  #mark(action, label) {
    const index = this.#index;
    const { acts, store } = this.#view;
    const item = store.item(index);
    if (action === "accept" && item?.suggested === null) {
      this.#wait.textContent = "There is no suggestion for this item.";
      return;
    }
    const sent = acts.mark([[index, index + 1]], action, label);
    this.#dialog.focus();
    this.#go(1);
    // The history that is shown is older than this decision.
    void sent.then(() => this.#reload(item));
  }

  /** @param {boolean} keepers the proposed ones stay, else this one */
  #settled(keepers) {
    const item = this.#view.store.item(this.#index);
    if (!item?.group) return;
    const sent = this.#view.acts.settle(keepers, [[this.#index, this.#index + 1]]);
    this.#dialog.focus();
    this.refresh();
    void sent.then(() => this.#reload(null));
  }

  /** @param {HTMLElement} anchor */
  #menu(anchor) {
    this.#view.panels.menu(anchor, this.#view.store.item(this.#index), this.#dialog, {
      onChoice: (choice) => this.#mark(choice.action, choice.label),
      onClose: () => this.#dialog.focus(),
    });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const press = event.target instanceof HTMLButtonElement && (event.key === "Enter" || event.key === " ");
    event.stopPropagation();
    if (press || event.isComposing) return;
    const found = command(event, isMac(this.#dialog.ownerDocument));
    // Escape is the dialog's own.
    if (!found || found.kind === "escape") return;
    event.preventDefault();
    this.#run(found);
  }

  /** @param {import("./keymap.js").Command} found */
  #run(found) {
    const { acts, state, store } = this.#view;
    const steps = { left: -1, up: -1, pageUp: -10, right: 1, down: 1, pageDown: 10, rowStart: -Infinity, first: -Infinity, rowEnd: Infinity, last: Infinity };
    if (found.kind === "move") this.#to(Math.max(0, Math.min(store.total - 1, this.#index + steps[found.move])));
    else if (found.kind === "mark") this.#mark(found.action, null);
    else if (found.kind === "class" && state?.classes[found.index] !== undefined) this.#mark("relabel", state.classes[found.index]);
    else if (found.kind === "settle") this.#settled(found.keepers);
    else if (found.kind === "undo" || found.kind === "redo") void acts.step(found.kind).then(() => this.#reload(null));
    else if (found.kind === "zoom") this.#dialog.close();
    else if (found.kind === "menu") this.#menu(/** @type {HTMLElement} */ (this.#dialog.querySelector("[aria-haspopup]")));
  }

  /** @param {Item|null} item whose details are out of date; null: all */
  #reload(item) {
    if (item) this.#details.delete(item.id);
    else this.#details.clear();
    this.#asked = "";
    this.refresh();
  }

  #closed() {
    this.#dialog.remove();
    this.#asked = "";
    const { grid } = this.#view;
    // The browser has given the focus back to the tile where the zoom began.
    grid.select(size(grid.selection) > 1 ? focusOn(grid.selection, this.#index) : only(this.#index), { focus: true });
  }
}

/** @param {Item} item @returns {Node[]} */
function verdict(item) {
  const parts = [h("span", { class: "bw-label", text: item.label })];
  if (item.predicted !== null) {
    const differs = item.predicted !== item.label ? "bw-strong" : "";
    parts.push(h("span", { class: differs, text: ` → ${item.predicted} ${item.confidence === null ? "" : percent(item.confidence)}` }));
  }
  const others = [item.suggested, item.second].filter((name, index, all) => name !== null && name !== item.label && all.indexOf(name) === index);
  const word = item.suggested === item.label ? "next" : "suggested";
  if (others.length) parts.push(h("span", { class: "bw-hint", text: ` ${word}: ${others.join(", or ")}` }));
  if (item.decision) parts.push(h("span", { class: "bw-badge", "data-action": item.decision.action, text: badge(item.decision) }));
  return parts;
}
