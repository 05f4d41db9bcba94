// Which theme the page around us has, and when it changes.

/** JupyterLab, Notebook 7, Voilà and nbconvert say it so; ipywidgets sets some of their colors in every page, to white. */
const LAB = "data-jp-theme-light";
const LAB_COLORS = ["--jp-layout-color1", "--jp-layout-color2", "--jp-ui-font-color1", "--jp-border-color1"];
/** Pages fade from one theme to the other, ms. */
const FADE = 400;

/**
 * Keeps two classes of `root` in step with the page: `bw-lab` where JupyterLab's colors are to be taken, else our own
 * are, and `bw-dark`. A page may change its theme by any attribute around us, or by a style sheet.
 * @param {HTMLElement} root in the page, or soon to be
 * @param {AbortSignal} signal
 */
export function followTheme(root, signal) {
  const { head, body, defaultView } = root.ownerDocument;
  const update = () => {
    const style = getComputedStyle(root);
    const lab = body.hasAttribute(LAB) && LAB_COLORS.every((name) => style.getPropertyValue(name));
    root.classList.toggle("bw-lab", lab);
    root.classList.toggle("bw-dark", isDark(root));
  };
  let frame = 0;
  /** @type {any} */
  let faded = null;
  const later = () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(update);
    clearTimeout(faded);
    faded = setTimeout(update, FADE);
  };
  const observer = new MutationObserver((records) => records.every(isIcon) || later());
  const begin = new ResizeObserver(() => {
    begin.disconnect();
    for (const each of ancestors(root)) observer.observe(each, { attributes: true });
    observer.observe(head, { childList: true, subtree: true, characterData: true, attributes: true });
    update();
  });
  begin.observe(root);
  head.addEventListener("load", later, { signal, capture: true }); // a style sheet has come
  defaultView?.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", update, { signal });
  signal.addEventListener("abort", () => {
    begin.disconnect();
    observer.disconnect();
    cancelAnimationFrame(frame);
    clearTimeout(faded);
  });
  update();
}

/** JupyterLab turns its icon in the browser's tab whenever the kernel begins or ends something. @param {MutationRecord} record */
function isIcon({ type, target: of, addedNodes, removedNodes }) {
  const changed = type === "childList" ? [...addedNodes, ...removedNodes] : [of];
  return changed.every((node) => /** @type {Element} */ (node).matches?.("link.favicon"));
}

/** What the page says of itself, else what lies behind the view, else how the text around it is drawn. @param {HTMLElement} root */
function isDark(root) {
  const { body, documentElement } = root.ownerDocument;
  const lab = body.getAttribute(LAB);
  if (lab !== null) return lab === "false";
  const code = /\bvscode-(light|high-contrast-light|dark|high-contrast)\b(?!-)/.exec(body.className);
  if (code) return !code[1].endsWith("light");
  const colab = documentElement.getAttribute("theme");
  if (colab !== null) return colab === "dark";
  for (const each of ancestors(root)) {
    const [shade, alpha] = brightness(getComputedStyle(each).backgroundColor);
    if (alpha > 0.5) return shade < MIDDLE;
  }
  return brightness(getComputedStyle(root.parentElement ?? body).color)[0] > MIDDLE;
}

/** On this luminance black and white text can be read equally well (WCAG 2). */
const MIDDLE = 0.179;

/** The elements around one, the nearest first, out of shadow trees too. @param {Element} element */
function* ancestors(element) {
  for (let each = parent(element); each; each = parent(each)) yield each;
}

/** @param {Element} element @returns {Element|null} */
function parent(element) {
  const root = element.getRootNode();
  return element.assignedSlot ?? element.parentElement ?? (root instanceof ShadowRoot ? root.host : null);
}

/** The relative luminance of a color, 0 to 1, and its opacity. @param {string} color as CSS writes it, in any color space */
function brightness(color) {
  const context = new OffscreenCanvas(1, 1).getContext("2d");
  if (!context) return [1, 0];
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = [...context.getImageData(0, 0, 1, 1).data].map((value) => value / 255);
  const [red, green, blue] = [r, g, b].map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return [0.2126 * red + 0.7152 * green + 0.0722 * blue, a];
}
