//! The exact co-moments of several tuples of the same columns.

use std::ops::Range;
use std::sync::Arc;

use super::comoments::expect;
use super::encoding::{Reader, write_block};
use super::slicing::{PRODUCT_BLOCK, SHORT, Slices};
use super::{Error, ExactCoMoments, Rows, SufficientStatistic};

const TAG: u8 = 0x54;

/// Which columns belong together: the outcome of a metric with its covariates, the two parts of a ratio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tuples {
    columns: usize,
    tuples: Vec<Vec<usize>>,
    /// Per tuple: one that has all its columns and is within none itself, with their places there.
    within: Vec<Option<(usize, Vec<usize>)>>,
}

impl Tuples {
    /// Tuples of columns, each column by its number from 0.
    pub fn new(tuples: Vec<Vec<usize>>) -> Self {
        let covers = |whole: usize, part: usize| {
            let all = tuples[part].iter().all(|column| tuples[whole].contains(column));
            // Of tuples of the same columns, the first stands for the others.
            let same = || tuples[whole].iter().all(|column| tuples[part].contains(column));
            whole != part && all && (whole < part || !same())
        };
        let outermost: Vec<usize> =
            (0..tuples.len()).filter(|tuple| !(0..tuples.len()).any(|other| covers(other, *tuple))).collect();
        let place = |whole: usize, column: &usize| tuples[whole].iter().position(|other| other == column);
        let within = (0..tuples.len()).map(|tuple| {
            let whole = *outermost.iter().find(|whole| covers(**whole, tuple))?;
            let places: Option<Vec<usize>> = tuples[tuple].iter().map(|column| place(whole, column)).collect();
            Some((whole, places?))
        });
        let within = within.collect();
        let columns = tuples.iter().flatten().max().map_or(0, |last| last + 1);
        Tuples { columns, tuples, within }
    }

    /// The tuples `(0)`, `(0, 1)`, … `(0, …, k − 1)`.
    pub fn nested(k: usize) -> Self {
        Tuples::new((1..=k).map(|length| (0..length).collect()).collect())
    }

    /// The tuples by position, those together that share their work: one that is within no other, and all within it.
    pub fn families(&self) -> Vec<Vec<usize>> {
        let outermost = (0..self.len()).filter(|tuple| self.within[*tuple].is_none());
        let within = |whole: usize| {
            let of_whole =
                move |within: &Option<(usize, Vec<usize>)>| within.as_ref().is_some_and(|(of, _)| *of == whole);
            (0..self.len()).filter(move |tuple| of_whole(&self.within[*tuple]))
        };
        outermost.map(|whole| std::iter::once(whole).chain(within(whole)).collect()).collect()
    }

    /// How many columns there are.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// How many tuples there are.
    pub fn len(&self) -> usize {
        self.tuples.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tuples.is_empty()
    }
}

/// The values of one column.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    /// One per row; any number where there is none.
    pub values: &'a [f64],
    /// Whether a row has a value; `None` when all have.
    pub present: Option<&'a [bool]>,
}

impl<'a> Values<'a> {
    /// The rows of a range, without a mask where that leaves none out; no rows when the range is not there.
    #[must_use]
    pub fn part(&self, rows: Range<usize>) -> Values<'a> {
        let present = self.present.map(|present| present.get(rows.clone()).unwrap_or_default());
        let present = present.filter(|present| present.contains(&false));
        Values { values: self.values.get(rows).unwrap_or_default(), present }
    }
}

/// Memory for the work on a batch of rows, to be kept for the next.
#[derive(Clone, Default)]
pub struct Workspace {
    columns: Vec<Sliced>,
    /// Of a tuple some rows of which are incomplete: its columns without those rows.
    masked: Vec<(Sliced, [f64; PRODUCT_BLOCK])>,
}

/// A column of the block at hand.
#[derive(Clone)]
struct Sliced {
    slices: Slices,
    state: State,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Not yet read.
    Unread,
    Finite,
    NotFinite,
}

impl Sliced {
    const EMPTY: Sliced = Sliced { slices: Slices::EMPTY, state: State::Unread };

    /// Slices up the values, once per block; `false` when one is not finite.
    fn read(&mut self, values: &[f64]) -> bool {
        if self.state == State::Unread {
            self.state = if self.slices.fill(values) { State::Finite } else { State::NotFinite };
        }
        self.state == State::Finite
    }
}

