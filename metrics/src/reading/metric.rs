//! Reading a metric.

use std::collections::{BTreeMap, BTreeSet};

use crate::definition::{
    Bound, Cap, CapOf, Covariate, Direction, Duration, Manifest, Metric, NumberFormat, NumberStyle, Parameter, Source,
    UnitValue, WhenEmpty, Window,
};
use crate::expression::{AGGREGATIONS, AggregateFunction, Aggregation, Expression, Gives, in_words};
use crate::fault::Fault;
use crate::kind::{self, MetricKind};
use crate::reading::document::{Content, Document};
use crate::reading::fields::Fields;
use crate::reading::key::{Key, Shape, check_table, optional, required, shown};
use crate::reading::known::Known;
use crate::reading::{header, parameter, parameter_use};

/// The keys of a metric of any kind, besides those of the header.
pub const KEYS: &[Key] = &[
    required("kind", Shape::Word(kind::NAMES), "How per-unit values are summarised."),
    required("direction", Shape::Word(&["higher", "lower"]), "Which way is good."),
    optional(
        "window",
        Shape::Duration,
        "Length of the outcome window from exposure; to the end of the experiment unless given.",
    ),
    optional("delay", Shape::Duration, "Time after exposure at which the window opens; none unless given."),
    optional(
        "lookback",
        Shape::Duration,
        "Length of the pre-period; given, the same value before exposure is a covariate.",
    ),
    optional(
        "covariates",
        Shape::List(0, &Shape::Text),
        "Other covariates: metrics, or columns of the assignment source.",
    ),
    optional(
        "matured",
        Shape::Boolean,
        "Whether only units count whose whole window has passed; true for a fixed window unless given.",
    ),
    optional("measured_in", Shape::Text, "The unit of measurement printed beside every number."),
    optional("format", Shape::OneOf(&[Shape::Word(STYLES), Shape::Table(FORMAT)]), "How its numbers are written."),
    parameter::KEY,
];

const STYLES: &[&str] = &["currency", "integer", "number", "percent"];

const FORMAT: &[Key] = &[
    required("style", Shape::Word(STYLES), "The style of its numbers."),
    optional("decimals", Shape::Integer(0, 12), "Decimals; chosen by size unless given."),
];

/// `source`, which every per-unit value has.
pub const SOURCE: Key = required("source", Shape::Name, "The source whose rows are read.");

/// `filter`, which every per-unit value may have.
pub const FILTER: Key = optional("filter", Shape::Text, "Which rows count: a condition over the source's columns.");

/// `value` of a number.
pub const VALUE: Key =
    required("value", Shape::Text, "How rows become one number per unit: `sum(amount)`, or a column of a unit table.");

/// `cap` of a number.
pub const CAP: Key =
    optional("cap", Shape::OneOf(&[Shape::Number, Shape::Table(CAPS)]), "Bounds to which per-unit values are cut.");

/// `when_empty` of a number.
pub const WHEN_EMPTY: Key = optional(
    "when_empty",
    Shape::OneOf(&[Shape::Number, Shape::Word(&["null"])]),
    "The value of a unit without rows; 0 for sum and count, missing for the rest, unless given.",
);

const CAPS: &[Key] = &[
    optional("upper", Shape::Number, "Values above it become it."),
    optional("lower", Shape::Number, "Values below it become it."),
    optional("percentile", Shape::Between(0.0, 1.0), "Values above this quantile become it."),
    optional("lower_percentile", Shape::Between(0.0, 1.0), "Values below this quantile become it."),
    optional("of", Shape::Word(&["all", "nonzero"]), "Over which values percentiles are taken; all unless given."),
];

/// Every key of a metric file of a kind.
pub fn keys(kind: &dyn MetricKind) -> Vec<&'static Key> {
    header::KEYS.iter().chain(KEYS).chain(kind.keys()).collect()
}

/// What is known while metrics are read.
#[derive(Debug)]
pub struct Surroundings<'a> {
    /// The project's manifest.
    pub manifest: &'a Manifest,
    /// The project's sources.
    pub sources: &'a Known<Source>,
}

/// Gives a metric by its name, for the key of a table that names it.
pub type OtherMetrics<'a> = dyn FnMut(&str, &Fields<'_>, &str, &mut Vec<Fault>) -> Option<Metric> + 'a;

