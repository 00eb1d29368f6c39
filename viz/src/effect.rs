//! Effects with their intervals: what a forest plot and the bars of a scorecard draw.

use std::collections::BTreeMap;

use estimand_stats::dist::{Continuous, Normal, StudentT};
use estimand_stats::estimand::Direction;
use estimand_stats::{Estimate, Estimates};

use crate::axis::drawable;
use crate::error::Error;
use crate::number::{Measure, Numbers, Scale};
use crate::shape::Shape;
use crate::status::{self, Status};
use crate::theme::Ink;

/// An interval at one level; an end that is `None` is open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Confidence level, inside (0, 1).
    pub level: f64,
    /// Lower end.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}

impl Interval {
    /// Whether it is open on both sides, as Fieller's set can be: it says nothing, and is not drawn.
    pub fn is_unbounded(&self) -> bool {
        self.low.is_none() && self.high.is_none()
    }

    /// The interval with ends that cannot be drawn open.
    fn drawn(&self) -> Self {
        Self { low: drawable(self.low), high: drawable(self.high), ..*self }
    }
}

/// The effect of one arm on one metric, in one segment.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// Name of the metric for people.
    pub label: String,
    /// The arm that the effect is of.
    pub arm: String,
    /// The arm compared against.
    pub baseline_arm: String,
    /// The segment as `dimension=value`; `None` for all units.
    pub segment: Option<String>,
    /// The effect; `None` when it could not be estimated.
    pub estimate: Option<f64>,
    /// Intervals at one or several levels, the highest first; empty when there is none.
    pub intervals: Vec<Interval>,
    /// Units of arm and baseline.
    pub n: (Option<u64>, Option<u64>),
    /// The p-value that decides: the corrected one when there is one.
    pub p_value: Option<f64>,
    /// Non-inferiority margin, relative to the baseline mean.
    pub margin: Option<f64>,
    /// Which way of the metric is good.
    pub direction: Direction,
    /// Its word in the status table; `None` for a row that is shown and not judged.
    pub status: Option<Status>,
    /// How its numbers are written, the same for all rows of the metric.
    pub numbers: Numbers,
    /// What a reader must know about this row.
    pub notes: Option<String>,
}

impl Effect {
    /// Adds the interval at another level, such as the 50 % and 80 % ones of the same estimator, and keeps the highest level first.
    pub fn with_interval(mut self, interval: Interval) -> Self {
        self.intervals.retain(|other| other.level != interval.level);
        self.intervals.push(interval);
        self.intervals.sort_by(|a, b| b.level.total_cmp(&a.level));
        self
    }

    /// The intervals to draw, the highest level first; infinite ends are open.
    pub fn drawn(&self) -> impl Iterator<Item = Interval> {
        self.intervals.iter().map(Interval::drawn)
    }

    /// The interval at the highest level, when it says something.
    pub fn outer(&self) -> Option<Interval> {
        self.drawn().next().filter(|interval| !interval.is_unbounded())
    }

    /// The point to mark: an estimate is never shown without its interval.
    pub fn point(&self) -> Option<f64> {
        self.outer().and(drawable(self.estimate))
    }

    /// The ink of its status.
    pub fn ink(&self) -> Ink {
        self.status.map_or(Ink::Undecided, status::ink)
    }

    /// The shape of its status.
    pub fn shape(&self) -> Shape {
        self.status.map_or(Shape::Circle, status::shape)
    }

    /// The margin as an effect on the bad side: −δ when more is better, +δ when less is.
    pub fn margin_effect(&self) -> Option<f64> {
        drawable(self.margin).map(|margin| match self.direction {
            Direction::Higher => -margin,
            Direction::Lower => margin,
        })
    }

    /// Effect and interval in one line: `+2.1 % (+0.6 to +3.6 %)`, or why there is none.
    pub fn sentence(&self) -> String {
        match (self.point(), self.drawn().next()) {
            (Some(point), Some(interval)) => {
                format!("{} ({})", self.numbers.effect(Some(point)), self.numbers.interval(interval.low, interval.high))
            }
            (_, Some(_)) => "interval unbounded".to_owned(),
            _ => "no interval".to_owned(),
        }
    }
}

/// Effects on one scale that share an axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Effects {
    /// What the block holds, such as `Primary metrics`.
    pub title: String,
    /// The scale of all rows.
    pub scale: Scale,
    /// The rows in the order to show them; rows of one metric stand together.
    pub rows: Vec<Effect>,
    /// Arms in the experiment's order, the control first: it decides their colours.
    pub arms: Vec<String>,
    /// Effects nearer to zero than this do not matter, on the scale of the rows.
    pub minimum_effect: Option<f64>,
}

