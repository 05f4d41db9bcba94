// One Tab stop for a toolbar: the arrow keys go from one control to the next (WAI-ARIA toolbar pattern).
import { attribute, origin } from "./dom.js";

/** How far each key goes. @type {Record<string, number>} */
const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

/**
 * Makes a toolbar one Tab stop.
 * @param {HTMLElement} bar
 * @param {AbortSignal} signal
 * @returns {() => void} to be called when controls were added, hidden or disabled
 */
export function rove(bar, signal) {
  const controls = () => /** @type {HTMLElement[]} */ ([...bar.querySelectorAll("button, select, input")]);
  const usable = (/** @type {HTMLElement} */ each) => !each.matches(":disabled") && each.closest("[hidden]") === null;
  const point = (/** @type {HTMLElement|undefined} */ stop) => {
    for (const each of controls()) attribute(each, "tabindex", each === stop ? 0 : -1);
  };
  const refresh = () => {
    const now = controls().find((each) => each.getAttribute("tabindex") === "0");
    if (!now || !usable(now)) point(controls().find(usable));
  };
  const key = (/** @type {KeyboardEvent} */ event) => {
    const step = STEPS[event.key];
    const from = origin(event);
    if (!step || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (from instanceof HTMLInputElement && from.selectionStart !== null && !atEdge(from, step)) return;
    const stops = controls().filter((each) => usable(each) && each.checkVisibility());
    const at = stops.findIndex((each) => each === from);
    if (at < 0) return;
    event.preventDefault();
    event.stopPropagation();
    stops[Math.max(0, Math.min(stops.length - 1, at + step))].focus();
  };
  const focused = (/** @type {FocusEvent} */ event) => {
    const from = origin(event);
    if (from instanceof HTMLElement && controls().includes(from)) point(from);
  };
  bar.addEventListener("keydown", key, { signal });
  bar.addEventListener("focusin", focused, { signal });
  return refresh;
}

/** Whether the caret has no way left in a text. @param {HTMLInputElement} input @param {number} step */
function atEdge({ value, selectionStart, selectionEnd }, step) {
  const edge = step < 0 ? 0 : value.length;
  return Math.abs(step) === 1 && (value === "" || (selectionStart === selectionEnd && selectionStart === edge));
}
