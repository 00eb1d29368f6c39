//! From estimates to a conclusion: families, statuses, verdict, and the report made of them.

use std::collections::BTreeMap;

use estimand_metrics::collect::Collected;
use estimand_metrics::definition::{NumberStyle, PlanKind, RoleKind};
use estimand_metrics::engine::Opened;
use estimand_metrics::plan::lower::UnitState;
use estimand_metrics::plan::{Derivation, Plan, Question};
use estimand_metrics::project::Project;
use estimand_stats::check::CheckResult;
use estimand_stats::estimand::Direction;
use estimand_stats::estimate::Estimates;
use estimand_stats::family::Role;
use estimand_stats::multiplicity::Correction;
use estimand_stats::status::{self, MetricRule, Progress, Rules};
use estimand_stats::verdict::verdict;
use estimand_viz::number::{Format, Measure};

use crate::analyze::Request;
use crate::answered::Answered;
use crate::error::Error;
use crate::report::{
    Arm, Correction as Corrected, Exclusion, Fact, Figure, Header, Method, MetricCard, Phase, ReportModel, Truth,
};
use crate::run::RunId;
use crate::summary::Summary;
use crate::{demo, figures, health, method_panel, provenance, segments};

/// All that a conclusion is made of.
pub struct Material<'a> {
    /// What was asked for.
    pub request: &'a Request,
    /// The definitions.
    pub project: &'a Project,
    /// What was asked of the data.
    pub plan: &'a Plan,
    /// The sources.
    pub opened: &'a Opened,
    /// What was read.
    pub collected: &'a Collected,
    /// The estimates, before families and statuses.
    pub estimates: Estimates,
    /// The deciding estimates again at lower levels.
    pub inner: Estimates,
    /// What was checked.
    pub checks: Vec<CheckResult>,
}

/// Corrects families, gives statuses, makes the verdict and the report.
///
/// # Errors
/// A p-value that is none, and a figure whose rows lack a column: faults of ours.
pub fn conclude(material: Material<'_>) -> Result<Answered, Error> {
    let Material { request, project, plan, opened, collected, mut estimates, inner, checks } = material;
    let rules = rules(plan);
    status::finish(&mut estimates, &rules, &checks)?;
    let inputs = provenance::inputs(request, project, plan, opened, collected)?;
    let run = request.recorded.then(|| inputs.id());
    provenance::stamp(&mut estimates, project, plan, opened, run.as_ref());
    let verdict = verdict(&estimates, &rules, &checks);
    let measures = measures(plan);
    let forest = figures::forest("Effects", &estimates, &measures)?;
    let over_time = figures::over_time(plan, collected, &estimates, &checks, &measures)?;
    let distribution = figures::distributions(plan, collected, &measures)?;
    let by_segment = figures::segments(plan, &estimates, &measures)?;
    let several = plan.experiment.treatments().count() > 1;
    let heterogeneity = segments::sentences(&estimates, &measures, |arm| figures::label(plan, arm), several);
    let method_panel = method_panel::sentences(&estimates, &measures, |arm| figures::label(plan, arm), several);
    let report = ReportModel {
        header: header(request, plan, collected, run.as_ref()),
        checks: checks.clone(),
        verdict: verdict.sentence.clone(),
        metrics: plan.questions.iter().map(|question| card(plan, collected, question)).collect(),
        estimates: estimates.clone(),
        inner_intervals: inner,
        corrections: corrections(plan),
        over_time: over_time.iter().map(Figure::of).collect(),
        distribution: distribution.iter().map(Figure::of).collect(),
        segments: by_segment.iter().map(Figure::of).collect(),
        heterogeneity,
        method_panel,
        truth: truth(project, plan)?,
        method: method(plan, collected),
        provenance: provenance::provenance(project, &inputs, opened),
    };
    let inputs = Some(inputs);
    Ok(Answered { verdict, checks, estimates, measures, report, forest, inputs, ..Answered::default() })
}

