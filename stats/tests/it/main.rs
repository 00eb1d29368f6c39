//! Tests of the crate through its public face.

mod calibration;
mod checks;
mod confidence_sequence;
mod conformance;
mod contrasts;
mod dist;
mod estimator_oracles;
mod estimator_properties;
mod finish;
mod group_sequential;
mod multiplicity;
mod nist;
mod oracle;
mod ranks;
mod reference;
mod resampling;
mod samples;
mod sequential;
mod shared_data;
mod statuses;
mod suffstat_exact;
mod suffstat_laws;
mod tallies;
mod two_proportions;
mod unit_aggregation;
mod unit_aggregation_hostile;
