// What a mouse, a pen or fingers do on the map. Places are px of the page, from the upper left corner of the map.
/** @typedef {[number, number]} Place */
/** @typedef {"move"|"lasso"|"box"} Tool */
/** @typedef {"new"|"add"|"take"} How what becomes of the points in a shape */

/** Presses that move less than this are clicks, px. */
const SLACK = 4;

/**
 * @typedef {object} Actions
 * @property {() => Tool} tool that is chosen
 * @property {(dx: number, dy: number, aside: boolean) => void} move `aside`: with another button than the first, or with Ctrl
 * @property {(factor: number, at: Place) => void} zoom
 * @property {(shape: Place[]|null, how: How) => void} draw a shape as it grows; null where it is given up
 * @property {(shape: Place[], how: How) => void} drawn
 * @property {(at: Place, how: How) => void} click
 * @property {(at: Place|null) => void} hover
 */

/** @param {HTMLElement} element @param {AbortSignal} signal @param {Actions} actions */
export function followGestures(element, signal, actions) {
  /** @type {Map<number, Place>} */
  const pressed = new Map();
  /** @type {Place[]} */
  let path = [];
  /** @type {"wait"|"move"|"lasso"|"box"|"pinch"|null} */
  let act = null;
  /** @type {How} */
  let how = "new";
  let aside = false;
  const place = (/** @type {MouseEvent} */ event) => {
    const box = element.getBoundingClientRect();
    return /** @type {Place} */ ([event.clientX - box.left, event.clientY - box.top]);
  };
  const howOf = (/** @type {MouseEvent} */ event) => (event.altKey ? "take" : event.shiftKey ? "add" : "new");
  const shape = () => (act === "box" ? corners(path[0], path[path.length - 1]) : path);
  const down = (/** @type {PointerEvent} */ event) => {
    pressed.set(event.pointerId, place(event));
    element.setPointerCapture(event.pointerId);
    if (pressed.size === 2) {
      if (act === "lasso" || act === "box") actions.draw(null, how);
      act = "pinch";
    }
    if (pressed.size > 1) return;
    [act, how, path] = ["wait", howOf(event), [place(event)]];
    aside = event.button > 0 || event.ctrlKey || event.metaKey;
    actions.hover(null);
  };
  const move = (/** @type {PointerEvent} */ event) => {
    const to = place(event);
    const from = pressed.get(event.pointerId);
    if (!from) return void (pressed.size || actions.hover(to));
    if (act === "pinch") return pinch(event.pointerId, to);
    pressed.set(event.pointerId, to);
    if (act === "wait") {
      if (Math.hypot(to[0] - path[0][0], to[1] - path[0][1]) < SLACK) return;
      const tool = actions.tool();
      act = aside ? "move" : tool === "move" && how !== "new" ? "lasso" : tool;
    }
    path.push(to);
    if (act === "move") actions.move(to[0] - from[0], to[1] - from[1], aside);
    else actions.draw(shape(), how);
  };
  const pinch = (/** @type {number} */ id, /** @type {Place} */ to) => {
    const [a, b] = [...pressed.values()];
    const [length, middle] = [Math.hypot(a[0] - b[0], a[1] - b[1]), [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]];
    pressed.set(id, to);
    const [c, d] = [...pressed.values()];
    const now = /** @type {Place} */ ([(c[0] + d[0]) / 2, (c[1] + d[1]) / 2]);
    actions.move(now[0] - middle[0], now[1] - middle[1], true);
    if (length) actions.zoom(Math.hypot(c[0] - d[0], c[1] - d[1]) / length, now);
  };
  const up = (/** @type {PointerEvent} */ event) => {
    if (!pressed.delete(event.pointerId) || pressed.size) return;
    if (act === "wait" && event.button <= 0) actions.click(place(event), how);
    else if (act === "lasso" || act === "box") actions.drawn(shape(), how);
    act = null;
  };
  const cancel = (/** @type {PointerEvent} */ event) => {
    if (!pressed.delete(event.pointerId)) return;
    if (act === "lasso" || act === "box") actions.draw(null, how);
    if (!pressed.size) act = null;
  };
  const wheel = (/** @type {WheelEvent} */ event) => {
    event.preventDefault();
    // A wheel tells lines or pages in some browsers; a pinch on a touchpad is a wheel with Ctrl in small steps.
    const px = event.deltaY * (event.deltaMode === 1 ? 24 : event.deltaMode === 2 ? 400 : 1);
    actions.zoom(Math.exp(-px * (event.ctrlKey ? 0.01 : 0.0018)), place(event));
  };
  element.addEventListener("pointerdown", down, { signal });
  element.addEventListener("pointermove", move, { signal });
  element.addEventListener("pointerup", up, { signal });
  element.addEventListener("pointercancel", cancel, { signal });
  element.addEventListener("pointerleave", () => pressed.size || actions.hover(null), { signal });
  element.addEventListener("wheel", wheel, { signal, passive: false });
  element.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
}

/** @param {Place} from @param {Place} to @returns {Place[]} */
function corners([left, top], [right, bottom]) {
  return [[left, top], [right, top], [right, bottom], [left, bottom]];
}
