//! What is made of the rows of one source, and of each kind of row.

use std::collections::HashMap;
use std::sync::Arc;

use super::Error;
use super::entries::NEAR_LENGTH;
use super::lane::{Form, Forms, Lane, Lanes};
use parking_lot::RwLock;

/// Times relative to the instants of a unit, in ticks, half-open. No length is below 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// `[from + delay, from + delay + length)` where `from` is the instant from which outcomes count; without a length, to the end.
    After {
        /// How long after.
        delay: i64,
        /// How long.
        length: Option<i64>,
    },
    /// `[exposure − lookback, exposure)`.
    Before {
        /// How long.
        lookback: i64,
    },
}

impl Span {
    /// Whether it may be looked for with differences of 64 bits where instants are near.
    pub(super) fn is_near(self) -> bool {
        matches!(self, Self::After { delay: 0..NEAR_LENGTH, .. } | Self::Before { .. })
    }

    /// Whether an instant lies in it, whatever the instants are.
    pub(super) fn contains(self, at: i64, from: i64, exposed: i64) -> bool {
        match self {
            Self::After { delay, length } => {
                let since = i128::from(at) - i128::from(from) - i128::from(delay);
                since >= 0 && length.is_none_or(|length| since < i128::from(length))
            }
            Self::Before { lookback } => {
                let before = i128::from(exposed) - i128::from(at);
                before > 0 && before <= i128::from(lookback)
            }
        }
    }
}

/// What a column of arguments holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// 64-bit signed integers, or instants, or the bits of doubles of which only equality counts.
    Integer,
    /// Decimals: 64-bit integers that count units of `10^-scale`. To be added only.
    Decimal {
        /// Decimal places.
        scale: i8,
    },
    /// 64-bit unsigned integers.
    Unsigned,
    /// Doubles.
    Float,
    /// Keys of 128 bits, of which only equality counts.
    Wide,
}

/// How rows become the number of a unit. Rows whose argument is missing are left out; where rows are counted they are
/// rows all the same, so that a unit that has such rows has a number, and it is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// 1 when a row counts, else 0.
    Any,
    /// How many rows.
    Count,
    /// How many different arguments.
    CountDistinct,
    /// The argument of the earliest row; of several at once the least. Needs doubles.
    First,
    /// The argument of the latest row; of several at once the greatest. Needs doubles.
    Last,
    /// The greatest. Needs doubles.
    Max,
    /// The sum by the number of rows.
    Mean,
    /// The least. Needs doubles.
    Min,
    /// The argument of the unit's only row; a unit with more rows is refused. Needs doubles.
    Row,
    /// The sum.
    Sum,
}

/// One number per unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// How.
    pub function: Function,
    /// Conditions that must all hold for a row to count, by number.
    pub conditions: Vec<usize>,
    /// The span in which a row must lie, by number.
    pub span: Option<usize>,
    /// What is aggregated, by number.
    pub argument: Option<usize>,
    /// Where rows are counted: the condition that must hold, by number; a row for which it does not is left out, as one whose
    /// argument is missing.
    pub counted: Option<usize>,
    /// The value of a unit without rows; missing when absent.
    pub when_empty: Option<f64>,
    /// Missing unless so many ticks have passed since the unit counts, by [`Program::now`].
    pub matures_after: Option<i64>,
}

impl Value {
    /// The argument that must travel with a row: that of others is only there or not.
    pub(super) fn reads(&self) -> Option<usize> {
        self.argument.filter(|_| !matches!(self.function, Function::Any | Function::Count))
    }

    /// Whether it is a count of which 0 says something else than no rows.
    pub(super) fn tells_empty_from_zero(&self) -> bool {
        let counts = matches!(self.function, Function::Any | Function::Count | Function::CountDistinct);
        counts && !self.is_zero_when_empty()
    }

    /// Whether no rows come to 0, as sums and counts do by themselves; not to -0.0.
    pub(super) fn is_zero_when_empty(&self) -> bool {
        self.when_empty.map(f64::to_bits) == Some(0)
    }
}

/// What is made of the rows of one source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    /// How many conditions there are.
    pub conditions: usize,
    /// The spans.
    pub spans: Vec<Span>,
    /// The arguments.
    pub arguments: Vec<Argument>,
    /// The numbers.
    pub values: Vec<Value>,
    /// The instant up to which is read, in ticks.
    pub now: Option<i64>,
}

impl Program {
    /// Bits of a [`Marks`]: one per span, condition and argument.
    fn bits(&self) -> usize {
        self.spans.len() + self.conditions + self.arguments.len()
    }

    /// How many words of [`Marks`] there is something in.
    pub(super) fn words_of_marks(&self) -> usize {
        self.bits().div_ceil(64)
    }

    pub(super) fn bit_of_span(&self, span: usize) -> usize {
        span
    }

    pub(super) fn bit_of_condition(&self, condition: usize) -> usize {
        self.spans.len() + condition
    }

    pub(super) fn bit_of_argument(&self, argument: usize) -> usize {
        self.spans.len() + self.conditions + argument
    }

    /// What a value takes from a row with these marks: `None` when it is none of its rows, or nothing comes of it.
    fn taken(&self, value: &Value, marks: &Marks) -> Option<Taken> {
        let is_row = value.span.is_none_or(|span| marks.has(self.bit_of_span(span)))
            && value.conditions.iter().all(|condition| marks.has(self.bit_of_condition(*condition)));
        let counts = value.counted.is_none_or(|condition| marks.has(self.bit_of_condition(condition)))
            && value.argument.is_none_or(|argument| marks.has(self.bit_of_argument(argument)));
        match (is_row, counts) {
            (false, _) => None,
            (true, true) => Some(Taken::Whole),
            (true, false) => value.tells_empty_from_zero().then_some(Taken::Seen),
        }
    }
}

