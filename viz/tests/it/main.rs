//! What every chart keeps, and what each looks like.

mod agreement;
mod bundle;
mod conformance;
mod hostile;
mod schema;
mod snapshot;
