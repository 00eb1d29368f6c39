//! The exact, mergeable form of co-moments.

use super::comoments::{expect, pair, pairs};
use super::dyadic::Dyadic;
use super::encoding::{Reader, write_block};
use super::slicing::{PRODUCT_BLOCK, SHORT, Slices};
use super::{CoMoments, Error, ExactSum, SufficientStatistic};

const TAG: u8 = 0x43;

/// Which rows of some columns are meant.
#[derive(Debug, Clone, Copy)]
pub enum Rows<'a> {
    /// Every row.
    All,
    /// The rows where the mask is true; one entry per row.
    Mask(&'a [bool]),
    /// The rows at these positions, each as often as it is named.
    At(&'a [u32]),
}

/// Sums and sums of products of k variables without any rounding: `n`, `Σxᵢ` and `Σxᵢxⱼ` for all `i ≤ j`.
///
/// A row counts only when all its values are finite. Rows left out because a value was missing are counted by the caller
/// through [`record_missing`](ExactCoMoments::record_missing), so that both counts travel with the sums.
///
/// - **Needs** one row per unit.
/// - **Gives** [`finish`](ExactCoMoments::finish): [`CoMoments`], every entry correctly rounded.
///
/// ```
/// use estimand_stats::suffstat::{ExactCoMoments, Rows};
/// let mut exact = ExactCoMoments::new(2);
/// exact.push_columns(&[&[1e15 + 1.0, 1e15 + 2.0, 1e15 + 3.0], &[1.0, 2.0, 4.0]], Rows::All)?;
/// assert_eq!(exact.finish()?.covariance(0, 1), Some(1.5));
/// # Ok::<(), estimand_stats::suffstat::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExactCoMoments {
    n: u64,
    dropped: u64,
    missing: Vec<u64>,
    sums: Vec<ExactSum>,
    products: Vec<ExactSum>,
}

impl ExactCoMoments {
    /// Co-moments of `k` variables and no rows.
    pub fn new(k: usize) -> Self {
        ExactCoMoments {
            n: 0,
            dropped: 0,
            missing: vec![0; k],
            sums: vec![ExactSum::new(); k],
            products: vec![ExactSum::new(); pairs(k)],
        }
    }

    /// Of one variable, from its count, its sum and the sum of its squares.
    pub(super) fn of_one(n: u64, sum: ExactSum, squares: ExactSum) -> Self {
        ExactCoMoments { n, dropped: 0, missing: vec![0], sums: vec![sum], products: vec![squares] }
    }

    /// How many variables.
    pub fn k(&self) -> usize {
        self.sums.len()
    }

    /// How many rows were counted.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// How many rows were left out because some variable was missing.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// How many rows miss each variable. A row that misses two counts in both.
    pub fn missing(&self) -> &[u64] {
        &self.missing
    }

    /// How many values of variable `i` were infinite or not a number; such rows are not counted in `n`.
    pub fn non_finite(&self, i: usize) -> u64 {
        self.sums.get(i).map_or(0, ExactSum::non_finite)
    }

    /// Records rows that were left out: how many in all, and how many of them miss each variable.
    ///
    /// - **Errors** with [`Error::Shape`] unless there is one count per variable, [`Error::Overflow`] past 2⁶⁴ rows.
    pub fn record_missing(&mut self, dropped: u64, missing: &[u64]) -> Result<(), Error> {
        expect("counts of missing values", self.k(), missing.len())?;
        self.dropped = counted(self.dropped, dropped)?;
        for (all, new) in self.missing.iter_mut().zip(missing) {
            *all = counted(*all, *new)?;
        }
        Ok(())
    }

    /// Adds one row, a value per variable.
    ///
    /// - **Errors** with [`Error::Shape`] unless there is one value per variable.
    pub fn push_row(&mut self, row: &[f64]) -> Result<(), Error> {
        expect("values of a row", self.k(), row.len())?;
        self.add_row(row)
    }

