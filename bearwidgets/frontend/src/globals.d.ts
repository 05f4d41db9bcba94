/** The minified text of view.css, put in by scripts/build.js. */
declare const VIEW_CSS: string;
