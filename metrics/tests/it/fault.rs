//! Every fault as a person meets it, one snapshot each.

use std::collections::BTreeMap;

use estimand_metrics::project::{Project, SourceSchemas};

use crate::shop::Shop;

/// Faults that one edit of one file of the example project makes: name, file, what is replaced, by what.
const EDITS: &[(&str, &str, &str, &str)] = &[
    // What every file shares.
    ("unknown_key", "metrics/conversion.toml", "window =", "widnow ="),
    ("unknown_key_far_from_all", "metrics/conversion.toml", "window =", "colour ="),
    ("unknown_key_of_another_kind", "metrics/conversion.toml", "matured = true", "cap = 3"),
    ("missing_key", "metrics/conversion.toml", "direction = \"higher\"\n", ""),
    ("missing_key_in_a_table", "experiments/checkout.toml", "margin = 0.02\n", ""),
    ("duplicate_key", "metrics/conversion.toml", "delay = \"1h\"", "window = \"1h\""),
    ("duplicate_table", "sources/users.toml", "[columns]", "[keys]"),
    ("wrong_type", "metrics/conversion.toml", "\"7d\"", "7"),
    ("wrong_type_of_a_list", "experiments/checkout.toml", "[\"conversion\"]", "\"conversion\""),
    ("syntax", "metrics/conversion.toml", "\"Conversion\"", "Conversion"),
    ("syntax_unclosed", "metrics/conversion.toml", "\"Conversion\"", "\"Conversion"),
    ("bad_word", "metrics/conversion.toml", "\"higher\"", "\"hihger\""),
    ("bad_word_far_from_all", "metrics/conversion.toml", "\"higher\"", "\"up\""),
    ("blank_text", "metrics/conversion.toml", "\"Conversion\"", "\"  \""),
    ("bad_name", "metrics/conversion.toml", "kind =", "name = \"umsätze\"\nkind ="),
    ("integer_too_large", "metrics/orders_per_user.toml", "cap = 50", "cap = 99999999999999999999"),
    ("not_finite", "metrics/orders_per_user.toml", "cap = 50", "cap = nan"),
    ("not_finite_by_size", "metrics/orders_per_user.toml", "cap = 50", "cap = 1e309"),
    // The manifest.
    ("level_out_of_range", "estimand.toml", "level = 0.95", "level = 95"),
    ("unknown_engine", "estimand.toml", "\"datafusion\"", "\"duckdb\""),
    ("bad_memory_limit", "estimand.toml", "\"2GiB\"", "\"2 gigs\""),
    ("bad_zone", "estimand.toml", "\"Europe/Berlin\"", "\"Europe/Berlni\""),
    // Sources.
    ("path_and_sql", "sources/users.toml", "[csv]", "sql = \"SELECT * FROM orders\"\n[csv]"),
    ("no_rows", "sources/order_events.toml", "path = \"data/order_events.parquet\"\n", ""),
    ("compressed", "sources/users.toml", "users.csv", "users.csv.gz"),
    ("address", "sources/users.toml", "data/users.csv", "s3://shop/users.csv"),
    ("format_not_told", "sources/users.toml", "data/users.csv", "data/users"),
    ("format_told_otherwise", "sources/events.toml", "\"data/events\"", "\"data/events.parquet\""),
    ("bad_delimiter", "sources/users.toml", "\";\"", "\";;\""),
    ("clock_without_timestamp", "sources/users.toml", "[csv]", "timezone = \"UTC\"\n[csv]"),
    ("zone_of_an_integer_clock", "sources/events.toml", "timestamp_unit", "timezone = \"UTC\"\ntimestamp_unit"),
    ("column_declared_twice", "sources/users.toml", "country = \"text\"", "user_id = \"text\""),
    // SQL of sources.
    ("sql_unknown_source", "sources/orders.toml", "JOIN users u", "JOIN user u"),
    ("sql_of_a_schema", "sources/orders.toml", "JOIN users u", "JOIN information_schema.tables u"),
    ("sql_copy", "sources/orders.toml", "WITH returned AS (", "COPY users TO '/tmp/x'; WITH returned AS ("),
    ("sql_insert", "sources/orders.toml", "WITH returned AS (", "INSERT INTO users WITH returned AS ("),
    ("sql_two_statements", "sources/orders.toml", "WITH returned AS (", "SELECT * FROM users; WITH returned AS ("),
    ("sql_comment", "sources/orders.toml", "AND o.currency", "-- AND o.currency"),
    ("sql_table_function", "sources/orders.toml", "JOIN users u", "JOIN generate_series(1, 1000000000000) u"),
    ("sql_read_file", "sources/orders.toml", "FROM order_events o", "FROM '/etc/passwd' o"),
    ("sql_cross_join", "sources/orders.toml", "JOIN users u ON u.user_id = o.user_id", "CROSS JOIN users u"),
    ("sql_comma_join", "sources/orders.toml", "JOIN users u ON u.user_id = o.user_id", ", users u"),
    ("sql_join_on_true", "sources/orders.toml", "ON u.user_id = o.user_id", "ON 1 = 1"),
    ("sql_limit", "sources/orders.toml", "AND o.currency = $currency", "AND o.currency = $currency LIMIT 10"),
    (
        "sql_order_by",
        "sources/orders.toml",
        "AND o.order_id NOT IN (SELECT order_id FROM returned)",
        "ORDER BY o.order_id",
    ),
    ("sql_recursive", "sources/orders.toml", "WITH returned", "WITH RECURSIVE returned"),
    ("sql_scalar_subquery", "sources/orders.toml", "o.items,", "(SELECT max(items) FROM order_events) AS items,"),
    ("sql_sum", "sources/orders.toml", "o.items,", "sum(o.items) AS items,"),
    ("sql_random", "sources/orders.toml", "o.items,", "random() AS items,"),
    ("sql_unknown_function", "sources/orders.toml", "o.items,", "cieling(o.items) AS items,"),
    ("sql_syntax", "sources/orders.toml", "AND o.currency = $currency", "AND o.currency = = $currency"),
    ("sql_with_names_a_source", "sources/orders.toml", "WITH returned AS", "WITH users AS"),
    ("sql_positional_parameter", "sources/orders.toml", "$currency", "$1"),
    ("sql_undeclared_parameter", "sources/orders.toml", "$currency", "$curency"),
    (
        "cycle_of_sources",
        "sources/order_events.toml",
        "path = \"data/order_events.parquet\"",
        "sql = \"SELECT * FROM orders\"",
    ),
    (
        "source_reads_itself",
        "sources/order_events.toml",
        "path = \"data/order_events.parquet\"",
        "sql = \"SELECT * FROM order_events\"",
    ),
    // Metrics.
    ("unknown_source", "metrics/conversion.toml", "\"orders\"", "\"ordres\""),
    ("unknown_kind", "metrics/conversion.toml", "\"proportion\"", "\"propotion\""),
    ("aggregation_needed", "metrics/orders_per_user.toml", "count(distinct order_id)", "amount"),
    ("aggregation_inside", "metrics/orders_per_user.toml", "count(distinct order_id)", "1 + sum(amount)"),
    ("aggregation_of_text", "metrics/orders_per_user.toml", "count(distinct order_id)", "sum(lower(country))"),
    ("aggregation_unknown", "metrics/orders_per_user.toml", "count(distinct order_id)", "median(amount)"),
    ("aggregation_distinct", "metrics/orders_per_user.toml", "count(distinct order_id)", "sum(distinct amount)"),
    (
        "aggregation_with_filter",
        "metrics/orders_per_user.toml",
        "count(distinct order_id)",
        "count(*) filter (where amount > 0)",
    ),
    ("window_function", "metrics/orders_per_user.toml", "count(distinct order_id)", "sum(amount) over ()"),
    ("proportion_of_a_sum", "metrics/conversion.toml", "window =", "value = \"sum(amount)\"\nwindow ="),
    ("proportion_of_text", "metrics/conversion.toml", "window =", "value = \"lower(country)\"\nwindow ="),
    ("filter_is_a_number", "metrics/slowest_page.toml", "name = 'page_view' AND load_ms IS NOT NULL", "load_ms * 2"),
    ("filter_with_null", "metrics/slowest_page.toml", "load_ms IS NOT NULL", "load_ms <> NULL"),
    ("filter_with_a_subquery", "metrics/slowest_page.toml", "load_ms IS NOT NULL", "load_ms > (SELECT 1)"),
    ("filter_with_now", "metrics/slowest_page.toml", "load_ms IS NOT NULL", "at > now()"),
    ("filter_with_current_date", "metrics/slowest_page.toml", "load_ms IS NOT NULL", "at > current_date"),
    ("filter_with_random", "metrics/slowest_page.toml", "load_ms IS NOT NULL", "random() < 0.5"),
    ("filter_with_repeat", "metrics/slowest_page.toml", "load_ms IS NOT NULL", "repeat('x', 2000000000) = 'x'"),
    ("filter_with_a_pattern", "metrics/slowest_page.toml", "load_ms IS NOT NULL", "name ~ '(a+)+$'"),
    ("filter_with_unknown_function", "metrics/slowest_page.toml", "load_ms IS NOT NULL", "lenght(name) > 3"),
    ("filter_with_too_many_arguments", "metrics/slowest_page.toml", "load_ms IS NOT NULL", "length(name, 2) > 3"),
    ("filter_with_a_table", "metrics/slowest_page.toml", "load_ms IS NOT NULL", "events.load_ms > 3"),
    ("filter_with_a_comment", "metrics/slowest_page.toml", "load_ms IS NOT NULL", "true -- load_ms IS NOT NULL"),
    ("filter_with_a_second_statement", "metrics/slowest_page.toml", "load_ms IS NOT NULL", "true; DROP TABLE events"),
    ("filter_with_an_unclosed_quote", "metrics/slowest_page.toml", "'page_view'", "'page_view"),
    ("filter_with_an_escape_string", "metrics/slowest_page.toml", "'page_view'", "U&'page\\\\005Fview'"),
    ("filter_with_dollar_quotes", "metrics/slowest_page.toml", "'page_view'", "$$page_view$$"),
    ("filter_with_a_template", "metrics/slowest_page.toml", "'page_view'", "{{ page }}"),
    (
        "filter_with_a_time_without_zone",
        "metrics/slowest_page.toml",
        "load_ms IS NOT NULL",
        "at > TIMESTAMP '2026-03-01 00:00:00'",
    ),
    ("filter_with_a_day_that_is_none", "metrics/slowest_page.toml", "load_ms IS NOT NULL", "at > DATE '2026-02-30'"),
    ("filter_incomplete", "metrics/slowest_page.toml", "load_ms IS NOT NULL", "load_ms >"),
    ("undeclared_parameter", "metrics/revenue_per_user.toml", "$least", "$laest"),
    ("list_as_a_value", "metrics/revenue_per_user.toml", "country IN ($countries)", "country = $countries"),
    ("unused_parameter", "metrics/revenue_per_user.toml", " AND country IN ($countries)", ""),
    ("parameter_default_of_another_type", "metrics/revenue_per_user.toml", "default = 0\n", "default = \"none\"\n"),
    ("parameter_of_unknown_type", "metrics/revenue_per_user.toml", "\"float\"", "\"double\""),
    ("parameter_default_not_allowed", "sources/orders.toml", "default = \"EUR\"", "default = \"USD\""),
    (
        "parameter_declared_in_two_ways",
        "metrics/orders_per_user.toml",
        "cap = 50",
        "filter = \"amount > $least\"\nparameters.least.type = \"integer\"\ncap = 50",
    ),
    ("negative_window", "metrics/conversion.toml", "\"7d\"", "\"-7d\""),
    ("empty_window", "metrics/conversion.toml", "\"7d\"", "\"0d\""),
    ("negative_lookback", "metrics/orders_per_user.toml", "\"28d\"", "\"-28d\""),
    ("matured_without_window", "metrics/conversion.toml", "window = \"7d\"\n", ""),
    ("window_of_a_unit_table", "metrics/spend_at_sign_up.toml", "direction", "window = \"7d\"\ndirection"),
    ("when_empty_of_a_unit_table", "metrics/spend_at_sign_up.toml", "direction", "when_empty = 0\ndirection"),
    ("percentile_out_of_range", "metrics/revenue_per_user.toml", "0.999", "1.5"),
    (
        "cap_upside_down",
        "metrics/revenue_per_user.toml",
        "percentile = 0.999",
        "percentile = 0.01, lower_percentile = 0.99",
    ),
    ("cap_without_bound", "metrics/revenue_per_user.toml", "percentile = 0.999, ", ""),
    (
        "cap_with_two_upper_bounds",
        "metrics/revenue_per_user.toml",
        "percentile = 0.999",
        "percentile = 0.999, upper = 3",
    ),
    ("unknown_part", "metrics/revenue_per_order.toml", "\"orders_per_user\"", "\"order_per_user\""),
    ("part_with_another_window", "metrics/revenue_per_order.toml", "window = \"14d\"", "window = \"7d\""),
    ("part_is_itself", "metrics/revenue_per_order.toml", "\"orders_per_user\"", "\"revenue_per_order\""),
    ("covariate_is_itself", "metrics/revenue_per_user.toml", "\"spend_at_sign_up\"", "\"revenue_per_user\""),
    ("covariate_after_exposure", "metrics/revenue_per_user.toml", "\"spend_at_sign_up\"", "\"conversion\""),
    ("covariate_is_a_ratio", "metrics/revenue_per_user.toml", "\"spend_at_sign_up\"", "\"revenue_per_order\""),
    // Experiments.
    ("end_before_start", "experiments/checkout.toml", "end = 2026-03-30T06:00:00Z", "end = 2026-02-01"),
    ("no_days", "experiments/checkout.toml", "end = 2026-03-30T06:00:00Z", "end = 2026-03-02"),
    ("day_that_is_none", "experiments/checkout.toml", "start = 2026-03-02", "start = \"2026-02-30\""),
    ("hour_that_is_skipped", "experiments/checkout.toml", "2026-03-30T06:00:00Z", "2026-03-29T02:30:00"),
    ("no_start", "experiments/checkout.toml", "start = 2026-03-02\n", ""),
    ("allocations_sum_to_more", "experiments/checkout.toml", "allocation = 0.5", "allocation = 0.5001"),
    ("allocation_negative", "experiments/checkout.toml", "allocation = 0.5", "allocation = -0.5"),
    ("allocation_missing", "experiments/checkout.toml", "allocation = 0.5\n", ""),
    ("one_arm", "experiments/newsletter.toml", ", { name = \"short\" }", ""),
    ("arm_twice", "experiments/newsletter.toml", "\"short\"", "\"long\""),
    ("arms_look_alike", "experiments/newsletter.toml", "\"short\"", "\" Long\""),
    ("control_unknown", "experiments/checkout.toml", "control = \"three_pages\"", "control = \"tree_pages\""),
    ("metric_unknown", "experiments/checkout.toml", "[\"conversion\"]", "[\"conversions\"]"),
    ("metric_twice", "experiments/checkout.toml", "[\"orders_per_user\"]", "[\"conversion\"]"),
    ("primary_missing", "experiments/checkout.toml", "primary = [\"conversion\"]\n", ""),
    ("primary_empty", "experiments/checkout.toml", "[\"conversion\"]", "[]"),
    ("margin_out_of_range", "experiments/checkout.toml", "margin = 0.02", "margin = 2"),
    ("alpha_zero", "experiments/checkout.toml", "alpha = 0.025", "alpha = 0"),
    ("alpha_one", "experiments/checkout.toml", "alpha = 0.025", "alpha = 1"),
    ("alpha_negative", "experiments/checkout.toml", "alpha = 0.025", "alpha = -0.05"),
    ("alpha_text", "experiments/checkout.toml", "alpha = 0.025", "alpha = \"5%\""),
    ("correction_unknown", "experiments/checkout.toml", "\"holm\"", "\"hohlm\""),
    ("estimator_unknown", "experiments/checkout.toml", "\"regression_adjustment\"", "\"regresion_adjustment\""),
    ("option_unknown", "experiments/checkout.toml", "slope = ", "slopes = "),
    (
        "option_of_no_estimator",
        "experiments/checkout.toml",
        "estimator = \"regression_adjustment\"\n",
        "estimator = \"difference_in_means\"\n",
    ),
    ("option_with_a_bad_value", "experiments/checkout.toml", "\"per_arm\"", "\"per_arms\""),
    ("plan_unknown", "experiments/checkout.toml", "\"fixed\"", "\"sequentially\""),
    ("minimum_effect_of_another_metric", "experiments/checkout.toml", "{ conversion = 0.01 }", "{ conversio = 0.01 }"),
    ("minimum_units_past_the_end", "experiments/checkout.toml", "minimum_units = 1000", "minimum_units = 90000"),
    ("dimension_twice", "experiments/checkout.toml", "[\"platform\", ", "[\"platform\", \"platform\", "),
    ("dimension_of_unknown_source", "experiments/checkout.toml", "source = \"users\"", "source = \"user\""),
    ("parameter_in_an_experiment", "experiments/checkout.toml", "experiment_id = 17", "experiment_id = $id"),
    (
        "trigger_without_times",
        "experiments/checkout.toml",
        "[trigger]\nsource = \"events\"",
        "[trigger]\nsource = \"users\"",
    ),
    ("timed_metric_of_a_unit_table", "experiments/newsletter.toml", "\"spend_at_sign_up\"", "\"conversion\""),
];

