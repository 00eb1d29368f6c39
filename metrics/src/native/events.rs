//! Experiments whose units have ids: assignments, events and tables of units, each source read once.
//!
//! ```text
//! assignments ─▶ roster of units ─▶ trigger ─▶ census
//!                      │
//! each source ─▶ rows by partition ─▶ values of each unit ─▶ derived columns, limits, statistics
//! ```
//!
//! What the data may not hold is refused here without a name; the statements then say where.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use arrow::buffer::NullBuffer;
use estimand_stats::suffstat::Values;
use estimand_stats::unit_aggregation::finish::{Finish, Finished, Making, UnitBlock, Worker};
use estimand_stats::unit_aggregation::{
    self as kernel, AssignmentBatch, Cells, Condition, Enrolling, Evaluator, EventBatch, Key, Room, Roster, Rows,
    State, Terms, TriggerBatch, UnitColumns,
};

use super::STEP;
use super::asked::{AskedDimensions, AskedTrigger, Compiled, Questions};
use super::cells::{Form as Lane, Truth, Words, ticks};
use super::coding::{ArmCodes, MISSING, OwnCodes, TextCodes, UNDECLARED};
use super::finishing;
use super::ids::{self, Ids, ReadIds, TakeIds};
use super::instants::{Days, Ticks};
use super::node::{Output, Setting};
use super::reading::{Prepared, Reading, Within};
use super::unit_table::{Units, Wording};
use super::workers::{Ended, share};
use crate::collect::{CensusRow, MISSING_GROUP, MOST_SEGMENTS};
use crate::engine::DataFusion;
use crate::error::Error;
use crate::expression::AggregateFunction;
use crate::native::Aggregated;
use crate::plan::lower::{KeyForm, UnitState};
use crate::plan::{Enrolment, Grouping, UnitAggregation, UnitColumn};

impl From<kernel::Error> for Ended {
    fn from(error: kernel::Error) -> Self {
        match error {
            kernel::Error::Cancelled => Self::Stopped,
            kernel::Error::Disk(_) => Self::Failed(Error::Data { step: STEP.to_owned(), message: error.to_string() }),
            kernel::Error::Memory { .. } => {
                Self::Memory(Error::Memory { step: STEP.to_owned(), message: error.to_string() })
            }
            _ => Self::Refused,
        }
    }
}

/// The code of no text, in the operator.
const NO_CODE: u32 = u32::MAX;

/// A value that cannot be read as it must be: a statement will say which.
fn refused(_: arrow::error::ArrowError) -> Ended {
    Ended::Refused
}

/// An experiment whose sources are ready to be read.
pub(super) struct Job {
    compiled: Compiled,
    assignments: Reading,
    described: Vec<Reading>,
    trigger: Option<Reading>,
    outcomes: Vec<Reading>,
    /// The ids of assignments once more, where their texts are wanted.
    names: Option<Reading>,
}

impl Job {
    /// Prepares the reading of every source, with the texts of ids if they are wanted.
    pub(super) async fn of(
        engine: &DataFusion,
        compiled: Compiled,
        questions: &Questions,
        with_ids: bool,
    ) -> Result<Self, Error> {
        let enrolment = &compiled.specification.enrolment;
        let assignments = Reading::of(engine, &enrolment.source, &questions.assignments, &questions.enrolled).await?;
        let mut described = Vec::with_capacity(compiled.described.len());
        for (asked, wanted) in compiled.described.iter().zip(&questions.described) {
            described.push(Reading::of(engine, &asked.source, wanted, &[]).await?);
        }
        let trigger = match &compiled.trigger {
            Some(asked) => Some(Reading::of(engine, &asked.source, &questions.trigger, &questions.triggers).await?),
            None => None,
        };
        let mut outcomes = Vec::with_capacity(compiled.outcomes.len());
        for (asked, (wanted, within)) in compiled.outcomes.iter().zip(&questions.outcomes) {
            outcomes.push(
                Reading::of(engine, &asked.source, wanted, &within.as_ref().map_or_else(Vec::new, Within::conditions))
                    .await?,
            );
        }
        let id = compiled.assignments.id;
        let names = match questions.assignments.get(id) {
            Some(id) if with_ids && compiled.key == KeyForm::Text => {
                Some(Reading::of(engine, &enrolment.source, std::slice::from_ref(id), &questions.enrolled).await?)
            }
            _ => None,
        };
        Ok(Self { compiled, assignments, described, trigger, outcomes, names })
    }

