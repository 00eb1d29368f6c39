//! The two renderings of a [`Scene`](crate::scene::Scene): static SVG, and Plotly.
//!
//! | rendering | gives |
//! |---|---|
//! | [`plotly`] | data, layout and configuration through the types of the `plotly` crate |
//! | [`svg`] | a complete static picture: it needs no script |

pub mod plotly;
pub mod svg;
