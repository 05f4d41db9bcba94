// One tile of the grid: a cell that is bound to one item after another as rows are used again.
import { badge, colorOf } from "../shared/actions.js";
import { attribute, h, say } from "../shared/dom.js";
import { loss, percent, spoken } from "../shared/format.js";
/** @import { Group, Item } from "../shared/types.js" */
/** @typedef {{index: number, item: Item|null, url: string|null, selected: boolean, active: boolean, column: number}} Face */

/** A cell of the grid with its image, badges and captions. */
export class Tile {
  index = -1;
  #url = "";
  #image = h("div", { class: "bw-image" });
  #badge = h("span", { class: "bw-badge bw-cut" });
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
  #arrow = h("span", { class: "bw-arrow", "aria-hidden": "true", text: "→" });
  #predicted = h("span", { class: "bw-predicted bw-cut" });
  #confidence = h("span", { class: "bw-number", title: "Confidence of the prediction" });
  #loss = h("span", { class: "bw-number", title: "Loss" });
  #word = h("span", { class: "bw-word" });
  #decide = h(
    "button",
    { class: "bw-decide", type: "button", tabindex: "-1", "aria-haspopup": "listbox" },
    this.#word,
    " ▾",
  );
  #names = h("div", { class: "bw-line" }, this.#label, this.#arrow, this.#predicted);
  element = h(
    "div",
    { class: "bw-cell", role: "gridcell" },
    h(
      "div",
      { class: "bw-card" },
      this.#image,
      this.#bar,
      this.#names,
      h("div", { class: "bw-line bw-small" }, this.#confidence, this.#loss, this.#decide),
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
    attribute(element, "aria-label", item ? spoken(item) : "Loading");
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
    say(this.#label, item.label);
    const differs = item.predicted !== null && item.predicted !== item.label;
    this.element.classList.toggle("bw-differs", differs);
    say(this.#predicted, item.predicted ?? "");
    this.#arrow.hidden = item.predicted === null;
    attribute(this.#names, "title", `${item.label}${item.predicted === null ? "" : ` → ${item.predicted}`}\n${item.path}`);
    say(this.#confidence, item.confidence === null ? "" : percent(item.confidence));
    say(this.#loss, item.loss === null ? "" : loss(item.loss));
    this.element.classList.toggle("bw-stale", item.stale);
    this.#showGroup(item);
    attribute(this.#image, "title", item.why || null);
    this.#bar.hidden = item.label_issue === null;
    attribute(this.#bar, "title", `label issue ${percent(item.label_issue)}`);
    this.#issue.style.width = `${Math.round((item.label_issue ?? 0) * 100)}%`;
    say(this.#word, decision ? "change" : "decide");
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
    for (const part of [this.#badge, this.#split, this.#label, this.#predicted, this.#confidence, this.#loss]) say(part, "");
    this.#arrow.hidden = true;
    this.#bar.hidden = true;
    this.#decide.hidden = true;
  }

  /** @param {string|null} url */
  #show(url) {
    if (this.#url === (url ?? "")) return;
    this.#url = url ?? "";
    this.#image.querySelector("img")?.remove();
    // A new element each time: a used one shows its old image until the new one is decoded.
    if (url) this.#image.prepend(h("img", { src: url, alt: "", draggable: "false", decoding: "sync" }));
  }
}

/** Which ends of its frame a tile draws. @param {Group} group @returns {"only"|"first"|"middle"|"last"} */
function side({ at, shown }) {
  if (shown === 1) return "only";
  return at === 0 ? "first" : at === shown - 1 ? "last" : "middle";
}
