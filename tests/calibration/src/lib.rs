//! Do the numbers of `estimand-stats` mean what they say?
//!
//! Every estimator is run on thousands of simulated experiments whose truth is known: how often does its test reject
//! where there is nothing, how often does its interval cover, how far off is its estimate. What theory promises of
//! each, and where, is declared beforehand; a number that cannot be what is promised fails the run.
//!
//! | file | holds |
//! |---|---|
//! | `law` | outcomes: how they are drawn, and their moments in closed form |
//! | `scenario` | shapes of outcomes, sizes of arms, effects; the registry of shapes |
//! | `expansion` | the error that theory expects of a studentised mean |
//! | `promise` | what theory promises: one declaration per estimator |
//! | `sample` | from drawn units to what estimators read |
//! | `measure` | replicates and what is counted in them |
//! | `verdict` | whether a promise is kept |
//! | `page`, `table` | the page of results, and the same as NDJSON and CSV |
//! | `setting` | how much is simulated |
//!
//! To add a shape, add its entry to [`scenario::SHAPES`]; to declare an estimator, write its file in `promise`.

pub mod expansion;
pub mod fault;
pub mod law;
pub mod measure;
pub mod page;
pub mod promise;
mod sample;
pub mod scenario;
pub mod setting;
pub mod table;
pub mod verdict;

pub use fault::Fault;
pub use setting::Setting;
