//! Reading an experiment.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::definition::{
    Assignment, Covariate, Dimension, Experiment, ExperimentMetric, Manifest, Metric, Plan, Role, Source, Trigger, Zone,
};
use crate::expression::Expression;
use crate::fault::Fault;
use crate::reading::document::{Content, Document};
use crate::reading::fields::Fields;
use crate::reading::key::{Key, Shape, optional, required, shown};
use crate::reading::known::Known;
use crate::reading::metric::read_filter;
use crate::reading::nearest::nearest;
use crate::reading::{analysis, arms, header, plan};

/// The keys of an experiment, besides those of the header.
pub const KEYS: &[Key] = &[
    optional("hypothesis", Shape::Text, "What is expected to happen, and why."),
    required("unit", Shape::Text, "The unit of assignment and analysis, such as `user_id`."),
    optional("start", Shape::Moment, "First instant; a date is its midnight."),
    optional(
        "end",
        Shape::Moment,
        "First instant after the experiment; a date is its midnight, so that day is outside.",
    ),
    optional("timezone", Shape::Zone, "The zone of its dates; the project's default unless given."),
    required("assignment", Shape::Table(ASSIGNMENT), "Where assignments are."),
    optional("trigger", Shape::Table(TRIGGER), "The condition that makes a unit count, the same in every arm."),
    required("arms", Shape::List(2, &Shape::Table(arms::KEYS)), "The experiences compared."),
    required("control", Shape::Text, "The name of the arm compared against."),
    required("metrics", Shape::Table(METRICS), "The metrics by role."),
    optional(
        "dimensions",
        Shape::List(0, &Shape::OneOf(&[Shape::Text, Shape::Table(DIMENSION)])),
        "Columns by which effects are cut.",
    ),
    optional("analysis", Shape::Table(analysis::ANALYSIS), "How effects are estimated."),
    optional("plan", Shape::Table(plan::PLAN), "When it ends and what counts as an effect."),
];

const ASSIGNMENT: &[Key] = &[
    required("source", Shape::Name, "The source of assignments; its timestamp is the exposure."),
    required("arm", Shape::Text, "The column that holds the arm."),
    optional("filter", Shape::Text, "Which rows are assignments to this experiment."),
    optional(
        "cluster",
        Shape::Text,
        "The column of the cluster that a unit was assigned with, such as its school or its market.",
    ),
    optional("stratum", Shape::Text, "The column of the block within which units were assigned, such as the pair."),
];

const TRIGGER: &[Key] = &[
    required("source", Shape::Name, "The source of triggering rows."),
    optional("filter", Shape::Text, "Which rows trigger."),
];

const METRICS: &[Key] = &[
    required("primary", Shape::List(1, &Shape::Name), "Metrics that decide."),
    optional("secondary", Shape::List(0, &Shape::Name), "Metrics that explain."),
    optional("guardrail", Shape::List(0, &Shape::Table(GUARDRAIL)), "Metrics that must not get worse."),
    optional("informational", Shape::List(0, &Shape::Name), "Metrics that are shown and not tested."),
];

const GUARDRAIL: &[Key] = &[
    required("metric", Shape::Name, "The metric."),
    required("margin", Shape::Between(0.0, 1.0), "The relative margin within which it counts as safe, such as 0.01."),
];

const DIMENSION: &[Key] = &[
    optional("name", Shape::Text, "The name shown; the column's unless given."),
    optional("source", Shape::Name, "The source of the column; the assignment source unless given."),
    required("column", Shape::Text, "The column, one value per unit."),
];

/// Every key of an experiment file.
pub fn keys() -> Vec<&'static Key> {
    header::KEYS.iter().chain(KEYS).collect()
}

/// Most metrics of an experiment, and most cells of its metrics by arms and dimensions are bounded by it.
pub(crate) const MOST_METRICS: usize = 200;

/// Most dimensions of an experiment.
pub(crate) const MOST_DIMENSIONS: usize = 50;

/// What is known while experiments are read.
pub(crate) struct Surroundings<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) sources: &'a Known<Source>,
    pub(crate) metrics: &'a Known<Metric>,
}

