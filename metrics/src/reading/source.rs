//! Reading a source.

use std::collections::BTreeMap;

use crate::address;
use crate::definition::{
    Clock, ClockUnit, Csv, Files, Format, KeyType, Manifest, Parameter, Query, Rows, ScalarType, Source,
};
use crate::fault::Fault;
use crate::plan::lower;
use crate::reading::document::Document;
use crate::reading::fields::Fields;
use crate::reading::key::{Key, Shape, optional, shown};
use crate::reading::statement::Statement;
use crate::reading::{header, parameter, statement};

/// The keys of a source, besides those of the header.
pub const KEYS: &[Key] = &[
    optional("path", Shape::Text, "A file, a folder, or a glob; relative to the project's folder unless absolute."),
    optional("sql", Shape::Text, "One SELECT over other sources of the project, instead of a path."),
    optional(
        "format",
        Shape::Word(&["csv", "ndjson", "parquet"]),
        "The format of the files; told by the suffix unless given.",
    ),
    optional("csv", Shape::Table(CSV), "How delimited text is read."),
    optional(
        "keys",
        Shape::Map(&Shape::Word(&["integer", "text", "uuid"])),
        "Declared types of id columns; an id is text unless declared.",
    ),
    optional(
        "columns",
        Shape::Map(&Shape::Word(&["boolean", "date", "float", "integer", "text", "timestamp"])),
        "Declared types of other columns.",
    ),
    optional(
        "units",
        Shape::Map(&Shape::Text),
        "The column that holds a unit's id, by the unit's name, where the two differ.",
    ),
    optional(
        "timestamp",
        Shape::Text,
        "The column that says when a row happened; a source without one is a unit table.",
    ),
    optional("timezone", Shape::Zone, "The zone of a time column that has none; the project's default unless given."),
    optional(
        "timestamp_unit",
        Shape::Word(&["ms", "ns", "s", "us"]),
        "The unit of an integer time column, counted from 1970.",
    ),
    parameter::KEY,
];

const CSV: &[Key] = &[
    optional("delimiter", Shape::Text, "The character between fields; a comma unless given."),
    optional("null_values", Shape::List(0, &Shape::Text), "Words that mean missing, besides the empty field."),
];

/// Every key of a source file.
pub fn keys() -> Vec<&'static Key> {
    header::KEYS.iter().chain(KEYS).collect()
}

/// A source as read from its file, when nothing is wrong with it.
pub(crate) struct Draft {
    pub(crate) source: Option<Source>,
    /// The sources its SQL reads, to be resolved when all are known.
    pub(crate) statement: Option<Statement>,
}

/// Reads a source; names of other sources are left to be resolved.
pub(crate) fn read(document: &Document, manifest: &Manifest, faults: &mut Vec<Fault>) -> Draft {
    let before = faults.iter().filter(|fault| fault.is_error()).count();
    let fields = Fields::checked(document, &keys(), faults);
    let header = header::read(&fields, faults);
    if lower::is_step(&header.name) {
        let fault = Fault::error("metrics::bad_name", format!("`{}` is the name of a step of a plan", header.name))
            .with_place(fields.key_place("name"))
            .with_field("name")
            .with_help("rename the file, or give the source another `name`");
        faults.push(fault);
    }
    let parameters = parameter::read(&fields, manifest.defaults.timezone.as_ref(), faults);
    let (rows, statement) = rows(&fields, &parameters, faults);
    let keys = words(&fields, "keys", |word| {
        [KeyType::Integer, KeyType::Text, KeyType::Uuid].into_iter().find(|kind| kind.word() == word)
    });
    let columns = words(&fields, "columns", |word| ScalarType::ALL.into_iter().find(|kind| kind.word() == word));
    if let Some(column) = columns.keys().find(|column| keys.contains_key(*column)) {
        let fault = fields
            .fault("columns", "metrics::conflict", format!("column `{}` is declared twice", shown(column)))
            .with_field(fields.path(&format!("columns.{column}")))
            .with_help("keep it in `keys` when it is an id, else in `columns`");
        faults.push(fault);
    }
    let units = match fields.table("units") {
        Some(table) => table.entries().filter_map(|(unit, _)| Some((unit.to_owned(), table.string(unit)?))).collect(),
        None => BTreeMap::new(),
    };
    let clock = clock(&fields, manifest, &keys, faults);
    let clean = faults.iter().filter(|fault| fault.is_error()).count() == before;
    let source = rows.filter(|_| clean).map(|rows| Source {
        name: header.name,
        label: header.label,
        description: header.description,
        owner: header.owner,
        tags: header.tags,
        rows,
        keys,
        columns,
        units,
        clock,
        parameters,
    });
    Draft { source, statement }
}

