//! Engines: where statements run.
//!
//! An engine takes statements in its dialect and gives record batches. Adding one adds one file.

mod datafusion;
mod kept;
mod open;
mod outline;
mod query_source;
mod text_code;
mod utc;

use arrow::record_batch::RecordBatch;
use futures::future::BoxFuture;

pub use self::datafusion::{DataFusion, Resources};
pub(crate) use self::datafusion::{named, only_queries};
pub(crate) use kept::nullable;
pub use open::{MOST_ARMS, Opened, open, rows_of, values_of};
pub use outline::outline;
pub(crate) use utc::{IN_NANOSECONDS, LOCAL_IN_UTC};

use crate::error::Error;
use crate::plan::lower::{Schemas, Step};

/// Something that runs the steps of a plan.
pub trait Engine: Send + Sync {
    /// Its name in project files and in the run record.
    fn name(&self) -> &'static str;

    /// The columns of every source it was opened with.
    fn schemas(&self) -> &Schemas;

    /// The embedded engine, when this is it: the native operator reads its sources without statements.
    fn embedded(&self) -> Option<&DataFusion> {
        None
    }

    /// Runs a step and makes its answer readable under the step's name.
    ///
    /// # Errors
    /// [`Error::Memory`], [`Error::Data`] or [`Error::Engine`], each with the step.
    fn keep<'a>(&'a self, step: &'a Step) -> BoxFuture<'a, Result<(), Error>>;

    /// Runs a step and gives its rows, in no order that a caller may rely on.
    ///
    /// # Errors
    /// As [`Engine::keep`].
    fn read<'a>(&'a self, step: &'a Step) -> BoxFuture<'a, Result<Vec<RecordBatch>, Error>>;
}
