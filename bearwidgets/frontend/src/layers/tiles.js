// A page of channels as tiles: one Tab stop, arrow keys over rows and columns, a press chooses one.
import { attribute, focusedNear, h, origin, say } from "../shared/dom.js";
import { step } from "./steps.js";
/** @import { Channel } from "../shared/types.js" */

/** The channels of a layer that are on the page. */
export class Tiles {
  #options;
  #signal;
  /** @type {HTMLButtonElement[]} */
  #tiles = [];
  #chosen = -1;
  element = h("div", { class: "bw-channels", role: "listbox", "aria-label": "Channels" });

  /** @param {{onChoose: (channel: number) => void, onPage: (by: number) => void, signal: AbortSignal}} options */
  constructor(options) {
    this.#options = options;
    this.#signal = options.signal;
    this.element.addEventListener("keydown", (event) => this.#key(event), { signal: this.#signal });
  }

  /** @param {Channel[]} channels @param {(string|null)[]} urls of their images @param {boolean} sharp pixels stay pixels */
  show(channels, urls, sharp) {
    const had = this.element.contains(focusedNear(this.element));
    this.element.classList.toggle("bw-sharp", sharp);
    if (channels.length !== this.#tiles.length) {
      this.#tiles = channels.map(() => h("button", { type: "button", class: "bw-channel", role: "option" }, h("img", { alt: "" }), h("span", {})));
      this.#tiles.forEach((tile) => tile.addEventListener("click", () => this.#options.onChoose(Number(tile.dataset.channel)), { signal: this.#signal }));
      this.element.replaceChildren(...this.#tiles);
    }
    channels.forEach(({ number, value }, place) => {
      const tile = this.#tiles[place];
      const [image, text] = /** @type {[HTMLImageElement, HTMLElement]} */ ([...tile.children]);
      tile.dataset.channel = String(number);
      image.hidden = urls[place] === null;
      attribute(image, "src", urls[place]);
      say(text, `${number}${value === null ? "" : ` · ${value.toPrecision(3)}`}`);
      attribute(tile, "aria-label", `channel ${number}${value === null ? "" : `, highest response ${value.toPrecision(3)}`}`);
    });
    this.choose(this.#chosen);
    if (had) this.focus();
  }

  /** @param {number} channel */
  choose(channel) {
    this.#chosen = channel;
    const stop = this.#tiles.find((tile) => Number(tile.dataset.channel) === channel) ?? this.#tiles[0];
    for (const tile of this.#tiles) {
      attribute(tile, "aria-selected", String(Number(tile.dataset.channel) === channel));
      attribute(tile, "tabindex", tile === stop ? 0 : -1);
    }
  }

  focus() {
    this.#tiles.find((tile) => tile.tabIndex === 0)?.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const pages = { PageUp: -1, PageDown: 1 }[event.key];
    if (pages) this.#options.onPage(pages);
    else {
      const from = this.#tiles.indexOf(/** @type {any} */ (origin(event)?.closest(".bw-channel")));
      const columns = this.#tiles.filter(({ offsetTop }) => offsetTop === this.#tiles[0].offsetTop).length;
      const to = from < 0 ? null : step(event.key, from, this.#tiles.length, columns);
      if (to === null) return;
      for (const tile of this.#tiles) attribute(tile, "tabindex", tile === this.#tiles[to] ? 0 : -1);
      this.#tiles[to].focus();
    }
    event.preventDefault();
    event.stopPropagation();
  }
}
