// Making elements. Text only ever becomes text: file names and labels come from strangers.

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [attributes] `class`, `text`, `on` (listeners by event), or any attribute; null, undefined and false leave it out
 * @param {...(Node|string|null)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") element.textContent = value;
    else if (name === "on") for (const [event, run] of Object.entries(value)) element.addEventListener(event, run);
    else element.setAttribute(name === "class" ? "class" : name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/**
 * @param {string} text
 * @param {(event: MouseEvent) => void} click
 * @param {Record<string, any>} [attributes]
 */
export function button(text, click, attributes = {}) {
  return h("button", { type: "button", class: "bw-button", text, on: { click }, ...attributes });
}

/** @param {Element} element @param {string} text */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {Element} element @param {string} name @param {string|number|boolean|null} value null or false removes */
export function attribute(element, name, value) {
  if (value === null || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? "" : String(value));
}

/** @param {Document} document_ */
export function isMac(document_) {
  return /Mac|iPhone|iPad/.test(document_.defaultView?.navigator.platform ?? "");
}
