//! `estimand boundaries`: where a group-sequential plan stops, and what it costs.

use std::io::Write;

use estimand_analysis::output::{Style, table_of};
use estimand_analysis::stats::dist::{Continuous, Normal};
use estimand_analysis::stats::group_sequential::{Design, Futility, Plan, Rule, Spending};
use estimand_analysis::viz::number;
use serde_json::json;

use crate::exit::{ExitCode, Failure};
use crate::sink::Sink;

/// Arguments of `estimand boundaries`.
#[derive(Debug, clap::Args)]
pub struct Boundaries {
    /// How many looks there are, evenly spaced.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100), help_heading = "The looks")]
    looks: u16,
    /// The share of the planned units at each look, such as 0.2,0.5,1.
    #[arg(long, value_name = "SHARE,…", value_delimiter = ',', conflicts_with = "looks", help_heading = "The looks")]
    at: Vec<f64>,
    /// The rule: a spending function, whose looks need not be the planned ones, or bounds of a fixed shape.
    #[arg(long, value_name = "NAME", default_value = "obrien_fleming_spending", value_parser = RULES, help_heading = "The rule")]
    rule: String,
    /// The number of a rule that has one: γ of `hwang_shih_decani`, ρ of `kim_demets`, Δ of `wang_tsiatis`, z of `haybittle_peto`.
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "The rule")]
    shape: Option<f64>,
    /// Level of error: of the one side, or of both together.
    #[arg(long, value_name = "ALPHA", default_value_t = 0.05, help_heading = "The rule")]
    alpha: f64,
    /// Look for an effect above zero only.
    #[arg(long, help_heading = "The rule")]
    one_sided: bool,
    /// Values of z at which the experiment stops for futility, one for each look but the last; needs `--one-sided`.
    #[arg(
        long,
        value_name = "Z,…",
        value_delimiter = ',',
        allow_negative_numbers = true,
        requires = "one_sided",
        help_heading = "Futility"
    )]
    futility: Vec<f64>,
    /// Stop for futility by spending the chance to miss the effect as this rule does; needs `--one-sided`.
    #[arg(long, value_name = "NAME", value_parser = SPENDINGS, requires = "one_sided", conflicts_with = "futility", help_heading = "Futility")]
    futility_spending: Option<String>,
    /// Whether stopping for futility is an obligation, so that critical values may count on it.
    #[arg(long, help_heading = "Futility")]
    binding: bool,
    /// The chance to find the effect for which the plan is made.
    #[arg(long, value_name = "POWER", default_value_t = 0.8)]
    power: f64,
    /// `text` or `json`.
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    format: String,
}

const RULES: [&str; 8] = [
    "haybittle_peto",
    "hwang_shih_decani",
    "kim_demets",
    "obrien_fleming",
    "obrien_fleming_spending",
    "pocock",
    "pocock_spending",
    "wang_tsiatis",
];

const SPENDINGS: [&str; 4] = ["hwang_shih_decani", "kim_demets", "obrien_fleming_spending", "pocock_spending"];

