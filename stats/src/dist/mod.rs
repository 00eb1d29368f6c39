//! Distributions whose tails are right.
//!
//! The laws of tests and of their power to nearly the last digit: in the centre and a thousand standard errors out, at
//! half a degree of freedom and at a trillion. An experiment of a company has millions of degrees of freedom, and its
//! p-values go below the smallest double; that is where general libraries lose their digits, so these are our own.
//!
//! | file | holds |
//! |---|---|
//! | `normal`, `student_t`, `chi_squared`, `fisher_f`, `beta`, `gamma` | the distributions of tests and posteriors |
//! | `noncentral_t`, `noncentral_chi_squared`, `noncentral_f` | those of the same tests when there is an effect |
//! | `studentized_range`, `multivariate_normal`, `maximum_modulus` | many comparisons at once |
//! | `binomial`, `hypergeometric`, `negative_binomial`, `poisson` | counts |
//! | `tail_probability` | a p-value together with its decimal logarithm |
//! | `incomplete_beta`, `incomplete_gamma`, `gamma_function`, `mills_ratio` | the functions they are made of |
//! | `chi_scale`, `poisson_mixture`, `unimodal_sum`, `gauss_legendre` | the means over what is estimated or drawn |
//! | `double_double`, `scaled`, `tail`, `half_line` | the arithmetic that keeps the digits |
//! | `remainders`, `bracketed_root`, `root_on_line`, `root_on_log_scale` | what cancels, and what is inverted |
//!
//! ```
//! use estimand_stats::dist::{Continuous, StudentT, TailProbability};
//!
//! let t = StudentT::new(1e7).ok_or("degrees of freedom are positive")?;
//! assert_eq!(t.isf(0.025).map(|q| (q * 1e9).round()), Some(1_959_964_222.0));
//!
//! let far = TailProbability::two_sided(&t, 60.0).ok_or("a statistic is finite")?;
//! assert_eq!(far.p, f64::from_bits(1));
//! assert_eq!(far.log10_p.round(), -783.0);
//! # Ok::<(), &'static str>(())
//! ```

mod beta;
mod binomial;
pub(crate) mod bracketed_root;
mod chi_scale;
mod chi_squared;
mod discrete;
pub(crate) mod double_double;
mod fisher_f;
mod gamma;
pub(crate) mod gamma_function;
pub(crate) mod gauss_legendre;
mod half_line;
mod hypergeometric;
mod incomplete_beta;
pub(crate) mod incomplete_gamma;
mod maximum_modulus;
mod mills_ratio;
mod multivariate_normal;
mod negative_binomial;
mod noncentral_chi_squared;
mod noncentral_f;
mod noncentral_t;
mod normal;
mod poisson;
mod poisson_mixture;
mod remainders;
pub(crate) mod root_on_line;
pub(crate) mod root_on_log_scale;
mod scaled;
mod student_t;
mod studentized_range;
mod tail;
mod tail_probability;
mod unimodal_sum;

pub use beta::Beta;
pub use binomial::Binomial;
pub use chi_squared::ChiSquared;
pub use discrete::Discrete;
pub use fisher_f::FisherF;
pub use gamma::Gamma;
pub use hypergeometric::Hypergeometric;
pub use maximum_modulus::MaximumModulus;
pub use multivariate_normal::{BoxProbability, MultivariateNormal, bivariate_upper};
pub use negative_binomial::NegativeBinomial;
pub use noncentral_chi_squared::NoncentralChiSquared;
pub use noncentral_f::NoncentralF;
pub use noncentral_t::NoncentralT;
pub use normal::Normal;
pub use poisson::Poisson;
pub use student_t::StudentT;
pub use studentized_range::StudentizedRange;
pub use tail_probability::{Alternative, TailProbability};

/// A continuous distribution on the line, with both tails and their logarithms.
///
/// Ask for the tail that is wanted: `sf(x)` keeps its digits where `1 - cdf(x)` is zero.
///
/// - **Gives** every finite or infinite `x` an answer: a value outside the support has density zero and one tail zero.
///   A `NaN` argument answers `NaN`, and nothing else does. No call loops without bound.
pub trait Continuous {
    /// The density at `x`; infinite where the density has a pole.
    fn pdf(&self, x: f64) -> f64;

    /// `P(X ≤ x)`.
    fn cdf(&self, x: f64) -> f64;

    /// `P(X > x)`, the survival function.
    fn sf(&self, x: f64) -> f64;

    /// `ln P(X ≤ x)`: finite long after `cdf` has become zero.
    fn ln_cdf(&self, x: f64) -> f64;

    /// `ln P(X > x)`: finite long after `sf` has become zero.
    fn ln_sf(&self, x: f64) -> f64;

    /// The `x` with `P(X ≤ x) = p`: the ends of the support at `p = 0` and `p = 1`, `None` when `p` is not a
    /// probability.
    ///
    /// A quantile beyond the normal doubles is zero or infinite.
    fn quantile(&self, p: f64) -> Option<f64>;

    /// The `x` with `P(X > x) = p`, the inverse survival function: the quantile of `1 − p` for a `p` too small to
    /// subtract from one.
    fn isf(&self, p: f64) -> Option<f64>;

    /// `log₁₀ P(X > x)`.
    fn log10_sf(&self, x: f64) -> f64 {
        self.ln_sf(x) / std::f64::consts::LN_10
    }
}

/// Whether `p` lies in `[0, 1]`; false for `NaN`.
fn is_probability(p: f64) -> bool {
    (0.0..=1.0).contains(&p)
}