/// A metric while it is read: its table, its parameters, and the other metrics it may build on.
pub struct MetricReader<'a> {
    /// What is known of the project.
    pub surroundings: &'a Surroundings<'a>,
    /// Its parameters, and those of the metrics it builds on.
    pub parameters: BTreeMap<String, Parameter>,
    /// The faults found.
    pub faults: &'a mut Vec<Fault>,
    /// Gives another metric by name, read on demand; `None` when it is unknown or faulty, which has been reported.
    pub other: &'a mut OtherMetrics<'a>,
    used: BTreeSet<String>,
}

impl std::fmt::Debug for MetricReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MetricReader").field("parameters", &self.parameters).finish_non_exhaustive()
    }
}

impl MetricReader<'_> {
    /// The source of a table's `source` key, when it is known and whole.
    pub fn source(&mut self, fields: &Fields<'_>) -> Option<Source> {
        let name = fields.text("source")?;
        if !self.surroundings.sources.contains(name) {
            let fault = self.surroundings.sources.unknown(name);
            self.faults.push(fault.with_place(fields.place("source")).with_field(fields.path("source")));
        }
        self.surroundings.sources.get(name).cloned()
    }

    /// One number per unit: `source`, `value`, `filter`, `cap`, `when_empty`.
    pub fn number(&mut self, fields: &Fields<'_>) -> Option<UnitValue> {
        let source = self.source(fields);
        let aggregation = self.aggregation(fields);
        let filter = self.filter(fields);
        let cap = self.cap(fields);
        let given = self.when_empty(fields);
        let aggregation = aggregation?;
        if let Some(source) = &source {
            self.check_aggregation(fields, &aggregation, source);
        }
        if given.is_some() && aggregation.function == AggregateFunction::Row {
            let message = "`when_empty` is given, and in a unit table a missing value is missing";
            let fault =
                fields.fault("when_empty", "metrics::conflict", message).with_place(fields.key_place("when_empty"));
            self.faults.push(fault.with_help("write value = \"coalesce(x, 0)\" when missing means 0"));
        }
        let when_empty = given.unwrap_or(aggregation.when_empty());
        Some(UnitValue { source: source?.name, aggregation, filter, cap, when_empty })
    }

    /// Whether any row of a unit counts: `source`, an optional condition as `value`, `filter`.
    pub fn truth(&mut self, fields: &Fields<'_>) -> Option<UnitValue> {
        let source = self.source(fields);
        let aggregation = self.aggregation(fields);
        let filter = self.filter(fields);
        if fields.has("value") && aggregation.is_none() {
            return None;
        }
        let source = source?;
        let aggregation = match aggregation {
            None => Aggregation { function: AggregateFunction::Any, argument: None },
            Some(Aggregation { function: AggregateFunction::Row, argument }) => {
                let function = if source.is_unit_table() { AggregateFunction::Row } else { AggregateFunction::Any };
                let gives = argument.as_ref().map_or(Gives::Unknown, Expression::gives);
                // A unit table may hold the outcome as 0 and 1; over rows with times a number would be ambiguous.
                let numeric = function == AggregateFunction::Row && gives == Gives::Number;
                if !(matches!(gives, Gives::Boolean | Gives::Unknown) || numeric) {
                    let message =
                        format!("the value of a proportion is true or false, and this is {}", in_words(gives));
                    let fault = fields.fault("value", "metrics::expression", message);
                    self.faults.push(fault.with_help("write a condition, or drop `value` and give a `filter`"));
                }
                Aggregation { function, argument }
            }
            Some(other) => {
                let message = format!("the value of a proportion is a condition, not `{other}`");
                let fault = fields.fault("value", "metrics::expression", message);
                self.faults.push(fault.with_help("drop `value`: a unit counts when any row passes the `filter`"));
                return None;
            }
        };
        let when_empty = aggregation.when_empty();
        Some(UnitValue { source: source.name, aggregation, filter, cap: None, when_empty })
    }

    /// Takes the per-unit value of another metric, and its parameters.
    pub fn borrow(&mut self, fields: &Fields<'_>, key: &str, name: &str) -> Option<Metric> {
        let metric = (self.other)(name, fields, key, self.faults)?;
        for (name, parameter) in &metric.parameters {
            self.used.insert(name.clone());
            self.parameters.entry(name.clone()).or_insert_with(|| parameter.clone());
        }
        Some(metric)
    }

    fn aggregation(&mut self, fields: &Fields<'_>) -> Option<Aggregation> {
        let parsed = Aggregation::read(fields.text("value")?);
        match parsed {
            Ok(aggregation) => {
                if let Some(argument) = &aggregation.argument {
                    self.note_parameters(fields, "value", argument);
                }
                Some(aggregation)
            }
            Err(wrong) => {
                let place = fields.place_within("value", &wrong.span);
                self.faults.push(wrong.fault.with_place(place).with_field(fields.path("value")));
                None
            }
        }
    }

    fn filter(&mut self, fields: &Fields<'_>) -> Option<Expression> {
        let filter = read_filter(fields, "filter", self.faults)?;
        self.note_parameters(fields, "filter", &filter);
        Some(filter)
    }

    fn note_parameters(&mut self, fields: &Fields<'_>, key: &str, expression: &Expression) {
        self.used.extend(expression.parameters().map(str::to_owned));
        let uses = parameter_use::of_expression(fields, key, expression);
        parameter_use::check(fields, key, &uses, &self.parameters, self.faults);
    }

    fn check_aggregation(&mut self, fields: &Fields<'_>, aggregation: &Aggregation, source: &Source) {
        let gives = aggregation.argument.as_ref().map_or(Gives::Unknown, Expression::gives);
        match aggregation.function {
            AggregateFunction::Row if !source.is_unit_table() => {
                let written = shown(&aggregation.to_string());
                let message = format!("`{written}` is one value per row, and `{}` has many rows per unit", source.name);
                let fault = fields
                    .fault("value", "metrics::aggregation_needed", message)
                    .with_valid("aggregations", AGGREGATIONS.map(str::to_owned).into())
                    .with_help(format!("say how rows become one number: value = \"sum({written})\""));
                self.faults.push(fault);
            }
            AggregateFunction::Row
            | AggregateFunction::Max
            | AggregateFunction::Min
            | AggregateFunction::First
            | AggregateFunction::Last
                if matches!(gives, Gives::Text | Gives::Time | Gives::Boolean) =>
            {
                let message = format!("the value of a metric is a number, and this is {}", in_words(gives));
                let fault = fields.fault("value", "metrics::expression", message);
                self.faults.push(fault.with_help("use kind = \"proportion\" for true or false, or count the rows"));
            }
            AggregateFunction::First | AggregateFunction::Last if source.is_unit_table() => {
                let message =
                    format!("`{}` needs times, and `{}` has no timestamp", aggregation.function.word(), source.name);
                let fault = fields.fault("value", "metrics::no_clock", message);
                self.faults.push(fault.with_help(format!("add `timestamp` to the source `{}`", source.name)));
            }
            _ => {}
        }
    }

    fn when_empty(&mut self, fields: &Fields<'_>) -> Option<WhenEmpty> {
        match &fields.item("when_empty")?.content {
            Content::Text(_) => Some(WhenEmpty::Null),
            content => content.number().map(WhenEmpty::Value),
        }
    }

    fn cap(&mut self, fields: &Fields<'_>) -> Option<Cap> {
        if let Some(upper) = fields.number("cap") {
            return Some(Cap { upper: Some(Bound::Value(upper)), lower: None });
        }
        let table = fields.table("cap")?;
        let of = if table.text("of") == Some("nonzero") { CapOf::Nonzero } else { CapOf::All };
        let mut bound = |value: &str, percentile: &str| {
            if table.has(value) && table.has(percentile) {
                let message = format!("both `{value}` and `{percentile}` are given");
                let fault =
                    table.fault(percentile, "metrics::conflict", message).with_place(table.key_place(percentile));
                self.faults.push(fault.with_help("keep one of the two"));
            }
            let rank = table.number(percentile).map(|rank| Bound::Percentile { rank, of });
            table.number(value).map(Bound::Value).or(rank)
        };
        let cap = Cap { upper: bound("upper", "percentile"), lower: bound("lower", "lower_percentile") };
        if cap.upper.is_none() && cap.lower.is_none() {
            if !["upper", "lower", "percentile", "lower_percentile"].iter().any(|key| table.has(key)) {
                let fault = fields.fault("cap", "metrics::missing_key", "the cap has no bound");
                self.faults.push(fault.with_help("give `upper`, `lower`, `percentile` or `lower_percentile`"));
            }
            return None;
        }
        let crossed = match (cap.lower, cap.upper) {
            (Some(Bound::Value(lower)), Some(Bound::Value(upper))) => lower >= upper,
            (Some(Bound::Percentile { rank: lower, .. }), Some(Bound::Percentile { rank: upper, .. })) => {
                lower >= upper
            }
            _ => false,
        };
        if crossed {
            let fault = fields.fault("cap", "metrics::bad_value", "the lower bound of the cap is not below the upper");
            self.faults.push(fault.with_help("swap the two bounds"));
        }
        if table.has("of") && !table.has("percentile") && !table.has("lower_percentile") {
            let fault = table.fault("of", "metrics::conflict", "`of` is given without a percentile");
            self.faults.push(fault.with_place(table.key_place("of")).with_help("drop `of`, or give `percentile`"));
        }
        Some(cap)
    }
}

