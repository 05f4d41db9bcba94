// Dialogs: the keys, applying with its plan, rolling back.
import { button, h, isMac, say } from "../shared/dom.js";
import { counted, fileChanges, firstOf } from "../shared/format.js";
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
function openDialog({ root, title, body, acts = [], onClose, kind = "" }) {
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
function isTaken(root) {
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

/** A table with a heading for each column, in a box that scrolls. @param {string[]} heads @param {string[][]} rows */
function columnTable(heads, rows) {
  const table = h(
    "table",
    { class: "bw-table" },
    h("thead", {}, h("tr", {}, ...heads.map((text) => h("th", { scope: "col", text })))),
    h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map((text) => h("td", { text }))))),
  );
  return h("div", { class: "bw-table-box", tabindex: "0" }, table);
}

/** Shows what each key does. @param {DialogOptions} options */
export function helpDialog({ root, onClose }) {
  if (isTaken(root)) return;
  const mod = isMac(root.ownerDocument) ? "⌘" : "Ctrl";
  const body = [rowTable(KEYS.map(({ keys, does }) => [keys.replaceAll("Mod", mod), does]))];
  openDialog({ root, title: "Keys", body, onClose, kind: "bw-help" });
}

/** Asks for the plan, shows it, and applies it when the person says so. @param {DialogOptions & {onRollback: () => void}} options */
export async function applyDialog({ root, session, toast, onRollback, onClose }) {
  const plan = await session.attempt("plan", {});
  if (!plan || isTaken(root)) return;
  const what = fileChanges(plan.counts);
  const said = h("p", { role: "status" });
  const go = button(what, () => void apply(), { class: "bw-button bw-main-button" });
  go.disabled = !plan.ok || !plan.total;
  const promise = `${what}. Nothing is erased: deleted files go to a trash folder, and the round can be rolled back.`;
  const head = h("p", { text: plan.total ? promise : "No decision is waiting to be applied." });
  const details = h("div", {}, ...planDetails(plan));
  const dialog = openDialog({ root, title: "Apply decisions", body: [head, said, details], acts: [go], onClose });

  const apply = async () => {
    go.disabled = true;
    say(said, "Applying…");
    try {
      const { result } = await session.connection.ask("apply", { token: plan.token });
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

/** What would be done with each file, and what cannot be done. @param {PlanReply} plan @returns {Node[]} */
function planDetails({ ok, problems, problems_total, moves, total }) {
  const parts = [];
  if (problems.length) {
    const fix = ok ? "" : ": fix these first, then open this again";
    parts.push(h("p", { class: "bw-bad", text: `⚠ ${counted(problems_total, "problem")}${fix}` }));
    parts.push(columnTable(["file", "problem"], problems.map((row) => [row.path, row.reason])));
    parts.push(h("p", { class: "bw-hint", text: firstOf(problems.length, problems_total) }));
  }
  if (moves.length) parts.push(columnTable(["file", "what", "to"], moves.map((row) => [row.path, row.action, row.target ?? ""])));
  return [...parts, h("p", { class: "bw-hint", text: firstOf(moves.length, total) })];
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
    return [`Round ${row.round}`, row.time, fileChanges(row.counts), row.rolled_back ? "rolled back" : back];
  });
  const promise = h("p", { text: "Files go back to where they were, byte for byte." });
  const body = rows.length ? [promise, rowTable(rows), said] : [h("p", { text: "No round has been applied yet." })];
  openDialog({ root, title: "Roll back", body, onClose });
}
