// Making elements. Text only ever becomes text: file names and labels may hold markup, and what cannot be seen.
import { visible } from "./format.js";

/** Attributes that are read by a person. */
const WORDS = new Set(["title", "aria-label", "aria-description", "alt", "data-beside", "data-error"]);

/**
 * Makes an element.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [attributes] `class`, `text`, `on` (listeners by event), or any attribute; null, undefined and false leave it out
 * @param {...(Node|string|null)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") say(element, value ?? "");
    else if (name === "on") for (const [event, run] of Object.entries(value)) element.addEventListener(event, run);
    else attribute(element, name, value);
  }
  // JupyterLab looks for a shortcut from the focused element upwards and stops at this attribute, but only after it has
  // compared the element itself, and `:focus` is what it compares with. So every element has it.
  element.setAttribute("data-lm-suppress-shortcuts", "true");
  element.append(...children.filter((child) => child !== null).map((child) => (typeof child === "string" ? visible(child) : child)));
  return element;
}

/**
 * Ctrl+S (or Cmd+S) in a view still saves the notebook: it is said again to the parent, where shortcuts are awake.
 *
 * @param {HTMLElement} root @param {AbortSignal} signal
 */
export function keepSave(root, signal) {
  root.addEventListener(
    "keydown",
    (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || event.key.toLowerCase() !== "s") return;
      event.preventDefault();
      event.stopPropagation();
      const unheard = root.parentElement?.dispatchEvent(new KeyboardEvent("keydown", event));
      // The classic notebook hears no keys while an output has the focus.
      if (unheard) /** @type {any} */ (globalThis).Jupyter?.notebook?.save_checkpoint?.();
    },
    { signal },
  );
}

/** A button with its text. @param {string} text @param {(event: MouseEvent) => void} click @param {Record<string, any>} [attributes] */
export function button(text, click, attributes = {}) {
  return h("button", { type: "button", class: "bw-button", text, on: { click }, ...attributes });
}

/** Sets a text, and leaves the page alone where it is there already. @param {Element} element @param {string} text */
export function say(element, text) {
  const shown = visible(text);
  if (element.textContent !== shown) element.textContent = shown;
}

/** Sets or removes an attribute. @param {Element} element @param {string} name @param {string|number|boolean|null|undefined} value null, undefined or false removes */
export function attribute(element, name, value) {
  if (value === null || value === undefined || value === false) return element.removeAttribute(name);
  const text = value === true ? "" : WORDS.has(name) ? visible(String(value)) : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/** What has the focus where an element lies: inside a shadow tree the document knows only its host. @param {Element} element */
export function focusedNear(element) {
  return /** @type {Document|ShadowRoot} */ (element.getRootNode()).activeElement ?? null;
}

/** Where an event began: told outside a shadow tree, its target is only the host. @param {Event} event */
export function origin(event) {
  const [first] = event.composedPath();
  return first instanceof Element ? first : null;
}

/** Whether Command stands where others have Ctrl. @param {Document} document_ */
export function isMac(document_) {
  return /Mac|iPhone|iPad/.test(document_.defaultView?.navigator.platform ?? "");
}
