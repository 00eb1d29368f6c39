//! Sufficient statistics: small mergeable summaries from which an estimator needs nothing more.
//!
//! A statistic is fed anywhere (a thread, a file, another machine), in any order and in any parts, and the parts are merged.
//! Every member keeps its state *exactly*, so merging is associative and commutative to the last bit and the empty
//! statistic is its identity: the same rows give the same bytes, however the work was split. Rounding happens once, when the
//! accumulator is finished into the numbers an estimator reads.
//!
//! | accumulator (exact, mergeable) | finished (rounded once) | holds |
//! | --- | --- | --- |
//! | [`ExactSum`] | `f64` | a sum of values or of products |
//! | [`ExactCoMoments`] | [`CoMoments`], [`Moments`] | counts, sums and sums of products of k variables |
//! | [`ExactCompressed`] | [`Compressed`] | the same of each distinct row of features, without products of two variables |
//! | [`GroupSums`], [`GroupIntegerSums`] | `f64`, `i128` | one sum per unit, for millions of units |
//! | [`Histogram`] | itself | counts in bins of constant relative width, minimum and maximum |
//! | [`TupleCoMoments`] | as [`ExactCoMoments`] | the same of several tuples of variables, the work shared |
//!
//! On missing and odd input, for all members: no values is a valid state (count 0); values that are infinite or not a number
//! are counted and never added, and finishing refuses with [`Error::NonFinite`], except that a [`Histogram`], which is its own
//! finished form, only tells their number; missing values are left out by the caller,
//! who reports how many. `-0.0` counts as `0.0`.

pub mod comoments;
pub mod compressed;
mod dyadic;
mod encoding;
mod error;
pub mod exact_comoments;
pub mod exact_compressed;
pub mod exact_sum;
pub mod group_sums;
pub mod histogram;
pub mod moments;
pub mod quantile;
mod rounding;
mod slicing;
pub mod tuple_comoments;

pub use comoments::CoMoments;
pub use compressed::Compressed;
pub use error::Error;
pub use exact_comoments::{ExactCoMoments, Rows};
pub use exact_compressed::ExactCompressed;
pub use exact_sum::ExactSum;
pub use group_sums::{GroupIntegerSums, GroupSums, SumParts};
pub(crate) use group_sums::{decimal_to_f64, two_sum};
pub use histogram::{Bin, Histogram};
pub use moments::Moments;
pub use quantile::quantile;
pub use tuple_comoments::{TupleCoMoments, Tuples, Values, Workspace};

/// What every small mergeable statistic can do.
///
/// The laws, each to the last bit of [`encode`](SufficientStatistic::encode): observing in another order or in other parts
/// changes nothing; absorbing is associative and commutative; absorbing an empty statistic changes nothing; decoding gives back what was encoded.
pub trait SufficientStatistic {
    /// Name in results and errors, unique among [`ALL`].
    fn name(&self) -> &'static str;

    /// How many variables it takes.
    fn arity(&self) -> usize;

    /// Feeds rows given as columns of equal length, without missing values.
    ///
    /// - **Errors** with [`Error::Shape`] when the columns do not fit [`arity`](SufficientStatistic::arity) or differ in length.
    fn observe(&mut self, columns: &[&[f64]]) -> Result<(), Error>;

    /// Merges the statistic whose bytes are given.
    ///
    /// - **Errors** with [`Error::Encoding`] when the bytes are not those of such a statistic, [`Error::Shape`] when it has other variables.
    fn absorb(&mut self, encoded: &[u8]) -> Result<(), Error>;

    /// The canonical bytes: equal states give equal bytes.
    fn encode(&self) -> Vec<u8>;
}

/// Makes an empty statistic.
pub type Empty = fn() -> Box<dyn SufficientStatistic>;

/// Every small mergeable statistic, by name, each as a maker of an empty one.
pub const ALL: &[Empty] = &[
    || Box::new(ExactCoMoments::new(2)),
    || Box::new(ExactCompressed::new(1, 1)),
    || Box::new(ExactSum::new()),
    || Box::new(Histogram::new()),
    || Box::new(TupleCoMoments::new(Tuples::nested(2))),
];
