//! Units counted by value, for functions of distributions.

use estimand_stats::empirical::Empirical;

use crate::shared_data::Table;

/// Distinct values with counts.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    values: Vec<f64>,
    counts: Vec<u64>,
}

impl Tally {
    /// Of units; missing values, as not a number, are left out.
    pub fn of(units: &[f64]) -> Self {
        let mut units: Vec<f64> = units.iter().copied().filter(|value| !value.is_nan()).collect();
        units.sort_by(f64::total_cmp);
        let mut tally = Self::default();
        for value in units {
            if tally.values.last() == Some(&value) {
                *tally.counts.last_mut().unwrap() += 1;
            } else {
                tally.values.push(value);
                tally.counts.push(1);
            }
        }
        tally
    }

    pub fn law(&self) -> Empirical<'_> {
        Empirical::new(&self.values, &self.counts).expect("a distribution")
    }
}

/// The values of a column in the rows of one group.
pub fn units(data: &Table, column: &str, group: &str, level: &str) -> Vec<f64> {
    let (values, groups) = (data.numbers(column), data.text(group));
    values.into_iter().zip(groups).filter(|(_, own)| own.as_deref() == Some(level)).map(|(value, _)| value).collect()
}