impl Boundaries {
    /// Solves the plan, and prints where it stops.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let looks = if self.at.is_empty() { Plan::evenly(usize::from(self.looks)) } else { self.at.clone() };
        let make = if self.one_sided { Plan::one_sided } else { Plan::two_sided };
        let plan = Plan { futility: self.futility(), ..make(&looks, self.rule(), self.alpha) };
        let design = plan.design().map_err(Failure::usage)?;
        let costs = Costs::of(&design, self.power)?;
        let mut sink = Sink::open(None, false)?;
        if self.format == "json" {
            let document = json!({
                "looks": design.looks(),
                "critical": design.efficacy(),
                "level": levels(&design),
                "alpha_spent": design.alpha_spent(),
                "futility": design.futility(),
                "beta_spent": costs.missed,
                "power": self.power,
                "inflation": costs.inflation,
                "drift": costs.drift,
                "expected_size": { "no_effect": costs.expected[0], "half_effect": costs.expected[1], "effect": costs.expected[2] },
            });
            writeln!(sink, "{document:#}")?;
        } else {
            write!(sink, "{}", text(&design, &costs))?;
        }
        sink.finish()?;
        Ok(ExitCode::Done)
    }

    fn rule(&self) -> Rule {
        match self.rule.as_str() {
            "haybittle_peto" => Rule::HaybittlePeto { early: self.shape.unwrap_or(3.0) },
            "obrien_fleming" => Rule::OBRIEN_FLEMING,
            "pocock" => Rule::POCOCK,
            "wang_tsiatis" => Rule::WangTsiatis { delta: self.shape.unwrap_or(0.25) },
            name => Rule::Spending(self.spending(name)),
        }
    }

    fn spending(&self, name: &str) -> Spending {
        match name {
            "hwang_shih_decani" => Spending::HwangShihDecani { gamma: self.shape.unwrap_or(-4.0) },
            "kim_demets" => Spending::KimDemets { rho: self.shape.unwrap_or(3.0) },
            "pocock_spending" => Spending::Pocock,
            _ => Spending::ObrienFleming,
        }
    }

    fn futility(&self) -> Futility {
        let binding = self.binding;
        match (&self.futility_spending, self.futility.as_slice()) {
            (Some(name), _) => Futility::Spending { spending: self.spending(name), beta: 1.0 - self.power, binding },
            (None, []) => Futility::None,
            (None, values) => Futility::Bounds { values: values.to_vec(), binding },
        }
    }
}

/// What a plan costs, in multiples of a fixed plan's size.
struct Costs {
    inflation: f64,
    drift: f64,
    /// Without an effect, with half of it, with all of it.
    expected: [f64; 3],
    /// The chance to have stopped for futility by each look, though the effect is there.
    missed: Vec<f64>,
}

impl Costs {
    fn of(design: &Design, power: f64) -> Result<Self, Failure> {
        let drift = design.drift(power).map_err(Failure::usage)?;
        let inflation = design.inflation(power).map_err(Failure::usage)?;
        let expected = [0.0, 0.5, 1.0].map(|share| inflation * design.expected_information(share * drift));
        let mut sum = 0.0;
        let below = |stage: &estimand_analysis::stats::group_sequential::Stage| {
            sum += stage.below;
            sum
        };
        let mut missed: Vec<f64> = design.stops(drift).iter().map(below).collect();
        if let Some(last) = missed.last_mut() {
            *last = 1.0 - design.power(drift);
        }
        Ok(Self { inflation, drift, expected, missed })
    }
}

/// The one-sided level of each critical value.
fn levels(design: &Design) -> Vec<f64> {
    design.efficacy().iter().map(|critical| Normal.sf(*critical)).collect()
}

fn text(design: &Design, costs: &Costs) -> String {
    let header = ["look", "share", "critical z", "p below", "spent so far", "futile below z"];
    let (levels, spent) = (levels(design), design.alpha_spent());
    let rows = design.looks().iter().enumerate().map(|(at, look)| {
        let futile = design.futility().get(at).filter(|z| z.is_finite());
        vec![
            (at + 1).to_string(),
            number::share(*look),
            format!("{:.4}", design.efficacy()[at]),
            format!("{:.6}", levels[at]),
            format!("{:.6}", spent[at]),
            futile.map_or_else(|| number::UNKNOWN.to_owned(), |z| format!("{z:.4}")),
        ]
    });
    let table = table_of(Style::Terminal, &header, &[0, 1, 2, 3, 4, 5], rows);
    let [none, half, whole] = costs.expected;
    format!(
        "{table}\n\nat most {:.3} times the units of one look at the end; on average {none:.3} without an effect, {half:.3} with half of \
         it, {whole:.3} with all of it\n",
        costs.inflation
    )
}
