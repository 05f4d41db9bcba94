/** The minified text of view.css, put in by scripts/build.js. */
declare const VIEW_CSS: string;
/** The minified text of map/worker.js. */
declare const LAYOUT_WORKER: string;
/** The same of explain/panel.css. */
declare const PANEL_CSS: string;
