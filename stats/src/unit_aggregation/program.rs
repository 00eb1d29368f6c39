//! What is made of the rows of one source, and of each kind of row.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::Error;

/// Times relative to the instants of a unit, in ticks, half-open.
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

impl Argument {
    /// Words that a value takes.
    pub(super) const fn words(self) -> usize {
        match self {
            Self::Integer | Self::Decimal { .. } | Self::Unsigned | Self::Float => 1,
            Self::Wide => 2,
        }
    }
}

/// How rows become the number of a unit. Rows whose argument is missing are left out.
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
    /// The value of a unit without rows; missing when absent.
    pub when_empty: Option<f64>,
    /// Missing unless so many ticks have passed since the unit counts, by [`Program::now`].
    pub matures_after: Option<i64>,
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

    fn counts(&self, value: &Value, marks: &Marks) -> bool {
        value.span.is_none_or(|span| marks.has(self.bit_of_span(span)))
            && value.conditions.iter().all(|condition| marks.has(self.bit_of_condition(*condition)))
            && value.argument.is_none_or(|argument| marks.has(self.bit_of_argument(argument)))
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
#[derive(Clone, Debug, Default)]
pub(super) struct Recipe {
    /// Arguments that travel with the row, in this order.
    pub(super) arguments: Vec<u16>,
    /// Words of the row: its head, its instant where that is needed, its arguments.
    pub(super) words: usize,
    /// Whether the instant travels along, before the arguments.
    pub(super) instant: bool,
    /// What values take from it.
    pub(super) steps: Vec<Step>,
}

/// What one value takes from a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) value: usize,
    /// The word of its argument; the head, which says nothing, where it has none.
    pub(super) word: usize,
}

/// Kinds of rows that are told apart at most. Conditions that are independent of each other multiply.
const MOST_KINDS: usize = 1 << 16;

/// Spans that fit the first word of marks.
const MOST_SPANS: usize = 64;

/// The recipes of all kinds of rows that were met, numbered in the order of meeting.
pub(super) struct Recipes {
    pub(super) program: Program,
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    numbers: HashMap<Marks, u32>,
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
        Ok(Self { program, known: RwLock::default() })
    }

    /// The number of the recipe for rows with these marks.
    pub(super) fn number(&self, marks: &Marks) -> Result<u32, Error> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = known.numbers.get(marks) {
            return Ok(*number);
        }
        drop(known);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = known.numbers.get(marks) {
            return Ok(*number);
        }
        let number = known.recipes.len();
        if number >= MOST_KINDS {
            return Err(Error::Beyond { what: "kinds of rows of one source", limit: MOST_KINDS });
        }
        known.recipes.push(Arc::new(self.compile(marks)));
        known.numbers.insert(*marks, number as u32);
        Ok(number as u32)
    }

    pub(super) fn all(&self) -> Vec<Arc<Recipe>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).recipes.clone()
    }

    fn compile(&self, marks: &Marks) -> Recipe {
        let program = &self.program;
        let active: Vec<(usize, &Value)> =
            program.values.iter().enumerate().filter(|(_, value)| program.counts(value, marks)).collect();
        let reads = |value: &Value| !matches!(value.function, Function::Any | Function::Count);
        let timed = |value: &Value| matches!(value.function, Function::First | Function::Last);
        let instant = active.iter().any(|(_, value)| timed(value));
        let mut recipe = Recipe { instant, words: 1 + usize::from(instant), ..Recipe::default() };
        let mut place = HashMap::new();
        for (number, value) in active {
            let argument = value.argument.filter(|_| reads(value));
            let word = argument.map_or(0, |argument| {
                *place.entry(argument).or_insert_with(|| {
                    recipe.arguments.push(argument as u16);
                    let word = recipe.words;
                    recipe.words += program.arguments[argument].words();
                    word
                })
            });
            recipe.steps.push(Step { value: number, word });
        }
        recipe
    }
}
