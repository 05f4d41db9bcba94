// Lists texts in the widget that are too small or too faint to read (WCAG AA: 4.5 to 1).

/** @param {string} text a computed color @returns {number[]} red, green, blue 0–255, alpha 0–1 */
function parse(text) {
  const [a, b, c, alpha = 1] = text.match(/[\d.]+/g).map(Number);
  return text.startsWith("color(") ? [a * 255, b * 255, c * 255, alpha] : [a, b, c, alpha];
}

const over = (top, under) => [...top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3])), 1];

function luminance(color) {
  const [r, g, b] = color.map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function ground(element) {
  const chain = [];
  for (let each = element; each; each = each.parentElement ?? each.getRootNode().host) chain.unshift(parse(getComputedStyle(each).backgroundColor));
  return chain.reduce((under, top) => over(top, under), [255, 255, 255, 1]);
}

/** The page and all shadow trees in it. @param {ParentNode} page @returns {ParentNode[]} */
function roots(page) {
  return [page, ...[...page.querySelectorAll("*")].flatMap((each) => (each.shadowRoot ? roots(each.shadowRoot) : []))];
}

/** @param {ParentNode} [page] where the views are */
export function poorTexts(page = document) {
  const poor = [];
  for (const element of roots(page).flatMap((root) => [...root.querySelectorAll(".bw-root *")])) {
    const speaks = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
    if (!speaks || !element.checkVisibility() || element.disabled || element.closest("option, style")) continue;
    const style = getComputedStyle(element);
    const under = ground(element);
    const [light, dark] = [luminance(over(parse(style.color), under)), luminance(under)].sort((a, b) => b - a);
    const contrast = (light + 0.05) / (dark + 0.05);
    if (parseFloat(style.fontSize) < 11 || contrast < 4.5) {
      poor.push([element.className, element.textContent, style.fontSize, contrast]);
    }
  }
  return poor;
}