    /// What is read, in order.
    pub(super) fn each(&self) -> impl Iterator<Item = &Reading> {
        let first = std::iter::once(&self.assignments).chain(&self.described).chain(&self.trigger);
        first.chain(&self.outcomes).chain(&self.names)
    }

    /// Reads the sources, gives the statistics, and hands over the rows of units where they are wanted; blocking.
    pub(super) fn run(&self, setting: &Setting) -> Result<Aggregated, Ended> {
        match self.compiled.key {
            KeyForm::Integer => Operator::<ids::Numbers>::run(self, setting),
            KeyForm::Text => Operator::<ids::Words>::run(self, setting),
        }
    }
}

struct Operator<'a, I> {
    job: &'a Job,
    compiled: &'a Compiled,
    setting: &'a Setting,
    room: &'a dyn Room,
    ticks: Ticks,
    days: Days,
    /// The texts of each dimension, in the order of the specification.
    dimensions: Vec<TextCodes>,
    /// The place of each dimension of the specification among those of the roster.
    places: Vec<usize>,
    ids: PhantomData<I>,
}

impl<'a, I: Ids> Operator<'a, I> {
    fn run(job: &'a Job, setting: &'a Setting) -> Result<Aggregated, Ended> {
        let compiled = &job.compiled;
        let enrolment = &compiled.specification.enrolment;
        let operator = Self {
            job,
            compiled,
            setting,
            room: &setting.room,
            ticks: Ticks { tick: compiled.tick, now: enrolment.as_of.map(|at| Ticks::instant(compiled.tick, at)) },
            days: Days::new(compiled.tick, &enrolment.zone),
            dimensions: enrolment.dimensions.iter().map(|_| TextCodes::default()).collect(),
            places: compiled.places(),
            ids: PhantomData,
        };
        let mut roster = operator.enrol()?;
        for (asked, reading) in compiled.described.iter().zip(&job.described) {
            operator.describe(asked, reading, &mut roster)?;
        }
        if let (Some(asked), Some(reading)) = (&compiled.trigger, &job.trigger) {
            operator.trigger(asked, reading, &mut roster)?;
        }
        let (census, first_day) = operator.census(&roster);
        let census_by = operator.census_by(&roster);
        roster.close();
        let rows = operator.scatter(&roster)?;
        let finish = Finish::new(finishing::finishing(&compiled.specification), compiled.arms.len())?;
        let workers = operator.statistics(&roster, &rows, &finish, first_day)?;
        let finished = match &setting.output {
            None => {
                drop(rows);
                finish.conclude(workers)?
            }
            Some(output) => {
                let finished = finish.conclude(workers)?;
                operator.give(&roster, &rows, (&finish, &finished), output)?;
                finished
            }
        };
        Ok(operator.aggregated(census, census_by, &finished, first_day))
    }

    /// Reads a source on all threads.
    fn read<S: Send>(
        &self,
        reading: &Reading,
        begin: impl Fn() -> S + Sync,
        work: impl Fn(&mut S, &Prepared) -> Result<(), Ended> + Sync,
    ) -> Result<Vec<S>, Ended> {
        let read = share(self.setting.threads, reading.pieces(), begin, |state, piece| {
            reading.read(piece, &mut |prepared| {
                if self.room.cancelled() {
                    return Err(Ended::Stopped);
                }
                self.setting.tally.add(prepared.rows);
                work(state, prepared)
            })
        });
        self.setting.tally.next();
        read
    }