/// The answer to summary numbers: every metric is primary, nothing could be checked.
///
/// # Errors
/// As [`conclude`].
pub fn of_summary(summary: &Summary, mut estimates: Estimates) -> Result<Answered, Error> {
    for row in &mut estimates.rows {
        let metric = summary.metrics.iter().find(|metric| Some(&metric.name) == row.metric.as_ref());
        let guards = metric.is_some_and(|metric| metric.margin.is_some());
        row.role = Some(if guards { Role::Guardrail } else { Role::Primary }.name().to_owned());
    }
    let metrics: BTreeMap<String, MetricRule> = summary
        .metrics
        .iter()
        .map(|metric| {
            let rule = MetricRule { label: metric.name.clone(), direction: metric.direction, minimum_effect: None };
            (metric.name.clone(), rule)
        })
        .collect();
    let measures = metrics
        .iter()
        .map(|(name, rule)| (name.clone(), Measure { direction: rule.direction, ..Measure::labelled(name) }))
        .collect();
    let rules = Rules { metrics, ..Rules::default() };
    status::finish(&mut estimates, &rules, &[])?;
    let verdict = verdict(&estimates, &rules, &[]);
    let forest = figures::forest("Effects", &estimates, &measures)?;
    let report =
        ReportModel { verdict: verdict.sentence.clone(), estimates: estimates.clone(), ..ReportModel::default() };
    Ok(Answered { verdict, estimates, measures, report, forest, ..Answered::default() })
}

/// The true effects, where the project's data were simulated and say so.
fn truth(project: &Project, plan: &Plan) -> Result<Vec<Truth>, Error> {
    let Some(known) = demo::Truth::of(project, &plan.experiment)? else { return Ok(Vec::new()) };
    let of_metric = |metric: &demo::truth::MetricTruth| {
        let whole = metric.effects.iter().filter(|effect| effect.segment.is_none());
        whole
            .map(|effect| Truth {
                metric: metric.name.clone(),
                arm: effect.arm.clone(),
                scale: effect.scale.word().to_owned(),
                effect: effect.value,
            })
            .collect::<Vec<_>>()
    };
    Ok(known.metrics.iter().flat_map(of_metric).collect())
}

fn rules(plan: &Plan) -> Rules {
    let experiment = &plan.experiment;
    let metrics = plan.questions.iter().map(|question| {
        let metric = &question.metric;
        let rule = MetricRule {
            label: metric.label.clone(),
            direction: direction(question),
            minimum_effect: experiment.plan.minimum_effect.get(&metric.name).copied(),
        };
        (metric.name.clone(), rule)
    });
    Rules {
        progress: progress(plan),
        minimum_units: experiment.plan.minimum_units,
        corrections: experiment.analysis.correction,
        metrics: metrics.collect(),
    }
}

/// Whether statuses must wait: those of a plan that looks once, until it has ended.
fn progress(plan: &Plan) -> Progress {
    match plan.experiment.plan.kind {
        PlanKind::Fixed => passed(plan),
        PlanKind::GroupSequential | PlanKind::Sequential => Progress::Looking,
    }
}

/// How far a plan with dates is at the as-of instant; a file without dates has ended.
fn passed(plan: &Plan) -> Progress {
    let enrolment = &plan.specification.enrolment;
    match (enrolment.start, enrolment.end, enrolment.as_of) {
        (Some(start), Some(end), Some(as_of)) if as_of < end => {
            let whole = end.duration_since(start).as_secs_f64();
            let passed = as_of.duration_since(start).as_secs_f64();
            Progress::Running { share: (whole > 0.0).then(|| (passed / whole).clamp(0.0, 1.0)) }
        }
        _ => Progress::Ended,
    }
}

