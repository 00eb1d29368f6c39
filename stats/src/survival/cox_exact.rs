//! Tied events in Cox's model, over all sets of as many units.

use nalgebra::{DMatrix, DVector};

use super::cox::Derivatives;

/// Most steps of the recursion for the ties of one time.
const MOST_STEPS: u64 = 10_000_000;

/// Takes the terms of one time with `deaths` events off the likelihood and its derivatives: of
/// `ln Σ Π exp(x'β)` over all sets of that many units at risk; `None` when there are too many, or the sum leaves the
/// range of doubles.
///
/// The sum is the elementary symmetric polynomial, built unit by unit: a set has the new unit or has it not.
///
/// - **Source** Cox (1972), equation (14); the recursion by Gail, Lubin & Rubinstein (1981).
pub(super) fn exact_terms<'a>(
    at_risk: impl Iterator<Item = (u64, &'a DVector<f64>)>,
    beta: &DVector<f64>,
    deaths: u64,
    all: &mut Derivatives,
) -> Option<()> {
    let p = beta.len();
    let size = usize::try_from(deaths).ok()?;
    let mut sums = vec![0.0; size + 1];
    let mut first = vec![DVector::<f64>::zeros(p); size + 1];
    let mut second = vec![DMatrix::<f64>::zeros(p, p); size + 1];
    sums[0] = 1.0;
    let (mut units, mut steps) = (0, 0);
    for (count, x) in at_risk {
        let weight = x.dot(beta).exp();
        for _ in 0..count {
            units += 1;
            steps += deaths;
            if steps > MOST_STEPS {
                return None;
            }
            // From the largest sets down, so that the unit joins each but once.
            for k in (1..=size.min(units)).rev() {
                let joined = x * first[k - 1].transpose();
                let product = &joined + joined.transpose() + x * x.transpose() * sums[k - 1] + &second[k - 1];
                second[k] += product * weight;
                let gradient = (&first[k - 1] + x * sums[k - 1]) * weight;
                first[k] += gradient;
                sums[k] += weight * sums[k - 1];
            }
        }
    }
    let (sum, gradient) = (sums[size], &first[size]);
    let mean = gradient / sum;
    all.value -= sum.ln();
    all.gradient -= &mean;
    all.information += &second[size] / sum - &mean * mean.transpose();
    (sum.is_finite() && sum > 0.0 && mean.iter().all(|mean| mean.is_finite())).then_some(())
}