impl Effects {
    /// The rows of a result table, all on one scale, in their order.
    ///
    /// Levels that a row does not carry are computed from its standard error and degrees of freedom only when the same formula gives the
    /// row's own interval; Fieller's interval, for one, gets none. Add such levels with [`Effect::with_interval`].
    ///
    /// - **Needs** `metric` and `arm` of each row, and a [`Measure`] of each metric.
    /// - **Errors** with [`Error::MixedScales`], [`Error::UnknownMetric`], [`Error::UnknownStatus`] or [`Error::MissingColumn`].
    pub fn of(title: &str, estimates: &Estimates, measures: &BTreeMap<String, Measure>) -> Result<Self, Error> {
        let mut block = Self { title: title.to_owned(), ..Self::default() };
        let mut scale_name = None;
        for row in &estimates.rows {
            let metric = row.metric.as_deref().ok_or(Error::MissingColumn { column: "metric" })?;
            let name = row.scale.as_deref().ok_or(Error::MissingColumn { column: "scale" })?;
            let expected = *scale_name.get_or_insert(name);
            block.scale = Scale::named(name).filter(|_| name == expected).ok_or_else(|| Error::MixedScales {
                metric: metric.to_owned(),
                found: name.to_owned(),
                expected: expected.to_owned(),
            })?;
            let measure = measures.get(metric).ok_or_else(|| Error::UnknownMetric {
                metric: metric.to_owned(),
                known: measures.keys().map(|known| format!("`{known}`")).collect::<Vec<_>>().join(", "),
            })?;
            let same_metric = estimates.rows.iter().filter(|other| other.metric == row.metric);
            let numbers = Numbers::effects(measure, block.scale, same_metric.filter_map(|other| other.std_error));
            let effect = effect_of(row, metric, measure, numbers)?;
            for arm in [&effect.baseline_arm, &effect.arm] {
                if !arm.is_empty() && !block.arms.contains(arm) {
                    block.arms.push(arm.clone());
                }
            }
            block.rows.push(effect);
        }
        Ok(block)
    }

    /// Half the width of the zone of effects that do not matter, when there is one.
    pub fn minimum(&self) -> Option<f64> {
        drawable(self.minimum_effect).map(f64::abs).filter(|minimum| *minimum > 0.0)
    }

    /// Whether several arms are compared with the baseline.
    pub fn has_several_arms(&self) -> bool {
        self.rows.iter().any(|row| row.arm != self.rows[0].arm)
    }

    /// The highest level of the rows, and the lower ones that some row has, from high to low.
    pub fn levels(&self) -> Vec<f64> {
        let mut levels: Vec<f64> =
            self.rows.iter().flat_map(|row| &row.intervals).map(|interval| interval.level).collect();
        levels.sort_by(|a, b| b.total_cmp(a));
        levels.dedup();
        levels
    }
}

fn effect_of(row: &Estimate, metric: &str, measure: &Measure, numbers: Numbers) -> Result<Effect, Error> {
    let status = match (Status::of(row), &row.status) {
        (None, Some(word)) => {
            let known = Status::ALL.map(|known| format!("`{}`", known.word())).join(", ");
            return Err(Error::UnknownStatus { metric: metric.to_owned(), status: word.clone(), known });
        }
        (status, _) => status,
    };
    let arm = row.arm.clone().ok_or(Error::MissingColumn { column: "arm" })?;
    Ok(Effect {
        label: measure.label.clone(),
        arm,
        baseline_arm: row.baseline_arm.clone().unwrap_or_default(),
        segment: row.segment.clone(),
        estimate: row.estimate,
        intervals: intervals_of(row),
        n: (row.n, row.n_baseline),
        p_value: row.p_adjusted.or(row.p_value),
        margin: row.margin,
        direction: measure.direction,
        status,
        numbers,
        notes: row.notes.clone(),
    })
}

/// Levels below the row's own that are drawn as stouter bars.
const INNER: [f64; 2] = [0.8, 0.5];

/// The intervals of the row, the highest level first; none when it has no level, and so no interval was asked of it.
fn intervals_of(row: &Estimate) -> Vec<Interval> {
    let Some(level) = row.level.filter(|level| *level > 0.0 && *level < 1.0 && row.estimate.is_some()) else {
        return Vec::new();
    };
    let outer = Interval { level, low: row.conf_low, high: row.conf_high }.drawn();
    let inner = INNER.into_iter().filter(|inner| *inner < level).filter_map(|inner| inner_interval(row, &outer, inner));
    [outer].into_iter().chain(inner).collect()
}

