//! The units whose assignment is drawn anew.

use arrow::array::{Array, AsArray};
use arrow::datatypes::Float64Type;

use crate::error::Error;
use crate::requirement::Variable;
use crate::sample::Sample;

/// Columns of the unit table, a finite value per unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Units {
    names: Vec<Variable>,
    columns: Vec<Vec<f64>>,
    n: usize,
    left_out: u64,
}

impl Units {
    /// Columns of equal length; a unit that misses a value, as not a number, is left out and counted.
    ///
    /// - **Errors** with [`Error::NotFinite`] for an infinite value, and [`Error::Statistic`] for columns of unequal length.
    pub fn new(metric: &str, columns: Vec<(Variable, Vec<f64>)>) -> Result<Units, Error> {
        let n = columns.first().map_or(0, |(_, column)| column.len());
        for (name, column) in &columns {
            if column.len() != n {
                let shape =
                    crate::suffstat::Error::Shape { what: "values of a column", expected: n, got: column.len() };
                return Err(shape.into());
            }
            let count = column.iter().filter(|value| value.is_infinite()).count() as u64;
            if count > 0 {
                return Err(Error::NotFinite { metric: metric.to_owned(), variable: name.clone(), count });
            }
        }
        let (names, mut columns): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        let complete: Vec<bool> = (0..n).map(|unit| columns.iter().all(|column| !column[unit].is_nan())).collect();
        let kept = complete.iter().filter(|complete| **complete).count();
        if kept < n {
            for column in &mut columns {
                let mut complete = complete.iter();
                column.retain(|_| complete.next().copied().unwrap_or(false));
            }
        }
        Ok(Units { names, columns, n: kept, left_out: (n - kept) as u64 })
    }

    /// The units of all arms of a sample, by its unit rows; those that miss a value are left out and counted.
    ///
    /// - **Errors** with [`Error::Missing`] for rows or columns that are not there, and as [`Units::new`].
    pub fn of(metric: &str, sample: &Sample, variables: &[Variable]) -> Result<Units, Error> {
        let mut columns: Vec<(Variable, Vec<f64>)> = variables.iter().map(|name| (name.clone(), Vec::new())).collect();
        for arm in sample.arms.iter().filter(|arm| arm.units > 0) {
            let rows = arm.unit_rows(metric, variables)?;
            for (name, values) in &mut columns {
                let cells = rows.column_by_name(name).and_then(|column| column.as_primitive_opt::<Float64Type>());
                let cells = cells.ok_or_else(|| Error::Missing {
                    metric: metric.to_owned(),
                    what: "unit rows",
                    variables: format!("`{name}`"),
                })?;
                let count = cells.iter().flatten().filter(|value| !value.is_finite()).count() as u64;
                if count > 0 {
                    return Err(Error::NotFinite { metric: metric.to_owned(), variable: name.clone(), count });
                }
                match cells.null_count() {
                    0 => values.extend_from_slice(cells.values()),
                    _ => values.extend(cells.iter().map(|cell| cell.unwrap_or(f64::NAN))),
                }
            }
        }
        Self::new(metric, columns)
    }

    /// How many there are.
    pub fn n(&self) -> u64 {
        self.n as u64
    }

    /// How many were left out, since they miss a value.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The place of a column.
    ///
    /// - **Errors** with [`Error::Missing`] when there is none of this name.
    pub(super) fn place(&self, metric: &str, name: &str) -> Result<usize, Error> {
        self.names.iter().position(|own| own == name).ok_or_else(|| Error::Missing {
            metric: metric.to_owned(),
            what: "column",
            variables: format!("`{name}`"),
        })
    }

    /// The values of a column, by its place.
    pub(super) fn column(&self, place: usize) -> &[f64] {
        &self.columns[place]
    }

    /// Every column with its name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Variable, &[f64])> {
        self.names.iter().zip(self.columns.iter().map(Vec::as_slice))
    }
}
