// One item as large as the window allows, with probabilities and history; decisions work here as in the grid.
import { focusOn, only, size } from "../grid/selection.js";
import { ACTIONS, badge, colorOf, verb } from "../shared/actions.js";
import { attribute, button, focusedNear, h, origin, say } from "../shared/dom.js";
import { groupWords, localTime, percent, whole } from "../shared/format.js";
import { showModal } from "../shared/modal.js";
import { NOT_HERE } from "./decisions.js";
import { FullImages } from "./fullimages.js";
import { LookedAt } from "./lookedat.js";
import { Pan } from "./pan.js";
/** @import { Action, Item } from "../shared/types.js" */
/** @import { Grid } from "../grid/grid.js" */
/** @import { Move } from "../grid/geometry.js" */
/** @import { Choice } from "./choices.js" */
/** @import { Command } from "./keymap.js" */
/** @import { Decisions } from "./decisions.js" */
/** @import { Session } from "./session.js" */

/** How far each move goes here. @type {Record<Move, number>} */
const STEPS = { left: -1, up: -1, pageUp: -10, right: 1, down: 1, pageDown: 10, rowStart: -Infinity, first: -Infinity, rowEnd: Infinity, last: Infinity };

/**
 * @typedef {object} ZoomOptions
 * @property {HTMLElement} root
 * @property {AbortSignal} signal
 * @property {Session} session
 * @property {Grid} grid
 * @property {Decisions} decisions
 * @property {(text: string, act: null, bad: boolean) => void} toast
 * @property {(event: KeyboardEvent) => Command|null} keys
 * @property {(anchor: HTMLElement, item: Item|null, host: HTMLElement, then: {onChoice: (choice: Choice) => void, onClose: () => void}) => void} openMenu
 */

/** A modal dialog over the whole page that shows one item after another. */
export class Zoom {
  #options;
  #full;
  #index = 0;
  #asked = "";
  /** Id of the image that is shown; "" while it is not known yet. Decisions and notes are for this one. */
  #shown = "";
  /** The order changed, and its new place is not known yet. */
  #follows = false;
  /** Id of the image whose note is in the field. */
  #noted = "";
  #compares = false;
  #pan;
  #map;
  #percent = h("span", { class: "bw-hint bw-percent" });
  #compare = button("Compare", () => this.#setCompare(!this.#compares), { title: "Beside the next image of its group, or the next one (X)", "aria-pressed": "false" });
  #wait = h("p", { class: "bw-hint", role: "status" });
  #title = h("h2", {});
  #where = h("p", { class: "bw-hint" });
  #verdict = h("p", { class: "bw-verdict", "aria-live": "polite" });
  #why = h("p", { class: "bw-why" });
  #group = h("p", { class: "bw-hint" });
  #keepOne = button("Keep this, delete the others", () => this.#resolve(false), { title: "Shift+G; G keeps the proposed one" });
  #looks = h("p", { class: "bw-hint" });
  #note = h("textarea", { class: "bw-input bw-note-input", rows: 2, placeholder: "Note", "aria-label": "Note on this image", maxlength: 1000, title: "Enter saves it; Shift+Enter begins a new line" });
  #tags = h("p", { class: "bw-hint" });
  #probabilities = h("div", { class: "bw-probabilities" });
  #history = h("ul", { class: "bw-history" });
  #dialog;

