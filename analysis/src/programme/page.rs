//! A programme as one self-contained page, in the style of a report.

use std::collections::BTreeMap;

use estimand_stats::estimate::{Estimate, Estimates};
use estimand_viz::Theme;
use estimand_viz::chart::ChartInput;
use estimand_viz::effect::Effects;
use estimand_viz::number::Measure;
use estimand_viz::page::{Interactive, element};
use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;

use super::words::{HEADER, MOST_DRAWN, MOST_SHOWN};
use super::{MetricProgramme, Programme, Row};
use crate::figures;
use crate::report::{self, Error, PLOTLY_FILE, PlotlyMode};

const PAGE: &str = include_str!("../../templates/programme/page.html");

#[derive(Serialize)]
struct View<'a> {
    of: &'a str,
    policy: String,
    colours: String,
    /// Plotly's own text, the file to load it from, or neither.
    plotly: Option<&'static str>,
    plotly_file: Option<&'static str>,
    interactive: bool,
    header: [&'static str; 8],
    metrics: Vec<MetricView<'a>>,
}

#[derive(Serialize)]
struct MetricView<'a> {
    name: &'a str,
    title: String,
    facts: Vec<(&'static str, String)>,
    figure: String,
    rows: Vec<[String; 8]>,
    more: usize,
}

/// Renders a programme as one HTML page.
///
/// # Errors
/// A figure that cannot be drawn: a fault of ours.
pub fn page(programme: &Programme, plotly: PlotlyMode) -> Result<String, Error> {
    let metrics = programme.metrics.iter().map(|metric| {
        Ok(MetricView {
            name: &metric.metric,
            title: metric.title(),
            facts: metric.facts(),
            figure: metric.figure(plotly)?,
            rows: metric.shown().map(|row| metric.cells(row)).collect(),
            more: metric.rows.len().saturating_sub(MOST_SHOWN),
        })
    });
    let view = View {
        of: &programme.of,
        policy: report::content_security_policy(plotly),
        colours: report::colours(),
        plotly: (plotly == PlotlyMode::Embed).then_some(estimand_viz::PLOTLY_JS),
        plotly_file: (plotly == PlotlyMode::Link).then_some(PLOTLY_FILE),
        interactive: plotly != PlotlyMode::None,
        header: HEADER,
        metrics: metrics.collect::<Result<_, Error>>()?,
    };
    let mut environment = report::environment()?;
    environment.add_template("programme.html", PAGE)?;
    Ok(environment.get_template("programme.html")?.render(Value::from(Serde(view)))?)
}

impl MetricProgramme {
    /// The shown effects, each as it was estimated and in the light of all, on one axis.
    fn figure(&self, plotly: PlotlyMode) -> Result<String, Error> {
        let mut rows = Estimates::default();
        let mut measures = BTreeMap::new();
        for (place, Row { estimated, shrunken, .. }) in self.shown().take(MOST_DRAWN).enumerate() {
            let experiment = estimated.experiment.clone().unwrap_or_default();
            let label = match estimated.arm.as_deref() {
                Some(arm) if !experiment.is_empty() => format!("{experiment} · {arm}"),
                _ => experiment,
            };
            // Two effects may have one name.
            let name = format!("{place}");
            measures.insert(name.clone(), Measure::labelled(label));
            let row = Estimate {
                metric: Some(name),
                arm: Some("as estimated".to_owned()),
                baseline_arm: Some("none".to_owned()),
                scale: Some(self.scale.to_owned()),
                status: None,
                margin: None,
                segment: None,
                level: Some(self.level),
                ..estimated.clone()
            };
            let light = shrunken.map(|shrunken| Estimate {
                arm: Some("in the light of all".to_owned()),
                estimate: Some(shrunken.estimate),
                std_error: Some(shrunken.std_error),
                conf_low: shrunken.interval.low,
                conf_high: shrunken.interval.high,
                p_value: None,
                p_adjusted: None,
                ..row.clone()
            });
            rows.rows.push(row);
            rows.rows.extend(light);
        }
        let title = format!("{}: the most extreme effects", self.metric);
        let effects = Effects::of(&title, &rows, &measures)?;
        let figure = figures::draw("forest", &ChartInput::Effects(effects))?;
        let interactive = if plotly == PlotlyMode::None { Interactive::No } else { Interactive::Yes };
        Ok(figure.map(|figure| element(&figure, &Theme::LIGHT, interactive)).unwrap_or_default())
    }
}