/// [`ExactCoMoments`] of several tuples, read in one pass: each column is cut into slices once, whatever it is used for, and
/// a tuple whose columns are all part of another costs nothing as long as no row of the other is incomplete.
///
/// The result is that of one [`ExactCoMoments`] per tuple, to the last bit.
///
/// ```
/// use estimand_stats::suffstat::{TupleCoMoments, Tuples, Values, Workspace};
/// let mut statistic = TupleCoMoments::new(Tuples::new(vec![vec![0], vec![0, 1]]));
/// let outcome = Values { values: &[1.0, 2.0, 6.0], present: None };
/// let covariate = Values { values: &[1.0, 3.0, 0.0], present: Some(&[true, true, false]) };
/// statistic.push(&[outcome, covariate], &mut Workspace::default())?;
/// let counts: Vec<u64> = statistic.tuples().iter().map(|moments| moments.n()).collect();
/// assert_eq!(counts, [3, 2]);
/// # Ok::<(), estimand_stats::suffstat::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TupleCoMoments {
    tuples: Arc<Tuples>,
    /// Per tuple: the rows that were read for it.
    own: Vec<ExactCoMoments>,
    /// Per tuple: the rows that were read for it and for all tuples within it.
    shared: Vec<ExactCoMoments>,
}

impl TupleCoMoments {
    /// Co-moments of no rows.
    pub fn new(tuples: impl Into<Arc<Tuples>>) -> Self {
        let tuples = tuples.into();
        let empty: Vec<ExactCoMoments> = tuples.tuples.iter().map(|tuple| ExactCoMoments::new(tuple.len())).collect();
        TupleCoMoments { tuples, own: empty.clone(), shared: empty }
    }

