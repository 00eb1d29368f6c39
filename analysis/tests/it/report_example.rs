//! Reports to look at: one model per state that a page can be in, with the numbers of a three-arm e-mail test.

use estimand_analysis::report::{
    Arm, Correction, Exclusion, Fact, Figure, Header, Input, Method, MetricCard, Phase, Provenance, ReportModel,
    Statement, Truth,
};
use estimand_stats::check::{CheckResult, Outcome};
use estimand_stats::estimand::Direction;
use estimand_stats::family::Role;
use estimand_stats::{Estimate, Estimates};
use estimand_viz::number::Format;

/// Every example by name.
pub fn all() -> Vec<(&'static str, ReportModel)> {
    vec![
        ("email", email()),
        ("failed_check", failed_check()),
        ("fifty_metrics", fifty_metrics()),
        ("guardrail_harmed", guardrail_harmed()),
        ("hostile_text", hostile_text()),
        ("running", running()),
        ("two_arms", two_arms()),
        ("unbounded_lift", unbounded_lift()),
    ]
}

const ARMS: [(&str, &str, u64); 3] =
    [("control", "No e-mail", 21_306), ("mens", "Men’s e-mail", 21_307), ("womens", "Women’s e-mail", 21_387)];

/// A three-arm e-mail test whose plan has ended.
pub fn email() -> ReportModel {
    let mut model = ReportModel { header: header(), checks: checks(), ..ReportModel::default() };
    model.verdict = "Both e-mails raise the share of customers who visit, the men’s by 72 % (95 % CI 66 to 78) and the women’s by 43 % (37 to 48); 1 of 2 guardrails shown safe.".into();
    add(
        &mut model,
        card("visit", "Visited the shop", "proportion", Role::Primary, Format::Percent, None),
        &[
            row((0.1060, 0.00211), (0.1828, 0.00265), [2.4e-112, 4.8e-112], "better"),
            row((0.1060, 0.00211), (0.1514, 0.00245), [3.1e-44, 3.1e-44], "better"),
        ],
    );
    add(
        &mut model,
        card("spend", "Spend per customer", "mean", Role::Primary, Format::Currency, Some("USD")),
        &[
            row((0.6528, 0.0796), (1.4226, 0.1223), [1.2e-7, 3.6e-7], "better"),
            row((0.6528, 0.0796), (1.0772, 0.1030), [0.0011, 0.052], "no clear effect"),
        ],
    );
    let mut guard = card("unsubscribe", "Unsubscribed", "proportion", Role::Guardrail, Format::Percent, None);
    guard.direction = Direction::Lower;
    add(
        &mut model,
        guard,
        &[
            margin(0.2, row((0.0125, 0.0008), (0.0123, 0.0008), [0.012, 0.012], "safe")),
            margin(0.2, row((0.0125, 0.0008), (0.0135, 0.0008), [0.31, 0.31], "not shown safe")),
        ],
    );
    add(
        &mut model,
        card("margin_per_order", "Margin per order", "ratio", Role::Guardrail, Format::Currency, Some("EUR")),
        &[
            margin(0.1, row((18.42, 0.41), (18.61, 0.39), [0.0021, 0.0021], "safe")),
            margin(0.1, row((18.42, 0.41), (18.30, 0.40), [0.0094, 0.0094], "safe")),
        ],
    );
    let mut basket = card("basket", "Items per basket", "mean", Role::Secondary, Format::Number, None);
    basket.minimum_effect = Some(0.02);
    add(
        &mut model,
        basket,
        &[
            row((3.412, 0.0142), (3.420, 0.0141), [0.69, 0.83], "too small to matter"),
            row((3.412, 0.0142), (3.380, 0.0140), [0.11, 0.22], "no clear effect"),
        ],
    );
    let mut wait = card("page_load", "Page load time", "mean", Role::Secondary, Format::Number, Some("ms"));
    wait.direction = Direction::Lower;
    wait.beside = None;
    add(
        &mut model,
        wait,
        &[
            row((1_284.0, 11.2), (1_341.0, 12.1), [0.00054, 0.0022], "worse"),
            row((1_284.0, 11.2), (1_291.0, 11.4), [0.66, 0.83], "no clear effect"),
        ],
    );
    add(
        &mut model,
        card("conversion", "Bought something", "proportion", Role::Secondary, Format::Percent, None),
        &[
            row((0.00573, 0.00052), (0.01253, 0.00076), [1.5e-13, 6.0e-13], "better"),
            row((0.00573, 0.00052), (0.00884, 0.00064), [0.00016, 0.00032], "better"),
        ],
    );
    add(
        &mut model,
        card("support_minutes", "Minutes with support", "mean", Role::Informational, Format::Number, Some("min")),
        &[
            untested(row((0.482, 0.021), (0.476, 0.020), [0.84, 0.84], "")),
            untested(row((0.482, 0.021), (0.511, 0.022), [0.34, 0.34], "")),
        ],
    );
    model.corrections = vec![
        correction(Role::Primary, "Holm over 2 metrics × 2 arms."),
        correction(Role::Guardrail, "Non-inferiority, one-sided at 0.025 against the dashed margin; no correction."),
        correction(Role::Secondary, "Benjamini–Hochberg over 3 metrics × 2 arms."),
        correction(Role::Informational, "Shown, not tested."),
    ];
    model.over_time = figures(&["cumulative_effect", "exposures"]);
    model.distribution = figures(&["distribution", "forest"]);
    model.method = method();
    model.provenance = provenance();
    model
}

