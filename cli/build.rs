//! Links the command to a fixed address.

/// A program that may lie anywhere in memory has five megabytes of addresses to correct each time it starts, which takes
/// longer than the analysis of a small file.
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = |part: &str| std::env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    if (target("OS").as_str(), target("ENV").as_str()) == ("linux", "gnu") {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
