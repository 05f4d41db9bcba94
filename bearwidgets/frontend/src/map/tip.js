// What is said of the image under the pointer.
import { verb } from "../shared/actions.js";
import { h } from "../shared/dom.js";
import { percent } from "../shared/format.js";
/** @import { Known } from "./items.js" */

/** Between the pointer and the tip, px. */
const GAP = 14;

/** An image in one sentence, for a screen reader. @param {Known["item"]} item */
export function sentence({ path, label, predicted, confidence, decision, why }) {
  return [
    `labeled ${label}`,
    predicted === null ? "" : `predicted ${predicted}${confidence === null ? "" : ` at ${percent(confidence)}`}`,
    decision ? `decision: ${verb(decision.action, decision.label, decision.about)}` : "",
    path,
    why,
  ].filter(Boolean).join(", ");
}

/** @param {HTMLElement} tip @param {Known} known @param {string} [also] */
export function fillTip(tip, { item, image }, also = "") {
  const small = image ? h("canvas", { width: image.width, height: image.height }) : null;
  if (image) small?.getContext("2d")?.drawImage(image, 0, 0);
  const { path, label, predicted, confidence, decision, why, error } = item;
  const lines = [
    h("p", {}, "Labeled ", h("b", {}, h("bdi", { text: label }))),
    predicted === null ? null : h("p", {}, "Model: ", h("bdi", { text: predicted }), confidence === null ? "" : ` (${percent(confidence)})`),
    decision ? h("p", { text: `Decision: ${verb(decision.action, decision.label, decision.about)}` }) : null,
    error ? h("p", { class: "bw-hint", text: `No image: ${error}` }) : null,
    why ? h("p", { text: why }) : null,
    also ? h("p", { class: "bw-hint", text: also }) : null,
    h("p", { class: "bw-hint", text: path }),
  ];
  tip.replaceChildren(...[small, h("div", {}, ...lines)].filter((each) => each !== null));
}

/** Puts the tip beside a place, and keeps it inside. @param {HTMLElement} tip @param {number} x px @param {number} y px */
export function placeTip(tip, x, y) {
  const { clientWidth, clientHeight } = /** @type {HTMLElement} */ (tip.parentElement);
  const { offsetWidth: w, offsetHeight: t } = tip;
  const left = x + GAP + w > clientWidth ? x - GAP - w : x + GAP;
  const top = Math.min(y + GAP, clientHeight - t - 4);
  tip.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
}