    fn enrol(&self) -> Result<Roster<I::Key>, Ended> {
        let enrolment = &self.compiled.specification.enrolment;
        let asked = &self.compiled.assignments;
        let instant = |at: jiff::Timestamp| Ticks::instant(self.compiled.tick, at);
        let enrolling = Enrolling::<I::Key>::new(Terms {
            arms: self.compiled.arms.len(),
            timed: asked.at.is_some(),
            start: enrolment.start.filter(|_| asked.at.is_some()).map(instant),
            end: enrolment.end.filter(|_| asked.at.is_some()).map(instant),
            dimensions: asked.dimensions.len(),
            rows: self.job.assignments.rows(),
        })?;
        let arms = ArmCodes::of(&Enrolment { arms: self.compiled.arms.clone(), ..enrolment.clone() });
        let order = |own: usize, one: u32, other: u32| self.dimensions[asked.dimensions[own].0].compare(one, other);
        let begin = || (enrolling.enroller(&order, self.room), own_codes(&asked.dimensions));
        let hands = self.read(&self.job.assignments, begin, |(enroller, own_codes), prepared| {
            let at = asked.at.map(|place| ticks(&prepared.columns[place])).transpose().map_err(refused)?;
            let at = at.as_ref().map(|(at, nulls)| (&at[..], nulls.as_ref()));
            let kept = self.kept(prepared, asked.filter, at)?;
            let mut numbers = Vec::new();
            arms.codes(&prepared.columns[asked.arm], &mut numbers).map_err(refused)?;
            let counts = |row: usize| kept.as_ref().is_none_or(|kept| kept[row]);
            if numbers.iter().enumerate().any(|(row, arm)| *arm == UNDECLARED && counts(row)) {
                return Err(Ended::Refused);
            }
            let dimensions = self.codes(&asked.dimensions, own_codes, prepared)?;
            enroller.push(&AssignmentBatch {
                ids: I::of(&prepared.columns[asked.id]),
                at,
                arms: &numbers,
                dimensions: &dimensions,
                kept: kept.as_deref(),
            })?;
            Ok(())
        })?;
        hands.into_iter().try_for_each(|(enroller, _)| enroller.finish())?;
        let roster = enrolling.finish(self.room, self.setting.threads)?;
        let as_it_is = |value: &UnitColumn| {
            self.compiled.specification.is_in_enrolment(value) && value.aggregation.function == AggregateFunction::Row
        };
        if self.compiled.specification.values.iter().any(as_it_is) && roster.has_repeated() {
            return Err(Ended::Refused);
        }
        Ok(roster)
    }

    /// Which rows pass a filter and lie before the as-of instant; all when neither leaves one out.
    fn kept(
        &self,
        prepared: &Prepared,
        filter: Option<usize>,
        at: Option<(&[i64], Option<&NullBuffer>)>,
    ) -> Result<Option<Vec<bool>>, Ended> {
        let truth = |place: usize| Truth::of(&prepared.columns[place]).ok_or(Ended::Refused);
        let mut kept = filter.map(truth).transpose()?.map(|truth| truth.each());
        if let (Some((at, nulls)), Some(now)) = (at, self.ticks.now) {
            let kept = kept.get_or_insert_with(|| vec![true; prepared.rows]);
            for (row, kept) in kept.iter_mut().enumerate() {
                *kept &= at[row] < now || nulls.is_some_and(|nulls| nulls.is_null(row));
            }
        }
        Ok(kept)
    }

    /// The codes of the dimensions that a source gives.
    fn codes(
        &self,
        dimensions: &[(usize, usize)],
        own_codes: &mut [OwnCodes],
        prepared: &Prepared,
    ) -> Result<Vec<Vec<u32>>, Ended> {
        let of = |((at, place), own): (&(usize, usize), &mut OwnCodes)| {
            let (all, mut codes) = (&self.dimensions[*at], Vec::new());
            own.codes(all, &prepared.columns[*place], &mut codes).map_err(refused)?;
            if all.len() > MOST_SEGMENTS {
                return Err(Ended::Refused);
            }
            codes.iter_mut().filter(|code| **code == MISSING).for_each(|code| *code = NO_CODE);
            Ok(codes)
        };
        dimensions.iter().zip(own_codes).map(of).collect()
    }

