// The image that is looked at: its ring, its lines to the nearest ones, what is said of it.
import { h, say } from "../shared/dom.js";
import { pointAt, pointNear, pointTowards } from "./pick.js";
import { fillTip, placeTip, sentence } from "./tip.js";
/** @import { Place } from "./gestures.js" */
/** @import { MapItems } from "./items.js" */
/** @import { Stage } from "./stage.js" */

/** Reach of the pointer, px of the page. */
const REACH = 9;

/**
 * @typedef {object} Options
 * @property {Stage} stage
 * @property {MapItems} items
 * @property {(point: number) => ArrayLike<number>} neighbors -1 for none
 * @property {(point: number) => string} value what a score says of a point, or ""
 * @property {(point: number) => ((other: number) => boolean)|null} alike which points to tell apart with it; null: none
 * @property {(point: number) => boolean} selected
 */

/** Follows the pointer and the arrow keys. */
export class Look {
  #options;
  /** @type {Place|null} */
  #pointer = null;
  /** Of which point the live region is to say something once it is known. */
  #spoken = -1;
  tip = h("div", { class: "bw-map-tip", hidden: true });
  live = h("div", { class: "bw-sr", "aria-live": "polite" });

  /** @param {Options} options */
  constructor(options) {
    this.#options = options;
  }

  get active() {
    return this.#options.stage.active;
  }

  /** The point at a place; -1 for none. @param {Place} place px of the page */
  at([x, y]) {
    const { screen, unit, radius } = this.#options.stage;
    return pointAt(screen, x * unit, y * unit, Math.max(REACH, radius + 2) * unit);
  }

  /** The pointer is at a place, or gone. @param {Place|null} place @returns {boolean} whether a point is there */
  hover(place) {
    if (!place && !this.#pointer) return false; // what the keys went to stays
    this.#pointer = place;
    const point = place ? this.at(place) : -1;
    this.activate(point);
    return point >= 0;
  }

  /** @param {number} point -1 for none */
  activate(point) {
    const { stage, items, neighbors, alike } = this.#options;
    if (point !== stage.active) {
      stage.active = point;
      stage.neighbors = neighbors(point);
      stage.tell(point < 0 ? null : alike(point));
      stage.draw(false);
    }
    if (point >= 0) items.look(point);
    this.show();
  }

  /** Goes to the nearest image in a direction. @param {number} right @param {number} down */
  go(right, down) {
    const { stage } = this.#options;
    const { screen, active, camera } = stage;
    const to = active < 0 ? pointNear(screen, screen.width / 2, screen.height / 2) : pointTowards(screen, active, right, down);
    if (to < 0) return;
    if (camera.reveal(screen.x[to], screen.y[to])) stage.draw();
    this.#pointer = null;
    this.#spoken = to;
    this.activate(to);
  }

  /** Puts what is said beside the pointer, or beside its point, which may have moved. */
  place() {
    const { active, screen, unit } = this.#options.stage;
    if (active < 0 || this.tip.hidden) return;
    const [x, y] = this.#pointer ?? [screen.x[active] / unit, screen.y[active] / unit];
    placeTip(this.tip, x, y);
  }

  /** Says what is known by now. */
  show() {
    const { stage, items, value, selected } = this.#options;
    const { active } = stage;
    const known = active < 0 ? null : items.get(active);
    this.tip.hidden = !known;
    if (!known) return;
    fillTip(this.tip, known, value(active));
    this.place();
    if (this.#spoken !== active) return;
    this.#spoken = -1;
    say(this.live, `${sentence(known.item)}${selected(active) ? ", selected" : ""}`);
  }
}
