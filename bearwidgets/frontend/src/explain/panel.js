// Which map is shown, how strongly, and what it adds up to: the part that the view of its own and the zoom share.
import { attribute, button, h, origin, say } from "../shared/dom.js";
import { percent } from "../shared/format.js";
import { greatest, number, strongest } from "./maps.js";
/** @import { Grid, Maps } from "./maps.js" */

/** Classes listed at first; the others can be chosen from a list. */
const LISTED = 8;
/** Places up to which a table stands behind the map. */
const READ = 256;
const NONE = "";

export class MapPanel {
  #list = h("div", { class: "bw-classes", role: "listbox", "aria-label": "Class of the map", tabindex: 0 });
  #more = h("select", { class: "bw-select", "aria-label": "Another class", title: "The map of another class" });
  #against = h("select", { class: "bw-select bw-against", "aria-label": "And not", title: "Why this class and not that one: the one map less the other (D)" });
  #opacity = h("input", { type: "range", class: "bw-opacity", min: 0, max: 100, value: 75, "aria-label": "Strength of the map", title: "Strength of the map" });
  #smooth = h("input", { type: "checkbox", checked: true });
  #sum = h("p", { class: "bw-map-sum", role: "status" });
  #about = h("p", { class: "bw-hint" });
  #table = h("div", { class: "bw-sr" });
  #most = h("span", { class: "bw-hint" });
  #for = h("span", {});
  #not;
  #difference;
  element;
  /** @type {Maps|null} */
  #maps = null;
  /** @type {string} */
  #chosen = NONE;
  #other = NONE;
  #onDraw;
  #onMissing;

