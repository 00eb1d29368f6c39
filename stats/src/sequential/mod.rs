//! Looking early: tests and intervals that stay right however often the data are looked at.
//!
//! A confidence sequence covers at all times at once, and an e-value may be read at any of them: by Ville's inequality
//! a process that starts at 1 and never grows on average under the null hypothesis passes `1/α` with probability at
//! most `α`, ever. Every method here is such a process, a likelihood ratio averaged over the effects that might be, or
//! a bound on one.
//!
//! | file | process | of |
//! |---|---|---|
//! | `asymptotic` | normal mixture on the scale of standard errors | any estimate that is near normal: means, ratios, adjusted means, lifts |
//! | `bernoulli` | beta-binomial mixture | the share of successes, exact |
//! | `event_split` | the same, of the arm of each event | the ratio of two arms' rates or shares, exact |
//! | `gamma_exponential` | gamma-exponential mixture | sums of values bounded on one side, by their variance |
//! | `linear_model` | mixture of F tests | coefficients of least squares with normal errors |
//! | `multinomial` | Dirichlet-multinomial mixture | counts against planned shares: the sample ratio, exact |
//! | `normal_mixture` | normal mixture | sub-Gaussian sums |
//! | `poisson` | gamma-Poisson mixture | a rate of events, exact |
//! | `stitched` | bound by union over epochs | sub-gamma sums |
//!
//! *Intrinsic time* `v` is the variance that a sum has gathered; the tuning names the time at which a boundary shall be
//! narrowest, and is fixed before the first look.
//!
//! ```
//! use estimand_stats::sequential::{NormalMixture, Sides};
//!
//! let mixture = NormalMixture::tuned(Sides::Two, 100.0, 0.05).ok_or("a time and a level")?;
//! let boundary = mixture.boundary(100.0, 0.05).ok_or("a time and a level")?;
//! assert!((boundary - 30.352090).abs() < 1e-6);
//! let evidence = mixture.e_value(boundary, 100.0).ok_or("finite")?;
//! assert!((evidence.p_value().p - 0.05).abs() < 1e-12);
//! # Ok::<(), &'static str>(())
//! ```
//!
//! **Source** Howard, Ramdas, McAuliffe & Sekhon (2021), "Time-uniform, nonparametric, nonasymptotic confidence
//! sequences", Annals of Statistics 49; Ramdas, Grünwald, Vovk & Shafer (2023), "Game-theoretic statistics and safe
//! anytime-valid inference", Statistical Science 38.

mod asymptotic;
mod bernoulli;
mod e_value;
mod event_split;
mod gamma_exponential;
mod linear_model;
mod multinomial;
mod normal_mixture;
mod poisson;
mod stitched;

pub use asymptotic::Look;
pub use bernoulli::Bernoulli;
pub use e_value::EValue;
pub use event_split::EventSplit;
pub use gamma_exponential::GammaExponential;
pub use linear_model::LinearModel;
pub use multinomial::Multinomial;
pub use normal_mixture::{NormalMixture, Sides};
pub use poisson::Poisson;
pub use stitched::Stitched;

/// Whether `value` is a finite number above zero.
fn is_positive(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

/// `ln(1/α)` of a level of error; `None` unless `0 < α < 1`.
fn ln_threshold(alpha: f64) -> Option<f64> {
    (alpha > 0.0 && alpha < 1.0).then(|| -alpha.ln())
}