    /// Adds the chosen rows of k columns of equal length.
    ///
    /// - **Errors** with [`Error::Shape`] when columns, mask or positions do not fit; nothing is added then.
    pub fn push_columns(&mut self, columns: &[&[f64]], rows: Rows<'_>) -> Result<(), Error> {
        expect("columns", self.k(), columns.len())?;
        let height = columns.first().map_or(0, |column| column.len());
        for column in columns {
            expect("rows of a column", height, column.len())?;
        }
        let chosen: Vec<Vec<f64>> = match rows {
            Rows::All => return self.add_rows(columns, height),
            Rows::Mask(mask) => {
                expect("entries of the mask", height, mask.len())?;
                let keep =
                    |column: &&[f64]| column.iter().zip(mask).filter(|(_, keep)| **keep).map(|(x, _)| *x).collect();
                columns.iter().map(keep).collect()
            }
            Rows::At(positions) => {
                if let Some(beyond) = positions.iter().find(|position| **position as usize >= height) {
                    return Err(Error::Shape {
                        what: "rows a position may name",
                        expected: height,
                        got: *beyond as usize,
                    });
                }
                let take = |column: &&[f64]| positions.iter().map(|position| column[*position as usize]).collect();
                columns.iter().map(take).collect()
            }
        };
        let chosen: Vec<&[f64]> = chosen.iter().map(Vec::as_slice).collect();
        self.add_rows(&chosen, chosen.first().map_or(0, |column| column.len()))
    }

    /// Adds the rows of another part of the same sample. Exact: order and grouping of merges do not matter.
    ///
    /// - **Errors** with [`Error::Shape`] when the other part has another number of variables, [`Error::Overflow`] past 2⁶⁴ rows.
    pub fn merge(&mut self, other: &ExactCoMoments) -> Result<(), Error> {
        expect("variables", self.k(), other.k())?;
        self.record_missing(other.dropped, &other.missing)?;
        self.n = counted(self.n, other.n)?;
        let own = self.sums.iter_mut().chain(&mut self.products);
        own.zip(other.sums.iter().chain(&other.products)).for_each(|(sum, part)| sum.merge(part));
        Ok(())
    }

    /// Rounds once: means and centred cross products.
    ///
    /// `mean(i) = Σxᵢ/n`, `centred(i, j) = (n·Σxᵢxⱼ − Σxᵢ·Σxⱼ)/n`, each computed as an exact fraction and rounded to nearest.
    ///
    /// - **Errors** with [`Error::NonFinite`] naming the first variable concerned, [`Error::Empty`] without rows,
    ///   [`Error::Overflow`] when a cross product leaves the range of doubles.
    pub fn finish(&self) -> Result<CoMoments, Error> {
        for (variable, sum) in self.sums.iter().enumerate() {
            if sum.non_finite() > 0 {
                return Err(Error::NonFinite { variable, count: sum.non_finite() });
            }
        }
        if self.n == 0 {
            return Err(Error::Empty);
        }
        let sums: Vec<Dyadic> = self.sums.iter().map(Dyadic::from).collect();
        let mean: Vec<f64> = sums.iter().map(|sum| sum.divided_by(self.n)).collect();
        let rest =
            sums.iter().zip(&mean).map(|(sum, mean)| sum.minus(&Dyadic::from(*mean).scaled(self.n)).divided_by(self.n));
        let rest = rest.collect();
        let mut cross = Vec::with_capacity(self.products.len());
        for j in 0..self.k() {
            for i in 0..=j {
                let raw = Dyadic::from(&self.products[pair(i, j)]).scaled(self.n);
                let centred = raw.minus(&sums[i].times(&sums[j])).divided_by(self.n);
                if centred.is_infinite() {
                    return Err(Error::Overflow { what: format!("the centred product of variables {i} and {j}") });
                }
                cross.push(centred);
            }
        }
        Ok(CoMoments { n: self.n, mean, rest, cross })
    }

    /// Bytes held on the heap.
    pub fn heap_bytes(&self) -> usize {
        let sums = self.sums.iter().chain(&self.products);
        sums.map(|sum| size_of::<ExactSum>() + sum.heap_bytes()).sum::<usize>() + size_of_val(self.missing.as_slice())
    }

