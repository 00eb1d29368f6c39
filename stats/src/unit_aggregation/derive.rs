//! Columns made of other columns: cut to limits, filled, or marking what is missing.

use super::finish::{Derive, Finishing, Limit};
use crate::suffstat::{Values, quantile};

/// Limits of a derived column, lower and upper, where there are any.
pub type Limits = (Option<f64>, Option<f64>);

/// The values of a derived column for some rows.
#[derive(Debug, Clone, Default)]
struct Made {
    values: Vec<f64>,
    present: Option<Vec<bool>>,
    same: Same,
}

/// Whether a derived column is another one, and need not be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Same {
    #[default]
    No,
    /// That of which it is made: nothing was missing.
    AsItsOrigin,
    /// Zeros: nothing was missing.
    Zeros,
}

/// Memory for derived columns, to be kept for the next block.
#[derive(Debug, Default)]
pub struct Making {
    made: Vec<Made>,
    zeros: Vec<f64>,
}

impl Making {
    /// All columns of a block: the given ones, then the derived ones in `which`; others are empty.
    ///
    /// - **Needs** for each derived column in `which` the one it is made of, and in `limits` its percentile limits if it has such.
    pub(super) fn columns<'a>(
        &'a mut self,
        finishing: &Finishing,
        which: &[bool],
        limits: &[Limits],
        given: &[Values<'a>],
    ) -> Vec<Values<'a>> {
        let Self { made, zeros } = self;
        made.resize_with(finishing.derived.len(), Made::default);
        let rows = given.iter().map(|column| column.values.len()).max().unwrap_or(0);
        zeros.resize(zeros.len().max(rows), 0.0);
        let zeros = &zeros[..];
        for (position, derived) in finishing.derived.iter().enumerate().filter(|(position, _)| which[*position]) {
            let (before, rest) = made.split_at_mut(position);
            let of = column(derived.of, finishing, before, zeros, given);
            rest[0].make(derived.how, limits.get(position).copied().unwrap_or_default(), of);
        }
        let made = &made[..];
        let nothing = Values { values: &[], present: None };
        let derived = which.iter().enumerate().map(|(position, wanted)| match wanted {
            true => column(finishing.columns + position, finishing, made, zeros, given),
            false => nothing,
        });
        given.iter().copied().chain(derived).collect()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let present = |made: &Made| made.present.as_ref().map_or(0, Vec::capacity);
        let made = self.made.iter().map(|made| made.values.capacity() * size_of::<f64>() + present(made));
        made.sum::<usize>() + self.zeros.capacity() * size_of::<f64>()
    }
}

/// A column by its number, derived ones once they are made.
fn column<'a>(
    number: usize,
    finishing: &Finishing,
    made: &'a [Made],
    zeros: &'a [f64],
    given: &[Values<'a>],
) -> Values<'a> {
    let Some(position) = number.checked_sub(finishing.columns) else { return given[number] };
    let of = |number| column(number, finishing, made, zeros, given);
    let own = &made[position];
    match own.same {
        Same::No => Values { values: &own.values, present: own.present.as_deref() },
        Same::AsItsOrigin => of(finishing.derived[position].of),
        Same::Zeros => Values { values: &zeros[..of(finishing.derived[position].of).values.len()], present: None },
    }
}

impl Made {
    fn make(&mut self, how: Derive, found: Limits, of: Values<'_>) {
        self.values.clear();
        self.present = None;
        self.same = match (how, of.present) {
            (Derive::Filled, None) => Same::AsItsOrigin,
            (Derive::Missing, None) => Same::Zeros,
            _ => Same::No,
        };
        match how {
            Derive::Clip { lower, upper } => {
                let fixed = |limit: Option<Limit>, found: Option<f64>| match limit {
                    Some(Limit::Value(value)) => Some(value),
                    Some(Limit::Percentile { .. }) => found,
                    None => None,
                };
                // In the total order, as the engine compares: a limit that is not there cuts nothing, whatever the value.
                let (lower, upper) = (fixed(lower, found.0), fixed(upper, found.1));
                let cut = |value: &f64| match (lower, upper) {
                    (Some(lower), _) if value.total_cmp(&lower).is_lt() => lower,
                    (_, Some(upper)) if value.total_cmp(&upper).is_gt() => upper,
                    _ => *value,
                };
                self.values.extend(of.values.iter().map(cut));
                self.present = of.present.map(<[bool]>::to_vec);
            }
            Derive::Filled => {
                let rows = of.values.iter().zip(of.present.unwrap_or_default());
                self.values.extend(rows.map(|(value, present)| if *present { *value } else { 0.0 }));
            }
            Derive::Missing => {
                let present = of.present.unwrap_or_default();
                self.values.extend(present.iter().map(|present| f64::from(u8::from(!*present))));
            }
        }
    }
}

/// The percentile limits of a derived column, from the values of the column it is made of, by part.
pub(super) fn percentiles(how: Derive, parts: &[Values<'_>]) -> Limits {
    let Derive::Clip { lower, upper } = how else { return (None, None) };
    let find = |limit: Option<Limit>| match limit {
        Some(Limit::Percentile { rank, nonzero }) => quantile(&mut there_are(parts, nonzero), rank),
        Some(Limit::Value(_)) | None => None,
    };
    (find(lower), find(upper))
}

/// The values there are, without zeros if so wanted.
fn there_are(parts: &[Values<'_>], nonzero: bool) -> Vec<f64> {
    let mut all = Vec::with_capacity(parts.iter().map(|part| part.values.len()).sum());
    for part in parts {
        match part.present {
            Some(present) => {
                all.extend(part.values.iter().zip(present).filter(|(_, there)| **there).map(|(value, _)| *value))
            }
            None => all.extend_from_slice(part.values),
        }
    }
    if nonzero {
        all.retain(|value| *value != 0.0);
    }
    all
}

impl Derive {
    /// Whether a limit is known only when all values are.
    pub(super) fn has_percentile(self) -> bool {
        match self {
            Derive::Clip { lower, upper } => {
                [lower, upper].iter().any(|limit| matches!(limit, Some(Limit::Percentile { .. })))
            }
            Derive::Filled | Derive::Missing => false,
        }
    }
}

/// Which columns are needed for some: themselves, and what they are made of.
pub(super) fn with_ancestors(finishing: &Finishing, columns: impl Iterator<Item = usize>) -> Vec<bool> {
    let mut wanted = vec![false; finishing.columns + finishing.derived.len()];
    columns.for_each(|column| wanted[column] = true);
    for (position, derived) in finishing.derived.iter().enumerate().rev() {
        wanted[derived.of] |= wanted[finishing.columns + position];
    }
    wanted
}
