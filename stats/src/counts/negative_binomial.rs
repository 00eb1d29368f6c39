//! The negative binomial model of two arms' counts.

use super::Counts;
use crate::dist::bracketed_root::bracketed_root;
use crate::dist::root_on_line::root_on_line;

/// Sizes beyond which counts cannot be told from Poisson's, or from almost nothing but zeros.
const SIZES: (f64, f64) = (1e-8, 1e7);

/// Counts whose rate varies over units as a gamma variable does: each arm a rate, both one size `θ`.
///
/// `Var(y) = μ + μ²/θ` with `μ = λₐd`. Rates and size by maximum likelihood; the variance of a log rate from the expected
/// information, the size taken as known: `1/Σ μ/(1 + μ/θ)`.
///
/// - **Assumes** independent units, and one size in both arms.
/// - **Source** Lawless (1987), section 2; Venables & Ripley (2002), section 7.4, whose `glm.nb` gives the same.
#[derive(Clone, Debug, PartialEq)]
pub struct NegativeBinomial {
    /// Rates of the arms, events per exposure.
    pub rates: [f64; 2],
    /// Variances of their logarithms.
    pub log_variances: [f64; 2],
    /// The size `θ`; `None` where the counts vary no more than Poisson counts, whose model it then is.
    pub size: Option<f64>,
}

