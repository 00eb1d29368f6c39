//! One small statistic per group, stored and sent as its canonical bytes.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder};
use datafusion::common::{Result, resources_err};
use datafusion::logical_expr::EmitTo;
use estimand_stats::suffstat;

use super::order_free::refused;

/// What a statistic must offer to be kept per group.
pub(super) trait Encoded: Sized + Send + Sync + 'static {
    fn merge_bytes(&mut self, bytes: &[u8]) -> Result<(), suffstat::Error>;
    fn to_bytes(&self) -> Vec<u8>;
    fn heap_bytes(&self) -> usize;
}

/// A statistic per group, and the memory they take together.
pub(super) struct EncodedGroups<S> {
    aggregate: &'static str,
    empty: Box<dyn Fn() -> S + Send + Sync>,
    statistics: Vec<S>,
    heap_bytes: usize,
}

impl<S: Encoded> EncodedGroups<S> {
    pub(super) fn new(aggregate: &'static str, empty: impl Fn() -> S + Send + Sync + 'static) -> Self {
        EncodedGroups { aggregate, empty: Box::new(empty), statistics: Vec::new(), heap_bytes: 0 }
    }

    pub(super) fn grow(&mut self, total_groups: usize) {
        while self.statistics.len() < total_groups {
            let statistic = (self.empty)();
            self.heap_bytes += statistic.heap_bytes();
            self.statistics.push(statistic);
        }
    }

    /// Changes the statistic of a group, keeping the account of memory.
    #[inline]
    pub(super) fn change(
        &mut self,
        group: usize,
        change: impl FnOnce(&mut S) -> Result<(), suffstat::Error>,
    ) -> Result<()> {
        let statistic = &mut self.statistics[group];
        let before = statistic.heap_bytes();
        change(statistic).map_err(refused(self.aggregate))?;
        self.heap_bytes = self.heap_bytes + statistic.heap_bytes() - before;
        Ok(())
    }

    pub(super) fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total_groups: usize) -> Result<()> {
        self.grow(total_groups);
        let states = states[0].as_binary::<i32>();
        for (row, group) in groups.iter().enumerate().filter(|(row, _)| states.is_valid(*row)) {
            self.change(*group, |statistic| statistic.merge_bytes(states.value(row)))?;
        }
        Ok(())
    }

    /// The canonical bytes of the groups emitted: state and result alike.
    pub(super) fn emit(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let emitted = emit_to.take_needed(&mut self.statistics);
        self.heap_bytes -= emitted.iter().map(Encoded::heap_bytes).sum::<usize>();
        binary(self.aggregate, emitted.iter().map(Encoded::to_bytes))
    }

    pub(super) fn size(&self) -> usize {
        self.heap_bytes + self.statistics.capacity() * size_of::<S>()
    }
}

/// A column of encoded statistics.
///
/// Refuses more bytes than the 32-bit offsets of the column reach, where the builder would panic.
pub(super) fn binary(aggregate: &str, values: impl Iterator<Item = Vec<u8>>) -> Result<ArrayRef> {
    let mut builder = BinaryBuilder::new();
    let mut total = 0;
    for value in values {
        total += value.len();
        if total > i32::MAX as usize {
            return resources_err!(
                "{aggregate}: the statistics of all groups exceed 2 GiB; use fewer groups or variables"
            );
        }
        builder.append_value(value);
    }
    Ok(Arc::new(builder.finish()))
}
