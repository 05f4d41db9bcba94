// Dialogs: the keys, applying with its plan, rolling back.
import { button, h } from "../shared/dom.js";
import { counted, deeds, whole } from "../shared/format.js";
import { HELP } from "./keymap.js";
/** @typedef {import("../shared/connection.js").Connection} Connection */

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
    { class: `bw-dialog ${kind}`, "aria-label": title },
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
  dialog.showModal();
  return dialog;
}

/** @param {boolean} mac @returns {Node[]} */
export function keyTable(mac) {
  const rows = HELP.map(([keys, text]) =>
    h("tr", {}, h("th", { scope: "row", text: keys.replaceAll("Mod", mac ? "⌘" : "Ctrl") }), h("td", { text })),
  );
  return [h("table", { class: "bw-table" }, h("tbody", {}, ...rows))];
}

/**
 * @param {string[]} heads
 * @param {string[][]} rows
 * @returns {HTMLElement}
 */
function table(heads, rows) {
  return h(
    "div",
    { class: "bw-table-box", tabindex: "0" },
    h(
      "table",
      { class: "bw-table" },
      h("thead", {}, h("tr", {}, ...heads.map((text) => h("th", { scope: "col", text })))),
      h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map((text) => h("td", { text }))))),
    ),
  );
}

/**
 * Asks for the plan, shows it, and applies it when the person says so.
 * @param {object} options
 * @param {HTMLElement} options.root
 * @param {Connection} options.connection
 * @param {(state: import("../shared/types.js").State) => void} options.onState
 * @param {() => void} options.onRollback
 * @param {() => void} options.onClose
 */
export async function applyDialog({ root, connection, onState, onRollback, onClose }) {
  const { result: plan } = await connection.ask("plan");
  const what = deeds(plan.counts);
  const say = h("p", { role: "status" });
  const go = button(what, () => void apply(), { class: "bw-button bw-main-button" });
  go.disabled = !plan.ok || !plan.total;
  /** @type {HTMLElement[]} */
  const body = [
    h("p", {
      text: plan.total
        ? `${what}. Nothing is erased: deleted files go to a trash folder, and the round can be rolled back.`
        : "No decision is waiting to be applied.",
    }),
    say,
  ];
  if (plan.problems.length) {
    body.push(
      h("p", { class: "bw-bad", text: `⚠ ${counted(plan.problems.length, "problem")}${plan.ok ? "" : ": mend these first, then open this again"}` }),
      table(["file", "problem"], plan.problems.map((/** @type {any} */ row) => [row.path, row.reason])),
    );
  }
  if (plan.moves.length) {
    body.push(
      table(["file", "what", "to"], plan.moves.map((/** @type {any} */ row) => [row.path, row.action, row.target ?? ""])),
    );
    if (plan.total > plan.moves.length) body.push(h("p", { class: "bw-hint", text: `The first ${plan.moves.length} of ${whole(plan.total)}.` }));
  }
  const dialog = openDialog({ root, title: "Apply decisions", body, acts: [go], onClose });

  const apply = async () => {
    go.disabled = true;
    say.textContent = "Applying…";
    try {
      const { result } = await connection.ask("apply", { token: plan.token });
      onState(result.state);
      const back = button("Roll back…", () => {
        dialog.close();
        onRollback();
      });
      body.slice(2).forEach((part) => part.remove());
      body[0].textContent = "";
      say.textContent = `Done, round ${result.round}. ${result.message}`;
      go.replaceWith(back);
    } catch (error) {
      say.textContent = `Not applied: ${/** @type {Error} */ (error).message}`;
    }
  };
}

/**
 * Lists the applied rounds; each can be rolled back.
 * @param {object} options
 * @param {HTMLElement} options.root
 * @param {Connection} options.connection
 * @param {(state: import("../shared/types.js").State) => void} options.onState
 * @param {() => void} options.onClose
 */
export async function rollbackDialog({ root, connection, onState, onClose }) {
  const { result } = await connection.ask("rounds");
  const say = h("p", { role: "status" });
  const rollback = async (/** @type {number} */ round, /** @type {HTMLButtonElement} */ pressed) => {
    pressed.disabled = true;
    try {
      const answer = await connection.ask("rollback", { round });
      onState(answer.result.state);
      pressed.replaceWith("rolled back");
      say.textContent = answer.result.message;
    } catch (error) {
      pressed.disabled = false;
      say.textContent = `Not rolled back: ${/** @type {Error} */ (error).message}`;
    }
  };
  const rows = result.rounds.map((/** @type {any} */ row) => {
    const back = button(`Roll back round ${row.round}`, () => void rollback(row.round, back));
    return h(
      "tr",
      {},
      h("th", { scope: "row", text: `Round ${row.round}` }),
      h("td", { text: row.time }),
      h("td", { text: deeds(row.counts) }),
      h("td", {}, row.rolled_back ? "rolled back" : back),
    );
  });
  const body = rows.length
    ? [h("p", { text: "Files go back to where they were, byte for byte." }), h("table", { class: "bw-table" }, h("tbody", {}, ...rows)), say]
    : [h("p", { text: "No round has been applied yet." })];
  openDialog({ root, title: "Roll back", body, onClose });
}