/// Reads a condition over the columns of a source.
pub(crate) fn read_filter(fields: &Fields<'_>, key: &str, faults: &mut Vec<Fault>) -> Option<Expression> {
    let filter = match Expression::read(fields.text(key)?) {
        Ok(filter) => filter,
        Err(wrong) => {
            let place = fields.place_within(key, &wrong.span);
            faults.push(wrong.fault.with_place(place).with_field(fields.path(key)));
            return None;
        }
    };
    if !matches!(filter.gives(), Gives::Boolean | Gives::Unknown) {
        let message = format!("a filter is true or false, and this is {}", in_words(filter.gives()));
        let fault = fields.fault(key, "metrics::expression", message);
        faults.push(fault.with_help("write a condition, such as amount > 0"));
    }
    Some(filter)
}

/// The name of a metric as its file gives it, before anything is checked.
pub(crate) fn name_of(document: &Document) -> &str {
    match document.root().get("name").map(|item| &item.content) {
        Some(Content::Text(name)) => name,
        _ => header::stem(document.file()),
    }
}

/// Reads a metric; `other` gives the metrics it builds on.
pub(crate) fn read(
    document: &Document,
    surroundings: &Surroundings<'_>,
    other: &mut OtherMetrics<'_>,
    faults: &mut Vec<Fault>,
) -> Option<Metric> {
    let before = faults.iter().filter(|fault| fault.is_error()).count();
    let kind = match document.root().get("kind").map(|item| &item.content) {
        Some(Content::Text(name)) => kind::named(name),
        _ => None,
    };
    let Some(kind) = kind else {
        // Which other keys are right depends on the kind, so only the kind itself is reported.
        let every = || kind::ALL.iter().flat_map(|kind| keys(*kind));
        let mut found = Vec::new();
        check_table(document, document.root(), "", &every().collect::<Vec<_>>(), &mut found);
        faults.extend(found.into_iter().filter(|fault| fault.field == "kind" || fault.code == "metrics::unknown_key"));
        return None;
    };
    let from = faults.len();
    let fields = Fields::checked(document, &keys(kind), faults);
    for fault in faults[from..].iter_mut().filter(|fault| fault.code == "metrics::unknown_key" && fault.help.is_empty())
    {
        let key = fault.field.clone();
        let others = kind::ALL.iter().filter(|other| other.keys().iter().any(|known| known.name == key));
        let others: Vec<&str> = others.map(|other| other.name()).collect();
        if !others.is_empty() {
            fault.help =
                format!("`{key}` belongs to kind {}, and this metric is of kind {}", others.join(" or "), kind.name());
        }
    }
    let header = header::read(&fields, faults);
    let zone = surroundings.manifest.defaults.timezone.as_ref();
    let parameters = parameter::read(&fields, zone, faults);
    let own: BTreeMap<_, _> = parameters.clone();
    let mut reader = MetricReader { surroundings, parameters, faults, other, used: BTreeSet::new() };
    let outcome = kind.read(&fields, &mut reader);
    let MetricReader { parameters, used, faults, .. } = reader;
    if outcome.is_some() {
        parameter_use::check_unused(&fields, &used, &own, faults);
    }
    let timed = outcome.as_ref().is_none_or(|outcome| {
        outcome
            .values()
            .any(|value| surroundings.sources.get(&value.source).is_none_or(|source| !source.is_unit_table()))
    });
    let window = window(&fields, timed, faults);
    let covariates = fields.texts("covariates").into_iter().map(Covariate::Column).collect();
    let clean = faults.iter().filter(|fault| fault.is_error()).count() == before;
    let metric = Metric {
        name: header.name,
        label: header.label,
        description: header.description,
        owner: header.owner,
        tags: header.tags,
        outcome: outcome?,
        window,
        lookback: fields.duration("lookback"),
        covariates,
        direction: if fields.text("direction") == Some("lower") { Direction::Lower } else { Direction::Higher },
        measured_in: fields.string("measured_in"),
        format: format(&fields, kind),
        parameters,
    };
    clean.then_some(metric)
}