    /// Adds rows, given by column.
    ///
    /// - **Errors** with [`Error::Shape`] when a column is missing or its length differs; nothing is added then.
    pub fn push(&mut self, columns: &[Values<'_>], workspace: &mut Workspace) -> Result<(), Error> {
        expect("columns", self.tuples.columns, columns.len())?;
        let height = columns.first().map_or(0, |column| column.values.len());
        for column in columns {
            expect("rows of a column", height, column.values.len())?;
            expect("rows of a column", height, column.present.map_or(height, <[bool]>::len))?;
        }
        if height < SHORT {
            return self.push_rows(columns);
        }
        workspace.columns.resize(self.tuples.columns.max(workspace.columns.len()), Sliced::EMPTY);
        for start in (0..height).step_by(PRODUCT_BLOCK) {
            let end = height.min(start + PRODUCT_BLOCK);
            let block = columns.iter().map(|column| column.part(start..end));
            self.push_block(&block.collect::<Vec<_>>(), workspace)?;
        }
        Ok(())
    }

    /// Adds a few rows one by one.
    fn push_rows(&mut self, columns: &[Values<'_>]) -> Result<(), Error> {
        let tuples = Arc::clone(&self.tuples);
        tuples.tuples.iter().zip(&mut self.own).try_for_each(|(tuple, own)| push_rows(own, tuple, columns))
    }

    /// Adds a block of rows, without a mask where all values are there.
    fn push_block(&mut self, columns: &[Values<'_>], workspace: &mut Workspace) -> Result<(), Error> {
        let rows = columns.first().map_or(0, |column| column.values.len());
        let tuples = Arc::clone(&self.tuples);
        let complete = |tuple: usize| tuples.tuples[tuple].iter().all(|column| columns[*column].present.is_none());
        workspace.columns.iter_mut().for_each(|column| column.state = State::Unread);
        for (index, tuple) in tuples.tuples.iter().enumerate() {
            if !complete(index) {
                push_masked(&mut self.own[index], tuple, columns, &mut workspace.masked)?;
                continue;
            }
            let mut finite =
                |tuple: &[usize]| tuple.iter().all(|column| workspace.columns[*column].read(columns[*column].values));
            let into = match &tuples.within[index] {
                Some((whole, _)) if complete(*whole) && finite(&tuples.tuples[*whole]) => continue,
                Some(_) => &mut self.own[index],
                None => &mut self.shared[index],
            };
            if finite(tuple) {
                let of_place = |place: usize| (&workspace.columns[tuple[place]].slices, columns[tuple[place]].values);
                into.add_block(rows, of_place)?;
            } else {
                push_rows(&mut self.own[index], tuple, columns)?;
            }
        }
        Ok(())
    }

    /// The co-moments of each tuple.
    pub fn tuples(&self) -> Vec<ExactCoMoments> {
        let all = self.own.iter().enumerate().map(|(tuple, own)| {
            let mut all = own.clone();
            let rest = match &self.tuples.within[tuple] {
                Some((whole, places)) => self.shared[*whole].restricted(places),
                None => self.shared[tuple].clone(),
            };
            // Both have the variables of the tuple, and together the rows that were pushed: fewer than 2⁶⁴.
            let merged = all.merge(&rest);
            debug_assert!(merged.is_ok());
            all
        });
        all.collect()
    }

    /// Adds the rows of another part of the same sample.
    ///
    /// - **Errors** with [`Error::Shape`] when it has other tuples, [`Error::Overflow`] past 2⁶⁴ rows.
    pub fn merge(&mut self, parts: &[ExactCoMoments]) -> Result<(), Error> {
        expect("tuples", self.own.len(), parts.len())?;
        self.own.iter_mut().zip(parts).try_for_each(|(own, part)| own.merge(part))
    }

    /// Bytes held on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.own.iter().chain(&self.shared).map(|one| size_of::<ExactCoMoments>() + one.heap_bytes()).sum()
    }

    /// The canonical bytes: those of each tuple's co-moments, one after another.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![TAG];
        // As with the variables of one tuple: no statistic of so many could have been made.
        bytes.extend_from_slice(&(self.own.len() as u16).to_le_bytes());
        self.tuples().iter().for_each(|tuple| write_block(&mut bytes, &tuple.encode()));
        bytes
    }

    /// Reads what [`encode`](TupleCoMoments::encode) wrote: the co-moments of each tuple.
    ///
    /// - **Errors** with [`Error::Encoding`] on any bytes that `encode` cannot have written.
    pub fn decode(bytes: &[u8]) -> Result<Vec<ExactCoMoments>, Error> {
        let mut reader = Reader::new("co-moments of tuples", TAG, bytes)?;
        let count = reader.u16("the number of tuples")?;
        let tuples =
            (0..count).map(|_| ExactCoMoments::decode(reader.block("a tuple")?)).collect::<Result<Vec<_>, _>>()?;
        reader.finish()?;
        Ok(tuples)
    }
}

/// Which rows have a value in every column of a tuple. The others are recorded as left out.
fn complete_rows(
    into: &mut ExactCoMoments,
    tuple: &[usize],
    columns: &[Values<'_>],
    rows: usize,
) -> Result<Vec<bool>, Error> {
    let mut complete = vec![true; rows];
    let mut missing = Vec::with_capacity(tuple.len());
    for column in tuple {
        let present = columns[*column].present.unwrap_or_default();
        complete.iter_mut().zip(present).for_each(|(complete, present)| *complete &= present);
        missing.push(absent(present));
    }
    into.record_missing(absent(&complete), &missing)?;
    Ok(complete)
}

fn absent(present: &[bool]) -> u64 {
    present.iter().map(|present| u64::from(!*present)).sum()
}

/// Adds the rows of a tuple one by one.
fn push_rows(into: &mut ExactCoMoments, tuple: &[usize], columns: &[Values<'_>]) -> Result<(), Error> {
    let rows = columns.first().map_or(0, |column| column.values.len());
    let complete = complete_rows(into, tuple, columns, rows)?;
    let mut row = vec![0.0; tuple.len()];
    for position in (0..rows).filter(|position| complete[*position]) {
        row.iter_mut().zip(tuple).for_each(|(value, column)| *value = columns[*column].values[position]);
        into.add_row(&row)?;
    }
    Ok(())
}

/// Adds a block of rows of a tuple, some of which are incomplete: zeros in their place add nothing to any sum.
fn push_masked(
    into: &mut ExactCoMoments,
    tuple: &[usize],
    columns: &[Values<'_>],
    masked: &mut Vec<(Sliced, [f64; PRODUCT_BLOCK])>,
) -> Result<(), Error> {
    let rows = columns.first().map_or(0, |column| column.values.len());
    if masked.len() < tuple.len() {
        masked.resize(tuple.len(), (Sliced::EMPTY, [0.0; PRODUCT_BLOCK]));
    }
    let complete = complete_rows(into, tuple, columns, rows)?;
    let mut finite = true;
    for ((sliced, kept), column) in masked.iter_mut().zip(tuple) {
        let values = columns[*column].values.iter().zip(&complete);
        kept.iter_mut().zip(values).for_each(|(kept, (value, complete))| *kept = if *complete { *value } else { 0.0 });
        finite &= sliced.slices.fill(&kept[..rows]);
    }
    if finite {
        let counted = rows - absent(&complete) as usize;
        return into.add_block(counted, |place| (&masked[place].0.slices, &masked[place].1[..rows]));
    }
    let chosen: Vec<&[f64]> = tuple.iter().map(|column| columns[*column].values).collect();
    into.push_columns(&chosen, Rows::Mask(&complete))
}

impl SufficientStatistic for TupleCoMoments {
    fn name(&self) -> &'static str {
        "tuple_comoments"
    }

    fn arity(&self) -> usize {
        self.tuples.columns
    }

    fn observe(&mut self, columns: &[&[f64]]) -> Result<(), Error> {
        let columns: Vec<Values<'_>> = columns.iter().map(|values| Values { values, present: None }).collect();
        self.push(&columns, &mut Workspace::default())
    }

    fn absorb(&mut self, encoded: &[u8]) -> Result<(), Error> {
        self.merge(&TupleCoMoments::decode(encoded)?)
    }

    fn encode(&self) -> Vec<u8> {
        TupleCoMoments::encode(self)
    }
}
