//! The figures of estimand: estimates in, Plotly and static SVG out, one theme, no data read.
//!
//! ```text
//! Estimates ──▶ ChartInput ──▶ Chart::figure ──▶ Figure ──▶ svg(theme, width)
//! (stats)       (effect, …)    (chart/NAME.rs)   (scene)    plotly_json(theme, width)
//! ```
//!
//! - [`chart`]: the charts, one file each, and the list of them.
//! - [`effect`], [`effect_series`], [`exposure_series`], [`arm_distribution`]: what they draw, as plain values.
//! - [`scene`]: the neutral description that both renderings read, so that they cannot differ.
//! - [`layout`]: where everything stands at a width; labels go above their rows on a narrow page.
//! - [`backend`]: the two renderings.
//! - [`page`]: a figure as an element of a page, with the vendored Plotly.
//! - [`theme`]: colours by meaning, light and dark, as CSS custom properties and as literals.
//! - [`number`]: how every number is written, in charts, tables and the terminal.
//! - [`status`], [`shape`]: what stands for each status word.
//!
//! ```
//! use std::collections::BTreeMap;
//! use estimand_stats::{Estimate, Estimates};
//! use estimand_viz::chart::{self, ChartInput};
//! use estimand_viz::effect::Effects;
//! use estimand_viz::number::Measure;
//! use estimand_viz::theme::Theme;
//!
//! let row = Estimate {
//!     metric: Some("revenue".into()),
//!     arm: Some("B".into()),
//!     baseline_arm: Some("A".into()),
//!     scale: Some("relative".into()),
//!     estimate: Some(0.021),
//!     std_error: Some(0.0077),
//!     conf_low: Some(0.006),
//!     conf_high: Some(0.036),
//!     level: Some(0.95),
//!     status: Some("better".into()),
//!     ..Estimate::default()
//! };
//! let table: Estimates = [row].into_iter().collect();
//! let measures = BTreeMap::from([("revenue".to_owned(), Measure::labelled("Revenue per user"))]);
//!
//! let effects = Effects::of("Primary metrics", &table, &measures)?;
//! let forest = chart::named("forest").ok_or("no such chart")?;
//! let figure = forest.figure(&ChartInput::Effects(effects))?;
//! assert_eq!(figure.summary, "Revenue per user: +2.10\u{202f}% (+0.60 to +3.60\u{202f}%), better.");
//! assert!(figure.svg(&Theme::LIGHT, 760.0).starts_with("<svg"));
//! assert!(figure.plotly_json(&Theme::DARK, 760.0).starts_with("{\"data\":"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(missing_docs)]

pub mod arm_distribution;
pub mod axis;
pub mod backend;
pub mod chart;
pub mod effect;
pub mod effect_series;
pub mod error;
pub mod exposure_series;
pub mod figure;
mod interval_bar;
pub mod layout;
pub mod number;
pub mod page;
pub mod scene;
pub mod shape;
pub mod status;
mod text_width;
pub mod theme;

pub use chart::{Chart, ChartInput};
pub use error::Error;
pub use figure::{Figure, Table};
pub use page::{PLOTLY_JS, PLOTLY_VERSION};
pub use theme::Theme;
