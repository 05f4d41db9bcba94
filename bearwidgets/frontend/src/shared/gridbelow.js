// A grid below another view. Its code comes from Python, so that the view's own bundle need not hold it.
/** @import { Model, ModuleReply } from "./types.js" */

/**
 * Opens a grid in the same output, until the signal ends it.
 * @param {() => Promise<{result: ModuleReply}|null>} ask
 * @param {{model: Model, el: HTMLElement, signal: AbortSignal}} context
 */
export async function openGridBelow(ask, context) {
  const answer = await ask();
  if (!answer || context.signal.aborted) return;
  const url = URL.createObjectURL(new Blob([answer.result.code], { type: "text/javascript" }));
  const { default: grid } = await import(url);
  URL.revokeObjectURL(url);
  const end = grid.render(context);
  context.signal.addEventListener("abort", end);
}
