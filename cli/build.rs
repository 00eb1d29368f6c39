//! How the command is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|one| one == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        // An executable that may lie anywhere has 250,000 addresses to mend at each start: 3 ms of the 28 of a small analysis.
        println!("cargo::rustc-link-arg-bin=estimand=-no-pie");
    }
}