fn words<T>(fields: &Fields<'_>, key: &str, parse: impl Fn(&str) -> Option<T>) -> BTreeMap<String, T> {
    let Some(table) = fields.table(key) else { return BTreeMap::new() };
    table.entries().filter_map(|(column, _)| Some((column.to_owned(), parse(table.text(column)?)?))).collect()
}

fn rows(
    fields: &Fields<'_>,
    parameters: &BTreeMap<String, Parameter>,
    faults: &mut Vec<Fault>,
) -> (Option<Rows>, Option<Statement>) {
    match (fields.has("path"), fields.has("sql")) {
        (true, true) => {
            let fault = fields
                .fault("sql", "metrics::conflict", "both `path` and `sql` are given")
                .with_place(fields.key_place("sql"))
                .with_related("the path", fields.key_place("path"))
                .with_help("keep one: rows come from files, or from a SELECT");
            faults.push(fault);
            (None, None)
        }
        (false, false) => {
            let fault = fields
                .fault("path", "metrics::missing_key", "neither `path` nor `sql` is given")
                .with_help("add `path = \"data/orders.parquet\"`, or `sql = \"SELECT …\"`");
            faults.push(fault);
            (None, None)
        }
        (true, false) => {
            if let Some(name) = parameters.keys().next() {
                let fault = fields
                    .fault("parameters", "metrics::unused_parameter", format!("parameter `{name}` is used by nothing"))
                    .with_help("parameters belong to the metric, or to a source with `sql`");
                faults.push(fault);
            }
            (files(fields, faults).map(Rows::Files), None)
        }
        (false, true) => {
            for key in ["format", "csv", "columns"].into_iter().filter(|key| fields.has(key)) {
                let fault = fields
                    .fault(key, "metrics::conflict", format!("`{key}` belongs to files, and the rows come from `sql`"))
                    .with_place(fields.key_place(key))
                    .with_help(format!("drop `{key}`; give types with CAST in the SELECT"));
                faults.push(fault);
            }
            let statement = query(fields, parameters, faults);
            (statement.as_ref().map(|statement| Rows::Query(statement.query.clone())), statement)
        }
    }
}

fn query(fields: &Fields<'_>, declared: &BTreeMap<String, Parameter>, faults: &mut Vec<Fault>) -> Option<Statement> {
    let statement = match statement::read(fields.text("sql")?) {
        Ok(statement) => statement,
        Err(wrong) => {
            let place = fields.place_within("sql", &wrong.span);
            faults.push(wrong.fault.with_place(place).with_field(fields.path("sql")));
            return None;
        }
    };
    let uses: Vec<_> = statement
        .parameters
        .iter()
        .map(|(name, span, whole)| (name.as_str(), fields.place_within("sql", span), *whole))
        .collect();
    crate::reading::parameter_use::check(fields, "sql", &uses, declared, faults);
    crate::reading::parameter_use::check_unused(fields, &Query::clone(&statement.query).parameters, declared, faults);
    Some(statement)
}

