//! A programme in words: facts and effects of each metric, for a terminal, a document and the page.

use estimand_viz::number::{self, Measure, Numbers, Scale};

use super::{MetricProgramme, Part, Programme, Row};
use crate::output::{Style, table_of};

/// At most so many effects are drawn.
pub(super) const MOST_DRAWN: usize = 10;
/// At most so many effects stand in a table for people; the result table has all.
pub(super) const MOST_SHOWN: usize = 20;

/// The header of a table of effects.
pub(super) const HEADER: [&str; 8] =
    ["experiment", "arm", "n", "effect", "interval", "p adjusted", "in the light of all", "wrong sign"];

/// The programme as text.
pub(crate) fn text(programme: &Programme, style: Style) -> String {
    let mut text = String::new();
    for metric in &programme.metrics {
        let (heading, gap) = match style {
            Style::Terminal => ("", "\n"),
            Style::Markdown => ("## ", "\n\n"),
        };
        text.push_str(&format!("{heading}{}: {}{gap}", metric.metric, metric.title()));
        let facts = metric.facts();
        let width = facts.iter().map(|(term, _)| term.chars().count()).max().unwrap_or(0);
        for (term, fact) in facts {
            match style {
                Style::Terminal => text.push_str(&format!("  {term:<width$}  {fact}\n")),
                Style::Markdown => text.push_str(&format!("- **{term}**: {fact}\n")),
            }
        }
        text.push('\n');
        let rows = metric.shown().map(|row| metric.cells(row).to_vec());
        text.push_str(&table_of(style, &HEADER, &[2, 3, 4, 5, 6, 7], rows).to_string());
        text.push('\n');
        if metric.rows.len() > MOST_SHOWN {
            text.push_str(&format!("{} more effects in the result table\n", metric.rows.len() - MOST_SHOWN));
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

impl MetricProgramme {
    /// How many effects of how many experiments.
    pub(super) fn title(&self) -> String {
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        let (effects, experiments) = (number::count(self.effects as u64), number::count(self.experiments as u64));
        let mut title =
            format!("{effects} effect{} of {experiments} experiment{}", plural(self.effects), plural(self.experiments));
        if self.left_out > 0 {
            let left_out = number::count(self.left_out as u64);
            title.push_str(&format!("; {left_out} without a standard error left out"));
        }
        title
    }

    /// The effects that people are shown: the most extreme ones.
    pub(super) fn shown(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().take(MOST_SHOWN)
    }

    /// How its numbers are written: by the middle one of the standard errors.
    fn numbers(&self, std_errors: impl Iterator<Item = f64>) -> Numbers {
        let mut errors: Vec<f64> = std_errors.filter(|error| error.is_finite()).collect();
        errors.sort_by(f64::total_cmp);
        let middle = errors.get(errors.len() / 2).copied();
        Numbers::effects(&Measure::labelled(&self.metric), self.scale(), middle)
    }

    pub(super) fn scale(&self) -> Scale {
        Scale::named(self.scale).unwrap_or_default()
    }

    fn part(&self, part: Part) -> String {
        let numbers = self.numbers(std::iter::once(part.std_error));
        format!("{} ({})", numbers.effect(Some(part.estimate)), numbers.interval(part.conf_low, part.conf_high))
    }

    /// What the effects say together, term by term.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let rate = number::share(1.0 - self.level);
        let mut found = format!(
            "{} of {} at {rate} after correction over all ({}); {} by their own test",
            self.found, self.effects, self.correction, self.found_alone
        );
        if let Some(share) = self.null_share {
            found.push_str(&format!("; about {} of all are no effects", number::share(share)));
        }
        let mut facts = vec![("Found", found)];
        if self.shared_baselines {
            let fact = "arms of one experiment share its baseline, so their effects go together and intervals over all are somewhat too narrow";
            facts.push(("Mind", fact.to_owned()));
        }
        if let Some(looks) = self.looks {
            let mut fact = format!("{} of {} effects decided by some look", looks.decided, looks.watched);
            if let Some(share) = looks.median_share {
                fact.push_str(&format!(", half of those within {} of their looks", number::share(share)));
            }
            fact.push_str("; p-values are of the strongest look, intervals of the last");
            facts.push(("Looking early", fact));
        }
        if let Some(part) = self.random_effects {
            facts.push(("Average effect", format!("{}, effects allowed to differ", self.part(part))));
        }
        if let Some(spread) = self.spread {
            let tau = self.numbers(std::iter::once(spread.tau)).value(Some(spread.tau));
            let share = number::share(spread.i_squared);
            let p = number::p_statement(Some(spread.p_value));
            let fact = format!(
                "standard deviation {tau} between experiments, {share} of what is seen ({p} that there is none)"
            );
            facts.push(("Effects differ by", fact));
        }
        if let Some([low, high]) = self.next {
            let numbers = self.numbers(std::iter::once((high - low) / 4.0));
            facts.push(("The next one", format!("expected at {}", numbers.interval(Some(low), Some(high)))));
        }
        if let Some(prior) = &self.prior {
            let spread = if self.no_spread { ", since the effects differ no more than chance has it" } else { "" };
            facts.push(("Prior", format!("--estimator bayes --option prior={prior}{spread}")));
        }
        if let Some(totals) = self.totals.filter(|totals| totals.launched > 0) {
            let fact = format!(
                "{} above the bar add up to {} as estimated, {} without the luck that chose them, {} in the light of all",
                totals.launched,
                self.part(totals.naive),
                self.part(totals.corrected),
                self.part(totals.shrunken)
            );
            facts.push(("Launched", fact));
        }
        facts
    }

    /// One effect as cells of a table.
    pub(super) fn cells(&self, row: &Row) -> [String; 8] {
        let Row { estimated, shrunken, .. } = row;
        let numbers = self.numbers(estimated.std_error.into_iter());
        let n = match (estimated.n, estimated.n_baseline) {
            (Some(n), Some(baseline)) => format!("{} : {}", number::count(n), number::count(baseline)),
            _ => number::UNKNOWN.to_owned(),
        };
        let light = shrunken.map(|shrunken| {
            let numbers = self.numbers(std::iter::once(shrunken.std_error));
            let interval = numbers.interval(shrunken.interval.low, shrunken.interval.high);
            format!("{} ({interval})", numbers.effect(Some(shrunken.estimate)))
        });
        let unknown = || number::UNKNOWN.to_owned();
        [
            estimated.experiment.clone().unwrap_or_else(unknown),
            estimated.arm.clone().unwrap_or_else(unknown),
            n,
            numbers.effect(estimated.estimate),
            numbers.interval(estimated.conf_low, estimated.conf_high),
            number::p_value(estimated.p_adjusted),
            light.unwrap_or_else(unknown),
            shrunken.map_or_else(unknown, |shrunken| number::share(shrunken.false_sign_rate)),
        ]
    }
}
