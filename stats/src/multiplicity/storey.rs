//! Storey's q-values: the false discovery rate with the share of true null hypotheses estimated.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

use super::{NotAFamily, check_p_values, present, ranks, running_minimum, spread};

/// How the share of true null hypotheses is estimated from the p-values above some `λ`, which are mostly of those.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NullShare {
    /// At one `λ`: `#{p ≥ λ}/(m(1 − λ))`.
    At(f64),
    /// At the `λ` of 0.05, 0.10, …, 0.95 that looks best by mean squared error, without drawing samples.
    Bootstrap,
    /// At `λ = 0.95`, on a natural cubic spline with three degrees of freedom through the shares at 0.05, 0.10, …, 0.95.
    Smoother,
}

/// The q-values of a family.
#[derive(Clone, Debug, PartialEq)]
pub struct QValues {
    /// The estimated share of true null hypotheses.
    pub null_share: f64,
    /// The q-values, in the order given.
    pub q: Vec<Option<f64>>,
}

/// The `λ` of the smoother and the bootstrap.
fn grid() -> impl Iterator<Item = f64> + Clone {
    (1..=19).map(|step| f64::from(step) / 20.0)
}

/// The q-value of each test: the share of false discoveries when it and all with smaller p-values are called.
///
/// `q₍ᵢ₎ = π̂₀·min(1, minⱼ≥ᵢ m·p₍ⱼ₎/j)`.
///
/// - **Needs** many tests, hundreds at least: with few the share of true null hypotheses is a guess, and
///   [`Correction::Storey`](super::Correction::Storey) is the safe choice.
/// - **Errors** with [`NotAFamily`] for an entry outside [0, 1], a `λ` outside [0, 1), and a share that is estimated as zero:
///   when no p-value is large, they are not those of such a family.
/// - **Source** Storey & Tibshirani (2003), remark B and algorithm 3.1; Storey, Taylor & Siegmund (2004), section 6, for the
///   bootstrap in the closed form of Robinson & Storey's `qvalue`.
pub fn q_values(family: &[Option<f64>], null_share: NullShare) -> Result<QValues, NotAFamily> {
    check_p_values(family)?;
    let mut ranked: Vec<(usize, f64)> = present(family).collect();
    ranked.sort_by(|a, b| a.1.total_cmp(&b.1));
    let p: Vec<f64> = ranked.iter().map(|(_, p)| *p).collect();
    let share = match null_share {
        NullShare::At(lambda) if (0.0..1.0).contains(&lambda) => share_at(&p, lambda),
        NullShare::At(lambda) => {
            return Err(NotAFamily::NullShare { reason: format!("lambda is {lambda}; it lies in [0, 1)") });
        }
        NullShare::Bootstrap => bootstrap(&p),
        NullShare::Smoother => smoothed(&p),
    }
    .min(1.0);
    if p.is_empty() {
        return Ok(QValues { null_share: 1.0, q: vec![None; family.len()] });
    }
    if share <= 0.0 {
        let reason = "no p-value is large, so the share of true null hypotheses cannot be estimated".to_owned();
        return Err(NotAFamily::NullShare { reason });
    }
    let m = p.len() as f64;
    let steps = running_minimum(p.iter().zip(ranks()).map(|(p, rank)| m * p / rank).collect());
    let q = steps.into_iter().map(|step| share * step);
    Ok(QValues { null_share: share, q: spread(family.len(), ranked.iter().map(|(at, _)| *at).zip(q)) })
}

/// `#{p ≥ λ}/(m(1 − λ))` of sorted p-values.
fn share_at(p: &[f64], lambda: f64) -> f64 {
    let large = p.len() - p.partition_point(|p| *p < lambda);
    large as f64 / p.len() as f64 / (1.0 - lambda)
}

/// The share whose mean squared error about the tenth percentile of all shares is least.
fn bootstrap(p: &[f64]) -> f64 {
    let m = p.len() as f64;
    let shares: Vec<f64> = grid().map(|lambda| share_at(p, lambda)).collect();
    let mut sorted = shares.clone();
    sorted.sort_by(f64::total_cmp);
    // The tenth percentile of 19 by linear interpolation lies 0.8 of the way from the second to the third.
    let target = sorted[1] + 0.8 * (sorted[2] - sorted[1]);
    let error = |(lambda, share): (f64, f64)| {
        let large = share * m * (1.0 - lambda);
        large / (m * m * (1.0 - lambda).powi(2)) * (1.0 - large / m) + (share - target).powi(2)
    };
    let best = grid().zip(shares).min_by(|a, b| error(*a).total_cmp(&error(*b)));
    best.map_or(1.0, |(_, share)| share)
}

/// The last value of a smoothing spline with three degrees of freedom through the shares.
///
/// `ŷ = (I + αK)⁻¹y` with `K = QR⁻¹Q'` of the natural cubic spline, and `α` such that the trace of the smoother is three.
///
/// - **Source** Green & Silverman (1994), sections 2.3 and 3.3.4.
fn smoothed(p: &[f64]) -> f64 {
    let shares = DVector::from_iterator(19, grid().map(|lambda| share_at(p, lambda)));
    let (n, h) = (shares.len(), 0.05);
    let bend = DMatrix::from_fn(n, n - 2, |i, j| match i as i32 - j as i32 {
        0 | 2 => 1.0 / h,
        1 => -2.0 / h,
        _ => 0.0,
    });
    let between = DMatrix::from_fn(n - 2, n - 2, |i, j| match i.abs_diff(j) {
        0 => 2.0 * h / 3.0,
        1 => h / 6.0,
        _ => 0.0,
    });
    let Some(inverse) = between.try_inverse() else { return 1.0 };
    let roughness = &bend * inverse * bend.transpose();
    let eigen = SymmetricEigen::new(roughness);
    let kept = |alpha: f64, roughness: f64| 1.0 / (1.0 + alpha * roughness.max(0.0));
    let trace = |alpha: f64| eigen.eigenvalues.iter().map(|value| kept(alpha, *value)).sum::<f64>();
    let (mut low, mut high) = (-40.0_f64, 40.0_f64);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if trace(middle.exp()) > 3.0 { low = middle } else { high = middle }
    }
    let alpha = (0.5 * (low + high)).exp();
    let scores = eigen.eigenvectors.tr_mul(&shares);
    let damped = scores.iter().zip(eigen.eigenvalues.iter()).map(|(score, value)| score * kept(alpha, *value));
    let damped = DVector::from_iterator(n, damped);
    (eigen.eigenvectors * damped)[n - 1]
}