fn phase(plan: &Plan) -> Phase {
    let Progress::Running { share } = passed(plan) else { return Phase::Ended };
    let progress = share.map_or_else(|| "not ended".to_owned(), |share| format!("{:.0} % of the plan", share * 100.0));
    match plan.experiment.plan.kind {
        PlanKind::Fixed => Phase::Running { progress, share },
        PlanKind::GroupSequential => Phase::Looking { progress: format!("a planned look, {progress}") },
        PlanKind::Sequential => Phase::Looking { progress: format!("valid at every look, {progress}") },
    }
}

fn direction(question: &Question) -> Direction {
    match question.metric.direction {
        estimand_metrics::definition::Direction::Higher => Direction::Higher,
        estimand_metrics::definition::Direction::Lower => Direction::Lower,
    }
}

fn measures(plan: &Plan) -> BTreeMap<String, Measure> {
    plan.questions.iter().map(|question| (question.metric.name.clone(), measure(question))).collect()
}

fn measure(question: &Question) -> Measure {
    Measure {
        label: question.metric.label.clone(),
        measured_in: question.metric.measured_in.clone(),
        format: match question.metric.format.style {
            NumberStyle::Currency => Format::Currency,
            NumberStyle::Integer => Format::Integer,
            NumberStyle::Number => Format::Number,
            NumberStyle::Percent => Format::Percent,
        },
        direction: direction(question),
    }
}

fn header(request: &Request, plan: &Plan, collected: &Collected, run: Option<&RunId>) -> Header {
    let experiment = &plan.experiment;
    let enrolment = &plan.specification.enrolment;
    let zone = enrolment.zone.name();
    let day = |at: jiff::Timestamp| at.to_zoned(enrolment.zone.rules().clone()).date().to_string();
    let dates = match (enrolment.start, enrolment.end) {
        (Some(start), Some(end)) => Some(format!("{} to {} ({zone})", day(start), day(end))),
        (Some(start), None) => Some(format!("from {} ({zone})", day(start))),
        _ => None,
    };
    let units = |name: &str| collected.all.arms.iter().find(|arm| arm.arm == name).map_or(0, |arm| arm.units);
    let mut arms: Vec<Arm> = experiment
        .arms
        .iter()
        .map(|arm| Arm {
            name: arm.name.clone(),
            label: arm.label.clone(),
            allocation: Some(arm.allocation).filter(|share| *share > 0.0),
            units: units(&arm.name),
        })
        .collect();
    arms.sort_by_key(|arm| arm.name != experiment.control);
    Header {
        name: experiment.name.clone(),
        label: experiment.label.clone(),
        hypothesis: experiment.hypothesis.clone(),
        owner: experiment.owner.clone(),
        dates,
        population: plan.questions.first().map(|question| question.population.clone()).unwrap_or_default(),
        arms,
        phase: phase(plan),
        run_id: run.map(|id| id.as_str().to_owned()).unwrap_or_default(),
        as_of: enrolment.as_of.map(|as_of| as_of.to_string()),
        recreate: provenance::recreate(request, enrolment.as_of),
    }
}

fn card(plan: &Plan, collected: &Collected, question: &Question) -> MetricCard {
    let metric = &question.metric;
    let mut facts = Vec::new();
    if !question.window.is_empty() {
        facts.push(Fact::new("Counted", &question.window));
    }
    if let Some(decides) = question.asked.first() {
        facts.push(Fact::new("Estimator", &decides.estimator));
        if !decides.design.covariates.is_empty() {
            facts.push(Fact::new("Covariates", named_covariates(plan, &decides.design.covariates)));
        }
    }
    for (name, (lower, upper)) in &collected.caps {
        if name.starts_with(&metric.name) {
            let bounds = [("at least", lower), ("at most", upper)];
            for (word, bound) in bounds {
                if let Some(bound) = bound {
                    facts.push(Fact::new("Capped", format!("{word} {bound}")));
                }
            }
        }
    }
    if let Some(owner) = &metric.owner {
        facts.push(Fact::new("Owner", owner));
    }
    let estimands = plan
        .experiment
        .treatments()
        .filter_map(|arm| {
            Some(question.estimand(question.asked.first()?, &arm.name, &plan.experiment.control).to_string())
        })
        .collect();
    MetricCard {
        name: metric.name.clone(),
        label: metric.label.clone(),
        description: metric.description.clone(),
        kind: metric.outcome.kind().to_owned(),
        role: match question.role_kind() {
            RoleKind::Primary => Role::Primary,
            RoleKind::Secondary => Role::Secondary,
            RoleKind::Guardrail => Role::Guardrail,
            RoleKind::Informational => Role::Informational,
        },
        direction: direction(question),
        measured_in: metric.measured_in.clone(),
        format: measure(question).format,
        beside: question.asked.iter().find(|asked| !asked.decides).map(|asked| asked.variant.to_owned()),
        tags: metric.tags.clone(),
        minimum_effect: plan.experiment.plan.minimum_effect.get(&metric.name).copied(),
        estimands,
        facts,
    }
}

