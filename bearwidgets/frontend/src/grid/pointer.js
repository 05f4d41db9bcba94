// The mouse on the grid: click, Shift and Ctrl click, double click, and the rubber band.
import { h } from "../shared/dom.js";
import { itemsInBox } from "./geometry.js";
import { band, extend, nothing, only, toggle } from "./selection.js";
/** @typedef {import("./grid.js").Grid} Grid */

/** A press that moves further than this is a band, px. */
const SLACK = 4;

/**
 * @param {Grid} grid
 * @param {Pick<import("./grid.js").GridOptions, "signal"|"onZoom"|"onMenu"|"onSettle">} options
 */
export function followPointer(grid, { signal, onZoom, onMenu, onSettle }) {
  const element = grid.element;
  let banded = false;

  element.addEventListener(
    "click",
    (event) => {
      if (banded) {
        banded = false;
        return;
      }
      const index = grid.indexOf(event);
      const pressed = event.target instanceof Element ? event.target.closest(".bw-decide, .bw-settle") : null;
      if (index !== null && pressed?.matches(".bw-settle")) onSettle(index);
      else if (index !== null && pressed instanceof HTMLElement) onMenu(index, pressed);
      else clicked(grid, index, event);
    },
    { signal },
  );
  element.addEventListener(
    "dblclick",
    (event) => {
      const index = grid.indexOf(event);
      const onButton = event.target instanceof Element && event.target.closest("button");
      if (index !== null && !onButton) onZoom(index);
    },
    { signal },
  );
  element.addEventListener(
    "pointerdown",
    (event) => {
      banded = false;
      const onScrollBar = event.offsetX > element.clientWidth && event.target === element;
      const onButton = event.target instanceof Element && event.target.closest("button");
      if (event.button !== 0 || event.pointerType === "touch" || onScrollBar || onButton) return;
      // Shift and a click would select text from there to here.
      if (event.shiftKey) event.preventDefault();
      drawBand(grid, event, signal, () => (banded = true));
    },
    { signal },
  );
}

/** @param {Grid} grid @param {number|null} index @param {MouseEvent} event */
function clicked(grid, index, event) {
  const { selection } = grid;
  if (index === null) grid.select(nothing(selection.active), { show: false });
  else if (event.shiftKey) grid.select(extend(selection, index), { focus: true });
  else if (event.ctrlKey || event.metaKey) grid.select(toggle(selection, index), { focus: true });
  else grid.select(only(index), { focus: true });
}

/**
 * @param {Grid} grid
 * @param {PointerEvent} down
 * @param {AbortSignal} signal
 * @param {() => void} onBegin
 */
function drawBand(grid, down, signal, onBegin) {
  const element = grid.element;
  const from = place(grid, down);
  const kept = down.ctrlKey || down.metaKey || down.shiftKey ? grid.selection.ranges : [];
  const before = grid.selection;
  const box = h("div", { class: "bw-band" });
  const over = new AbortController();
  let last = down;
  let frame = 0;
  let begun = false;

  const draw = () => {
    const to = place(grid, last);
    const rectangle = { x0: from.x, y0: from.y, x1: to.x, y1: to.y };
    grid.select(band(before, itemsInBox(grid.layout, rectangle), kept), { show: false });
    const offset = element.scrollTop - grid.top;
    box.style.left = `${Math.min(from.x, to.x)}px`;
    box.style.top = `${Math.min(from.y, to.y) + offset}px`;
    box.style.width = `${Math.abs(to.x - from.x)}px`;
    box.style.height = `${Math.abs(to.y - from.y)}px`;
  };
  const scrollAtEdge = () => {
    const { top, bottom } = element.getBoundingClientRect();
    const past = last.clientY < top ? last.clientY - top : Math.max(0, last.clientY - bottom);
    if (past) {
      grid.scrollTo(grid.top + past / 3);
      draw();
    }
    frame = requestAnimationFrame(scrollAtEdge);
  };
  const move = (/** @type {PointerEvent} */ event) => {
    last = event;
    if (!begun && Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) <= SLACK) return;
    if (!begun) {
      begun = true;
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
    if (begun) grid.focus();
  };
  const listen = { signal: AbortSignal.any([over.signal, signal]) };
  element.addEventListener("pointermove", move, listen);
  element.addEventListener("pointerup", end, listen);
  element.addEventListener("pointercancel", end, listen);
}

/** @param {Grid} grid @param {PointerEvent} event @returns {{x: number, y: number}} px of rows */
function place(grid, event) {
  const rectangle = grid.element.getBoundingClientRect();
  return { x: event.clientX - rectangle.left, y: event.clientY - rectangle.top + grid.top };
}
