// What anywidget calls to show a widget.
import { h } from "./dom.js";
/** @import { Model } from "./types.js" */

/** A module's default export for anywidget: opens a view that one signal ends. @param {(context: {model: Model, el: HTMLElement, signal: AbortSignal}) => unknown} open */
export function widget(open) {
  /** @param {{model: Model, el: HTMLElement, signal?: AbortSignal}} context anywidget before 0.11 gives no signal */
  function render({ model, el, signal }) {
    const own = new AbortController();
    if (isStatic(model, el.ownerDocument)) el.append(h("p", { class: "bw-static", text: STATIC }));
    else {
      el.classList.add(`bw-live-${model.get("name_of_copy")}`); // hides the copy that is in the output
      open({ model, el, signal: signal ? AbortSignal.any([signal, own.signal]) : own.signal });
    }
    return () => own.abort();
  }
  return { render };
}

const STATIC =
  "This page is a copy of a notebook, with no Python behind it. To work with these images, open the notebook and run this cell.";

/** Whether the page was made from a notebook (nbconvert, nbviewer): it holds the state of its widgets, and knows no kernel. @param {Model} model @param {Document} page */
function isStatic(model, page) {
  return !model.widget_manager?.kernel && page.querySelector('script[type="application/vnd.jupyter.widget-state+json"]') !== null;
}
