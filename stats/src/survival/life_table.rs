//! The life table: who was at risk, who had the event, who left.

/// One distinct time of a [`LifeTable`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LifeRow {
    /// The time, from entry.
    pub time: f64,
    /// Units that had neither the event nor left before this time.
    pub at_risk: u64,
    /// Units that had the event at this time.
    pub events: u64,
    /// Units that left at this time, after the events.
    pub censored: u64,
}

/// Distinct times in rising order, with the units at risk, with the event and leaving at each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LifeTable {
    rows: Vec<LifeRow>,
}

/// A time that no unit can have.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("a time is {0}; times to an event are counted from entry, finite and not below zero")]
pub struct ImpossibleTime(pub f64);

impl LifeTable {
    /// The table of units given as time, whether the event was seen then, and how many units; in any order.
    ///
    /// - **Errors** with [`ImpossibleTime`] for a time that is negative or not finite.
    pub fn of(units: impl IntoIterator<Item = (f64, bool, u64)>) -> Result<LifeTable, ImpossibleTime> {
        let mut units: Vec<(f64, bool, u64)> = units.into_iter().filter(|(_, _, count)| *count > 0).collect();
        if let Some((time, ..)) = units.iter().find(|(time, ..)| !(time.is_finite() && *time >= 0.0)) {
            return Err(ImpossibleTime(*time));
        }
        units.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut at_risk = units.iter().map(|(_, _, count)| count).sum();
        let mut rows: Vec<LifeRow> = Vec::new();
        for (time, event, count) in units {
            // Adding zero makes one time of the two zeros.
            let time = time + 0.0;
            let (events, censored) = if event { (count, 0) } else { (0, count) };
            match rows.last_mut().filter(|row| row.time == time) {
                Some(row) => (row.events, row.censored) = (row.events + events, row.censored + censored),
                None => rows.push(LifeRow { time, at_risk, events, censored }),
            }
            at_risk -= count;
        }
        Ok(LifeTable { rows })
    }

    /// The rows, by time.
    pub fn rows(&self) -> &[LifeRow] {
        &self.rows
    }

    /// Units.
    pub fn n(&self) -> u64 {
        self.rows.first().map_or(0, |row| row.at_risk)
    }

    /// Units at risk just before a time.
    pub fn at_risk(&self, time: f64) -> u64 {
        self.rows.get(self.rows.partition_point(|row| row.time < time)).map_or(0, |row| row.at_risk)
    }

    /// The last time; `None` without units.
    pub fn last_time(&self) -> Option<f64> {
        self.rows.last().map(|row| row.time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_counted_by_time_in_any_order() {
        let table = LifeTable::of([(5.0, false, 2), (2.0, true, 3), (5.0, true, 1), (2.0, true, 1)]).unwrap();
        let row = |time, at_risk, events, censored| LifeRow { time, at_risk, events, censored };
        assert_eq!(table.rows(), [row(2.0, 7, 4, 0), row(5.0, 3, 1, 2)]);
        assert_eq!((table.n(), table.at_risk(2.0), table.at_risk(2.1), table.at_risk(6.0)), (7, 7, 3, 0));
    }

    #[test]
    fn a_time_that_cannot_be_is_refused() {
        let said = LifeTable::of([(-1.0, true, 1)]).unwrap_err().to_string();
        assert_eq!(said, "a time is -1; times to an event are counted from entry, finite and not below zero");
        assert_eq!(LifeTable::of([]).unwrap().last_time(), None);
    }
}