/// Covariates by the names that a file gives them: without the columns that the plan adds for missing values.
fn named_covariates(plan: &Plan, covariates: &[String]) -> String {
    let derived = |name: &String| plan.specification.derived.iter().find(|column| column.name == *name);
    let named = covariates.iter().filter_map(|name| match derived(name) {
        Some(column) if column.how == Derivation::Missing => None,
        Some(column) if column.how == Derivation::Filled => Some(column.of.as_str()),
        _ => Some(name.as_str()),
    });
    named.collect::<Vec<_>>().join(", ")
}

fn corrections(plan: &Plan) -> Vec<Corrected> {
    let arms = plan.experiment.treatments().count();
    let count = |role: RoleKind| plan.questions.iter().filter(|question| question.role_kind() == role).count();
    let analysis = &plan.experiment.analysis;
    let of = |role, kind, correction: Correction| Corrected {
        role,
        sentence: format!(
            "{} over {} metric{} × {arms} arm{}.",
            correction.label(),
            count(kind),
            if count(kind) == 1 { "" } else { "s" },
            if arms == 1 { "" } else { "s" }
        ),
    };
    vec![
        of(Role::Primary, RoleKind::Primary, analysis.correction.primary),
        of(Role::Secondary, RoleKind::Secondary, analysis.correction.secondary),
        Corrected { role: Role::Guardrail, sentence: "Each by itself, one-sided, without correction.".to_owned() },
        Corrected { role: Role::Informational, sentence: "Shown, not tested.".to_owned() },
    ]
}

fn method(plan: &Plan, collected: &Collected) -> Method {
    let analysis = &plan.experiment.analysis;
    let mut facts = vec![
        Fact::new("Level", estimand_viz::number::level(analysis.level)),
        Fact::new("Unit", &plan.experiment.unit),
        Fact::new("Control", &plan.experiment.control),
    ];
    let primary = plan.questions.iter().filter(|question| question.role_kind() == RoleKind::Primary).count();
    let drawn = figures::drawn(plan).count();
    if drawn < primary {
        let text = format!("of the first {drawn} of {primary} primary metrics; the tables hold all");
        facts.push(Fact::new("Figures", text));
    }
    let apart = [
        (UnitState::Blank, "rows without an id"),
        (UnitState::NoTime, "without a time of exposure"),
        (UnitState::BeforeStart, "exposed before the start"),
        (UnitState::AfterEnd, "exposed after the end"),
        (UnitState::TwoArms, "seen in two arms"),
        (UnitState::Untriggered, "never met the trigger"),
    ];
    let exclusions = apart
        .into_iter()
        .map(|(state, reason)| (health::in_state(collected, state), reason))
        .filter(|(units, _)| *units > 0)
        .map(|(units, reason)| Exclusion { reason: reason.to_owned(), units, treatment: "set apart".to_owned() })
        .collect();
    Method { facts, exclusions, statements: provenance::statements(collected) }
}
