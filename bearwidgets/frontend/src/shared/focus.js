// Once the focus is in a view it stays there, so that no key falls through to the notebook.
import { focusedNear, origin } from "./dom.js";

/**
 * Gives the focus to what `focus` chooses, or to an open menu, panel or dialog, when a press in the view lands on nothing that takes
 * it, such as a scroll bar or a text, and when what had it is gone: taken away, hidden or disabled.
 * @param {HTMLElement} root
 * @param {AbortSignal} signal
 * @param {() => void} focus
 */
export function keepFocus(root, signal, focus) {
  let inside = false;
  const settle = () => {
    if (!inside || !root.isConnected || root.contains(focusedNear(root))) return;
    const over = root.querySelector(".bw-menu input, .bw-panel") ?? root.querySelector("dialog[open]");
    if (over instanceof HTMLElement) over.focus({ preventScroll: true });
    else focus();
  };
  root.addEventListener("focusin", () => (inside = true), { signal });
  root.addEventListener(
    "focusout",
    (event) => {
      const next = event.relatedTarget;
      inside = next instanceof Node && root.contains(next);
      if (next) return;
      // Nothing takes it over: the window lost it, or what had it cannot have it any more, which shows in a moment.
      const from = origin(event);
      queueMicrotask(() => {
        if (!isGone(from) || root.ownerDocument.querySelector(":focus")) return;
        inside = true;
        settle();
      });
    },
    { signal },
  );
  const pressed = () => {
    inside = true;
    // At once, as a key may be waiting already; and again after the click, which may take away what has the focus now.
    settle();
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

/** Whether an element cannot have the focus any more. @param {Element|null} element */
function isGone(element) {
  return !element?.isConnected || !element.checkVisibility() || element.matches(":disabled");
}