  /**
   * @param {object} options
   * @param {() => void} options.onDraw another map, or drawn in another way
   * @param {(label: string) => void} options.onMissing there is no map of this class yet
   * @param {AbortSignal} options.signal
   */
  constructor({ onDraw, onMissing, signal }) {
    this.#onDraw = onDraw;
    this.#onMissing = onMissing;
    const swatch = (/** @type {string} */ kind, /** @type {Node|string} */ text) => h("span", {}, h("i", { class: `bw-swatch ${kind}` }), text);
    this.#not = swatch("bw-not", "against it");
    this.#difference = button("Difference", () => this.turn(), { title: "Why this class and not the most probable other one (D)" });
    const legend = h("p", { class: "bw-class-legend" }, swatch("bw-for", this.#for), this.#not, this.#most);
    const options = h("p", { class: "bw-tools" }, h("label", { class: "bw-check" }, "Map ", this.#opacity), h("label", { class: "bw-check", title: "Smooth colors, or the places as the network has them" }, this.#smooth, "Smooth"));
    this.element = h(
      "section",
      { class: "bw-map-panel", "aria-label": "What the network looked at" },
      this.#list,
      h("p", { class: "bw-tools" }, this.#more, h("label", { class: "bw-check" }, "and not ", this.#against), this.#difference),
      this.#sum,
      legend,
      options,
      this.#about,
      this.#table,
    );
    this.#list.addEventListener("click", (event) => {
      const option = origin(event)?.closest("[data-class]");
      if (option instanceof HTMLElement) this.choose(option.dataset.class ?? NONE);
    }, { signal });
    this.#more.addEventListener("change", () => this.choose(this.#more.value), { signal });
    this.#against.addEventListener("change", () => this.#compare(this.#against.value), { signal });
    for (const [input, event] of /** @type {const} */ ([[this.#opacity, "input"], [this.#smooth, "change"]])) input.addEventListener(event, () => this.#onDraw(), { signal });
  }

  /** @param {Maps|null} maps of another image, or another method; null: none */
  show(maps) {
    const before = this.#maps?.reply;
    this.#maps = maps;
    this.element.hidden = !maps;
    if (!maps) return this.#onDraw();
    const kept = before?.item === maps.reply.item && this.#chosen && maps.numbers(this.#chosen);
    if (!kept) this.#chosen = maps.names[0];
    if (!maps.numbers(this.#other) || this.#other === this.#chosen) this.#other = NONE;
    say(this.#about, `${maps.reply.about} The network saw ${maps.reply.size} × ${maps.reply.size} px.`);
    this.#draw();
  }

  /** More maps of the same image came. @param {string} label the one that was asked for */
  added(label) {
    if (this.#wants === "against") this.#other = label;
    else this.#chosen = label;
    this.#draw();
  }

  /** What was missing. @type {"class"|"against"} */
  #wants = "class";

  /** The class whose map is shown. */
  get label() {
    return this.#chosen;
  }

  /** Whether it is compared with another class. */
  get compares() {
    return this.#other !== NONE;
  }

  /** What is shown. @returns {Grid|null} */
  get grid() {
    return this.#maps?.grid(this.#chosen, this.#other || null) ?? null;
  }

  /** How it is to be drawn. */
  get how() {
    return { opacity: Number(this.#opacity.value) / 100, smooth: this.#smooth.checked };
  }

  /** @param {string} label */
  choose(label) {
    if (!this.#maps || !label) return;
    if (label === this.#other) this.#other = NONE;
    if (!this.#maps.numbers(label)) {
      this.#wants = "class";
      return this.#onMissing(label);
    }
    this.#chosen = label;
    this.#draw();
  }

  /** The class before or after. @param {number} step */
  step(step) {
    const names = this.#listed();
    const at = Math.max(0, Math.min(names.length - 1, names.indexOf(this.#chosen) + step));
    if (names[at]) this.choose(names[at]);
  }

  /** Why this class and not the most probable other one; and back. */
  turn() {
    if (!this.#maps?.ofClass) return;
    const other = this.#maps.names.find((name) => name !== this.#chosen) ?? NONE;
    this.#compare(this.#other ? NONE : other);
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether it was for this */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.key === "ArrowUp" || event.key === "ArrowDown") this.step(event.key === "ArrowUp" ? -1 : 1);
    else if (event.key.toLowerCase() === "d") this.turn();
    else return false;
    return true;
  }

  /** What is said of one place. @param {{row: number, column: number}|null} place */
  tell(place) {
    const grid = this.grid;
    if (!grid || !place) return "";
    const value = grid.values[place.row * grid.columns + place.column];
    return `Row ${place.row + 1}, column ${place.column + 1}: ${value > 0 ? "+" : ""}${number(value)}`;
  }

  /** @param {string} other */
  #compare(other) {
    if (other && !this.#maps?.numbers(other)) {
      this.#wants = "against";
      return this.#onMissing(other);
    }
    this.#other = other;
    this.#draw();
  }

  /** The classes in the list: the most probable, the label, and what was chosen. */
  #listed() {
    const maps = this.#maps;
    if (!maps) return [];
    const { names, reply } = maps;
    return names.filter((name, at) => at < LISTED || [reply.label, this.#chosen, this.#other].includes(name));
  }

  #draw() {
    const maps = this.#maps;
    if (!maps) return;
    const listed = this.#listed();
    const rest = [...maps.names.filter((name) => !listed.includes(name)), ...maps.reply.others.filter((name) => !maps.numbers(name))];
    this.#list.replaceChildren(...listed.map((name, at) => this.#option(maps, name, at)));
    attribute(this.#list, "aria-activedescendant", this.#list.querySelector("[aria-selected='true']")?.id);
    fill(this.#more, "another class…", rest, NONE);
    this.#more.hidden = !rest.length;
    if (!maps.ofClass) this.#other = NONE;
    this.#not.hidden = this.#difference.hidden = !maps.ofClass;
    say(this.#for, maps.ofClass ? "speaks for it" : "looked at");
    const others = maps.ofClass ? [...listed, ...rest].filter((name) => name !== this.#chosen) : [];
    fill(this.#against, "–", others, this.#other);
    /** @type {HTMLElement} */ (this.#against.parentElement).hidden = !others.length;
    const grid = this.grid;
    say(this.#sum, maps.sentence(this.#chosen, this.#other || null));
    say(this.#most, grid ? `full color: ±${number(greatest(grid))}` : "");
    this.#tabulate(grid);
    this.#onDraw();
  }

  /** @param {Maps} maps @param {string} name @param {number} at */
  #option(maps, name, at) {
    const { probability, logit } = /** @type {import("../shared/types.js").ClassMap} */ (maps.numbers(name));
    const bar = h("i", {});
    bar.style.width = `${probability * 100}%`;
    const role = name === maps.reply.label ? " (label)" : "";
    return h(
      "div",
      { class: `bw-probability${name === this.#chosen ? " bw-chosen" : ""}`, role: "option", id: `bw-class-${maps.reply.item}-${at}`, "aria-selected": String(name === this.#chosen), "data-class": name, title: `logit ${number(logit)}` },
      h("span", { class: "bw-cut" }, h("bdi", { text: name }), role),
      h("span", { class: "bw-bar" }, bar),
      h("span", { text: percent(probability, 1) }),
    );
  }

  /** The numbers of the map, for who does not see it. @param {Grid|null} grid */
  #tabulate(grid) {
    if (!grid) return this.#table.replaceChildren();
    const { rows, columns, values } = grid;
    const of = this.#other ? `${this.#chosen} and not ${this.#other}` : this.#chosen;
    const lines = rows * columns > READ ? [] : Array.from({ length: rows }, (_, row) => h("tr", {}, ...Array.from({ length: columns }, (_, column) => h("td", { text: number(values[row * columns + column]) }))));
    this.#table.replaceChildren(h("p", { text: `Map of ${of}. ${strongest(grid)}` }), ...(lines.length ? [h("table", { "aria-label": `Map of ${of}, row by row` }, h("tbody", {}, ...lines))] : []));
  }
}

/** @param {HTMLSelectElement} select @param {string} none @param {string[]} names @param {string} now */
function fill(select, none, names, now) {
  select.replaceChildren(h("option", { value: NONE, text: none }), ...names.map((name) => h("option", { value: name, text: name })));
  select.value = now;
}