/// Reads an experiment; `None` when something is wrong with it, or with what it names.
pub(crate) fn read(document: &Document, around: &Surroundings<'_>, faults: &mut Vec<Fault>) -> Option<Experiment> {
    let before = faults.iter().filter(|fault| fault.is_error()).count();
    let fields = Fields::checked(document, &keys(), faults);
    let header = header::read(&fields, faults);
    let unit = fields.text("unit").unwrap_or_default();
    let assignment = fields.table("assignment").and_then(|table| assignment(&table, unit, around, faults));
    let assigned = fields.table("assignment").and_then(|table| around.sources.get(table.text("source")?));
    let trigger = fields.table("trigger").and_then(|table| trigger(&table, unit, around, assigned, faults));
    let arms = arms::read(&fields, faults);
    let control = arms::control(&fields, &arms, faults);
    let metrics = metrics(&fields, around, assigned, faults);
    let plan = plan::read(&fields, &metrics, faults);
    let timezone = fields.zone("timezone").or_else(|| around.manifest.defaults.timezone.clone());
    let (start, end) = span(&fields, timezone.as_ref(), assigned, &plan, faults);
    let dimensions = dimensions(&fields, unit, around, assigned, faults);
    let analysis = analysis::read(&fields, &metrics, around, faults);
    let clean = faults.iter().filter(|fault| fault.is_error()).count() == before;
    // An experiment that names a faulty definition is faulty too, without a fault of its own.
    let covariate_known = |covariate: &Covariate| match covariate {
        Covariate::Metric(name) => around.metrics.get(name).is_some(),
        Covariate::Column(_) => true,
    };
    let whole = clean
        && metrics.iter().all(|(metric, _)| around.metrics.get(&metric.metric).is_some())
        && analysis.covariates.iter().all(covariate_known)
        && trigger.is_some() == fields.has("trigger")
        && dimensions.len() == fields.list("dimensions").len();
    assignment.filter(|_| whole).map(|assignment| Experiment {
        name: header.name,
        label: header.label,
        hypothesis: fields.string("hypothesis"),
        description: header.description,
        owner: header.owner,
        tags: header.tags,
        unit: unit.to_owned(),
        start,
        end,
        timezone,
        assignment,
        trigger,
        arms,
        control,
        metrics: metrics.into_iter().map(|(metric, _)| metric).collect(),
        dimensions,
        analysis,
        plan,
    })
}

fn known_source<'a>(table: &Fields<'_>, around: &'a Surroundings<'_>, faults: &mut Vec<Fault>) -> Option<&'a Source> {
    let name = table.text("source")?;
    if !around.sources.contains(name) {
        let fault = around.sources.unknown(name);
        faults.push(fault.with_place(table.place("source")).with_field(table.path("source")));
    }
    around.sources.get(name)
}

/// A condition without parameters: an experiment is fixed before its data are looked at.
fn fixed_filter(table: &Fields<'_>, faults: &mut Vec<Fault>) -> Option<Expression> {
    let filter = read_filter(table, "filter", faults)?;
    if let Some(mention) = filter.mentions().iter().find(|mention| mention.parameter) {
        let message = format!("parameter `${}` stands in an experiment", mention.name);
        let fault = table.fault("filter", "metrics::parameter", message);
        let place = table.place_within("filter", &mention.span);
        faults.push(
            fault.with_place(place).with_help("write the value: who is assigned is fixed by the experiment's file"),
        );
    }
    Some(filter)
}

fn assignment(
    table: &Fields<'_>,
    unit: &str,
    around: &Surroundings<'_>,
    faults: &mut Vec<Fault>,
) -> Option<Assignment> {
    let source = known_source(table, around, faults);
    let filter = fixed_filter(table, faults);
    let source = source?;
    Some(Assignment {
        source: source.name.clone(),
        arm: table.string("arm")?,
        unit_column: source.unit_column(unit).to_owned(),
        filter,
        cluster: table.string("cluster"),
        stratum: table.string("stratum"),
    })
}

