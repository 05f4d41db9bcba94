// A finger on the grid: two taps, or one that is held, do what a double click of the mouse does.
import { origin } from "../shared/dom.js";

/** A tap that is held this long, ms. */
const HELD = 500;
/** Two taps within this are one act, ms. */
const TWICE = 400;
/** A finger that moves further scrolls, px. */
const SLACK = 10;

/**
 * Follows fingers until the signal ends it; the first tap is a click as any other.
 * @param {HTMLElement} element
 * @param {AbortSignal} signal
 * @param {(cell: HTMLElement) => void} onOpen
 */
export function followTaps(element, signal, onOpen) {
  let [touch, held] = [false, false];
  /** @type {any} */
  let timer = null;
  let from = { x: 0, y: 0 };
  /** @type {{cell: Element|null, at: number}} */
  let last = { cell: null, at: 0 };
  const cellOf = (/** @type {Event} */ event) => (origin(event)?.closest("button") ? null : (origin(event)?.closest(".bw-cell") ?? null));
  const lift = () => clearTimeout(timer);
  const down = (/** @type {PointerEvent} */ event) => {
    lift();
    [touch, held] = [event.pointerType === "touch", false];
    const cell = cellOf(event);
    if (!touch || !event.isPrimary || !(cell instanceof HTMLElement)) return;
    from = { x: event.clientX, y: event.clientY };
    timer = setTimeout(() => {
      held = true;
      onOpen(cell);
    }, HELD);
  };
  const move = (/** @type {PointerEvent} */ event) => {
    if (Math.hypot(event.clientX - from.x, event.clientY - from.y) > SLACK) lift();
  };
  const click = (/** @type {MouseEvent} */ event) => {
    if (!touch) return;
    const before = last;
    last = { cell: cellOf(event), at: Date.now() };
    const twice = last.cell instanceof HTMLElement && last.cell === before.cell && last.at - before.at < TWICE;
    if (!twice && !held) return;
    event.stopPropagation();
    if (twice && !held) onOpen(/** @type {HTMLElement} */ (last.cell));
    last = { cell: null, at: 0 };
  };
  const own = (/** @type {Event} */ event) => {
    if (!touch) return;
    event.preventDefault();
    event.stopPropagation();
  };
  const listen = { signal, capture: true };
  element.addEventListener("pointerdown", down, listen);
  element.addEventListener("pointermove", move, listen);
  for (const end of ["pointerup", "pointercancel"]) element.addEventListener(end, lift, listen);
  element.addEventListener("click", click, listen);
  // The browser's own double click, and its menu for an image that a finger rests on.
  for (const other of ["dblclick", "contextmenu"]) element.addEventListener(other, own, listen);
  signal.addEventListener("abort", lift);
}
