// Accepting many suggestions at once: how sure, which pairs of labels, how many, and a sample of them.
import { button, h, say } from "../shared/dom.js";
import { counted, percent, whole } from "../shared/format.js";
import { columnTable, isTaken, openDialog } from "./dialogs.js";
import { fill, select } from "./filters.js";
/** @import { Range, SuggestionsReply } from "../shared/types.js" */
/** @import { DialogOptions } from "./dialogs.js" */

/** Images of the sample. */
const SAMPLE = 12;
/** How sure the model has to be at first. */
const SURE = 0.95;

/** Shows what would be accepted; nothing is done before the button is pressed. @param {DialogOptions & {accept: (ranges: Range[]) => void}} options */
export async function suggestionsDialog({ root, session, accept, onClose }) {
  /** Of the order in which the places of `shown` are counted. */
  let revision = session.store.revision;
  const all = await session.attempt("suggestions", { revision, at_least: 0 });
  if (!all || isTaken(root)) return;
  let shown = all;
  const sure = select("Least confidence");
  const pair = select("From and to");
  const head = h("p", { role: "status" });
  const sample = h("div", { class: "bw-sample" });
  const table = h("div", {});
  const go = button("", () => {
    if (revision !== session.store.revision) return void ask("The order changed meanwhile, and nothing was done: look again. ");
    const { ranges } = shown;
    dialog.close();
    accept(ranges);
  }, { class: "bw-button bw-main-button" });

  const draw = (/** @type {SuggestionsReply} */ found, news = "") => {
    shown = found;
    say(go, `Accept ${counted(found.count, "suggestion")}`);
    go.disabled = !found.count;
    say(head, news + (found.count ? "All of them are accepted as one act, which one undo takes back." : "There is no suggestion in this view that is not decided already."));
    const indexes = found.ranges.flatMap(([start, stop]) => Array.from({ length: Math.min(SAMPLE, stop - start) }, (_, i) => start + i)).slice(0, SAMPLE);
    const show = () => sample.replaceChildren(...indexes.map((index) => thumbnail(index)));
    show();
    void Promise.allSettled(indexes.map((index) => session.images.load(index))).then(() => shown === found && show());
    table.replaceChildren(columnTable(["from", "to", "images"], found.pairs.map(({ label, becomes, count }) => [label, becomes, whole(count)])));
  };
  const thumbnail = (/** @type {number} */ index) => {
    const { item, url } = session.images.read(index);
    const becomes = item?.proposal?.label ?? item?.proposal?.action ?? "";
    const words = h("figcaption", { class: "bw-cut" }, ...(item ? [h("bdi", { text: item.label }), " → ", h("bdi", { text: becomes })] : []));
    return h("figure", { title: item?.path ?? null }, url ? h("img", { src: url, alt: "" }) : h("span", { class: "bw-hint", text: "loading…" }), words);
  };
  const ask = async (news = "") => {
    const [label, becomes] = pair.value ? JSON.parse(pair.value) : [null, null];
    const now = session.store.revision;
    go.disabled = true; // what it names is not what was chosen
    const found = await session.attempt("suggestions", { revision: now, at_least: Number(sure.value), label, becomes });
    if (found) revision = now;
    if (dialog.open) draw(found ?? shown, news);
  };
  const thresholds = [...new Set([0, ...all.thresholds])].sort((a, b) => a - b);
  fill(sure, null, thresholds.map((value) => [String(value), value ? `at least ${percent(value)}` : "any"]), String(thresholds.findLast((value) => value <= SURE) ?? 0));
  fill(pair, "all pairs", all.pairs.map(({ label, becomes, count }) => [JSON.stringify([label, becomes]), `${label} → ${becomes} (${whole(count)})`]), null);
  for (const each of [sure, pair]) each.addEventListener("change", () => void ask());
  const choose = h("p", { class: "bw-tools" }, "Model sure of it: ", sure, pair);
  draw(all);
  const dialog = openDialog({ root, title: "Accept suggestions", body: [choose, head, sample, table], acts: [go], onClose });
  void ask();
}
