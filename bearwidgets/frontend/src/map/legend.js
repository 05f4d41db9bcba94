// What the colors mean: a button for each class, or a scale from low to high.
import { h } from "../shared/dom.js";
import { whole } from "../shared/format.js";
/** @import { Coloring, Entry } from "./colors.js" */

/**
 * Fills the legend.
 * @param {HTMLElement} element @param {Coloring} coloring
 * @param {(entry: Entry|null) => void} onPoint an entry is pointed at, or none any more
 * @param {(entry: Entry) => void} onChoose
 */
export function fillLegend(element, { entries, colors, low, high }, onPoint, onChoose) {
  const scale = low ? [h("span", { text: low }), scaleOf(colors.slice(0, -1)), h("span", { text: high })] : [];
  element.replaceChildren(
    ...scale,
    ...entries.map((entry) => {
      const dot = h("span", { class: "bw-map-dot" });
      dot.style.background = entry.color;
      const point = () => onPoint(entry);
      const leave = () => onPoint(null);
      return h(
        "button",
        {
          type: "button",
          class: "bw-map-entry",
          disabled: !entry.open,
          title: entry.open ? `Select these ${whole(entry.count)}` : null,
          on: { pointerenter: point, pointerleave: leave, focus: point, blur: leave, click: () => onChoose(entry) },
        },
        dot,
        h("bdi", { class: "bw-cut", text: entry.name }),
        h("span", { class: "bw-hint", text: whole(entry.count) }),
      );
    }),
  );
}

/** @param {string[]} colors */
function scaleOf(colors) {
  const scale = h("span", { class: "bw-map-scale", "aria-hidden": "true" });
  scale.style.background = `linear-gradient(to right, ${colors.join(", ")})`;
  return scale;
}
