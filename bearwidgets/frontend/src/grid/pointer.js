// The mouse on the grid: clicks, double clicks, and the rubber band with its scrolling at the edges.
import { h, origin } from "../shared/dom.js";
/** @import { Box } from "./geometry.js" */

/** A press that moves further than this is a band, px. */
const SLACK = 4;

/**
 * @typedef {object} PointerOptions
 * @property {HTMLElement} element the scroll container; what it scrolls is its first child
 * @property {AbortSignal} signal
 * @property {() => number} top px of rows scrolled past
 * @property {(top: number) => void} scrollTo
 * @property {(event: MouseEvent) => void} onClick not after a band
 * @property {(event: MouseEvent) => void} onDoubleClick not on a button
 * @property {(down: PointerEvent) => (box: Box) => void} beginBand gives what is done with the box as it grows
 * @property {() => void} endBand
 */

/** Follows the mouse until the signal ends it. @param {PointerOptions} options */
export function followPointer(options) {
  const { element, signal, onClick, onDoubleClick } = options;
  const onButton = (/** @type {Event} */ event) => Boolean(origin(event)?.closest("button"));
  let banded = false;
  const click = (/** @type {MouseEvent} */ event) => {
    if (!banded) onClick(event);
    banded = false;
  };
  const doubleClick = (/** @type {MouseEvent} */ event) => {
    if (!onButton(event)) onDoubleClick(event);
  };
  const down = (/** @type {PointerEvent} */ event) => {
    banded = false;
    const onScrollBar = event.offsetX > element.clientWidth && origin(event) === element;
    if (event.button !== 0 || event.pointerType === "touch" || onScrollBar || onButton(event)) return;
    // Shift and a click would select text from there to here.
    if (event.shiftKey) event.preventDefault();
    drawBand(options, event, () => (banded = true));
  };
  element.addEventListener("click", click, { signal });
  element.addEventListener("dblclick", doubleClick, { signal });
  element.addEventListener("pointerdown", down, { signal });
}

/** Draws a band from a press to its release. @param {PointerOptions} options @param {PointerEvent} down @param {() => void} onBegin */
function drawBand({ element, signal, top, scrollTo, beginBand, endBand }, down, onBegin) {
  const inRows = (/** @type {PointerEvent} */ event) => {
    const rectangle = element.getBoundingClientRect();
    return { x: event.clientX - rectangle.left, y: event.clientY - rectangle.top + top() };
  };
  const from = inRows(down);
  const apply = beginBand(down);
  const box = h("div", { class: "bw-band" });
  const over = new AbortController();
  let last = down;
  let frame = 0;

  const draw = () => {
    const to = inRows(last);
    apply({ x0: from.x, y0: from.y, x1: to.x, y1: to.y });
    box.style.left = `${Math.min(from.x, to.x)}px`;
    box.style.top = `${Math.min(from.y, to.y) + element.scrollTop - top()}px`;
    box.style.width = `${Math.abs(to.x - from.x)}px`;
    box.style.height = `${Math.abs(to.y - from.y)}px`;
  };
  const scrollAtEdge = () => {
    const edge = element.getBoundingClientRect();
    const past = Math.min(0, last.clientY - edge.top) + Math.max(0, last.clientY - edge.bottom);
    if (past) {
      scrollTo(top() + past / 3);
      draw();
    }
    frame = requestAnimationFrame(scrollAtEdge);
  };
  const move = (/** @type {PointerEvent} */ event) => {
    last = event;
    if (!frame) {
      if (Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) <= SLACK) return;
      onBegin();
      element.setPointerCapture(down.pointerId);
      element.firstElementChild?.append(box);
      frame = requestAnimationFrame(scrollAtEdge);
    }
    draw();
  };
  const end = () => {
    over.abort();
    cancelAnimationFrame(frame);
    box.remove();
    if (frame) endBand();
  };
  const listen = { signal: AbortSignal.any([over.signal, signal]) };
  element.addEventListener("pointermove", move, listen);
  element.addEventListener("pointerup", end, listen);
  element.addEventListener("pointercancel", end, listen);
  signal.addEventListener("abort", end, { signal: over.signal });
}
