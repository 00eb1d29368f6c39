//! What is asked of the data, as a person reads it and pastes it elsewhere: a change of SQL shows itself in these files.

use estimand_analysis::demo::shop::{self, ShopOptions};

use crate::command::Desk;

/// `estimand plan` of an experiment of a project.
fn plan(desk: &Desk, project: &str, experiment: &str) -> String {
    let answer = desk.run(&["plan", experiment, "--project", project]);
    assert_eq!(answer.code, Some(0), "{}", answer.talk);
    answer.text()
}

#[test]
fn windows_caps_ratios_lookbacks_and_dimensions_of_the_shop() {
    let desk = Desk::new();
    shop::write(&desk.file("shop"), &ShopOptions { users: 1_000, seed: 1 }).expect("a shop");
    insta::assert_snapshot!(plan(&desk, "shop", "one_page_checkout"));
}

#[test]
fn covariates_of_a_unit_table() {
    let desk = Desk::new();
    assert_eq!(desk.run(&["init", "trial"]).code, Some(0));
    insta::assert_snapshot!(plan(&desk, "trial", "job_training"));
}