    fn describe(&self, asked: &AskedDimensions, reading: &Reading, roster: &mut Roster<I::Key>) -> Result<(), Ended> {
        roster.describe(asked.dimensions.len(), self.room, |describing| {
            let begin = || own_codes(&asked.dimensions);
            let take = |own: &mut Vec<OwnCodes>, prepared: &Prepared| {
                let codes = self.codes(&asked.dimensions, own, prepared)?;
                Ok(describing.push(&I::of(&prepared.columns[asked.id]), &codes)?)
            };
            self.read(reading, begin, take).map(|_| ())
        })
    }

    fn trigger(&self, asked: &AskedTrigger, reading: &Reading, roster: &mut Roster<I::Key>) -> Result<(), Ended> {
        roster.trigger(self.ticks.now, self.room, |triggering| {
            let take = |_: &mut (), prepared: &Prepared| {
                let (at, nulls) = ticks(&prepared.columns[asked.at]).map_err(refused)?;
                let kept = self.kept(prepared, asked.filter, None)?;
                triggering.push(&TriggerBatch {
                    ids: I::of(&prepared.columns[asked.id]),
                    at: (&at, nulls.as_ref()),
                    kept: kept.as_deref(),
                });
                Ok(())
            };
            self.read(reading, || (), take).map(|_| ())
        })
    }

    /// Units by kind, and the first day on which one was exposed.
    fn census(&self, roster: &Roster<I::Key>) -> (Vec<CensusRow>, i32) {
        let timed = self.compiled.assignments.at.is_some();
        let counted =
            roster.census(self.setting.threads, |first| if timed { i64::from(self.days.of(first)) } else { 0 });
        let first_day = counted.keys().filter_map(|entry| entry.period).min().unwrap_or(0);
        let row = |(entry, (units, rows)): (kernel::CensusEntry, (u64, u64))| CensusRow {
            arm: entry.arm.map(|arm| self.compiled.arms[arm as usize].clone()),
            state: state(entry.state).word().to_owned(),
            undeclared: None,
            day: entry.period.filter(|_| timed).map(|day| Days::text(day as i32)),
            units,
            rows,
        };
        let mut census: Vec<CensusRow> = counted.into_iter().map(row).collect();
        census.sort_by(|a, b| (&a.day, &a.arm, &a.state).cmp(&(&b.day, &b.arm, &b.state)));
        (census, first_day as i32)
    }

    fn census_by(&self, roster: &Roster<I::Key>) -> BTreeMap<String, Vec<(String, String, u64)>> {
        let of = |(at, texts): (usize, &TextCodes)| {
            let texts = texts.texts();
            let row = |((arm, code), units): ((u32, u32), u64)| {
                let arm = self.compiled.arms[arm as usize].clone();
                let text = texts.get(code as usize).cloned().flatten();
                (arm, text.unwrap_or_else(|| MISSING_GROUP.to_owned()), units)
            };
            let mut rows: Vec<_> = roster.census_by(self.places[at]).into_iter().map(row).collect();
            rows.sort();
            (self.compiled.specification.enrolment.dimensions[at].name.clone(), rows)
        };
        self.dimensions.iter().enumerate().map(of).collect()
    }