impl NegativeBinomial {
    /// The fit of two arms; `None` where one has no events.
    pub fn fit(arms: [&Counts<'_>; 2]) -> Option<Self> {
        if arms.iter().any(|arm| arm.events() == 0.0) {
            return None;
        }
        let slope =
            |ln_size: f64| arms.iter().map(|arm| size_slope(arm, rate(arm, ln_size.exp()), ln_size.exp())).sum();
        let (low, high) = (SIZES.0.ln(), SIZES.1.ln());
        // Levin & Reeds (1977): there is a largest likelihood at a finite size where the slope at infinity is negative.
        let size = (limit_slope(arms) < 0.0 && slope(high) < 0.0).then(|| bracketed_root(low, high, slope).exp());
        let rates = arms.map(|arm| size.map_or_else(|| arm.rate(), |size| rate(arm, size)));
        let log_variance = |arm: usize| 1.0 / information(arms[arm], rates[arm], size);
        Some(Self { rates, log_variances: [log_variance(0), log_variance(1)], size })
    }
}

/// The most likely rate of an arm given the size: `Σ (y − λd)/(1 + λd/θ) = 0`.
fn rate(arm: &Counts<'_>, size: f64) -> f64 {
    let plain = arm.rate();
    if arm.exposures.is_none() {
        return plain;
    }
    let score = |ln_rate: f64| {
        let (mut score, mut slope) = (0.0, 0.0);
        for (count, exposure, units) in arm.rows() {
            let mean = ln_rate.exp() * exposure;
            let inflation = 1.0 + mean / size;
            score += units * (count - mean) / inflation;
            slope -= units * mean * (1.0 + count / size) / (inflation * inflation);
        }
        (score, slope)
    };
    root_on_line(plain.ln(), 0.5, false, score).exp()
}

/// `Σ μ/(1 + μ/θ)`, the information on a log rate.
fn information(arm: &Counts<'_>, rate: f64, size: Option<f64>) -> f64 {
    let term = |(_, exposure, units): (f64, f64, f64)| {
        let mean = rate * exposure;
        units * mean / (1.0 + size.map_or(0.0, |size| mean / size))
    };
    arm.rows().map(term).sum()
}

/// The slope of the log likelihood in `θ`, times `θ²` so that it stays a number of its own size.
fn size_slope(arm: &Counts<'_>, rate: f64, size: f64) -> f64 {
    let (mut below, mut at, mut slope) = (0.0, 0.0, 0.0);
    // Rows come by rising count, so that ψ(y + θ) − ψ(θ) = Σ_{j < y} 1/(θ + j) is built up on the way.
    for (count, exposure, units) in arm.rows() {
        if count < at {
            (below, at) = (0.0, 0.0);
        }
        below += harmonic(size + at, count - at);
        at = count;
        let mean = rate * exposure;
        slope += units * (below - (mean / size).ln_1p() + (mean - count) / (mean + size));
    }
    slope * size * size
}

/// `θ²·dℓ/dθ` as the size grows without end: `−½Σ((y − μ)² − y)`.
fn limit_slope(arms: [&Counts<'_>; 2]) -> f64 {
    let of_arm = |arm: &Counts<'_>| {
        let rate = arm.rate();
        let term = |(count, exposure, units): (f64, f64, f64)| units * ((count - rate * exposure).powi(2) - count);
        arm.rows().map(term).sum::<f64>()
    };
    -0.5 * (of_arm(arms[0]) + of_arm(arms[1]))
}

/// `Σ_{j < k} 1/(x + j) = ψ(x + k) − ψ(x)`: term by term, far out by the expansion of `ψ`.
fn harmonic(x: f64, k: f64) -> f64 {
    /// From here on five terms of the expansion are exact to a double.
    const FAR: f64 = 32.0;
    let near = (FAR - x).ceil().clamp(0.0, k);
    let mut sum: f64 = (0..near as u64).map(|j| 1.0 / (x + j as f64)).sum();
    let (from, rest) = (x + near, k - near);
    if rest <= 64.0 {
        sum += (0..rest as u64).map(|j| 1.0 / (from + j as f64)).sum::<f64>();
        return sum;
    }
    // DLMF 5.11.2, less ln x.
    let tail = |x: f64| {
        let z = 1.0 / (x * x);
        -0.5 / x - z * (1.0 / 12.0 - z * (1.0 / 120.0 - z * (1.0 / 252.0 - z / 240.0)))
    };
    sum + (rest / from).ln_1p() + tail(from + rest) - tail(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_reciprocals_are_those_term_by_term() {
        for (x, k) in [(0.3, 5.0), (0.3, 400.0), (50.0, 70.0), (1e5, 1e4), (31.9, 3_000.0)] {
            let slow: f64 = (0..k as u64).rev().map(|j| 1.0 / (x + j as f64)).sum();
            assert!((harmonic(x, k) / slow - 1.0).abs() < 1e-14, "{x} {k}");
        }
    }

    #[test]
    fn counts_that_vary_less_than_poisson_counts_have_no_size() {
        let counts = [1.0, 2.0, 3.0];
        let arm = Counts::of(&counts, None, &[10, 30, 10]).unwrap();
        let fit = NegativeBinomial::fit([&arm, &arm]).unwrap();
        assert_eq!((fit.size, fit.rates, fit.log_variances), (None, [2.0, 2.0], [0.01, 0.01]));
    }

    #[test]
    fn at_the_estimate_no_rate_and_no_size_is_more_likely() {
        let (counts, exposures, units) = ([0.0, 0.0, 1.0, 2.0, 9.0], [1.0, 2.0, 1.5, 0.5, 3.0], [20, 10, 8, 6, 2]);
        let arm = Counts::of(&counts, Some(&exposures), &units).unwrap();
        let fit = NegativeBinomial::fit([&arm, &arm]).unwrap();
        let likelihood = |rate: f64, size: f64| -> f64 {
            let of = |(count, exposure, units): (f64, f64, f64)| {
                let mean = rate * exposure;
                let rising: f64 = (0..count as u64).map(|j| (size + j as f64).ln()).sum();
                units * (rising + count * (mean / (mean + size)).ln() - size * (mean / size).ln_1p())
            };
            arm.rows().map(of).sum()
        };
        let (rate, size) = (fit.rates[0], fit.size.unwrap());
        for (by_rate, by_size) in [(1.001, 1.0), (0.999, 1.0), (1.0, 1.001), (1.0, 0.999)] {
            assert!(likelihood(rate * by_rate, size * by_size) < likelihood(rate, size), "{by_rate} {by_size}");
        }
    }
}
