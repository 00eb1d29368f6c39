//! Reading: from the text of a project's files to checked definitions, with the place of every fault.

pub(crate) mod analysis;
pub mod arms;
pub(crate) mod columns;
pub mod document;
pub(crate) mod estimator;
pub mod experiment;
pub mod fields;
pub(crate) mod folder;
pub mod header;
pub(crate) mod join;
pub mod key;
pub mod known;
pub(crate) mod load;
pub mod manifest;
pub mod metric;
pub mod nearest;
pub mod parameter;
pub(crate) mod parameter_use;
pub(crate) mod plan;
pub mod source;
pub(crate) mod statement;
