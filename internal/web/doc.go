// Package web is what the product's pages for merchants' engineers and operators
// share: one look (assets/web.css), one frame around every page, the choice of
// language, the headers that keep a page to itself, forms, and live parts that
// follow the server over server-sent events.
//
// A page is rendered on the server and works without scripts. A part of it that
// changes by itself is an element with an id and data-live, the address of that
// part alone; the page's stream of events names the parts that have changed, and
// assets/web.js fetches them again. What the visitor has entered survives.
//
// It knows nothing of payments. The customers' pages (package pages) carry their
// own style and load no files.
package web