/// `τ̂ ± t·se` at a lower level, when the same formula gives the interval that the row has.
fn inner_interval(row: &Estimate, outer: &Interval, level: f64) -> Option<Interval> {
    let (estimate, std_error) = (row.estimate?, row.std_error.filter(|std_error| *std_error > 0.0)?);
    let half = |level: f64| {
        let tail = (1.0 - level) / 2.0;
        let critical = match row.df {
            Some(df) => StudentT::new(df)?.isf(tail)?,
            None => Normal.isf(tail)?,
        };
        Some(critical * std_error)
    };
    let same = |end: f64, expected: f64| (end - expected).abs() <= SAME * std_error;
    let own = half(outer.level)?;
    if !same(outer.low?, estimate - own) || !same(outer.high?, estimate + own) {
        return None;
    }
    let half = half(level)?;
    Some(Interval { level, low: Some(estimate - half), high: Some(estimate + half) })
}

/// Two ends agree when they differ by less than this many standard errors: rounding, and no more.
const SAME: f64 = 1e-9;

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Estimate {
        // t quantile of 0.975 at 10 degrees of freedom: 2.228138851964939.
        let half = 2.228_138_851_964_939 * 0.5;
        Estimate {
            metric: Some("orders".into()),
            arm: Some("B".into()),
            scale: Some("absolute".into()),
            estimate: Some(2.0),
            std_error: Some(0.5),
            df: Some(10.0),
            conf_low: Some(2.0 - half),
            conf_high: Some(2.0 + half),
            level: Some(0.95),
            ..Estimate::default()
        }
    }

    fn block(rows: impl IntoIterator<Item = Estimate>) -> Result<Effects, Error> {
        let measures = BTreeMap::from([("orders".to_owned(), Measure::labelled("Orders"))]);
        Effects::of("Primary", &rows.into_iter().collect(), &measures)
    }

    #[test]
    fn lower_levels_are_computed_when_the_row_follows_the_same_formula() {
        let effects = block([row()]).unwrap();
        assert_eq!(effects.levels(), [0.95, 0.8, 0.5]);
        // t quantile of 0.9 at 10 degrees of freedom: 1.372183641110336.
        let middle = effects.rows[0].intervals[1];
        assert!((middle.high.unwrap() - (2.0 + 1.372_183_641_110_336 * 0.5)).abs() < 1e-12);
    }

    #[test]
    fn an_interval_of_another_kind_gets_no_lower_levels() {
        let fieller = Estimate { conf_high: Some(9.0), ..row() };
        let one_sided = Estimate { conf_high: None, ..row() };
        let no_error = Estimate { std_error: None, ..row() };
        for row in [fieller, one_sided, no_error] {
            assert_eq!(block([row]).unwrap().levels(), [0.95]);
        }
    }

    #[test]
    fn a_point_is_never_shown_without_its_interval() {
        let unbounded = Estimate { conf_low: None, conf_high: Some(f64::INFINITY), ..row() };
        let effects = block([unbounded, Estimate { level: None, ..row() }]).unwrap();
        assert_eq!(effects.rows[0].point(), None);
        assert_eq!(effects.rows[0].sentence(), "interval unbounded");
        assert_eq!(effects.rows[1].sentence(), "no interval");
    }

    #[test]
    fn the_margin_lies_on_the_bad_side() {
        let mut effect = block([Estimate { margin: Some(0.02), ..row() }]).unwrap().rows.remove(0);
        assert_eq!(effect.margin_effect(), Some(-0.02));
        effect.direction = Direction::Lower;
        assert_eq!(effect.margin_effect(), Some(0.02));
    }

    #[test]
    fn rows_that_cannot_share_a_block_are_refused() {
        let refusal = |rows: Vec<Estimate>| block(rows).unwrap_err().to_string();
        assert_eq!(
            refusal(vec![row(), Estimate { scale: Some("relative".into()), ..row() }]),
            "row of metric `orders` is on the scale `relative`, the rows before it on `absolute`; draw each scale by itself"
        );
        assert_eq!(
            refusal(vec![Estimate { metric: Some("order".into()), ..row() }]),
            "metric `order` has no measure; the measures are `orders`"
        );
        assert_eq!(
            refusal(vec![Estimate { status: Some("great".into()), ..row() }]),
            "row of metric `orders` has the status `great`; the statuses are `check data`, `running`, `too small to matter`, \
             `better`, `worse`, `no clear effect`, `safe`, `harmed`, `not shown safe`"
        );
        assert_eq!(
            refusal(vec![Estimate { arm: None, ..row() }]),
            "a row of the result table has no `arm`, which a figure needs"
        );
    }
}
