// Once the focus is in a view it stays there, so that no key falls through to the notebook.
import { focusedNear, origin } from "./dom.js";

/**
 * Gives the focus to what `focus` chooses, or to an open menu or dialog, when a press in the view lands on nothing that takes
 * it, such as a scroll bar or a text, and when what had it is gone.
 * @param {HTMLElement} root
 * @param {AbortSignal} signal
 * @param {() => void} focus
 */
export function keepFocus(root, signal, focus) {
  let inside = false;
  const settle = () => {
    if (!inside || !root.isConnected || root.contains(focusedNear(root))) return;
    const over = root.querySelector(".bw-menu input") ?? root.querySelector("dialog[open]");
    if (over instanceof HTMLElement) over.focus({ preventScroll: true });
    else focus();
  };
  root.addEventListener("focusin", () => (inside = true), { signal });
  root.addEventListener(
    "focusout",
    (event) => {
      // Nothing takes it over: the window lost it, or the element is being taken away.
      const next = event.relatedTarget;
      inside = next instanceof Node ? root.contains(next) : !origin(event)?.isConnected;
    },
    { signal },
  );
  const pressed = () => {
    setTimeout(() => {
      inside = true;
      settle();
    });
  };
  root.addEventListener("pointerup", pressed, { signal });
  const observer = new MutationObserver(settle);
  observer.observe(root, { childList: true, subtree: true });
  signal.addEventListener("abort", () => observer.disconnect());
}