    /// The canonical bytes: equal sums and counts give equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![TAG];
        // More than 65,535 variables would need 2 billion products: such a statistic cannot have been made.
        bytes.extend_from_slice(&(self.k() as u16).to_le_bytes());
        for count in [self.n, self.dropped].iter().chain(&self.missing) {
            bytes.extend_from_slice(&count.to_le_bytes());
        }
        self.sums.iter().chain(&self.products).for_each(|sum| write_block(&mut bytes, &sum.encode()));
        bytes
    }

    /// Reads what [`encode`](ExactCoMoments::encode) wrote.
    ///
    /// - **Errors** with [`Error::Encoding`] on any bytes that `encode` cannot have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new("co-moments", TAG, bytes)?;
        let k = usize::from(reader.u16("the number of variables")?);
        let (n, dropped) = (reader.u64("the count of rows")?, reader.u64("the count of dropped rows")?);
        let missing = (0..k).map(|_| reader.u64("a count of missing values")).collect::<Result<Vec<_>, _>>()?;
        let mut sums = Vec::new();
        for _ in 0..k + pairs(k) {
            sums.push(ExactSum::decode(reader.block("a sum")?)?);
        }
        let products = sums.split_off(k);
        if products.iter().any(|sum| sum.non_finite() > 0) {
            return Err(reader.refuse("a product counts non-finite values, which only a variable may"));
        }
        reader.finish()?;
        Ok(ExactCoMoments { n, dropped, missing, sums, products })
    }

    fn add_rows(&mut self, columns: &[&[f64]], height: usize) -> Result<(), Error> {
        let mut row = vec![0.0; columns.len()];
        let mut by_row = |exact: &mut Self, rows: std::ops::Range<usize>| {
            for position in rows {
                row.iter_mut().zip(columns).for_each(|(value, column)| *value = column[position]);
                exact.add_row(&row)?;
            }
            Ok(())
        };
        if height < SHORT {
            return by_row(self, 0..height);
        }
        let mut slices = vec![Slices::EMPTY; columns.len()];
        for start in (0..height).step_by(PRODUCT_BLOCK) {
            let end = height.min(start + PRODUCT_BLOCK);
            let finite = slices.iter_mut().zip(columns).all(|(slices, column)| slices.fill(&column[start..end]));
            if !finite {
                by_row(self, start..end)?;
                continue;
            }
            self.add_block(end - start, |variable| (&slices[variable], &columns[variable][start..end]))?;
        }
        Ok(())
    }

    /// Adds a block of rows, of each variable its finite values and the same as slices. Values past the rows that count are zeros.
    pub(super) fn add_block<'a>(
        &mut self,
        rows: usize,
        of_place: impl Fn(usize) -> (&'a Slices, &'a [f64]),
    ) -> Result<(), Error> {
        self.n = counted(self.n, rows as u64)?;
        for j in 0..self.k() {
            let ((right, y), sum) = (of_place(j), &mut self.sums[j]);
            match right.is_exact() {
                true => sum.add_scaled(right.sum()),
                false => y.iter().for_each(|value| sum.add(*value)),
            }
            for i in 0..=j {
                let ((left, x), product) = (of_place(i), &mut self.products[pair(i, j)]);
                if !(left.is_exact() && right.is_exact()) {
                    x.iter().zip(y).for_each(|(x, y)| product.add_product(*x, *y));
                } else if i == j {
                    right.squares().for_each(|part| product.add_scaled(part));
                } else {
                    left.products(right).for_each(|part| product.add_scaled(part));
                }
            }
        }
        Ok(())
    }

    /// The same rows, of the variables at these places only.
    ///
    /// - **Needs** that no row was left out, since a row may be complete in fewer variables.
    pub(super) fn restricted(&self, places: &[usize]) -> Self {
        let mut products = Vec::with_capacity(pairs(places.len()));
        for (j, right) in places.iter().enumerate() {
            products.extend(places[..=j].iter().map(|left| self.products[pair(*left, *right)].clone()));
        }
        ExactCoMoments {
            n: self.n,
            dropped: 0,
            missing: vec![0; places.len()],
            sums: places.iter().map(|place| self.sums[*place].clone()).collect(),
            products,
        }
    }

    pub(super) fn add_row(&mut self, row: &[f64]) -> Result<(), Error> {
        if row.iter().all(|value| value.is_finite()) {
            self.n = counted(self.n, 1)?;
            for (j, y) in row.iter().enumerate() {
                self.sums[j].add(*y);
                row[..=j].iter().enumerate().for_each(|(i, x)| self.products[pair(i, j)].add_product(*x, *y));
            }
        } else {
            // Adding to the sums only what is not finite counts it and leaves the sums as they are.
            let odd = self.sums.iter_mut().zip(row).filter(|(_, value)| !value.is_finite());
            odd.for_each(|(sum, value)| sum.add(*value));
        }
        Ok(())
    }
}

/// Adds to a count of rows, refusing to wrap.
fn counted(rows: u64, more: u64) -> Result<u64, Error> {
    rows.checked_add(more).ok_or_else(|| Error::Overflow { what: "the count of rows".to_owned() })
}

impl SufficientStatistic for ExactCoMoments {
    fn name(&self) -> &'static str {
        "exact_comoments"
    }

    fn arity(&self) -> usize {
        self.k()
    }

    fn observe(&mut self, columns: &[&[f64]]) -> Result<(), Error> {
        self.push_columns(columns, Rows::All)
    }

    fn absorb(&mut self, encoded: &[u8]) -> Result<(), Error> {
        self.merge(&ExactCoMoments::decode(encoded)?)
    }

    fn encode(&self) -> Vec<u8> {
        ExactCoMoments::encode(self)
    }
}