    fn scatter(&self, roster: &Roster<I::Key>) -> Result<Vec<Rows>, Ended> {
        let mut all = Vec::with_capacity(self.job.outcomes.len());
        for (asked, reading) in self.compiled.outcomes.iter().zip(&self.job.outcomes) {
            let (program, lanes) = asked.program(reading.kinds(), self.ticks)?;
            let rows = Rows::new(program, roster)?;
            let seed = roster.seed();
            self.read(
                reading,
                || rows.scatterer(roster, self.room),
                |scatterer, prepared| {
                    let at = asked.at.map(|place| ticks(&prepared.columns[place])).transpose().map_err(refused)?;
                    let truth = |place: &usize| Truth::of(&prepared.columns[*place]);
                    let Some(truths) = asked.conditions.iter().map(truth).collect::<Option<Vec<Truth>>>() else {
                        return Err(Ended::Refused);
                    };
                    let words = |(place, lane): &(usize, Lane)| lane.words(&prepared.columns[*place], seed);
                    let words: Vec<Words> = lanes.iter().map(words).collect::<Result<_, _>>().map_err(refused)?;
                    let conditions: Vec<Condition<'_>> = truths.iter().map(Truth::condition).collect();
                    let arguments: Vec<Cells<'_>> = words.iter().map(Words::cells).collect();
                    scatterer.push(&EventBatch {
                        ids: I::of(&prepared.columns[asked.id]),
                        at: at.as_ref().map(|(at, nulls)| (&at[..], nulls.as_ref())),
                        conditions: &conditions,
                        arguments: &arguments,
                    })?;
                    Ok(())
                },
            )?;
            all.push(rows);
        }
        Ok(all)
    }

    /// The statistics of all units.
    fn statistics(
        &self,
        roster: &Roster<I::Key>,
        rows: &[Rows],
        finish: &Finish,
        first_day: i32,
    ) -> Result<Vec<Worker>, Ended> {
        let by_day = asks_by_day(&self.compiled.specification);
        let evaluating = self.evaluating(roster);
        let begin = || Hand { evaluator: Evaluator::new(roster, rows, self.room), worker: finish.worker(), held: 0 };
        let hands = share(self.setting.threads, roster.partitions(), begin, |hand, partition| {
            let units = hand.evaluator.partition(partition)?;
            if units.slots.is_empty() {
                return Ok(());
            }
            let (arms, mut codes) = (evaluating.arms(units.slots), evaluating.codes(units.slots));
            if by_day {
                codes.push(units.exposed.iter().map(|at| (self.days.of(*at) - first_day) as u32).collect());
            }
            let groups: Vec<&[u32]> = codes.iter().map(Vec::as_slice).collect();
            hand.worker.push(&UnitBlock { arms: &arms, groups: &groups, values: &evaluating.values(&units) })?;
            let held = hand.worker.heap_bytes();
            hand.evaluator.grow(held.saturating_sub(hand.held), "the statistics of units")?;
            hand.held = hand.held.max(held);
            Ok(())
        })?;
        Ok(hands.into_iter().map(|hand| hand.worker).collect())
    }

