// The one kind of drop-down: a list of rows, with a search box where there is something to search.
import { attribute, h, origin, say } from "./dom.js";
/**
 * @typedef {object} Row
 * @property {string} text
 * @property {string} [hint] at its end
 * @property {string} [sure] asked before it is chosen; a second Enter or click chooses it
 * @property {string} [kind] a CSS class; "bw-note" is a line to read that cannot be chosen
 * @property {boolean} [checked] it is what is shown now
 */

/**
 * Opens a drop-down under (or over) `anchor`; it closes on a choice, Escape, Tab or a press elsewhere.
 * @template {Row} R
 * @param {object} options
 * @param {HTMLElement} options.anchor
 * @param {HTMLElement} options.host a positioned element that holds the drop-down
 * @param {string} options.title
 * @param {string|null} [options.placeholder] of the search box; null: there is none
 * @param {(typed: string) => R[]} options.rows
 * @param {(row: R) => void} options.onChoice
 * @param {() => void} options.onClose focus goes back
 * @param {AbortSignal} options.signal
 */
export function openMenu({ anchor, host, title, placeholder = null, rows, onChoice, onClose, signal }) {
  // Two views in one page must not share element ids.
  const id = `bw-options-${Math.random().toString(36).slice(2)}`;
  /** @type {R[]} */
  let shown = [];
  let at = 0;
  /** A row that asks was chosen, and has to be chosen once more. */
  let sure = false;
  const list = h("div", { class: "bw-options", role: "listbox", id, "aria-label": title, tabindex: "-1" });
  const search = h("input", {
    class: "bw-input",
    type: "text",
    role: "combobox",
    placeholder,
    "aria-label": title,
    "aria-expanded": "true",
    "aria-autocomplete": "list",
    "aria-controls": id,
    autocomplete: "off",
    spellcheck: "false",
  });
  const taker = placeholder === null ? list : search;
  const menu = h("div", { class: "bw-menu" }, ...(placeholder === null ? [] : [search]), list);
  const { close, listen } = openPopover({ anchor, host, content: menu, signal, onClose });

  const choose = (/** @type {R} */ row) => {
    if (row.kind === "bw-note") return;
    if (row.sure && !sure) {
      sure = true;
      say(/** @type {Element} */ (list.children[shown.indexOf(row)].firstElementChild), row.sure);
      taker.focus();
      return point(shown.indexOf(row));
    }
    close(true);
    onChoice(row);
  };
  const point = (/** @type {number} */ index, step = 1) => {
    let next = Math.max(0, Math.min(shown.length - 1, index));
    while (shown[next]?.kind === "bw-note" && shown[next + step]) next += step;
    if (shown[next]?.kind !== "bw-note") at = next;
    [...list.children].forEach((option, i) => attribute(option, "aria-selected", String(i === at)));
    attribute(taker, "aria-activedescendant", shown.length ? `${id}-${at}` : null);
    list.children[at]?.scrollIntoView({ block: "nearest" });
  };
  const fill = () => {
    shown = rows(search.value);
    sure = false;
    list.replaceChildren(...shown.map((row, index) => option(row, `${id}-${index}`, () => choose(row))));
    point(Math.max(0, search.value ? 0 : shown.findIndex(({ checked }) => checked)));
  };
  search.addEventListener("input", fill, listen);
  menu.addEventListener(
    "keydown",
    (event) => {
      event.stopPropagation();
      if (event.isComposing) return;
      const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
      if (step) point(at + step, Math.sign(step));
      else if ((event.key === "Enter" || (event.key === " " && taker === list)) && shown[at]) choose(shown[at]);
      else if (event.key === "Escape" || event.key === "Tab") close(true);
      else return;
      event.preventDefault();
    },
    listen,
  );
  fill();
  place(menu, anchor, host);
  taker.focus({ preventScroll: true });
}

/** @param {Row} row @param {string} id @param {() => void} click */
function option({ text, hint = "", kind = "", checked = false }, id, click) {
  if (kind === "bw-note") return h("div", { class: "bw-option bw-note", role: "option", "aria-disabled": "true", id, text });
  const words = [h("span", { text }), h("span", { class: "bw-hint", text: hint })];
  return h("div", { class: `bw-option ${kind}`, role: "option", id, "data-checked": checked || null, on: { click } }, ...words);
}

/**
 * Puts `content` under (or over) `anchor` until Escape, a press elsewhere, or the `close` that it gives.
 * @param {object} options
 * @param {HTMLElement} options.anchor
 * @param {HTMLElement} options.host a positioned element that holds it
 * @param {HTMLElement} options.content
 * @param {() => void} options.onClose focus goes back
 * @param {AbortSignal} options.signal
 */
export function openPopover({ anchor, host, content, onClose, signal }) {
  const over = new AbortController();
  const listen = { signal: AbortSignal.any([signal, over.signal]) };
  const close = (/** @type {boolean} */ refocus) => {
    if (over.signal.aborted) return;
    over.abort();
    attribute(anchor, "aria-expanded", anchor.hasAttribute("aria-expanded") ? "false" : null);
    content.remove();
    if (refocus) onClose();
  };
  const pressed = (/** @type {Event} */ event) => {
    const from = origin(event);
    if (content.contains(from)) return;
    close(false);
    // A press on what opened it only closes it.
    const swallow = (/** @type {Event} */ click) => anchor.contains(origin(click)) && click.stopPropagation();
    if (anchor.contains(from)) anchor.ownerDocument.addEventListener("click", swallow, { signal, capture: true, once: true });
  };
  host.ownerDocument.addEventListener("pointerdown", pressed, { ...listen, capture: true });
  content.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      close(true);
    },
    listen,
  );
  signal.addEventListener("abort", () => content.remove(), listen);
  if (anchor.hasAttribute("aria-expanded")) attribute(anchor, "aria-expanded", "true");
  host.append(content);
  place(content, anchor, host);
  return { close, listen };
}

/** @param {HTMLElement} content @param {HTMLElement} anchor @param {HTMLElement} host */
function place(content, anchor, host) {
  const near = anchor.getBoundingClientRect();
  const room = host.getBoundingClientRect();
  const below = room.bottom - near.bottom;
  const above = near.top - room.top;
  const most = content.matches(".bw-menu") ? 320 : 560;
  content.style.maxHeight = "";
  const up = below < Math.min(most, content.offsetHeight) && above > below;
  content.style.maxHeight = `${Math.max(120, Math.min(most, (up ? above : below) - 8))}px`;
  content.style.left = `${Math.max(4, Math.min(near.left - room.left, room.width - content.offsetWidth - 4))}px`;
  content.style.bottom = up ? `${room.bottom - near.top + 2}px` : "";
  content.style.top = up ? "" : `${near.bottom - room.top + 2}px`;
}
