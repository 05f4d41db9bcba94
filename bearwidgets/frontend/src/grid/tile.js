// One tile of the grid: a cell that is bound to one item after another as rows are used again.
import { badge, colorOf } from "../shared/actions.js";
import { attribute, h, say } from "../shared/dom.js";
import { percent, spoken } from "../shared/format.js";
/** @import { Group, Item } from "../shared/types.js" */
/** @typedef {{index: number, item: Item|null, url: string|null, selected: boolean, active: boolean, column: number}} Face */

/** Images up to this side are drawn larger, px. */
const TINY = 64;

/** A cell of the grid with its image, badges and captions. */
export class Tile {
  index = -1;
  #url = "";
  #image = h("div", { class: "bw-image" });
  #badge = h("span", { class: "bw-badge bw-cut", "aria-hidden": "true" });
  #split = h("span", { class: "bw-split", title: "Held out for evaluation: decisions here are proposed corrections" });
  #broken = h("span", { class: "bw-broken" });
  #keeper = h("span", { class: "bw-word", text: "keeper" });
  #place = h("span", {});
  #group = h("span", { class: "bw-group-mark" }, this.#keeper, this.#place);
  #keepWords = h("span", { class: "bw-word" });
  #keepOne = h("button", { class: "bw-keep-one bw-cut", type: "button", tabindex: "-1" }, "✓", this.#keepWords);
  #issue = h("i", {});
  #bar = h("div", { class: "bw-issue" }, this.#issue);
  #label = h("span", { class: "bw-label bw-cut" });
  #was = h("span", { class: "bw-hint bw-cut" });
  #tags = h("span", { class: "bw-hint bw-tags bw-cut" });
  #lead = h("span", {});
  /** Apart, so that a name that is read from right to left does not reorder the words around it. */
  #says = h("bdi", {});
  #sure = h("span", {});
  #model = h("div", { class: "bw-line bw-model bw-cut" }, this.#lead, this.#says, this.#sure);
  #decide = h("button", { class: "bw-decide", type: "button", tabindex: "-1", "aria-haspopup": "listbox", text: "▾" });
  #names = h("div", { class: "bw-line" }, this.#label, this.#was, this.#tags, this.#decide);
  element = h(
    "div",
    { class: "bw-cell", role: "gridcell" },
    h(
      "div",
      { class: "bw-card" },
      this.#image,
      this.#bar,
      this.#names,
      this.#model,
    ),
  );

  constructor() {
    this.#image.append(this.#broken, this.#split, this.#badge, this.#group, this.#keepOne);
  }