fn trigger(
    table: &Fields<'_>,
    unit: &str,
    around: &Surroundings<'_>,
    assigned: Option<&Source>,
    faults: &mut Vec<Fault>,
) -> Option<Trigger> {
    let source = known_source(table, around, faults);
    let filter = fixed_filter(table, faults);
    let source = source?;
    for source in [Some(source), assigned].into_iter().flatten().filter(|source| source.is_unit_table()) {
        let message = format!("a trigger needs times, and `{}` has no timestamp", source.name);
        let fault = table.fault("source", "metrics::no_clock", message);
        faults.push(
            fault.with_help(format!(
                "add `timestamp` to the source `{}`, or use the assignment's `filter`",
                source.name
            )),
        );
    }
    Some(Trigger { source: source.name.clone(), unit_column: source.unit_column(unit).to_owned(), filter })
}

/// The metrics with the path at which each is named.
fn metrics(
    fields: &Fields<'_>,
    around: &Surroundings<'_>,
    assigned: Option<&Source>,
    faults: &mut Vec<Fault>,
) -> Vec<(ExperimentMetric, String)> {
    let Some(table) = fields.table("metrics") else { return Vec::new() };
    let mut named: Vec<(ExperimentMetric, String)> = Vec::new();
    for (key, role) in [("primary", Role::Primary), ("secondary", Role::Secondary)] {
        named.extend(listed(&table, key, role));
    }
    for guardrail in table.tables("guardrail") {
        if let (Some(metric), Some(margin)) = (guardrail.string("metric"), guardrail.number("margin")) {
            let role = Role::Guardrail { margin };
            named.push((ExperimentMetric { metric, role }, guardrail.path("metric")));
        }
    }
    named.extend(listed(&table, "informational", Role::Informational));
    if named.len() > MOST_METRICS {
        let message = format!("{} metrics, more than {MOST_METRICS}", named.len());
        let fault = fields.fault("metrics", "metrics::too_large", message).with_place(fields.key_place("metrics"));
        faults.push(fault.with_help("split the experiment's metrics over two files"));
        return Vec::new();
    }
    let document = fields.document();
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    for (metric, path) in &named {
        let Some(item) = document.find(path) else { continue };
        let name = metric.metric.as_str();
        if let Some(earlier) = first.get(name).and_then(|path| document.find(path)) {
            let fault = fields
                .fault_at(item, path, "metrics::duplicate_name", format!("metric `{}` is given twice", shown(name)))
                .with_related("first given here", document.place(&earlier.span))
                .with_help("give each metric one role");
            faults.push(fault);
            continue;
        }
        first.insert(name.to_owned(), path.clone());
        if !around.metrics.contains(name) {
            faults.push(around.metrics.unknown(name).with_place(document.place(&item.span)).with_field(path));
        }
        let untimed = assigned.is_some_and(Source::is_unit_table);
        let timed = around.metrics.get(name).and_then(|metric| {
            metric
                .outcome
                .values()
                .find(|value| around.sources.get(&value.source).is_some_and(|source| !source.is_unit_table()))
        });
        if let (true, Some(value), Some(assigned)) = (untimed, timed, assigned) {
            let message = format!(
                "metric `{name}` reads rows by time from `{}`, and the assignment source `{}` has no timestamp",
                value.source, assigned.name
            );
            let fault = fields.fault_at(item, path, "metrics::no_clock", message);
            faults.push(fault.with_help(format!("add `timestamp` to the source `{}`: the exposure", assigned.name)));
        }
    }
    named
}

fn listed(table: &Fields<'_>, key: &str, role: Role) -> Vec<(ExperimentMetric, String)> {
    table
        .list(key)
        .into_iter()
        .filter_map(|(path, item)| match &item.content {
            Content::Text(name) => Some((ExperimentMetric { metric: name.clone(), role }, path)),
            _ => None,
        })
        .collect()
}

