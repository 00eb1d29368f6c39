//! How far an experiment is.

use estimand_analysis::metrics::definition::{Experiment, Zone};
use jiff::Timestamp;
use serde::Serialize;

/// How far an experiment is at one moment, as a chip of the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Phase {
    /// Its place in lists: what runs, what is planned, what has no dates, what has ended.
    #[serde(skip)]
    pub(crate) order: u8,
    /// The word.
    pub(crate) word: String,
    /// The colour, by its class.
    ink: &'static str,
    /// The shape, by its name in the sprite.
    shape: &'static str,
}

impl Phase {
    /// How far the dates of an experiment are at this moment; nothing is read for it.
    pub(crate) fn of(experiment: &Experiment, now: Timestamp) -> Self {
        let chip = |order, word: &str, ink, shape| Self { order, word: word.to_owned(), ink, shape };
        match (experiment.start, experiment.end) {
            (None, _) => chip(2, "no dates", "plain", "dash"),
            (Some(start), _) if now < start => chip(1, "planned", "plain", "ring"),
            (Some(_), Some(end)) if now >= end => chip(3, "ended", "plain", "tick"),
            (Some(start), end) => {
                // The first day is day 1.
                let day = |at: Timestamp| at.duration_since(start).as_hours() / 24;
                let of = end.map(|end| format!(" of {}", day(end).max(1))).unwrap_or_default();
                chip(0, &format!("running · day {}{of}", day(now) + 1), "undecided", "ring")
            }
        }
    }
}

/// The first and the last day as files name them, with the zone.
pub(crate) fn dates(experiment: &Experiment) -> Option<String> {
    let zone = experiment.timezone.clone().unwrap_or_else(Zone::utc);
    let day = |at: Timestamp| at.to_zoned(zone.rules().clone()).date().to_string();
    match (experiment.start?, experiment.end) {
        (start, Some(end)) => Some(format!("{} to {} ({zone})", day(start), day(end))),
        (start, None) => Some(format!("from {} ({zone})", day(start))),
    }
}

#[cfg(test)]
mod tests {
    use estimand_analysis::demo::{shop, trial};
    use estimand_analysis::metrics::project::Project;

    use super::*;

    #[test]
    fn the_clock_moves_an_experiment_from_planned_to_ended() {
        let folder = tempfile::tempdir().unwrap();
        shop::write(folder.path(), &shop::ShopOptions { users: 1_000, seed: 1 }).unwrap();
        let project = Project::load(folder.path()).unwrap();
        let experiment = project.experiment("one_page_checkout").unwrap();
        for (now, word) in [
            ("2025-03-02T23:59:59Z", "planned"),
            ("2025-03-03T00:00:00Z", "running · day 1 of 28"),
            ("2025-03-11T12:00:00Z", "running · day 9 of 28"),
            ("2025-03-30T23:59:59Z", "running · day 28 of 28"),
            ("2025-03-31T00:00:00Z", "ended"),
        ] {
            assert_eq!(Phase::of(experiment, now.parse().unwrap()).word, word, "{now}");
        }
        assert_eq!(dates(experiment).unwrap(), "2025-03-03 to 2025-03-31 (UTC)");
    }

    #[test]
    fn a_table_of_units_has_no_dates() {
        let folder = tempfile::tempdir().unwrap();
        trial::write(folder.path()).unwrap();
        let project = Project::load(folder.path()).unwrap();
        let experiment = project.experiment("job_training").unwrap();
        assert_eq!(Phase::of(experiment, Timestamp::UNIX_EPOCH).word, "no dates");
        assert_eq!(dates(experiment), None);
    }
}
