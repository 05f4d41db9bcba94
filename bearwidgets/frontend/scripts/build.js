// Bundles src/ into ../static. With --fresh nothing is written: the committed bundles must be what is built.
//
// The text of a widget's module and style sheet is saved in every notebook that shows it, so each module is
// deflated: static/*.js is a loader of a few lines around it. `node scripts/build.js --plain` writes it readable.
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { build } from "esbuild";

const here = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const target = path.join(path.dirname(here), "static");
/** Most bytes of JavaScript and CSS together. */
const limits = { cleaner: 60_000, confusion: 60_000, monitor: 60_000, map: 60_000, explain: 60_000, layers: 60_000 };
const plain = process.argv.includes("--plain");

/** @param {string} entry @param {Record<string, string>} [define] @returns {Promise<string>} minified text */
async function bundle(entry, define = {}) {
  const { outputFiles } = await build({
    absWorkingDir: here,
    entryPoints: [`src/${entry}`],
    bundle: true,
    minify: !plain,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    define,
    write: false,
  });
  return outputFiles[0].text;
}

/** @param {string} text @returns {string} a module that inflates `text` and hands on its default export */
function packed(text) {
  const data = deflateRawSync(text, { level: 9 }).toString("base64");
  return `// bearwidgets: the sources are in bearwidgets/frontend/src; see scripts/build.js there.
const packed = "${data}";
const deflated = new Blob([Uint8Array.from(atob(packed), (c) => c.charCodeAt(0))]).stream();
const text = await new Response(deflated.pipeThrough(new DecompressionStream("deflate-raw"))).text();
const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
const { default: widget } = await import(url);
URL.revokeObjectURL(url);
export default widget;
`;
}

/** @param {string} text @returns {string} what is inside: another zlib may deflate the same text to other bytes */
function unpacked(text) {
  const data = /^const packed = "([^"]*)";$/m.exec(text);
  return data ? text.replace(data[1], () => inflateRawSync(Buffer.from(data[1], "base64")).toString()) : text;
}

const define = {
  VIEW_CSS: JSON.stringify(await bundle("cleaner/view.css")),
  PANEL_CSS: JSON.stringify(await bundle("explain/panel.css")),
  LAYOUT_WORKER: JSON.stringify(await bundle("map/worker.js")),
};
const script = async (/** @type {string} */ entry) => {
  const text = await bundle(entry, define);
  return plain ? text : packed(text);
};
const built = {
  "cleaner.js": await script("cleaner/cleaner.js"),
  "cleaner.css": await bundle("cleaner/cleaner.css"),
  "confusion.js": await script("confusion/confusion.js"),
  "confusion.css": await bundle("confusion/confusion.css"),
  "monitor.js": await script("monitor/monitor.js"),
  "monitor.css": await bundle("monitor/monitor.css"),
  "map.js": await script("map/map.js"),
  "map.css": await bundle("map/map.css"),
  "explain.js": await script("explain/explain.js"),
  "explain.css": await bundle("explain/explain.css"),
  "layers.js": await script("layers/layers.js"),
  "layers.css": await bundle("layers/layers.css"),
};

let failed = false;
for (const [name, text] of Object.entries(built)) {
  const file = path.join(target, name);
  if (!process.argv.includes("--fresh")) await writeFile(file, text);
  else if (unpacked(await readFile(file, "utf8").catch(() => "")) !== unpacked(text)) {
    console.error(`static/${name} is stale: run 'npm run build' and commit the result.`);
    failed = true;
  }
}
for (const [name, limit] of Object.entries(limits)) {
  const bytes = ["js", "css"].reduce((sum, ending) => sum + Buffer.byteLength(built[`${name}.${ending}`]), 0);
  console.log(`${name}: ${bytes} bytes, limit ${limit}`);
  if (bytes > limit && !plain) failed = true;
}
process.exitCode = failed ? 1 : 0;
