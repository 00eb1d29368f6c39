//! The columns of an experiment's sources, found without reading their rows.

use std::sync::Arc;

use datafusion::datasource::empty::EmptyTable;

use crate::bindings::Bindings;
use crate::definition::{Experiment, Rows};
use crate::engine::open::{add_queries, ids};
use crate::engine::{DataFusion, Engine, Resources};
use crate::error::Error;
use crate::fault::Fault;
use crate::input;
use crate::plan::lower::Schemas;
use crate::project::Project;

/// The columns of every source that an experiment reads: enough to write its statements, too little to run them.
///
/// Of Parquet the footer of the first file is read, of text its beginning; SQL over other sources is planned over empty tables. Types that
/// follow from all values of a text file may differ from those of [`open`](super::open); names, ids and declared types do not.
///
/// # Errors
/// As [`open`](super::open), as far as it looks.
pub async fn outline(project: &Project, experiment: &Experiment, bindings: &Bindings) -> Result<Schemas, Error> {
    let names = project.sources_of(experiment);
    let mut engine = DataFusion::new(&Resources { threads: Some(1), ..Resources::default() })?;
    let mut faults: Vec<Fault> = Vec::new();
    for source in names.iter().filter_map(|name| project.source(name)) {
        if let Rows::Files(_) = source.rows {
            let options = input::Options { ids: ids(project, source), threads: Some(1), ..input::Options::default() };
            match input::outline(source, project.root(), &options) {
                Ok(outline) => engine.add_table(&source.name, Arc::new(EmptyTable::new(outline.schema)))?,
                Err(wrong) => {
                    faults.extend(wrong.into_vec().into_iter().map(|fault| project.placed(&source.name, fault)));
                }
            }
        }
    }
    if !faults.is_empty() {
        return Err(Error::Sources(faults));
    }
    add_queries(&mut engine, project, &names, bindings).await?;
    Ok(engine.schemas().clone())
}