  /** @param {ZoomOptions} options */
  constructor(options) {
    this.#options = options;
    const { session, signal } = options;
    this.#pan = new Pan(signal, (percent) => say(this.#percent, `${percent} %`));
    this.#map = new LookedAt({ connection: session.connection, cover: (element) => this.#pan.cover(element), signal });
    this.#full = new FullImages((item) => session.connection.ask("full", { item }), signal);
    const act = (/** @type {Exclude<Action, "relabel">} */ action) =>
      button(ACTIONS[action].title, () => this.#mark(action, null), { title: ACTIONS[action].key });
    const relabel = button(`${ACTIONS.relabel.title} ▾`, () => this.#menu(relabel), { title: "R, or 1–9", "aria-haspopup": "listbox" });
    this.#dialog = h(
      "dialog",
      { class: "bw-zoom", "aria-label": "Full image", tabindex: "-1" },
      h("div", { class: "bw-zoom-image" }, this.#pan.element, this.#wait),
      h(
        "div",
        { class: "bw-zoom-side" },
        h(
          "div",
          { class: "bw-tools" },
          button("←", () => this.#go(-1), { class: "bw-button bw-square", "aria-label": "Previous" }),
          button("→", () => this.#go(1), { class: "bw-button bw-square", "aria-label": "Next" }),
          this.#percent,
          button("✕", () => this.#dialog.close(), { class: "bw-button bw-square bw-end", "aria-label": "Close" }),
        ),
        h(
          "div",
          { class: "bw-tools" },
          button("Fit", () => this.#pan.fit(), { title: "The whole image (0)" }),
          button("100 %", () => this.#pan.toggle(), { title: "One pixel of the image for one of the screen (0); + and − or the wheel: closer" }),
          this.#compare,
          button("Similar", () => this.#similar(), { title: "The images nearest to this one (S)" }),
          this.#map.button,
        ),
        this.#map.element,
        this.#title,
        this.#where,
        this.#verdict,
        this.#why,
        this.#looks,
        this.#group,
        h(
          "div",
          { class: "bw-tools" },
          act("accept"),
          act("delete"),
          act("keep"),
          act("unsure"),
          relabel,
          act("clear"),
          this.#keepOne,
        ),
        this.#tags,
        this.#note,
        this.#probabilities,
        this.#history,
      ),
    );
    this.#note.addEventListener("change", () => this.#noted && void options.decisions.note(this.#noted, this.#note.value), { signal });
    this.#dialog.addEventListener("keydown", (event) => this.#key(event), { signal });
    this.#dialog.addEventListener("close", () => this.#closed(), { signal });
  }

  /** @param {number} index @param {boolean} [compare] with another one beside it */
  open(index, compare = false) {
    if (index >= this.#options.session.store.total) return;
    this.#index = index;
    this.#setCompare(compare);
    this.#options.root.append(this.#dialog);
    showModal(this.#dialog, this.#options.root);
    this.#dialog.focus();
    this.#to(index);
  }

  /** Opens an image under the map of what the network looked at. @param {number} index */
  explain(index) {
    this.#map.turn(true);
    this.open(index);
  }

  /** Stays at its image in another order, or closes where that is not in it. */
  async follow() {
    if (!this.#dialog.open || !this.#shown) return;
    const { session, grid, toast } = this.#options;
    this.#follows = true;
    this.#map.forget();
    const found = await session.attempt("locate", { item: this.#shown });
    this.#follows = false;
    if (!this.#dialog.open) return;
    if (found && found.index !== null) {
      grid.select(focusOn(grid.selection, found.index));
      return this.refresh();
    }
    this.#index = grid.selection.active;
    this.#dialog.close();
    toast("The order changed, and that image is not in this view any more.", null, false);
  }

  /** Items or decisions changed. */
  refresh() {
    if (!this.#dialog?.open || this.#follows) return;
    const { store } = this.#options.session;
    if (!store.total) {
      this.#dialog.close();
      return;
    }
    this.#index = Math.min(this.#options.grid.selection.active, store.total - 1);
    const item = store.item(this.#index);
    this.#shown = item?.id ?? "";
    say(this.#title, item?.path ?? "…");
    say(this.#where, `${whole(this.#index + 1)} of ${whole(store.total)}${item && item.split !== "train" ? ` · ${item.split}: held out, a decision is a proposed correction` : ""}`);
    this.#verdict.replaceChildren(...(item ? verdict(item) : []));
    say(this.#why, item?.why ?? "");
    const group = item?.group;
    this.#keepOne.hidden = !group?.copies || group.shown < 2;
    say(this.#group, group ? groupWords(group) : "");
    if (focusedNear(this.#note) !== this.#note) {
      this.#note.value = item?.note ?? "";
      this.#noted = this.#shown;
    }
    say(this.#tags, item?.tags.length ? `Tags: ${item.tags.join(", ")}` : "");
    this.#showImage(item);
    this.#map.show(item?.id ?? null);
    if (item && this.#asked !== item.id) void this.#load(item);
    else this.#showDetails(item);
  }

  /** @param {number} index */
  #to(index) {
    const { grid } = this.#options;
    grid.select(focusOn(grid.selection, index));
    this.#pan.fit();
    this.refresh();
  }

  /** @param {number} step */
  #go(step) {
    this.#to(Math.max(0, Math.min(this.#options.session.store.total - 1, this.#index + step)));
  }

  /** @param {boolean} on */
  #setCompare(on) {
    this.#compares = on;
    attribute(this.#compare, "aria-pressed", String(on));
    this.#compare.classList.toggle("bw-on", on);
    this.refresh();
  }

  /** The image beside: another that is selected, the next of its group, or the next one. @returns {number} -1: there is none */
  #beside() {
    const { grid, session } = this.#options;
    const { total } = session.store;
    const selected = grid.selection.ranges.flatMap(([start, stop]) => [start, Math.min(stop - 1, start + 1)]).find((each) => each !== this.#index);
    if (selected !== undefined && size(grid.selection) > 1) return selected;
    const group = session.store.item(this.#index)?.group;
    if (group && group.shown > 1) return group.at + 1 < group.shown ? this.#index + 1 : this.#index - group.at;
    return this.#index + 1 < total ? this.#index + 1 : this.#index - 1;
  }

  /** @param {Item|null} item */
  #showImage(item) {
    const { store } = this.#options.session;
    const beside = this.#compares ? this.#beside() : -1;
    const shown = [this.#index, ...(beside >= 0 ? [beside] : [])];
    const images = this.#pan.split(shown.length);
    images.forEach((image, pane) => this.#showIn(image, shown[pane]));
    const other = store.item(beside);
    if (other && !this.#full.url(other.id)) void this.#full.load(other.id).then(() => this.#dialog.open && this.#showIn(images[1], beside));
    attribute(this.#pan.element, "data-beside", other ? `${other.label} · ${other.path}` : null);
    const full = item && this.#full.url(item.id);
    const error = item ? (this.#full.details(item.id)?.error ?? item.error) : null;
    this.#dialog.dataset.full = String(Boolean(full));
    say(this.#wait, error ? `⚠ No image: ${error}` : full ? "" : "loading the full image…");
  }

  /** @param {HTMLImageElement} image @param {number} index */
  #showIn(image, index) {
    const { item, url } = this.#options.session.images.read(index);
    const full = item && this.#full.url(item.id);
    const error = item ? (this.#full.details(item.id)?.error ?? item.error) : null;
    attribute(image, "src", error ? null : (full ?? url));
    image.hidden = !(full ?? url) || Boolean(error);
    attribute(image, "alt", item ? `${item.path}, labeled ${item.label}` : "");
    image.classList.toggle("bw-rough", !full);
    attribute(/** @type {Element} */ (image.parentElement), "data-error", error ? "⚠ No image" : null);
  }

  /** @param {Item} item */
  async #load(item) {
    this.#asked = item.id;
    this.#showDetails(item);
    await this.#full.load(item.id);
    if (this.#asked !== item.id || !this.#dialog.open) return;
    this.#showImage(item);
    this.#showDetails(item);
  }

  /** @param {Item|null} item */
  #showDetails(item) {
    const details = item && this.#full.details(item.id);
    const size = details?.bytes ? ` · ${details.width} × ${details.height} px · ${whole(Math.ceil(details.bytes / 1024))} KB` : "";
    if (size && !this.#where.textContent?.includes("px")) this.#where.append(size);
    say(this.#looks, details?.looks_like ? `Looks like: ${details.looks_like}` : "");
    this.#probabilities.replaceChildren(
      ...(details?.probabilities ?? []).map((/** @type {[string, number]} */ [name, share]) => {
        const bar = h("i", {});
        bar.style.width = `${share * 100}%`;
        return h("div", { class: "bw-probability" }, h("span", { text: name }), h("span", { class: "bw-bar" }, bar), h("span", { text: percent(share, 1) }));
      }),
    );
    this.#history.replaceChildren(
      ...(details?.history ?? []).map((/** @type {any} */ line) =>
        h("li", { text: `${localTime(line.time)} · ${line.by}: ${verb(line.action, line.label, line.about)}` }),
      ),
    );
  }

  /** @param {Action} action @param {string|null} label */
  #mark(action, label) {
    const index = this.#index;
    const { decisions, session } = this.#options;
    const item = session.store.item(index);
    if (!this.#isSeen(item) || !item) return;
    if (action === "accept" && item.proposal === null) {
      say(this.#wait, "There is no suggestion for this image.");
      return;
    }
    if (action === "accept" && item.group?.proposal) return this.#resolve(true);
    const sent = decisions.mark([[index, index + 1]], action, label);
    this.#dialog.focus();
    this.#go(1);
    // The history that is shown is older than this decision.
    void sent.then(() => this.#reload(item));
  }

  /** Whether this item is what is shown, with its image; else it is said. @param {Item|null} item */
  #isSeen(item) {
    const seen = item?.id === this.#shown && (this.#full.url(item.id) !== null || this.#options.session.images.isHere(this.#index));
    if (!seen) say(this.#wait, NOT_HERE);
    return seen;
  }

  /** @param {boolean} keepers the proposed ones stay, else this one */
  #resolve(keepers) {
    const item = this.#options.session.store.item(this.#index);
    if (!this.#isSeen(item) || !item?.group) return;
    const sent = this.#options.decisions.resolveGroups(keepers, [[this.#index, this.#index + 1]]);
    this.#dialog.focus();
    this.refresh();
    void sent.then(() => this.#reload(null));
  }

  #similar() {
    const item = this.#options.session.store.item(this.#index);
    this.#dialog.close();
    if (item) void this.#options.session.showSimilar(item.id);
  }

  /** @param {HTMLElement} anchor */
  #menu(anchor) {
    this.#options.openMenu(anchor, this.#options.session.store.item(this.#index), this.#dialog, {
      onChoice: (choice) => this.#mark(choice.action, choice.label),
      onClose: () => this.#dialog.focus(),
    });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const press = origin(event) instanceof HTMLButtonElement && (event.key === "Enter" || event.key === " ");
    event.stopPropagation();
    if (press || event.isComposing) return;
    if (origin(event) === this.#note) {
      if (event.key !== "Enter" || event.shiftKey) return;
      event.preventDefault();
      this.#dialog.focus();
      return;
    }
    const found = this.#options.keys(event);
    const moves = found?.kind === "move" && (event.key === "ArrowUp" || event.key === "ArrowDown");
    if ((moves || !found) && this.#map.key(event)) return event.preventDefault();
    // Escape is the dialog's own.
    if (!found || found.kind === "escape") return;
    event.preventDefault();
    this.#run(found);
  }

  /** @param {Command} found */
  #run(found) {
    const { decisions, session } = this.#options;
    const digits = session.state?.digits ?? [];
    if (found.kind === "label") this.#mark("relabel", found.label);
    else if (found.kind === "move") this.#go(STEPS[found.move]);
    else if (found.kind === "mark") this.#mark(found.action, null);
    else if (found.kind === "class" && found.index < digits.length) this.#mark("relabel", digits[found.index]);
    else if (found.kind === "group") this.#resolve(found.keepers);
    else if (found.kind === "undo" || found.kind === "redo") void decisions.step(found.kind).then(() => this.#reload(null));
    else if (found.kind === "zoom") this.#dialog.close();
    else if (found.kind === "similar") this.#similar();
    else if (found.kind === "explain") this.#map.turn();
    else if (found.kind === "compare") this.#setCompare(!this.#compares);
    else if (found.kind === "size") found.step ? this.#pan.step(found.step) : this.#pan.toggle();
    else if (found.kind === "next") void decisions.nextUndecided(found.back).then(() => this.refresh());
    else if (found.kind === "menu") this.#menu(/** @type {HTMLElement} */ (this.#dialog.querySelector("[aria-haspopup]")));
  }

  /** @param {Item|null} item whose details are out of date; null: all */
  #reload(item) {
    this.#full.forget(item && item.id);
    this.#asked = "";
    this.refresh();
  }

  #closed() {
    this.#dialog.remove();
    this.#asked = "";
    this.#shown = "";
    this.#map.turn(false);
    const { grid } = this.#options;
    // The browser has given the focus back to the tile where the zoom began.
    grid.select(size(grid.selection) > 1 ? focusOn(grid.selection, this.#index) : only(this.#index), { focus: true });
  }
}

/** Label, prediction, suggestions and decision. @param {Item} item @returns {Node[]} */
function verdict(item) {
  const parts = [h("bdi", { class: "bw-label", text: item.label })];
  if (item.predicted !== null) {
    const differs = item.predicted !== item.label ? "bw-strong" : "";
    parts.push(h("span", { class: differs }, " → ", h("bdi", { text: item.predicted }), item.confidence === null ? "" : ` ${percent(item.confidence)}`));
  }
  const others = [item.suggested, item.second].filter((name, index, all) => name !== null && name !== item.label && all.indexOf(name) === index);
  const word = item.suggested === item.label ? "next" : "suggested";
  if (others.length) parts.push(h("span", { class: "bw-hint", text: ` ${word}: ${others.join(", or ")}` }));
  if (item.decision) parts.push(h("span", { class: "bw-badge bw-cut", style: `background: ${colorOf(item.decision)}`, text: badge(item.decision) }));
  return parts;
}