  /** @param {Face} face */
  bind(face) {
    const { index, item } = face;
    const element = this.element;
    this.index = index;
    element.dataset.index = String(index);
    attribute(element, "aria-colindex", face.column + 1);
    attribute(element, "aria-selected", String(face.selected));
    attribute(element, "tabindex", face.active ? 0 : -1);
    attribute(element, "aria-busy", item ? null : "true");
    // What is seen is the name, so that it can be called by voice; all of it is the description.
    attribute(element, "aria-label", item ? null : "Loading");
    attribute(element, "aria-description", item ? spoken(item) : null);
    element.classList.toggle("bw-waiting", !item || (!face.url && !item.error));
    this.#show(item?.error ? null : face.url);
    say(this.#broken, item?.error ? `⚠ No image: ${item.error}` : "");
    if (item) this.#describe(item);
    else this.#blank();
  }

  /** @param {Item} item */
  #describe(item) {
    const { decision } = item;
    this.element.dataset.decision = decision?.action ?? "";
    say(this.#badge, decision ? badge(decision) : "");
    this.#badge.style.background = colorOf(decision);
    say(this.#split, item.split === "train" ? "" : item.split);
    // After a decision the caption is the decision; what the model says is named as such.
    say(this.#label, caption(item));
    say(this.#was, !decision || decision.action === "keep" ? "" : decision.action === "relabel" ? `was ${item.label}` : item.label);
    say(this.#tags, item.tags.map((tag) => `#${tag}`).join(" "));
    this.#label.style.color = colorOf(decision);
    say(this.#lead, item.predicted === null ? "" : "model: ");
    say(this.#says, item.predicted ?? "");
    say(this.#sure, item.predicted === null || item.confidence === null ? "" : ` ${percent(item.confidence)}`);
    const model = this.#model.textContent ?? "";
    this.element.classList.toggle("bw-differs", item.predicted !== null && item.predicted !== (decision?.label ?? item.label));
    attribute(this.#names, "title", [item.label, model, item.path].filter(Boolean).join("\n"));
    attribute(this.#model, "title", item.stale ? `${model} (before your changes)` : model);
    this.element.classList.toggle("bw-stale", item.stale);
    this.#showGroup(item);
    attribute(this.#image, "title", item.why || null);
    this.#bar.hidden = item.label_issue === null;
    attribute(this.#bar, "title", `label issue ${percent(item.label_issue)}`);
    this.#issue.style.width = `${Math.round((item.label_issue ?? 0) * 100)}%`;
    this.#decide.hidden = false;
    attribute(this.#decide, "aria-label", `Decide on ${item.path}`);
  }

  /** @param {Item} item shows where it stands among those that belong together */
  #showGroup({ group, decision, path }) {
    this.element.dataset.group = group ? side(group) : "";
    this.element.classList.toggle("bw-contradicts", group?.differs ?? false);
    this.#group.hidden = !group;
    this.#keepOne.hidden = !group?.copies || group.shown < 2 || decision !== null;
    if (!group) return;
    this.#keeper.hidden = !group.keeper;
    attribute(this.#group, "data-keeper", group.keeper);
    const hidden = group.size - group.shown;
    say(this.#place, `${group.at + 1}/${group.shown}${hidden ? ` +${hidden}` : ""}`);
    attribute(this.#group, "title", [group.keeper ? "Proposed to stay (G)" : "", hidden ? `${hidden} more of the group hidden by the filters` : ""].filter(Boolean).join("; ") || null);
    const others = group.shown - 1;
    say(this.#keepWords, group.keeper ? ` keep, delete ${others === 1 ? "other" : `${others} others`}` : " keep this instead");
    attribute(this.#keepOne, "aria-label", `Keep ${path}, delete the others of its group`);
    attribute(this.#keepOne, "title", group.keeper ? "G" : "Shift+G");
    attribute(this.#keepOne, "data-keeper", group.keeper);
  }

  #blank() {
    this.element.dataset.decision = "";
    this.element.dataset.group = "";
    this.#group.hidden = true;
    this.#keepOne.hidden = true;
    this.element.classList.remove("bw-differs", "bw-stale", "bw-contradicts");
    for (const part of [this.#badge, this.#split, this.#label, this.#was, this.#tags, this.#lead, this.#says, this.#sure]) say(part, "");
    this.#bar.hidden = true;
    this.#decide.hidden = true;
  }

  /** @param {string|null} url */
  #show(url) {
    if (this.#url === (url ?? "")) return;
    this.#url = url ?? "";
    this.#image.querySelector("img")?.remove();
    // A new element each time: a used one shows its old image until the new one is decoded.
    if (!url) return;
    // The pixels of the screen, not those of the page, are what an image is never larger than.
    const srcset = `${url} ${globalThis.devicePixelRatio || 1}x`;
    const image = h("img", { src: url, srcset, alt: "", draggable: "false", decoding: "sync" });
    image.addEventListener("load", () => enlargeTiny(image));
    this.#image.prepend(image);
  }
}

/** What a tile is called: its label, or what was decided. @param {Item} item */
function caption({ label, decision }) {
  if (!decision) return label;
  return decision.action === "keep" ? badge({ ...decision, label }) : badge(decision);
}

/** An image of a few pixels is drawn with each of them as a square of whole pixels: at its own size nothing is seen. @param {HTMLImageElement} image */
function enlargeTiny(image) {
  const side = Math.max(image.naturalWidth, image.naturalHeight);
  if (!side || side > TINY) return;
  const room = Math.min(image.clientWidth, image.clientHeight);
  const times = Math.max(1, Math.floor(room / side));
  image.classList.add("bw-tiny");
  image.style.width = `${image.naturalWidth * times}px`;
  image.style.height = `${image.naturalHeight * times}px`;
}

/** Which ends of its frame a tile draws. @param {Group} group @returns {"only"|"first"|"middle"|"last"} */
function side({ at, shown }) {
  if (shown === 1) return "only";
  return at === 0 ? "first" : at === shown - 1 ? "last" : "middle";
}