fn files(fields: &Fields<'_>, faults: &mut Vec<Fault>) -> Option<Files> {
    let path = fields.text("path")?;
    let lower = path.to_ascii_lowercase();
    let wrong = |message: String, help: &str| fields.fault("path", "metrics::bad_path", message).with_help(help);
    if address::is_address(path) {
        faults.push(wrong(
            format!("`{}` is an address, not a path", shown(&address::without_user(path))),
            "copy the files, or mount the store, and give a path",
        ));
        return None;
    }
    if path.starts_with('~') || path.contains(|c: char| c.is_control()) {
        faults.push(wrong(
            format!("`{}` is no path", shown(path)),
            "write the path in full, or relative to the project's folder",
        ));
        return None;
    }
    const COMPRESSED: [&str; 7] = [".gz", ".bz2", ".xz", ".zst", ".zip", ".lz4", ".7z"];
    if let Some(suffix) = COMPRESSED.iter().find(|suffix| lower.ends_with(**suffix)) {
        let message = format!("`{}` is compressed ({suffix}), and compressed files are not read", shown(path));
        faults.push(
            fields
                .fault("path", "metrics::compressed", message)
                .with_help("unpack the file, or write it as Parquet, which compresses"),
        );
        return None;
    }
    let told = [
        (".csv", Format::Csv),
        (".tsv", Format::Csv),
        (".ndjson", Format::Ndjson),
        (".jsonl", Format::Ndjson),
        (".parquet", Format::Parquet),
    ]
    .into_iter()
    .find(|(suffix, _)| lower.ends_with(suffix))
    .map(|(_, format)| format);
    let given = fields.text("format").and_then(|word| {
        [Format::Csv, Format::Ndjson, Format::Parquet].into_iter().find(|format| format.word() == word)
    });
    let format = match (given, told, fields.has("format")) {
        (Some(given), Some(told), _) if given != told => {
            let message = format!("`format` is {}, and `{}` ends like {}", given.word(), shown(path), told.word());
            faults.push(
                fields.fault("format", "metrics::conflict", message).with_help("drop `format`, or rename the files"),
            );
            return None;
        }
        (Some(format), _, _) | (None, Some(format), false) => format,
        (None, _, true) => return None,
        (None, None, false) => {
            let message = format!("the name `{}` does not tell the format", shown(path));
            let fault = fields
                .fault("format", "metrics::missing_key", message)
                .with_place(fields.place("path"))
                .with_valid("formats", ["csv", "ndjson", "parquet"].map(str::to_owned).into())
                .with_help("add `format = \"parquet\"`");
            faults.push(fault);
            return None;
        }
    };
    let mut csv = Csv::default();
    if lower.ends_with(".tsv") {
        csv.delimiter = b'\t';
    }
    if let Some(table) = fields.table("csv") {
        if format != Format::Csv {
            let fault = fields
                .fault("csv", "metrics::conflict", format!("`csv` is given, and the format is {}", format.word()))
                .with_place(fields.key_place("csv"))
                .with_help("drop `csv`");
            faults.push(fault);
        }
        if let Some(text) = table.text("delimiter") {
            match text.as_bytes() {
                [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') && !byte.is_ascii_alphanumeric() => {
                    csv.delimiter = *byte;
                }
                _ => {
                    let fault = table
                        .fault("delimiter", "metrics::bad_value", format!("`{}` is no delimiter", shown(text)))
                        .with_help("give one character, such as \";\" or \"\\t\"");
                    faults.push(fault);
                }
            }
        }
        csv.null_values = table.texts("null_values");
    }
    Some(Files { path: path.to_owned(), format, csv })
}

fn clock(
    fields: &Fields<'_>,
    manifest: &Manifest,
    keys: &BTreeMap<String, KeyType>,
    faults: &mut Vec<Fault>,
) -> Option<Clock> {
    let Some(column) = fields.string("timestamp") else {
        for key in ["timezone", "timestamp_unit"].into_iter().filter(|key| fields.has(key) && !fields.has("timestamp"))
        {
            let fault = fields
                .fault(key, "metrics::no_clock", format!("`{key}` is given without `timestamp`"))
                .with_place(fields.key_place(key))
                .with_help("add `timestamp = \"COLUMN\"`, or drop the key");
            faults.push(fault);
        }
        return None;
    };
    if keys.contains_key(&column) {
        let message = format!("column `{}` is both an id and the time", shown(&column));
        faults.push(fields.fault("timestamp", "metrics::conflict", message).with_help("drop it from `keys`"));
    }
    let unit = fields.text("timestamp_unit").and_then(|word| {
        [ClockUnit::Second, ClockUnit::Millisecond, ClockUnit::Microsecond, ClockUnit::Nanosecond]
            .into_iter()
            .find(|unit| unit.word() == word)
    });
    if unit.is_some() && fields.has("timezone") {
        let fault = fields
            .fault("timezone", "metrics::conflict", "an integer clock counts from 1970 in UTC and has no zone")
            .with_place(fields.key_place("timezone"))
            .with_help("drop `timezone`, or `timestamp_unit` when the column is no integer");
        faults.push(fault);
    }
    let zone = fields.zone("timezone").or_else(|| manifest.defaults.timezone.clone());
    Some(Clock { column, zone: zone.filter(|_| unit.is_none()), unit })
}
