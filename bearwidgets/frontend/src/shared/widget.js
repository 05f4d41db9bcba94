// What anywidget calls to show a widget.
/** @import { Model } from "./types.js" */

/** A module's default export for anywidget: opens a view that one signal ends. @param {(context: {model: Model, el: HTMLElement, signal: AbortSignal}) => unknown} open */
export function widget(open) {
  /** @param {{model: Model, el: HTMLElement, signal?: AbortSignal}} context anywidget before 0.11 gives no signal */
  function render({ model, el, signal }) {
    const own = new AbortController();
    open({ model, el, signal: signal ? AbortSignal.any([signal, own.signal]) : own.signal });
    return () => own.abort();
  }
  return { render };
}