/// The same before the plan has ended.
pub fn running() -> ReportModel {
    let mut model = email();
    model.header.phase = Phase::Running { progress: "day 9 of 14".into(), share: Some(0.643) };
    for row in &mut model.estimates.rows {
        if row.status.is_some() {
            row.status = Some("running".into());
        }
    }
    model.verdict = "No verdict before the plan has ended: day 9 of 14, 41 152 of 64 000 units.".into();
    model
}

/// The same with a sample ratio that the allocation makes implausible.
pub fn failed_check() -> ReportModel {
    let mut model = email();
    model.checks[0] = check(
        "sample_ratio",
        Outcome::Fail,
        Some(3.1e-9),
        "21 306, 21 307 and 19 934 units arrived where 20 849 each were planned: the women’s e-mail lost about 4 % of its units.",
    );
    model.checks[0].help =
        "Look for arms that log their exposure at different points, for redirects and for bot filters that run after assignment.".into();
    for row in &mut model.estimates.rows {
        if row.status.is_some() {
            row.status = Some("check data".into());
        }
    }
    model
}

/// Two arms and a guardrail that got worse.
pub fn guardrail_harmed() -> ReportModel {
    let mut model = two_arms();
    let mut crash = card("crash_rate", "Sessions that crashed", "ratio", Role::Guardrail, Format::Percent, None);
    crash.direction = Direction::Lower;
    add(&mut model, crash, &[margin(0.05, row((0.0310, 0.0007), (0.0362, 0.0008), [0.99991, 0.99991], "harmed"))]);
    model.verdict = "The one-page checkout raises orders per visitor by 6.1 % (95 % CI 2.9 to 9.3), but harms a guardrail: sessions that crashed; 1 of 2 guardrails shown safe.".into();
    model
}