fn window(fields: &Fields<'_>, timed: bool, faults: &mut Vec<Fault>) -> Window {
    for key in ["window", "lookback"] {
        if fields.duration(key) == Some(Duration::ZERO) {
            let fault = fields.fault(key, "metrics::bad_value", format!("`{key}` has no length"));
            faults.push(fault.with_help(format!("give a positive duration, or drop `{key}`")));
        }
    }
    if !timed {
        for key in ["window", "delay", "lookback", "matured"].into_iter().filter(|key| fields.has(key)) {
            let message = format!("`{key}` needs times, and the source has no timestamp");
            let fault = fields.fault(key, "metrics::no_clock", message).with_place(fields.key_place(key));
            faults.push(fault.with_help(format!("drop `{key}`, or add `timestamp` to the source")));
        }
    }
    let length = fields.duration("window");
    let matured = fields.boolean("matured");
    if matured == Some(true) && !fields.has("window") {
        let fault = fields.fault("matured", "metrics::conflict", "`matured` is true, and the window has no length");
        faults.push(fault.with_help("add `window = \"7d\"`: only a window of fixed length can have passed"));
    }
    Window {
        delay: fields.duration("delay").unwrap_or(Duration::ZERO),
        length,
        matured: matured.unwrap_or(length.is_some()),
    }
}

