//! Definitions: the typed content of a project's files.
//!
//! Every value here is resolved and checked: names exist, ranges hold, defaults are applied. Whoever consumes them need not look again.

pub mod duration;
pub mod experiment;
pub mod manifest;
pub mod metric;
pub mod moment;
pub mod parameter;
pub mod source;

pub use duration::Duration;
pub use experiment::{
    Analysis, Arm, Assignment, Dimension, Experiment, ExperimentMetric, MetricAnalysis, OptionValue, Plan, PlanKind,
    Population, ROW, Role, RoleKind, Trigger,
};
pub use manifest::{Defaults, Engine, EngineKind, Manifest};
pub use metric::{
    Bound, Cap, CapOf, Covariate, Direction, Metric, NumberFormat, NumberStyle, UnitValue, WhenEmpty, Window,
};
pub use moment::{Moment, Zone};
pub use parameter::{Parameter, ParameterType, ScalarType, Value};
pub use source::{Clock, ClockUnit, Csv, Files, Format, JoinedSource, KeyType, Piece, Query, Rows, Source};