    /// Hands over the rows of all units: evaluated once more now that every limit is known, rather than kept until then.
    fn give(
        &self,
        roster: &Roster<I::Key>,
        rows: &[Rows],
        (finish, finished): (&Finish, &Finished),
        output: &Output,
    ) -> Result<(), Ended> {
        let read = self.job.names.as_ref().map(|reading| {
            move |take: &TakeIds<'_>| {
                self.read(reading, || (), |(), prepared: &Prepared| take(&prepared.columns[0])).map(|_| ())
            }
        });
        let known = I::known(read.as_ref().map(|read| read as &ReadIds<'_>), roster, self.room)?;
        let enrolment = &self.compiled.specification.enrolment;
        let words = Wording::new(&enrolment.arms, self.dimensions.iter().map(TextCodes::texts).collect());
        let evaluating = self.evaluating(roster);
        let timed = self.compiled.assignments.at.is_some();
        let begin = || (Evaluator::new(roster, rows, self.room), Making::default());
        share(self.setting.threads, roster.partitions(), begin, |(evaluator, making), partition| {
            let units = evaluator.partition(partition)?;
            if units.slots.is_empty() {
                return Ok(());
            }
            let numbers = finish.columns(making, &finished.limits, &evaluating.values(&units));
            let days = units.exposed.iter().filter(|_| timed).map(|at| self.days.of(*at)).collect();
            let codes = evaluating.codes(units.slots);
            let codes: Vec<&[u32]> = codes.iter().map(Vec::as_slice).collect();
            let units = Units {
                ids: output.has_ids().then(|| I::ids(&known, roster, units.slots)),
                arms: &evaluating.arms(units.slots),
                days,
                codes: &codes,
                numbers: &numbers,
            };
            output.send(&units, &words)
        })
        .map(|_| ())
    }

    fn evaluating<'b>(&'b self, roster: &'b Roster<I::Key>) -> Evaluating<'b, I::Key> {
        let specification = &self.compiled.specification;
        let mut columns = vec![0; specification.values.len()];
        let asked = self.compiled.outcomes.iter().flat_map(|asked| &asked.values).enumerate();
        asked.for_each(|(at, value)| value.column.into_iter().for_each(|column| columns[column] = at));
        let place = |name: &String| specification.enrolment.arms.iter().position(|arm| arm == name);
        let declared = self.compiled.arms.iter().map(|name| place(name).unwrap_or_default() as u32).collect();
        Evaluating { roster, columns, declared, places: &self.places }
    }

    fn aggregated(
        &self,
        census: Vec<CensusRow>,
        census_by: BTreeMap<String, Vec<(String, String, u64)>>,
        finished: &Finished,
        first_day: i32,
    ) -> Aggregated {
        let specification = &self.compiled.specification;
        let texts: Vec<Vec<Option<String>>> = self.dimensions.iter().map(TextCodes::texts).collect();
        let text = |grouping: usize, code: u32| match texts.get(grouping) {
            Some(texts) => texts.get(code as usize).cloned().flatten(),
            None => Some(Days::text(first_day + code as i32)),
        };
        Aggregated {
            census,
            census_by,
            caps: finishing::caps(specification, finished),
            readouts: finishing::readouts(specification, finished, &text),
        }
    }
}

/// What a thread knows of the dimensions that a source gives.
fn own_codes(dimensions: &[(usize, usize)]) -> Vec<OwnCodes> {
    dimensions.iter().map(|_| OwnCodes::default()).collect()
}

/// What the operator knows of units, in the order of the specification.
struct Evaluating<'a, K> {
    roster: &'a Roster<K>,
    /// The column of the operator that holds each value.
    columns: Vec<usize>,
    /// The place of each arm of the operator among those that the experiment declares.
    declared: Vec<u32>,
    places: &'a [usize],
}

impl<K: Key> Evaluating<'_, K> {
    fn arms(&self, slots: &[u32]) -> Vec<u32> {
        let arm = |slot: &u32| self.roster.arm(*slot as usize).map_or(0, |arm| self.declared[arm as usize]);
        slots.iter().map(arm).collect()
    }

    /// Per dimension: the code of each unit.
    fn codes(&self, slots: &[u32]) -> Vec<Vec<u32>> {
        let code = |dimension: usize, slot: &u32| match self.roster.code(dimension, *slot as usize) {
            NO_CODE => MISSING,
            code => code,
        };
        self.places.iter().map(|dimension| slots.iter().map(|slot| code(*dimension, slot)).collect()).collect()
    }

    fn values<'v>(&self, units: &UnitColumns<'v>) -> Vec<Values<'v>> {
        self.columns.iter().map(|column| units.values[*column]).collect()
    }
}

/// One thread's hand in making statistics of units.
struct Hand<'a, K> {
    evaluator: Evaluator<'a, K>,
    worker: Worker,
    /// Bytes of the worker that are accounted for.
    held: usize,
}

fn asks_by_day(specification: &UnitAggregation) -> bool {
    specification.readouts.iter().any(|readout| readout.by == Grouping::Day)
}

fn state(state: State) -> UnitState {
    match state {
        State::Blank => UnitState::Blank,
        State::NoTime => UnitState::NoTime,
        State::BeforeStart => UnitState::BeforeStart,
        State::AfterEnd => UnitState::AfterEnd,
        State::TwoArms => UnitState::TwoArms,
        State::Untriggered => UnitState::Untriggered,
        State::Counted => UnitState::Counted,
    }
}
