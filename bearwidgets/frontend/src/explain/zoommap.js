// The map of what the network looked at, over an image that another view shows.
import { h, say } from "../shared/dom.js";
import { Maps } from "./maps.js";
import { Overlay } from "./overlay.js";
import { MapPanel } from "./panel.js";
/** @import { Buffer, ExplainReply, ExplainRequest } from "../shared/types.js" */

/** Turned on and off; asks for the maps of each image that is shown while it is on. */
export class ZoomMap {
  #overlay = new Overlay();
  #message = h("p", { class: "bw-hint", role: "status" });
  #panel;
  #ask;
  #cover;
  #on = false;
  /** @type {string|null} */
  #item = null;
  /** The item whose maps are here, or on their way. @type {string|null} */
  #asked = null;
  /** @type {Maps|null} */
  #maps = null;
  element;

  /** @param {{ask: (args: ExplainRequest) => Promise<{result: ExplainReply, buffers: Buffer[]}>, cover: (element: HTMLElement) => void, signal: AbortSignal}} options */
  constructor({ ask, cover, signal }) {
    this.#ask = ask;
    this.#cover = cover;
    this.#panel = new MapPanel({ onDraw: () => this.#draw(), onMissing: (label) => void this.#load(label), signal });
    this.element = h("div", { class: "bw-zoom-map" }, h("style", { text: PANEL_CSS }), this.#message, this.#panel.element);
  }

  /** @param {boolean} on */
  turn(on) {
    this.#on = on;
    this.show(this.#item);
  }

  /** The maps are of a network of before. */
  forget() {
    this.#asked = null;
  }

  /** @param {string|null} item */
  show(item) {
    this.#item = item;
    if (item !== this.#asked || !this.#on) {
      this.#asked = null;
      this.#maps = null;
      this.#panel.show(null);
    }
    if (!this.#on || !item || this.#asked) return;
    this.#asked = item;
    void this.#load(null);
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether it was for the map */
  key(event) {
    return this.#on && this.#maps !== null && this.#panel.key(event);
  }

  /** @param {string|null} label a class that has no map yet */
  async #load(label) {
    const item = this.#asked;
    if (!item) return;
    say(this.#message, "asking the network…");
    try {
      const { result, buffers } = await this.#ask({ item, method: null, label, image: false });
      if (this.#asked !== item) return;
      say(this.#message, "");
      if (label && this.#maps) {
        this.#maps.add(result, buffers[0]);
        this.#panel.added(label);
      } else {
        this.#maps = new Maps(result, buffers[0]);
        this.#panel.show(this.#maps);
      }
    } catch (error) {
      if (this.#asked === item) say(this.#message, `⚠ ${/** @type {Error} */ (error).message}`);
    }
  }

  #draw() {
    this.#overlay.show(this.#maps ? this.#panel.grid : null, this.#maps?.reply.seen ?? [0, 0, 1, 1], this.#panel.how);
    this.#cover(this.#overlay.element);
  }
}
