// Which theme the page around us has, and when it changes.

/**
 * Keeps the class `bw-dark` on `root` in step with JupyterLab, VS Code, Colab, or else the system.
 * @param {HTMLElement} root
 * @param {AbortSignal} signal
 */
export function followTheme(root, signal) {
  const { body, documentElement, defaultView } = root.ownerDocument;
  const system = defaultView?.matchMedia("(prefers-color-scheme: dark)");
  const update = () => root.classList.toggle("bw-dark", isDark(body, documentElement, system?.matches ?? false));
  const observer = new MutationObserver(update);
  for (const element of [body, documentElement]) {
    observer.observe(element, { attributes: true, attributeFilter: ["data-jp-theme-light", "class", "theme"] });
  }
  system?.addEventListener("change", update, { signal });
  signal.addEventListener("abort", () => observer.disconnect());
  update();
}

/** @param {HTMLElement} body @param {HTMLElement} page @param {boolean} system @returns {boolean} */
function isDark(body, page, system) {
  const lab = body.getAttribute("data-jp-theme-light");
  if (lab !== null) return lab === "false";
  if (/vscode-(dark|high-contrast(?!-light))/.test(body.className)) return true;
  if (body.classList.contains("vscode-light")) return false;
  const colab = page.getAttribute("theme");
  return colab === null ? system : colab === "dark";
}