#[test]
fn every_fault_reads_as_its_snapshot() {
    let mut names = std::collections::BTreeSet::new();
    for (name, path, from, to) in EDITS {
        assert!(names.insert(*name), "{name} is listed twice");
        let shop = Shop::new();
        shop.edit(path, from, to);
        let faults = shop.faults();
        assert!(!faults.is_empty(), "{name} is no fault");
        for fault in &faults {
            let place = fault.place.as_ref().unwrap_or_else(|| panic!("{name} has no place: {}", fault.line()));
            assert!(!place.file.is_empty() && !fault.line().is_empty(), "{name}");
            assert!(!fault.help.is_empty() || !fault.valid.is_empty(), "{name} does not say how to mend it");
        }
        insta::assert_snapshot!(*name, shop.rendered());
    }
}

#[test]
fn no_snapshot_is_left_over() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/snapshots");
    let others = ["all_faults_in_one_pass", "a_fault_as_json", "columns"];
    let names = EDITS.iter().map(|(name, ..)| *name).chain(others);
    let known: Vec<String> = names.map(|name| format!("it__fault__{name}.snap")).collect();
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(!name.starts_with("it__fault__") || known.contains(&name), "{name} belongs to no test");
    }
}

#[test]
fn nothing_says_when_the_experiment_ends() {
    let shop = Shop::new();
    shop.edit("experiments/checkout.toml", "end = 2026-03-30T06:00:00Z\n", "");
    assert_eq!(shop.lines(), [""; 0], "the plan's number of units ends it");
    shop.edit("experiments/checkout.toml", "units = 20000\n", "");
    assert_eq!(
        shop.lines(),
        [
            "experiments/checkout.toml:1:1: end: nothing says when the experiment ends; add `end = 2026-03-15`, or `units = 100000` under [plan]"
        ]
    );
}

