//! Integration tests of the statistics, one binary.

mod nist;
mod reference;
mod suffstat_exact;
mod suffstat_laws;
