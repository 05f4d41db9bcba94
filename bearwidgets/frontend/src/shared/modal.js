// Dialogs that hold the focus until they close.
import { focusedNear } from "./dom.js";

/**
 * Shows a dialog over the whole page, or only over its view where the page is taller than the screen: VS Code shows
 * all outputs of a notebook in one such frame, and the middle of that is out of sight.
 * @param {HTMLDialogElement} dialog a child of `root`
 * @param {HTMLElement} root
 */
export function showModal(dialog, root) {
  const { innerHeight, screen } = root.ownerDocument.defaultView ?? window;
  const boxed = innerHeight > screen.height;
  dialog.classList.toggle("bw-boxed", boxed);
  if (!boxed) return dialog.showModal();
  dialog.show();
  const over = new AbortController();
  const { signal } = over;
  const rest = () => {
    const open = root.querySelector(":scope > dialog[open]");
    for (const child of root.children) if (child instanceof HTMLElement) child.inert = open !== null && child !== open;
  };
  dialog.addEventListener("close", () => {
    over.abort();
    rest();
  }, { signal, capture: true }); // before the others hear it, who move the focus
  dialog.addEventListener("keydown", (event) => {
    if (event.defaultPrevented) return;
    if (event.key === "Escape") dialog.close();
    else if (event.key !== "Tab" || !goRound(dialog, event.shiftKey)) return;
    event.preventDefault();
  }, { signal });
  rest();
}

/** Moves the focus from the last part of a dialog to the first, or back; false elsewhere. @param {HTMLDialogElement} dialog @param {boolean} back */
function goRound(dialog, back) {
  const stops = [...dialog.querySelectorAll("button, input, select, textarea, [tabindex='0']")].filter((each) => each.checkVisibility() && !each.matches(":disabled"));
  const [from, to] = back ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]];
  if (focusedNear(dialog) !== from || !(to instanceof HTMLElement)) return false;
  to.focus();
  return true;
}
