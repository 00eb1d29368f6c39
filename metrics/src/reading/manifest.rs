//! Reading `estimand.toml`.

use crate::definition::{Defaults, Engine, EngineKind, Manifest, Zone};
use crate::fault::Fault;
use crate::reading::document::Document;
use crate::reading::fields::Fields;
use crate::reading::key::{Key, Shape, optional, required};

/// The keys of `estimand.toml`.
pub const KEYS: &[Key] = &[
    required("name", Shape::Text, "The project's name."),
    optional("description", Shape::Text, "What the project is about."),
    optional(
        "defaults",
        Shape::Table(DEFAULTS),
        "What experiments and sources take when they do not say it themselves.",
    ),
    optional("engine", Shape::Table(ENGINE), "The engine that runs the statements."),
];

const DEFAULTS: &[Key] = &[
    optional("level", Shape::Between(0.5, 1.0), "Confidence level of intervals; 0.95 unless given."),
    optional("timezone", Shape::Zone, "Zone of dates, and of time columns without one."),
];

const ENGINE: &[Key] = &[
    optional("kind", Shape::Word(&["datafusion"]), "Which engine; `datafusion` unless given."),
    optional("memory_limit", Shape::Bytes, "Most memory the engine may hold before it spills to disk."),
    optional("threads", Shape::Integer(1, 1_024), "Number of threads; every core unless given."),
];

/// Reads the manifest; what is wrong in it is reported and replaced by its default, so that the rest can be checked.
pub fn read(document: &Document, faults: &mut Vec<Fault>) -> Manifest {
    let fields = Fields::checked(document, &KEYS.iter().collect::<Vec<_>>(), faults);
    let defaults = fields.table("defaults");
    let engine = fields.table("engine");
    Manifest {
        name: fields.string("name").unwrap_or_default(),
        description: fields.string("description"),
        defaults: Defaults {
            level: defaults.as_ref().and_then(|table| table.number("level")).unwrap_or(0.95),
            timezone: defaults
                .as_ref()
                .filter(|table| table.has("timezone"))
                .map(|table| table.zone("timezone").unwrap_or_else(Zone::utc)),
        },
        engine: Engine {
            kind: EngineKind::DataFusion,
            memory_limit: engine.as_ref().and_then(|table| table.bytes("memory_limit")),
            threads: engine
                .as_ref()
                .and_then(|table| table.whole("threads"))
                .and_then(|threads| usize::try_from(threads).ok()),
        },
    }
}
