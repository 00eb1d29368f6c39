//! The project's own file, `estimand.toml`.

use crate::definition::Zone;

/// What `estimand.toml` says.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The project's name.
    pub name: String,
    /// What the project is about.
    pub description: Option<String>,
    /// What experiments and sources take when they do not say it themselves.
    pub defaults: Defaults,
    /// The engine that runs the statements.
    pub engine: Engine,
}

/// The `[defaults]` table.
#[derive(Clone, Debug, PartialEq)]
pub struct Defaults {
    /// Confidence level of intervals, 0.95 unless given.
    pub level: f64,
    /// Zone of dates and of columns without one; none unless given.
    pub timezone: Option<Zone>,
}

/// The `[engine]` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engine {
    /// Which engine.
    pub kind: EngineKind,
    /// Most memory the engine may hold before it spills, in bytes; the engine's own choice unless given.
    pub memory_limit: Option<u64>,
    /// Number of threads; every core unless given.
    pub threads: Option<usize>,
}

/// The engines a project may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EngineKind {
    /// DataFusion, in the same process.
    DataFusion,
}