/// Words of marks: the bound on spans, conditions and arguments of one source.
pub(super) const WORDS: usize = 4;

/// What holds for a row: in which spans it lies, which conditions are true, which arguments are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Marks(pub(super) [u64; WORDS]);

impl Marks {
    pub(super) fn has(&self, bit: usize) -> bool {
        self.0[bit / 64] >> (bit % 64) & 1 == 1
    }
}

/// What is done with rows of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Recipe {
    /// Halves of the row: its head, its instant where that is needed, its arguments.
    pub(super) halves: usize,
    /// Where all but the head come from, half by half: see [`lane_of_argument`].
    pub(super) lanes: Vec<u16>,
    /// What values take from it.
    pub(super) steps: Vec<Step>,
}

/// What one value takes from a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Step {
    pub(super) value: usize,
    pub(super) taken: Taken,
    /// Its argument, if it reads one.
    pub(super) lane: Option<Lane>,
}

/// How far a row counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Taken {
    /// As a row, and no more.
    Seen,
    /// With what is made of it.
    Whole,
}

/// Where the instant of a row stands: after the head.
pub(super) const INSTANT: Lane = Lane { at: 1, form: Form::Whole(1) };

/// The number of the first half of an argument among all that rows can be made of: the halves of the instant come first.
pub(super) const fn lane_of_argument(argument: usize) -> usize {
    2 + MOST_HALVES * argument
}

/// Halves of the widest argument.
pub(super) const MOST_HALVES: usize = 4;

/// Kinds of rows that are told apart at most. Conditions that are independent of each other multiply.
pub(super) const MOST_KINDS: usize = 1 << 16;

/// Marks that are told apart at most: many differ in what no value asks of such rows.
const MOST_MARKS: usize = 1 << 18;

/// Spans that fit the first word of marks.
const MOST_SPANS: usize = 64;

/// The recipes of all kinds of rows that were met, numbered in the order of meeting.
pub(super) struct Recipes {
    pub(super) program: Program,
    pub(super) lanes: Lanes,
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    /// By marks, and the version of the forms.
    of_marks: HashMap<(Marks, u32), u32>,
    numbers: HashMap<Arc<Recipe>, u32>,
    recipes: Vec<Arc<Recipe>>,
}

impl Recipes {
    pub(super) fn new(program: Program) -> Result<Self, Error> {
        let limit = WORDS * 64;
        if program.bits() > limit {
            return Err(Error::Beyond { what: "spans, conditions and arguments of one source", limit });
        }
        if program.spans.len() > MOST_SPANS {
            return Err(Error::Beyond { what: "spans of one source", limit: MOST_SPANS });
        }
        let is_carried = |argument| program.values.iter().any(|value| value.reads() == Some(argument));
        Ok(Self { lanes: Lanes::new(&program.arguments, is_carried), program, known: RwLock::default() })
    }

    /// The number of the recipe for rows with these marks, whose arguments have these forms.
    pub(super) fn number(&self, marks: &Marks, forms: &Forms) -> Result<u32, Error> {
        let key = (*marks, forms.version);
        let known = self.known.read();
        if let Some(number) = known.of_marks.get(&key) {
            return Ok(*number);
        }
        drop(known);
        let recipe = Arc::new(self.compile(marks, &forms.forms));
        let mut known = self.known.write();
        if known.of_marks.len() >= MOST_MARKS {
            return Err(Error::Beyond { what: "kinds of rows of one source", limit: MOST_MARKS });
        }
        let next = known.recipes.len();
        let number = *known.numbers.entry(Arc::clone(&recipe)).or_insert(next as u32);
        if number as usize == next {
            if next >= MOST_KINDS {
                return Err(Error::Beyond { what: "kinds of rows of one source", limit: MOST_KINDS });
            }
            known.recipes.push(recipe);
        }
        known.of_marks.insert(key, number);
        Ok(number)
    }

    pub(super) fn all(&self) -> Vec<Arc<Recipe>> {
        self.known.read().recipes.clone()
    }

    fn compile(&self, marks: &Marks, forms: &[Form]) -> Recipe {
        let program = &self.program;
        let values = program.values.iter().enumerate();
        let active: Vec<(usize, &Value, Taken)> =
            values.filter_map(|(number, value)| Some((number, value, program.taken(value, marks)?))).collect();
        let timed = |value: &Value| matches!(value.function, Function::First | Function::Last);
        let mut recipe = Recipe { halves: 1, ..Recipe::default() };
        if active.iter().any(|(_, value, _)| timed(value)) {
            recipe.lanes.extend(0..2);
            recipe.halves += INSTANT.form.halves();
        }
        let mut lanes: HashMap<usize, Lane> = HashMap::new();
        for (number, value, taken) in active {
            let lane = value.reads().filter(|_| taken == Taken::Whole).map(|argument| {
                *lanes.entry(argument).or_insert_with(|| {
                    let lane = Lane { at: recipe.halves, form: forms[argument] };
                    let first = lane_of_argument(argument) as u16;
                    recipe.lanes.extend(first..first + lane.form.halves() as u16);
                    recipe.halves += lane.form.halves();
                    lane
                })
            });
            recipe.steps.push(Step { value: number, taken, lane });
        }
        recipe
    }
}
