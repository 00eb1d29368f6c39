//! What is decided before the first look.

use super::{Design, Impossible, Spending};
use crate::sequential::Sides;

/// The least information between two looks, as a share of the planned information.
const LEAST_STEP: f64 = 1e-6;

/// The most looks of a plan.
const MOST_LOOKS: usize = 1000;

/// A group-sequential plan: when to look, and by which rule to stop.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Information at each look as a fraction of the planned information, ascending, at most 1.
    pub looks: Vec<f64>,
    /// Where the critical values come from.
    pub rule: Rule,
    /// Level of error: of the one side, or of both sides together.
    pub alpha: f64,
    /// Whether the effect is looked for on one side or on both.
    pub sides: Sides,
    /// Whether and where the experiment stops because nothing will be found; one-sided plans only.
    pub futility: Futility,
}

/// Where the critical values come from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// A spending function, of the level of one side: the looks need not be the planned ones.
    Spending(Spending),
    /// Wang & Tsiatis: `C·t^(Δ−½)`, with `C` from the looks. `Δ = 0` is O'Brien–Fleming, `Δ = ½` is Pocock.
    WangTsiatis {
        /// `Δ`, from −1 to 1.
        delta: f64,
    },
    /// Haybittle & Peto: one value at all looks but the last, where the rest of the level is used up.
    HaybittlePeto {
        /// The value, such as 3.
        early: f64,
    },
}

impl Rule {
    /// The bounds of O'Brien & Fleming (1979).
    pub const OBRIEN_FLEMING: Self = Self::WangTsiatis { delta: 0.0 };
    /// The bounds of Pocock (1977).
    pub const POCOCK: Self = Self::WangTsiatis { delta: 0.5 };
}

/// Whether and where the experiment stops because nothing will be found.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Futility {
    /// It does not.
    #[default]
    None,
    /// At given values of the statistic, one for each look but the last.
    Bounds {
        /// The values, ascending with the looks or not.
        values: Vec<f64>,
        /// Whether stopping there is an obligation: only then may the critical values count on it.
        binding: bool,
    },
    /// At the values that spend the chance to miss the effect which the plan has power `1 − β` for.
    Spending {
        /// The spending function of `β`.
        spending: Spending,
        /// The chance to miss the effect.
        beta: f64,
        /// Whether stopping there is an obligation: only then may the critical values count on it.
        binding: bool,
    },
}

impl Futility {
    /// Whether the critical values count on these stops.
    pub(super) fn is_binding(&self) -> bool {
        matches!(self, Self::Bounds { binding: true, .. } | Self::Spending { binding: true, .. })
    }
}

impl Plan {
    /// A plan that looks for an effect above zero, without futility.
    pub fn one_sided(looks: &[f64], rule: Rule, alpha: f64) -> Self {
        Self { looks: looks.to_vec(), rule, alpha, sides: Sides::One, futility: Futility::None }
    }

    /// A plan that looks for an effect on either side; `alpha` is of both together.
    pub fn two_sided(looks: &[f64], rule: Rule, alpha: f64) -> Self {
        Self { sides: Sides::Two, ..Self::one_sided(looks, rule, alpha) }
    }

    /// As many looks, evenly spaced.
    pub fn evenly(looks: usize) -> Vec<f64> {
        (1..=looks).map(|look| look as f64 / looks as f64).collect()
    }

    /// The level of error of one side.
    pub fn alpha_of_a_side(&self) -> f64 {
        if self.sides == Sides::Two { self.alpha / 2.0 } else { self.alpha }
    }

    /// The critical values that follow from the plan.
    ///
    /// # Errors
    /// [`Impossible`] for looks that do not ascend inside (0, 1], a level, parameter or futility that makes no sense.
    pub fn design(&self) -> Result<Design, Impossible> {
        self.check()?;
        Design::of(self)
    }

    fn check(&self) -> Result<(), Impossible> {
        let listed = || self.looks.iter().map(f64::to_string).collect::<Vec<_>>().join(" ");
        if self.looks.is_empty() || self.looks.len() > MOST_LOOKS {
            return Err(Impossible::new(
                "looks",
                format!("a list of {}", self.looks.len()),
                "a plan has 1 to 1000 looks",
            ));
        }
        let inside = self.looks.iter().all(|t| *t > 0.0 && *t <= 1.0);
        let before = std::iter::once(0.0).chain(self.looks.iter().copied());
        if !inside || self.looks.iter().zip(before).any(|(t, before)| t - before < LEAST_STEP) {
            let expected = "looks ascend by at least 0.000001 and end at 1 or before, such as 0.25 0.5 0.75 1";
            return Err(Impossible::new("looks", listed(), expected));
        }
        if !(self.alpha > 0.0 && self.alpha_of_a_side() < 0.5) {
            let expected = "a level of error lies above 0 and, on each side, below 0.5";
            return Err(Impossible::new("alpha", self.alpha, expected));
        }
        self.check_rule()?;
        self.check_futility()
    }

    fn check_rule(&self) -> Result<(), Impossible> {
        match self.rule {
            Rule::Spending(spending) => check_spending(spending),
            Rule::WangTsiatis { delta } if !(-1.0..=1.0).contains(&delta) => {
                Err(Impossible::new("delta", delta, "the shape of Wang and Tsiatis lies between -1 and 1"))
            }
            Rule::HaybittlePeto { early } if !(early > 0.0 && early.is_finite()) => {
                Err(Impossible::new("early", early, "the early critical value is positive, such as 3"))
            }
            Rule::WangTsiatis { .. } | Rule::HaybittlePeto { .. } => Ok(()),
        }
    }

    fn check_futility(&self) -> Result<(), Impossible> {
        if self.futility != Futility::None && self.sides == Sides::Two {
            return Err(Impossible::new("futility", "set", "a plan for both sides has none; plan for one side"));
        }
        match &self.futility {
            Futility::None => Ok(()),
            Futility::Bounds { values, .. } => {
                let sound = values.len() + 1 == self.looks.len() && values.iter().all(|value| value.is_finite());
                let expected = "futility has a finite value for each look but the last";
                let listed = || values.iter().map(f64::to_string).collect::<Vec<_>>().join(" ");
                if sound { Ok(()) } else { Err(Impossible::new("futility", listed(), expected)) }
            }
            Futility::Spending { spending, beta, .. } => {
                if !(*beta > 0.0 && beta + self.alpha < 1.0) {
                    let expected = "the chance to miss lies above 0 and, with the level of error, below 1";
                    return Err(Impossible::new("beta", beta, expected));
                }
                if self.looks.last() != Some(&1.0) {
                    let expected = "a chance to miss is spent over looks that end at 1";
                    return Err(Impossible::new(
                        "looks",
                        self.looks.iter().map(f64::to_string).collect::<Vec<_>>().join(" "),
                        expected,
                    ));
                }
                check_spending(*spending)
            }
        }
    }
}

fn check_spending(spending: Spending) -> Result<(), Impossible> {
    match spending {
        Spending::KimDemets { rho } if !spending.is_sound() => {
            Err(Impossible::new("rho", rho, "the power of Kim and DeMets is positive, such as 3"))
        }
        Spending::HwangShihDecani { gamma } if !spending.is_sound() => {
            Err(Impossible::new("gamma", gamma, "the exponent of Hwang, Shih and DeCani lies between -100 and 100"))
        }
        _ => Ok(()),
    }
}
