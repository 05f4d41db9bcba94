// What the network looked at, in the zoom: turned on and off. Its code comes from Python when it is first wanted.
import { attribute, button, h, say } from "../shared/dom.js";
/** @import { Connection } from "../shared/connection.js" */
/** @import { ZoomMap } from "../explain/zoommap.js" */

export class LookedAt {
  #options;
  #on = false;
  #asked = false;
  /** @type {string|null} */
  #item = null;
  /** @type {ZoomMap|null} */
  #map = null;
  #message = h("p", { class: "bw-hint", role: "status" });
  button = button("Looked at", () => this.turn(), { title: "What the network looked at (L)", "aria-pressed": "false" });
  element = h("div", { hidden: true }, this.#message);

  /** @param {{connection: Connection, cover: (element: HTMLElement) => void, signal: AbortSignal}} options cover: puts a map over the image */
  constructor(options) {
    this.#options = options;
  }

  /** @param {boolean} [on] */
  turn(on = !this.#on) {
    this.#on = on;
    attribute(this.button, "aria-pressed", String(on));
    this.button.classList.toggle("bw-on", on);
    this.element.hidden = !on;
    this.#map?.turn(on);
    if (on && !this.#map) void this.#load();
  }

  /** @param {string|null} item that the zoom shows */
  show(item) {
    this.#item = item;
    this.#map?.show(item);
  }

  /** The maps are of a network of before. */
  forget() {
    this.#map?.forget();
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether it was for the map */
  key(event) {
    return this.#map?.key(event) ?? false;
  }

  async #load() {
    if (this.#asked) return;
    this.#asked = true;
    const { connection, cover, signal } = this.#options;
    try {
      const { result } = await connection.ask("explain_module", {});
      const url = URL.createObjectURL(new Blob([result.code], { type: "text/javascript" }));
      const { default: explain } = await import(url);
      URL.revokeObjectURL(url);
      this.#map = /** @type {ZoomMap} */ (explain.zoomMap({ ask: (/** @type {any} */ args) => connection.ask("explain", args), cover, signal }));
      this.element.replaceChildren(this.#map.element);
      this.#map.show(this.#item);
      this.#map.turn(this.#on);
    } catch (error) {
      say(this.#message, /** @type {Error} */ (error).message);
    }
    this.#asked = false;
  }
}
