// Dialogs: the keys, applying with its plan, rolling back.
import { button, h, isMac, say } from "../shared/dom.js";
import { counted, fileChanges, firstOf, localTime } from "../shared/format.js";
import { showModal } from "../shared/modal.js";
import { KEYS } from "./keymap.js";
/** @import { PlanReply } from "../shared/types.js" */
/** @import { Session } from "./session.js" */

/**
 * @typedef {object} DialogOptions
 * @property {HTMLElement} root
 * @property {Session} session
 * @property {(text: string, act: null, bad: boolean) => void} toast
 * @property {() => void} onClose
 */

/**
 * Shows a modal dialog in `root`; it is taken out of the page when it closes.
 * @param {object} options
 * @param {HTMLElement} options.root
 * @param {string} options.title
 * @param {Node[]} options.body
 * @param {HTMLElement[]} [options.acts] buttons beside Close
 * @param {() => void} options.onClose
 * @param {string} [options.kind] an extra class
 * @returns {HTMLDialogElement}
 */
export function openDialog({ root, title, body, acts = [], onClose, kind = "" }) {
  const dialog = h(
    "dialog",
    { class: `bw-dialog ${kind}`, "aria-label": title, tabindex: "-1" },
    h("h2", { text: title }),
    h("div", { class: "bw-dialog-body" }, ...body),
    h("div", { class: "bw-dialog-acts" }, ...acts, button("Close", () => dialog.close())),
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    onClose();
  });
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  root.append(dialog);
  showModal(dialog, root);
  return dialog;
}

/** Whether a dialog is open: no other one opens over it, as keys meant for it would act in the new one. @param {HTMLElement} root */
export function isTaken(root) {
  return root.querySelector(":scope > dialog[open]") !== null;
}

/** Says how an act ended: in its dialog, or in a toast where that was closed meanwhile. @param {HTMLElement} said @param {DialogOptions["toast"]} toast @param {string} text @param {boolean} [bad] */
function tell(said, toast, text, bad = false) {
  if (said.isConnected) say(said, text);
  else toast(text, null, bad);
}

/** A table with a heading for each row. @param {(Node|string)[][]} rows heading and cells */
function rowTable(rows) {
  const cells = (/** @type {(Node|string)[]} */ others) => others.map((each) => h("td", {}, each));
  return h("table", { class: "bw-table" }, h("tbody", {}, ...rows.map(([head, ...others]) => h("tr", {}, h("th", { scope: "row" }, head), ...cells(others)))));
}

/** A table with a heading for each column, in a box that scrolls. @param {string[]} heads @param {(Node|string)[][]} rows */
export function columnTable(heads, rows) {
  const table = h(
    "table",
    { class: "bw-table" },
    h("thead", {}, h("tr", {}, ...heads.map((text) => h("th", { scope: "col", text })))),
    h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map((cell) => h("td", {}, cell))))),
  );
  return h("div", { class: "bw-table-box", tabindex: "0" }, table);
}

/** Shows what each key does. @param {DialogOptions & {own: Record<string, string>}} options */
export function helpDialog({ root, onClose, own }) {
  if (isTaken(root)) return;
  const mod = isMac(root.ownerDocument) ? "⌘" : "Ctrl";
  const mine = Object.entries(own).map(([key, act]) => [key, `${act} (chosen for this view)`]);
  const body = [rowTable(mine), rowTable(KEYS.map(({ keys, does }) => [keys.replaceAll("Mod", mod), does]))];
  openDialog({ root, title: "Keys", body, onClose, kind: "bw-help" });
}

/** Asks for the plan, shows it, and applies it when the person says so. @param {DialogOptions & {onRollback: () => void}} options */
export async function applyDialog({ root, session, toast, onRollback, onClose }) {
  const plan = await session.attempt("plan", {});
  if (!plan || isTaken(root)) return;
  const said = h("p", { role: "status" });
  const go = button("", () => void apply(), { class: "bw-button bw-main-button" });
  const heldOut = h("input", { type: "checkbox", checked: true, on: { change: () => name() } });
  const head = h("p", {});
  const name = () => {
    const counts = heldOut.checked ? plan.counts : withoutHeldOut(plan);
    say(go, fileChanges(counts));
    say(head, plan.total ? `${fileChanges(counts)}. Nothing is erased: deleted files go to a trash folder, and the round can be rolled back.` : "No decision is waiting to be applied.");
    go.disabled = !plan.ok || !Object.values(counts).some(Boolean);
  };
  name();
  const details = h("div", {}, ...planDetails(plan, heldOut, (id) => session.images.cached(id)));
  const dialog = openDialog({ root, title: "Apply decisions", body: [head, said, details], acts: [go], onClose });

  const apply = async () => {
    go.disabled = true;
    say(said, "Applying…");
    try {
      const { result } = await session.connection.ask("apply", { token: plan.token, held_out: heldOut.checked });
      session.setMoved(result.state);
      head.remove();
      details.remove();
      tell(said, toast, `Done, round ${result.round}. ${result.message}`);
      const back = () => {
        dialog.close();
        onRollback();
      };
      go.replaceWith(button("Roll back…", back));
    } catch (error) {
      tell(said, toast, `Not applied: ${/** @type {Error} */ (error).message}`, true);
    }
  };
}