/// Two arms: one table column per arm.
pub fn two_arms() -> ReportModel {
    let mut model = ReportModel { header: header(), checks: checks(), ..ReportModel::default() };
    model.header.name = "one_page_checkout".into();
    model.header.label = "One-page checkout".into();
    model.header.hypothesis =
        Some("Fewer steps between basket and payment let more visitors finish their order.".into());
    model.header.arms.truncate(2);
    model.header.arms[0].label = "Three pages".into();
    model.header.arms[1].label = "One page".into();
    for arm in &mut model.header.arms {
        arm.allocation = Some(0.5);
    }
    model.checks.truncate(3);
    model.verdict = "The one-page checkout raises orders per visitor by 6.1 % (95 % CI 2.9 to 9.3); 1 of 1 guardrails shown safe; revenue per visitor: no clear effect.".into();
    add(
        &mut model,
        card("orders", "Orders per visitor", "mean", Role::Primary, Format::Number, None),
        &[row((0.2114, 0.0024), (0.2243, 0.0025), [0.00019, 0.00038], "better")],
    );
    add(
        &mut model,
        card("revenue", "Revenue per visitor", "mean", Role::Primary, Format::Currency, Some("EUR")),
        &[row((12.41, 0.22), (12.78, 0.23), [0.24, 0.24], "no clear effect")],
    );
    let mut refunds = card("refunds", "Orders refunded", "ratio", Role::Guardrail, Format::Percent, None);
    refunds.direction = Direction::Lower;
    add(
        &mut model,
        refunds,
        &[one_sided(margin(0.1, row((0.0421, 0.0011), (0.0415, 0.0011), [0.0014, 0.0014], "safe")))],
    );
    model.corrections = vec![
        correction(Role::Primary, "Holm over 2 metrics × 1 arm."),
        correction(Role::Guardrail, "Non-inferiority, one-sided at 0.025 against the dashed margin; no correction."),
    ];
    model.truth = vec![
        Truth { metric: "orders".into(), arm: "mens".into(), scale: "relative".into(), effect: 0.06 },
        Truth { metric: "revenue".into(), arm: "mens".into(), scale: "absolute".into(), effect: 1.25 },
    ];
    model.over_time = figures(&["cumulative_effect"]);
    model.distribution = figures(&["distribution"]);
    model.method = method();
    model.provenance = provenance();
    model.provenance.log = vec![Fact::new("Started", "2026-03-16 08:00:02 UTC"), Fact::new("Statements", "1.84 s")];
    model
}

/// A control mean too close to zero for a relative interval, a metric without an estimate, and one very wide interval.
pub fn unbounded_lift() -> ReportModel {
    let mut model = two_arms();
    add(
        &mut model,
        card("donations", "Donations per visitor", "mean", Role::Secondary, Format::Currency, Some("EUR")),
        &[row((0.0021, 0.0016), (0.0098, 0.0031), [0.027, 0.054], "no clear effect")],
    );
    add(
        &mut model,
        card("gift_cards", "Gift cards bought", "mean", Role::Secondary, Format::Number, None),
        &[row((0.0104, 0.0031), (0.0171, 0.0042), [0.2, 0.4], "no clear effect")],
    );
    add(
        &mut model,
        card("time_on_site", "Time on site", "mean", Role::Secondary, Format::Number, Some("s")),
        &[row((311.2, 2.4), (305.1, 2.4), [0.072, 0.11], "no clear effect")],
    );
    add(
        &mut model,
        card("returns", "Visitors who came back", "proportion", Role::Secondary, Format::Percent, None),
        &[row((0.311, 0.0034), (0.317, 0.0034), [0.21, 0.4], "no clear effect")],
    );
    for row in &mut model.estimates.rows {
        if row.metric.as_deref() == Some("donations") && row.scale.as_deref() == Some("relative") {
            (row.conf_low, row.conf_high) = (None, None);
            row.note("The control mean is not distinguishable from zero, so Fieller’s set has no ends.");
        }
        if row.metric.as_deref() == Some("gift_cards") {
            row.note("One arm has fewer than 30 buyers.");
        }
    }
    model
}

/// Fifty metrics, for size and speed.
pub fn fifty_metrics() -> ReportModel {
    let mut model = two_arms();
    for place in 0..47 {
        let mean = 1.0 + f64::from(place) * 0.37;
        let effect = 0.002 * f64::from((place * 29) % 17 - 8);
        let p = 0.02 + 0.019 * f64::from((place * 31) % 47);
        let name = format!("engagement_{place:02}");
        let label = format!("Engagement with feature {place:02}");
        let format = if place % 3 == 0 { Format::Percent } else { Format::Number };
        add(
            &mut model,
            card(&name, &label, "mean", Role::Secondary, format, None),
            &[row(
                (mean, 0.011 * mean),
                (mean * (1.0 + effect), 0.011 * mean),
                [p, (p * 1.9).min(1.0)],
                "no clear effect",
            )],
        );
    }
    model
}

