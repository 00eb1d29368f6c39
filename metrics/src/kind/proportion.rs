//! The share of units for which something is true.

use crate::definition::NumberStyle;
use crate::kind::{MetricKind, Outcome};
use crate::reading::fields::Fields;
use crate::reading::key::{Key, Shape, optional};
use crate::reading::metric::{FILTER, MetricReader, SOURCE};

/// The share of units with any row that passes the filter: conversion. Over a unit table, the share whose condition is true.
pub struct Proportion;

const VALUE: Key = optional(
    "value",
    Shape::Text,
    "A condition over the source's columns; without it a unit counts when any row passes the filter.",
);

impl MetricKind for Proportion {
    fn name(&self) -> &'static str {
        "proportion"
    }

    fn doc(&self) -> &'static str {
        "The share of units for which something is true."
    }

    fn keys(&self) -> &'static [Key] {
        &[SOURCE, VALUE, FILTER]
    }

    fn style(&self) -> NumberStyle {
        NumberStyle::Percent
    }

    fn read(&self, fields: &Fields<'_>, reader: &mut MetricReader<'_>) -> Option<Outcome> {
        reader.truth(fields).map(Outcome::Proportion)
    }
}
