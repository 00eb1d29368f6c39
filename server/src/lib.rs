//! Pages for the browser: a place kept for them. Reports are files until then, written by `estimand report`.