/// Text that tries to be markup, everywhere a user can put text.
pub fn hostile_text() -> ReportModel {
    let evil = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'{{ 7*7 }}</style>";
    let mut model = two_arms();
    model.header.name = evil.into();
    model.header.label = evil.into();
    model.header.hypothesis = Some(evil.into());
    model.header.owner = Some(evil.into());
    model.header.population = evil.into();
    model.header.recreate = evil.into();
    model.header.run_id = "\"}</style><script>".into();
    for arm in &mut model.header.arms {
        arm.label = evil.into();
    }
    for card in &mut model.metrics {
        card.label = evil.into();
        card.measured_in = Some(evil.into());
        card.format = Format::Number;
        card.description = Some(evil.into());
        card.tags = vec![evil.into()];
        card.facts.push(Fact::new(evil, evil));
    }
    for check in &mut model.checks {
        (check.name, check.message, check.help) = (evil.into(), evil.into(), evil.into());
    }
    for row in &mut model.estimates.rows {
        row.note(evil);
    }
    model.verdict = evil.into();
    model.method.statements[0].sql = format!("SELECT '{evil}' -- {evil}");
    model.provenance.inputs[0].location = evil.into();
    model
}

fn header() -> Header {
    Header {
        name: "email_campaign".into(),
        label: "Spring e-mail campaign".into(),
        hypothesis: Some("An e-mail about new arrivals brings customers back to the shop within two weeks, and they spend more than those left alone.".into()),
        owner: Some("growth-science".into()),
        dates: Some("1 to 14 March 2026, UTC".into()),
        population: "Customers who bought something in the twelve months before the campaign, each counted from their first assignment.".into(),
        arms: ARMS
            .iter()
            .map(|(name, label, units)| Arm {
                name: (*name).into(),
                label: (*label).into(),
                allocation: Some(1.0 / 3.0),
                units: *units,
            })
            .collect(),
        phase: Phase::Ended,
        run_id: "5f0c1f3ab29d7e6644c0a1d09b2f0f7c83b1e5d2a9c44e1f7b60d8351a2c9e70".into(),
        as_of: Some("15 March 2026, 00:00 UTC".into()),
        recreate: "estimand replay 5f0c1f3ab29d".into(),
    }
}

fn check(name: &str, outcome: Outcome, p_value: Option<f64>, message: &str) -> CheckResult {
    CheckResult {
        name: name.into(),
        outcome,
        message: message.into(),
        p_value,
        details: Vec::new(),
        help: String::new(),
    }
}

fn checks() -> Vec<CheckResult> {
    vec![
        check(
            "sample_ratio",
            Outcome::Pass,
            Some(0.9),
            "21 306, 21 307 and 21 387 units arrived where 21 333 each were planned.",
        ),
        check("two_arm_units", Outcome::Pass, None, "13 units (0.02 %) were seen in two arms and are set apart."),
        check("missing_data", Outcome::Pass, None, "Every metric has a value for every unit."),
        check(
            "pre_period_balance",
            Outcome::Warn,
            Some(0.008),
            "Spend before the campaign differs between arms (corrected over 6 metrics); the adjustment for it removes most of the difference.",
        ),
        check("late_rows", Outcome::NotApplicable, None, "The source has no arrival time."),
    ]
}

