//! How often a unit enters a bootstrap replicate.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma};

use super::cells::Cells;
use super::count_laws::{CountLaws, Units};

/// How often a unit enters a replicate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weights {
    /// By exponential weights of mean 1 over their sum: Rubin's Bayesian bootstrap, in which no unit is ever left out.
    Bayesian,
    /// As drawn with replacement, as many as there are: Efron's bootstrap.
    Multinomial,
    /// Poisson with mean 1 each: Efron's bootstrap but for a random number of units, and the same units in any split.
    #[default]
    Poisson,
}

impl Weights {
    /// Every kind, by name.
    pub const ALL: [Weights; 3] = [Weights::Bayesian, Weights::Multinomial, Weights::Poisson];

    /// The word of the option.
    pub fn name(self) -> &'static str {
        match self {
            Weights::Bayesian => "bayesian",
            Weights::Multinomial => "multinomial",
            Weights::Poisson => "poisson",
        }
    }
}

/// The laws of the weights of an arm's cells, prepared once for all replicates.
pub(super) enum CellWeights {
    /// The gamma law of each cell.
    Bayesian(Vec<Gamma<f64>>),
    /// As Poisson, and then drawn or taken back unit by unit until there are as many as in the arm: Poisson numbers
    /// given their sum are multinomial.
    Multinomial { counts: CountLaws, units: Units, n: f64 },
    /// The counts of each cell.
    Poisson(CountLaws),
}

impl CellWeights {
    pub fn of(weights: Weights, arm: &Cells) -> CellWeights {
        let counts = || arm.cells.iter().map(|cell| cell.count);
        match weights {
            Weights::Bayesian => {
                CellWeights::Bayesian(counts().filter_map(|count| Gamma::new(count as f64, 1.0).ok()).collect())
            }
            Weights::Multinomial => CellWeights::Multinomial {
                counts: CountLaws::poisson(counts()),
                units: Units::of(counts()),
                n: arm.n() as f64,
            },
            Weights::Poisson => CellWeights::Poisson(CountLaws::poisson(counts())),
        }
    }

    /// Draws the weight that the units of each cell get together.
    pub fn draw(&self, weights: &mut Vec<f64>, random: &mut ChaCha8Rng) {
        weights.clear();
        match self {
            CellWeights::Bayesian(laws) => weights.extend(laws.iter().map(|law| law.sample(random))),
            CellWeights::Poisson(counts) => weights.extend(counts.draw(random)),
            CellWeights::Multinomial { counts, units, n } => {
                weights.extend(counts.draw(random));
                let mut drawn: f64 = weights.iter().sum();
                while drawn < *n {
                    weights[units.pick(random)] += 1.0;
                    drawn += 1.0;
                }
                take_back(weights, drawn - n, random);
            }
        }
    }
}

/// Takes so many of the drawn units back, each as likely as any other.
fn take_back(weights: &mut [f64], mut many: f64, random: &mut ChaCha8Rng) {
    if many <= 0.0 {
        return;
    }
    let before = weights.to_vec();
    let drawn = Units::of(before.iter().map(|weight| *weight as u64));
    while many > 0.0 {
        let cell = drawn.pick(random);
        // A unit that was taken back already is picked again.
        if random.random::<f64>() * before[cell] < weights[cell] {
            weights[cell] -= 1.0;
            many -= 1.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::empirical::Empirical;
    use crate::resampling::stream::stream;

    #[test]
    fn each_kind_gives_a_cell_as_much_as_it_has_units() {
        let values: Vec<f64> = (0..5).map(f64::from).collect();
        for scale in [1, 100_000] {
            let counts = [1, 2, 16, 17, 40].map(|count| count * scale);
            let cells = Cells::of(Empirical::new(&values, &counts).unwrap());
            for weights in Weights::ALL {
                let law = CellWeights::of(weights, &cells);
                let (mut drawn, mut sums, mut squares) = (Vec::new(), [0.0; 5], [0.0; 5]);
                for replicate in 0..2_000 {
                    law.draw(&mut drawn, &mut stream(9, replicate));
                    for at in 0..5 {
                        sums[at] += drawn[at];
                        squares[at] += (drawn[at] - counts[at] as f64).powi(2);
                    }
                }
                for at in 0..5 {
                    let (count, n) = (counts[at] as f64, cells.n() as f64);
                    let variance = if weights == Weights::Multinomial { count * (1.0 - count / n) } else { count };
                    assert!(
                        (sums[at] / 2_000.0 - count).abs() < 4.0 * (variance / 2_000.0).sqrt(),
                        "{weights:?} {count}"
                    );
                    assert!((squares[at] / 2_000.0 / variance - 1.0).abs() < 0.2, "{weights:?} {count}");
                }
            }
        }
    }
}
