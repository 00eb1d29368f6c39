//! Aggregates (placeholder until they land).
/// Registers.
pub fn register(_session: &datafusion::prelude::SessionContext) {}