fn card(name: &str, label: &str, kind: &str, role: Role, format: Format, unit: Option<&str>) -> MetricCard {
    MetricCard {
        label: label.into(),
        description: Some(format!("{label}, as counted in the order table.")),
        kind: kind.into(),
        format,
        measured_in: unit.map(Into::into),
        tags: vec!["growth".into()],
        beside: Some("unadjusted".into()),
        estimands: vec![format!(
            "The difference in mean of `{name}` per customer, 14 days from exposure, had all customers been in the arm against all in the control."
        )],
        facts: vec![
            Fact::new("Window", "14 days from exposure; only units whose window has passed"),
            Fact::new("Capping", "99.9th percentile of unit values: 412.37"),
            Fact::new("Estimator", "regression adjustment, slopes per arm, on spend and visits in the 28 days before"),
            Fact::new("Owner", "growth-science"),
        ],
        ..MetricCard::new(name, role)
    }
}

fn correction(role: Role, sentence: &str) -> Correction {
    Correction { role, sentence: sentence.into() }
}

/// Two rows of one arm: absolute and relative. Means come with their standard errors.
fn row(control: (f64, f64), treated: (f64, f64), p: [f64; 2], status: &str) -> [Estimate; 2] {
    let std_error = control.1.hypot(treated.1);
    let estimate = treated.0 - control.0;
    let absolute = Estimate {
        role: None,
        mean: Some(treated.0),
        mean_baseline: Some(control.0),
        estimand: Some("ate".into()),
        scale: Some("absolute".into()),
        alternative: Some("two_sided".into()),
        estimate: Some(estimate),
        std_error: Some(std_error),
        df: Some(41_873.4),
        statistic: Some(estimate / std_error),
        conf_low: Some(estimate - 1.96 * std_error),
        conf_high: Some(estimate + 1.96 * std_error),
        level: Some(0.95),
        p_value: Some(p[0]),
        log10_p: Some(p[0].log10()),
        p_adjusted: Some(p[1]),
        decides: Some(true),
        status: Some(status.into()),
        estimator: Some("regression_adjustment".into()),
        ..Estimate::default()
    };
    let relative_error = treated.1.hypot(treated.0 / control.0 * control.1) / control.0;
    let relative = Estimate {
        scale: Some("relative".into()),
        estimate: Some(estimate / control.0),
        std_error: Some(relative_error),
        conf_low: Some(estimate / control.0 - 1.93 * relative_error),
        conf_high: Some(estimate / control.0 + 2.0 * relative_error),
        ..absolute.clone()
    };
    [absolute, relative]
}

fn margin(margin: f64, rows: [Estimate; 2]) -> [Estimate; 2] {
    rows.map(|row| Estimate { margin: Some(margin), p_adjusted: None, ..row })
}

fn one_sided(rows: [Estimate; 2]) -> [Estimate; 2] {
    rows.map(|row| Estimate { alternative: Some("less".into()), conf_low: None, ..row })
}

fn untested(rows: [Estimate; 2]) -> [Estimate; 2] {
    rows.map(|row| Estimate { status: None, p_adjusted: None, ..row })
}

/// Adds a metric with one pair of rows per treatment arm, the plain estimate beside it, and inner intervals.
fn add(model: &mut ReportModel, card: MetricCard, arms: &[[Estimate; 2]]) {
    for (place, rows) in arms.iter().enumerate() {
        let (name, _, n) = ARMS[place + 1];
        for row in rows {
            let row = Estimate {
                experiment: Some(model.header.name.clone()),
                metric: Some(card.name.clone()),
                role: Some(card.role.name().into()),
                arm: Some(name.into()),
                baseline_arm: Some("control".into()),
                n: Some(n),
                n_baseline: Some(ARMS[0].2),
                ..row.clone()
            };
            for (level, z) in [(0.8, 1.28), (0.5, 0.674)] {
                let (estimate, std_error) = (row.estimate.unwrap(), row.std_error.unwrap());
                model.inner_intervals.rows.push(Estimate {
                    level: Some(level),
                    conf_low: Some(estimate - z * std_error),
                    conf_high: Some(estimate + z * std_error),
                    ..row.clone()
                });
            }
            if card.beside.is_some() {
                let wider = |end: Option<f64>| end.zip(row.estimate).map(|(end, at)| at * 0.97 + (end - at) * 1.14);
                model.estimates.append(Estimates::from_iter([Estimate {
                    estimator: Some("difference_in_means".into()),
                    estimate: row.estimate.map(|at| at * 0.97),
                    std_error: row.std_error.map(|error| error * 1.14),
                    conf_low: wider(row.conf_low),
                    conf_high: wider(row.conf_high),
                    p_value: row.p_value.map(|p| (p * 1.6).min(1.0)),
                    log10_p: row.log10_p.map(|p| (p + 0.204).min(0.0)),
                    p_adjusted: None,
                    status: None,
                    decides: Some(false),
                    ..row.clone()
                }]));
            }
            model.estimates.rows.push(row);
        }
    }
    model.metrics.push(card);
}

