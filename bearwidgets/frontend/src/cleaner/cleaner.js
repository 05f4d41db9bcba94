// Entry point of the Cleaner widget.
import { CleanerView } from "./view.js";
/** @import { Model } from "../shared/types.js" */

/** What anywidget calls. @param {{model: Model, el: HTMLElement, signal?: AbortSignal}} context anywidget before 0.11 gives no signal */
function render({ model, el, signal }) {
  const own = new AbortController();
  const either = signal ? AbortSignal.any([signal, own.signal]) : own.signal;
  new CleanerView({ model, el, signal: either });
  return () => own.abort();
}

export default { render };