#[test]
fn all_faults_of_all_files_come_in_one_pass_in_the_order_of_places() {
    let shop = Shop::new();
    shop.edit("estimand.toml", "threads = 2", "threads = 0");
    shop.edit("sources/users.toml", "\"text\"", "\"varchar\"");
    shop.edit("metrics/conversion.toml", "window = \"7d\"", "widnow = \"-7d\"");
    shop.edit("metrics/conversion.toml", "delay = \"1h\"", "delay = \"1 hour\"");
    shop.edit("experiments/checkout.toml", "margin = 0.02", "margin = 2");
    insta::assert_snapshot!("all_faults_in_one_pass", shop.lines().join("\n"));
}

#[test]
fn a_fault_is_a_line_and_json_too() {
    let shop = Shop::new();
    shop.edit("metrics/conversion.toml", "\"orders\"", "\"ordres\"");
    let faults = shop.faults();
    assert_eq!(faults[0].line(), "metrics/conversion.toml:4:10: source: no source `ordres`; did you mean `orders`?");
    insta::assert_json_snapshot!("a_fault_as_json", faults[0].json());
}

#[test]
fn colour_is_only_given_when_asked_for() {
    let shop = Shop::new();
    shop.edit("metrics/conversion.toml", "\"orders\"", "\"ordres\"");
    let fault = &shop.faults()[0];
    assert!(!fault.render(false).contains('\u{1b}'));
    assert!(fault.render(true).starts_with("\u{1b}[1;31merror[metrics::unknown_source]\u{1b}[0m: "));
}