fn span(
    fields: &Fields<'_>,
    zone: Option<&Zone>,
    assigned: Option<&Source>,
    plan: &Plan,
    faults: &mut Vec<Fault>,
) -> (Option<Timestamp>, Option<Timestamp>) {
    let mut instant = |key: &str| {
        let moment = fields.moment(key)?;
        let Some(zone) = zone.cloned().or_else(|| (!moment.needs_zone()).then(Zone::utc)) else {
            let fault = fields.fault(
                key,
                "metrics::zone_needed",
                format!("`{key}` has no zone: {moment} begins at another instant in each"),
            );
            faults.push(fault.with_help("add `timezone = \"UTC\"` here or under [defaults] of estimand.toml"));
            return None;
        };
        match moment.at(&zone) {
            Ok(instant) => Some(instant),
            Err(why) => {
                let fault = fields.fault(key, "metrics::bad_value", why);
                faults.push(fault.with_help("write the time with its offset: 2026-03-29T02:30:00+02:00"));
                None
            }
        }
    };
    let (start, end) = (instant("start"), instant("end"));
    if let (Some(from), Some(to)) = (start, end)
        && to <= from
    {
        let what = if to == from { "has no length" } else { "ends before it starts" };
        let fault = fields
            .fault("end", "metrics::bad_value", format!("the experiment {what}"))
            .with_related("its start", fields.place("start"))
            .with_help("give the first instant after it: for one day, the next date");
        faults.push(fault);
    }
    let timed = assigned.is_some_and(|source| !source.is_unit_table());
    if timed && !fields.has("start") {
        let fault = fields.fault("start", "metrics::missing_key", "the key `start` is missing");
        faults.push(fault.with_help("add `start = 2026-03-01`: units exposed before it are set apart"));
    }
    if timed
        && !fields.has("end")
        && plan.units.is_none()
        && !fields.table("plan").is_some_and(|plan| plan.has("units"))
    {
        let fault = fields.fault("end", "metrics::missing_key", "nothing says when the experiment ends");
        faults.push(fault.with_help("add `end = 2026-03-15`, or `units = 100000` under [plan]"));
    }
    (start, end)
}

fn dimensions(
    fields: &Fields<'_>,
    unit: &str,
    around: &Surroundings<'_>,
    assigned: Option<&Source>,
    faults: &mut Vec<Fault>,
) -> Vec<Dimension> {
    let mut dimensions: Vec<Dimension> = Vec::new();
    let listed = fields.list("dimensions");
    if listed.len() > MOST_DIMENSIONS {
        let message = format!("{} dimensions, more than {MOST_DIMENSIONS}", listed.len());
        let fault = fields.fault("dimensions", "metrics::too_large", message);
        faults.push(fault.with_place(fields.key_place("dimensions")).with_help("cut by fewer columns"));
        return dimensions;
    }
    for (path, item) in listed {
        let (name, source, column) = match &item.content {
            Content::Text(column) => (column.clone(), assigned, Some(column.clone())),
            _ => {
                let Some(table) = fields.within(item, path.clone()) else { continue };
                let source = if table.has("source") { known_source(&table, around, faults) } else { assigned };
                let column = table.string("column");
                (table.string("name").or_else(|| column.clone()).unwrap_or_default(), source, column)
            }
        };
        if dimensions.iter().any(|dimension| dimension.name == name) {
            let message = format!("dimension `{}` is given twice", shown(&name));
            let fault = fields.fault_at(item, &path, "metrics::duplicate_name", message);
            faults.push(fault.with_help("drop one, or give it another `name`"));
        } else if let (Some(source), Some(column)) = (source, column) {
            let unit_column = source.unit_column(unit).to_owned();
            dimensions.push(Dimension { name, source: source.name.clone(), column, unit_column });
        }
    }
    dimensions
}

/// A metric that is not of this experiment, where a table names one.
pub(crate) fn no_metric<'a>(table: &Fields<'_>, name: &str, names: impl Iterator<Item = &'a str> + Clone) -> Fault {
    let fault = table
        .fault(name, "metrics::unknown_metric", format!("no metric `{}` in this experiment", shown(name)))
        .with_place(table.key_place(name))
        .with_valid("metrics", names.clone().map(str::to_owned).collect());
    match nearest(name, names) {
        Some(name) => fault.with_help(format!("did you mean `{name}`?")),
        None => fault,
    }
}
