//! Sources in files: from a path to a table whose types are known and whose rows are checked.
//!
//! What a reading promises, beyond what the readers of the formats do:
//! - **Every row is there.** Text is read once, strictly, before any row is used, and the number of rows that a query
//!   reads is compared with the number that was counted, at any number of threads.
//! - **Ids stay apart.** A key column has its declared type, text unless declared: `007` is not `7`, `1e5` is not
//!   `100000`.
//! - **Types come from all values**, never from a sample, and the value that made a column text is known by its line.
//! - **Times are times.** The clock of a source is given as a date or a timestamp, whatever the files hold.
//! - **Broken files are named.** A file that is damaged, or that changes while it is read, fails the run by its name.
//!
//! The flow: find the files, check and type each (`csv_scan`, `ndjson_scan`, `parquet`), make one table of them
//! (`text_table`, `parquet_table`), cut it into pieces that threads share (`piece`), leave out those that a query
//! has no use for (`pruning`), and give the rest to the engine (`provider`). [`open`] does all of it.

mod boundary;
mod clock;
mod column;
mod csv_scan;
mod files;
mod fingerprint;
mod ndjson_scan;
mod pages;
mod parquet;
mod parquet_table;
mod piece;
mod provider;
mod pruning;
mod row_group;
mod table;
mod text;
mod text_table;
mod value;

pub use column::{Column, Seen, Sighting};
pub use files::{DataFile, MOST_FILES};
pub use fingerprint::{FilePrint, Fingerprint, Hashed};
pub use piece::Batches;
pub(crate) use piece::{Pieces, Stretch};
pub(crate) use provider::SourceTable;
pub(crate) use pruning::kept;
pub use table::{Input, Options, Outline, Unread, open, outline};
pub use value::Class;