/// Columns of the example's sources, as an engine would tell them.
struct Columns(BTreeMap<&'static str, Vec<&'static str>>);

impl SourceSchemas for Columns {
    fn columns(&self, source: &str) -> Option<Vec<String>> {
        Some(self.0.get(source)?.iter().map(|column| (*column).to_owned()).collect())
    }
}

fn columns() -> Columns {
    Columns(BTreeMap::from([
        ("assignments", vec!["user_id", "experiment_id", "variant", "assigned_at", "platform", "spend_before"]),
        ("events", vec!["visitor", "session_id", "at", "name", "load_ms"]),
        ("order_events", vec!["order_id", "user_id", "ordered_at", "kind", "amount", "items", "currency"]),
        ("orders", vec!["order_id", "user_id", "ordered_at", "amount", "items", "country"]),
        ("users", vec!["user_id", "country", "spend_before", "newsletter", "newsletter_arm"]),
    ]))
}

#[test]
fn the_example_names_only_columns_that_are_there() {
    let project = Shop::new().load();
    assert_eq!(project.check_columns(&columns()).to_string(), "");
}

#[test]
fn columns_that_are_not_there_are_named_with_the_nearest() {
    let shop = Shop::new();
    shop.edit("metrics/revenue_per_user.toml", "sum(amount)", "sum(amuont)");
    shop.edit("metrics/revenue_per_user.toml", "country IN", "contry IN");
    shop.edit("metrics/revenue_per_order.toml", "items > 0", "itmes > 0");
    shop.edit("sources/events.toml", "timestamp = \"at\"", "timestamp = \"time\"");
    shop.edit("sources/events.toml", "user_id = \"visitor\"", "user_id = \"visitors\"");
    shop.edit("experiments/checkout.toml", "arm = \"variant\"", "arm = \"varaint\"");
    shop.edit("experiments/checkout.toml", "experiment_id = 17", "experiment = 17");
    shop.edit("experiments/checkout.toml", "column = \"country\"", "column = \"land\"");
    shop.edit("experiments/newsletter.toml", "unit = \"user_id\"", "unit = \"customer\"");
    let faults = shop.load().check_columns(&columns());
    insta::assert_snapshot!("columns", faults.to_string());
}

#[test]
fn sources_that_cannot_be_asked_are_left_to_whoever_reads_them() {
    struct Silent;
    impl SourceSchemas for Silent {
        fn columns(&self, _: &str) -> Option<Vec<String>> {
            None
        }
    }
    assert_eq!(Shop::new().load().check_columns(&Silent).to_string(), "");
}

#[test]
fn later_checks_find_the_place_of_a_field() {
    use estimand_metrics::project::Definition;
    let project: Project = Shop::new().load();
    let checkout = Definition::Experiment("checkout");
    let fault = project.fault(checkout, "analysis.estimator", "analysis::unknown_estimator", "not here");
    assert_eq!(fault.line(), "experiments/checkout.toml:48:13: analysis.estimator: not here");
    let place = project.place(checkout, "arms[1].name").unwrap();
    assert_eq!(place.to_string(), "experiments/checkout.toml:27:8");
    assert_eq!(project.file_of(Definition::Metric("conversion")), Some("metrics/conversion.toml"));
}