fn format(fields: &Fields<'_>, kind: &dyn MetricKind) -> NumberFormat {
    let table = fields.table("format");
    let style = match table.as_ref().map_or_else(|| fields.text("format"), |table| table.text("style")) {
        Some("currency") => NumberStyle::Currency,
        Some("integer") => NumberStyle::Integer,
        Some("number") => NumberStyle::Number,
        Some("percent") => NumberStyle::Percent,
        _ => kind.style(),
    };
    let decimals = table.and_then(|table| table.whole("decimals")).and_then(|decimals| u8::try_from(decimals).ok());
    NumberFormat { style, decimals }
}

/// Decides which covariates are metrics and which are columns, now that all metrics are known.
pub(crate) fn resolve_covariates(
    covariates: &mut [Covariate],
    of: Option<&str>,
    metrics: &Known<Metric>,
    sources: &Known<Source>,
    document: &Document,
    path: &str,
    faults: &mut Vec<Fault>,
) {
    for (index, covariate) in covariates.iter_mut().enumerate() {
        let (Covariate::Column(name) | Covariate::Metric(name)) = &*covariate;
        let name = name.clone();
        if !metrics.contains(&name) {
            continue;
        }
        let field = format!("{path}[{index}]");
        let mut refuse = |code, message: String, help: &str| {
            let mut fault = Fault::error(code, message).with_field(&field).with_help(help);
            if let Some(item) = document.find(&field) {
                fault = fault.with_place(document.place(&item.span));
            }
            faults.push(fault);
        };
        *covariate = Covariate::Metric(name.clone());
        if of == Some(name.as_str()) {
            refuse(
                "metrics::cycle",
                format!("metric `{name}` is its own covariate"),
                "its own pre-period is `lookback = \"14d\"`",
            );
            continue;
        }
        let Some(metric) = metrics.get(&name) else { continue };
        if !metric.outcome.parts().is_empty() {
            let kind = metric.outcome.kind();
            let message = format!("metric `{name}` is of kind {kind}, and a covariate is one number per unit");
            refuse("metrics::bad_covariate", message, "name one of its parts as a metric");
            continue;
        }
        let timed = metric
            .sources()
            .into_iter()
            .any(|source| sources.get(source).is_some_and(|source| !source.is_unit_table()));
        if timed && metric.lookback.is_none() {
            let message = format!("metric `{name}` reads rows after exposure, and a covariate is fixed before it");
            refuse(
                "metrics::covariate_after_exposure",
                message,
                &format!("add `lookback = \"14d\"` to the metric `{name}`"),
            );
        }
    }
}