/// A figure by the chart of this name, of the chart's own example.
fn figure(name: &str) -> Option<Figure> {
    let chart = estimand_viz::chart::named(name)?;
    chart.figure(&chart.examples().into_iter().next()?).ok().map(|figure| Figure::of(&figure))
}

fn figures(names: &[&str]) -> Vec<Figure> {
    names.iter().filter_map(|name| figure(name)).collect()
}

fn method() -> Method {
    Method {
        facts: vec![
            Fact::new("Estimand", "average effect of assignment on those assigned and on the population they were drawn from"),
            Fact::new("Level", "95 % intervals, two-sided tests at 0.05; guardrails one-sided at 0.025"),
            Fact::new("Corrections", "Holm over primary metrics × arms; Benjamini–Hochberg over secondary metrics × arms"),
            Fact::new("Relative effects", "Fieller interval with the critical value of the test"),
        ],
        exclusions: vec![
            Exclusion { reason: "Seen in two arms".into(), units: 13, treatment: "Excluded from effects, counted in the sample ratio at their first arm".into() },
            Exclusion { reason: "Assigned before the start".into(), units: 1_204, treatment: "Set apart: their history is already treated".into() },
            Exclusion { reason: "Blank unit id".into(), units: 2, treatment: "Counted, never analysed".into() },
        ],
        statements: vec![Statement {
            title: "Statement 1 of 1: orders".into(),
            sql: "-- per unit once, then per arm\nWITH units AS (\n  SELECT a.customer_id, a.arm, min(a.assigned_at) AS exposed_at\n  FROM assignments AS a\n  WHERE a.assigned_at >= $1 AND a.country = 'DE'\n  GROUP BY a.customer_id, a.arm\n)\nSELECT u.arm, moments(coalesce(o.amount, 0)) AS spend\nFROM units AS u\nLEFT JOIN orders AS o ON o.customer_id = u.customer_id AND o.ordered_at >= u.exposed_at\nGROUP BY u.arm".into(),
            parameters: vec![Fact::new("$1", "2026-03-01T00:00:00Z")],
        }],
    }
}

fn provenance() -> Provenance {
    Provenance {
        facts: vec![
            Fact::new("Build", "estimand 0.1.0, x86_64 linux"),
            Fact::new("Seed", "20260301"),
            Fact::new("Results", "blake3 b7e1f29c0f3d5b7a9e4c1d0f8a6b3c5e7d9f1a2b4c6d8e0f1a3b5c7d9e1f2a4b"),
            Fact::new("Experiment file", "blake3 09af3c5e7d9f1a2b4c6d8e0f1a3b5c7d9e1f2a4bb7e1f29c0f3d5b7a9e4c1d0f"),
        ],
        inputs: vec![
            Input {
                source: "orders".into(),
                location: "data/orders/*.parquet".into(),
                size: "14 files, 1.2 GB".into(),
                fingerprint: "e2c4a6b8d0f1e3c5a7b9".into(),
            },
            Input {
                source: "assignments".into(),
                location: "data/assignments.parquet".into(),
                size: "1 file, 8.4 MB".into(),
                fingerprint: "a1b2c3d4e5f60718293a".into(),
            },
        ],
        log: Vec::new(),
    }
}
