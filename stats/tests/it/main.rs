//! Tests of the crate through its public face.

mod bayes;
mod calibration;
mod checks;
mod conformance;
mod contrasts;
mod dist;
mod empirical_bayes;
mod estimator_oracles;
mod estimator_properties;
mod finish;
mod meta;
mod multiplicity;
mod multiplicity_plans;
mod nist;
mod oracle;
mod reference;
mod samples;
mod shared_data;
mod statuses;
mod suffstat_exact;
mod suffstat_laws;
mod two_proportions;
mod unit_aggregation;
mod unit_aggregation_hostile;
