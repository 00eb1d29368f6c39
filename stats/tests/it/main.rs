//! Integration tests of the statistics, one binary.

mod dist;
mod multiplicity;
mod nist;
mod oracle;
mod reference;
mod suffstat_exact;
mod suffstat_laws;
mod two_proportions;