/** Counts by action of what is not held out. @param {PlanReply} plan @returns {Record<string, number>} */
function withoutHeldOut({ counts, held_out }) {
  return Object.fromEntries(Object.entries(counts).map(([action, n]) => [action, n - (held_out[action] ?? 0)]));
}

/**
 * What would be done with each file, and what cannot be done; held-out images in a block of their own, with a choice.
 * @param {PlanReply} plan @param {HTMLInputElement} heldOut @param {(id: string) => string|null} cached its image @returns {Node[]}
 */
function planDetails(plan, heldOut, cached) {
  const { ok, problems, problems_total, moves } = plan;
  const parts = [];
  if (problems.length) {
    const fix = ok ? "" : ": fix these first, then open this again";
    parts.push(h("p", { class: "bw-bad", text: `⚠ ${counted(problems_total, "problem")}${fix}` }));
    parts.push(columnTable(["file", "problem"], problems.map((row) => [row.path, row.reason])));
    parts.push(h("p", { class: "bw-hint", text: firstOf(problems.length, problems_total) }));
  }
  const sum = (/** @type {Record<string, number>} */ counts) => Object.values(counts).reduce((total, n) => total + n, 0);
  const table = (/** @type {typeof moves} */ rows, /** @type {number} */ total) => {
    const cells = rows.map((row) => [thumbnail(cached(row.id)), row.path, row.label, row.action === "delete" ? "trash" : (row.new_label ?? ""), row.split]);
    return [columnTable(["image", "file", "from", "to", "split"], cells), h("p", { class: "bw-hint", text: firstOf(rows.length, total) })];
  };
  const trained = moves.filter(({ split }) => split === "train");
  const held = moves.filter(({ split }) => split !== "train");
  const n = sum(plan.held_out);
  if (trained.length) parts.push(...table(trained, plan.total - n));
  if (held.length) {
    const text = ` Also ${counted(n, "held-out image")}: the error is measured on them, and changes with their labels.`;
    parts.push(h("label", { class: "bw-choice" }, heldOut, text), ...table(held, n));
  }
  return parts;
}

/** A small image in a table. @param {string|null} url */
function thumbnail(url) {
  return url ? h("img", { src: url, alt: "", class: "bw-thumbnail" }) : "";
}

/** Lists the applied rounds; each can be rolled back. @param {DialogOptions} options */
export async function rollbackDialog({ root, session, toast, onClose }) {
  const answer = await session.attempt("rounds", {});
  if (!answer || isTaken(root)) return;
  const said = h("p", { role: "status" });
  const rollback = async (/** @type {number} */ round, /** @type {HTMLButtonElement} */ pressed) => {
    pressed.disabled = true;
    try {
      const { result } = await session.connection.ask("rollback", { round });
      session.setMoved(result.state);
      pressed.replaceWith("rolled back");
      tell(said, toast, result.message);
    } catch (error) {
      pressed.disabled = false;
      tell(said, toast, `Not rolled back: ${/** @type {Error} */ (error).message}`, true);
    }
  };
  const rows = answer.rounds.map((row) => {
    const back = button(`Roll back round ${row.round}`, () => void rollback(row.round, back));
    return [`Round ${row.round}`, localTime(row.time), fileChanges(row.counts), row.rolled_back ? "rolled back" : back];
  });
  const promise = h("p", { text: "Files go back to where they were, byte for byte." });
  const body = rows.length ? [promise, rowTable(rows), said] : [h("p", { text: "No round has been applied yet." })];
  openDialog({ root, title: "Roll back", body, onClose });
}
