//! Plans of more than one look: what decides before the end, and what a plan may not say.

use estimand_analysis::demo::shop::{self, ShopOptions};

use crate::command::{ABSOLUTE, Answer, Desk, Row};

const EXPERIMENT: &str = "shop/experiments/one_page_checkout.toml";
const FIXED: &str = "kind = \"fixed\"  # one look, at the end";

/// The shop, whose plan is given.
fn shop(plan: &str) -> Desk {
    let desk = Desk::new();
    shop::write(&desk.file("shop"), &ShopOptions { users: 4_000, seed: 7 }).expect("a shop");
    desk.edit(EXPERIMENT, FIXED, plan);
    desk
}

fn look(desk: &Desk, as_of: &str) -> Answer {
    desk.analyze(&["one_page_checkout", "--project", "shop", "--no-save", "--as-of", as_of])
}

fn conversion(answer: &Answer) -> Row {
    answer.rows().effect("conversion", "one_page", ABSOLUTE)
}

const MIDWAY: &str = "2025-03-12";
const AFTER: &str = "2025-04-02";

#[test]
fn a_sequential_plan_decides_at_any_look_and_a_fixed_one_at_its_end() {
    let fixed = shop(FIXED);
    assert_eq!(conversion(&look(&fixed, MIDWAY)).text("status"), "running");
    let desk = shop("kind = \"sequential\"\nunits = 3000");
    let midway = look(&desk, MIDWAY);
    let row = conversion(&midway);
    assert_eq!(row.text("estimator"), "confidence_sequence");
    assert!(["better", "worse", "no clear effect"].contains(&row.text("status")), "{row:?}");
    assert!(
        row.text("notes").contains("Valid at every look, however often and whenever the experiment ends."),
        "{row:?}"
    );
    let (outcome, message) = midway.check("sample_ratio");
    assert_eq!(outcome, "pass", "{message}");
    assert!(message.ends_with("The test is valid at every look; its Dirichlet concentration is 10000."), "{message}");
    // What may be looked at at any time is wider than what is looked at once.
    let width = |row: &Row| row.interval()[1] - row.interval()[0];
    let (once, always) = (conversion(&look(&fixed, AFTER)), conversion(&look(&desk, AFTER)));
    assert!(width(&always) > 1.1 * width(&once), "{once:?} {always:?}");
    assert_eq!(always.number("estimate"), once.number("estimate"));
}

#[test]
fn every_row_of_a_sequential_plan_is_a_sequence() {
    let desk = shop("kind = \"sequential\"");
    for row in look(&desk, AFTER).rows().0 {
        assert_eq!(row["estimator"], "confidence_sequence", "{row}");
    }
}

#[test]
fn a_look_of_a_few_spends_by_its_share_of_the_plan() {
    let early = conversion(&look(&shop("kind = \"group_sequential\"\nunits = 100000"), AFTER));
    let late = conversion(&look(&shop("kind = \"group_sequential\"\nunits = 4000\nlooks_taken = [1000, 2000]"), AFTER));
    assert_eq!(early.text("estimator"), "group_sequential");
    assert!(late.text("notes").contains("Look 3 at 94.6 % of the planned units;"), "{late:?}");
    assert!(early.interval()[1] > late.interval()[1], "{early:?} {late:?}");
}

#[test]
fn looks_that_cannot_have_been_taken_are_refused_where_they_stand() {
    let refused = |plan: &str| {
        let answer = shop(plan).run(&["check", "--project", "shop"]);
        assert_eq!(answer.code, Some(2), "{plan}: {}", answer.talk);
        answer.text()
    };
    for (plan, what, mend) in [
        (
            "kind = \"group_sequential\"\nunits = 4000\nlooks_taken = [2000, 1000]",
            "a look of 1000 units after one of 2000",
            "list looks in the order they were taken: each has more units than the one before",
        ),
        (
            "kind = \"group_sequential\"\nunits = 4000\nlooks_taken = [4000]",
            "a look of 4000 units was the last, as the plan ends there",
            "list only looks of fewer units than `units`",
        ),
        (
            "kind = \"group_sequential\"",
            "nothing says at how many units the last look is",
            "add `units = 100000`: what a look may spend is its share of them",
        ),
        (
            "kind = \"sequential\"\nlooks_taken = [1000]",
            "only a plan of a few looks counts them",
            "drop it, or set `kind = \"group_sequential\"`",
        ),
    ] {
        let talk = refused(plan);
        let one_line = talk.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(one_line.contains(what) && one_line.contains(mend), "{plan}: {talk}");
        assert!(talk.contains("one_page_checkout.toml:4"), "{plan}: the place: {talk}");
    }
}
