// Images in panes that are enlarged and moved together: fit, 100 %, the wheel, a drag, two fingers.
import { attribute, h } from "../shared/dom.js";

/** How far one turn of the wheel or one press goes. */
const TURN = 1.25;
/** Closest look: px of the screen for one of the image. */
const CLOSEST = 16;

/** @typedef {{box: HTMLElement, image: HTMLImageElement}} Pane */
/** @typedef {{x: number, y: number}} Point px of the window */

/** One view on one or more images: how much larger than fitted, and which point of each is in the middle. */
export class Pan {
  element = h("div", { class: "bw-panes" });
  /** @type {Pane[]} */
  #panes = [];
  #times = 1;
  #middle = { x: 0.5, y: 0.5 };
  /** Where the fingers are, or the pressed mouse. @type {Map<number, Point>} */
  #pressed = new Map();
  #onChange;
  /** What lies on the first image, as large as it. @type {HTMLElement|null} */
  #over = null;

  /** @param {AbortSignal} signal @param {(percent: number) => void} onChange percent of one px of the screen for one of the image */
  constructor(signal, onChange) {
    this.#onChange = onChange;
    this.element.addEventListener("wheel", (event) => this.#wheel(event), { signal, passive: false });
    this.element.addEventListener("pointerdown", (event) => this.#press(event), { signal });
    this.element.addEventListener("pointermove", (event) => this.#drag(event), { signal });
    for (const end of /** @type {const} */ (["pointerup", "pointercancel"])) this.element.addEventListener(end, ({ pointerId }) => this.#pressed.delete(pointerId), { signal });
    const sized = new ResizeObserver(() => this.#draw());
    sized.observe(this.element);
    signal.addEventListener("abort", () => sized.disconnect());
  }

  /** @param {number} count how many images stand side by side @returns {HTMLImageElement[]} */
  split(count) {
    while (this.#panes.length < count) {
      const image = h("img", { alt: "", draggable: "false" });
      image.addEventListener("load", () => this.#draw());
      this.#panes.push({ image, box: h("div", { class: "bw-pane" }, image) });
    }
    this.#panes.length = count;
    this.element.replaceChildren(...this.#panes.map(({ box }) => box));
    if (this.#over) this.#panes[0]?.box.append(this.#over);
    return this.#panes.map(({ image }) => image);
  }

  /** Puts something over the first image, and keeps it there. @param {HTMLElement} element */
  cover(element) {
    this.#over = element;
    this.#panes[0]?.box.append(element);
    this.#draw();
  }

  /** The pane that tells the size: the first whose image is here. */
  get #first() {
    return this.#panes.find(({ image }) => image.naturalWidth);
  }

  /** The whole image. */
  fit() {
    this.#times = 1;
    this.#middle = { x: 0.5, y: 0.5 };
    this.#draw();
  }

  /** One px of the image for one of the screen, or back to the whole image. */
  toggle() {
    const first = this.#first;
    const own = first && 1 / (pixels() * fitted(first));
    if (!own || Math.abs(this.#times - own) < 0.01) return this.fit();
    this.#times = own;
    this.#draw();
  }

  /** @param {number} step closer, or less */
  step(step) {
    this.#scale(TURN ** step, 0, 0);
  }

  /** @param {number} by how much larger @param {Point} at what stays where it is */
  #scaleAt(by, { x, y }) {
    const boxes = this.#panes.map(({ box }) => box.getBoundingClientRect());
    const { left, top, width, height } = boxes.find((each) => x >= each.left && x <= each.right) ?? boxes[0];
    this.#scale(by, x - left - width / 2, y - top - height / 2);
  }

  /** @param {number} by how much larger @param {number} dx from the middle of a pane, px @param {number} dy */
  #scale(by, dx, dy) {
    const first = this.#first;
    if (!first) return;
    const before = this.#times;
    const most = Math.max(1, CLOSEST / (pixels() * fitted(first)));
    this.#times = Math.max(1, Math.min(most, before * by));
    // What is under the pointer stays under it.
    this.#move(dx / before - dx / this.#times, dy / before - dy / this.#times);
  }

  /** @param {number} dx px at fitted size @param {number} dy */
  #move(dx, dy) {
    const first = this.#first;
    if (!first) return;
    const { naturalWidth, naturalHeight } = first.image;
    const scale = fitted(first);
    this.#middle = { x: this.#middle.x + dx / (naturalWidth * scale), y: this.#middle.y + dy / (naturalHeight * scale) };
    this.#draw();
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    this.#scaleAt(TURN ** (event.deltaY < 0 ? 1 : -1), pointOf(event));
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (event.button !== 0) return;
    if (event.isPrimary) this.#pressed.clear(); // one that left while a dialog closed
    this.element.setPointerCapture(event.pointerId);
    this.#pressed.set(event.pointerId, pointOf(event));
  }

  /** One finger moves the image, two make it larger or smaller between them. @param {PointerEvent} event */
  #drag(event) {
    const before = this.#pressed.get(event.pointerId);
    if (!before || !event.buttons) return;
    const now = pointOf(event);
    this.#pressed.set(event.pointerId, now);
    const other = [...this.#pressed].find(([id]) => id !== event.pointerId)?.[1];
    if (other) this.#scaleAt(distance(now, other) / (distance(before, other) || 1), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
    const share = 1 / this.#times / (other ? 2 : 1);
    this.#move((before.x - now.x) * share, (before.y - now.y) * share);
  }

  #draw() {
    const first = this.#first;
    if (!first) return;
    for (const axis of /** @type {const} */ (["x", "y"])) {
      const [room, side] = axis === "x" ? [first.box.clientWidth, first.image.naturalWidth] : [first.box.clientHeight, first.image.naturalHeight];
      const half = Math.min(0.5, room / (2 * side * fitted(first) * this.#times));
      this.#middle[axis] = Math.max(half, Math.min(1 - half, this.#middle[axis]));
    }
    for (const pane of this.#panes) if (pane.image.naturalWidth) this.#place(pane);
    attribute(this.element, "data-close", this.#times > 1);
    this.#onChange(Math.round(100 * fitted(first) * this.#times * pixels()));
  }

  /** @param {Pane} pane */
  #place(pane) {
    const { image, box } = pane;
    const scale = fitted(pane) * this.#times;
    const left = box.clientWidth / 2 - this.#middle.x * image.naturalWidth * scale;
    const top = box.clientHeight / 2 - this.#middle.y * image.naturalHeight * scale;
    for (const { style } of [image, ...(this.#over?.parentElement === box ? [this.#over] : [])]) {
      style.width = `${image.naturalWidth * scale}px`;
      style.height = `${image.naturalHeight * scale}px`;
      style.transform = `translate(${left}px, ${top}px)`;
    }
    image.classList.toggle("bw-sharp", scale * pixels() > 3);
  }
}

/** Px of the page for one of the image when all of it is shown. @param {Pane} pane */
function fitted({ box, image }) {
  return Math.min(box.clientWidth / image.naturalWidth, box.clientHeight / image.naturalHeight) || 1;
}

/** @param {MouseEvent} event @returns {Point} */
function pointOf({ clientX: x, clientY: y }) {
  return { x, y };
}

/** @param {Point} one @param {Point} other */
function distance(one, other) {
  return Math.hypot(one.x - other.x, one.y - other.y);
}

/** Px of the screen for one of the page. */
function pixels() {
  return globalThis.devicePixelRatio || 1;
}
