//! Tests of any difference: between several arms, and between a planned and a found split.

use crate::dist::{ChiSquared, Continuous, FisherF, NoncentralChiSquared, NoncentralF};
use crate::error::Error;
use crate::planning::refuse;
use crate::planning::solve::reaches;

/// The most units that an answer may ask for.
const MOST: f64 = 1e9;

/// The power of the analysis of variance over several arms of equal size.
///
/// `F` is noncentral with `λ = k·n·f²`, `f` the standard deviation of the arms' means over that within arms.
///
/// - **Errors** with [`Error::OutOfRange`] by field.
/// - **Source** Cohen (1988), chapter 8; as R's `pwr.anova.test`.
pub fn anova_power(arms: u32, units_per_arm: f64, f: f64, level: f64) -> Result<f64, Error> {
    check_level(level)?;
    if arms < 2 || units_per_arm < 2.0 {
        return Err(refuse("arms", format!("{arms} of {units_per_arm}"), "there are two arms of two units at least"));
    }
    if !(f >= 0.0 && f.is_finite()) {
        return Err(refuse("f", f, "Cohen's f is a standard deviation over another"));
    }
    let (d1, units) = (f64::from(arms) - 1.0, f64::from(arms) * units_per_arm);
    let d2 = units - f64::from(arms);
    let power = FisherF::new(d1, d2)
        .and_then(|law| law.isf(1.0 - level))
        .zip(NoncentralF::new(d1, d2, units * f * f))
        .map(|(critical, law)| law.sf(critical));
    power.ok_or_else(|| refuse("units", units, "up to 1e12 units and a noncentrality up to 1e10"))
}

/// The least units per arm for which the analysis of variance has this power.
///
/// - **Errors** as [`anova_power`]; with [`Error::Unattainable`] beyond a billion units per arm.
pub fn anova_units(arms: u32, f: f64, level: f64, power: f64) -> Result<f64, Error> {
    anova_power(arms, 2.0, f, level)?;
    check_power(power, level)?;
    let chance = |root: f64| anova_power(arms, root * root, f, level);
    solved(2f64.sqrt(), chance, power)
}

/// The power of a chi-square test with this many degrees of freedom.
///
/// `λ = N·w²`, `w² = Σ(pᵢ − qᵢ)²/qᵢ`, of true shares `p` against those `q` of the hypothesis.
///
/// - **Errors** with [`Error::OutOfRange`] by field.
/// - **Source** Cohen (1988), chapter 7; as R's `pwr.chisq.test`.
pub fn chi_square_power(units: f64, w: f64, df: f64, level: f64) -> Result<f64, Error> {
    check_level(level)?;
    if !(w >= 0.0 && w.is_finite()) {
        return Err(refuse("w", w, "Cohen's w is a distance between shares"));
    }
    let power = ChiSquared::new(df)
        .and_then(|law| law.isf(1.0 - level))
        .zip(NoncentralChiSquared::new(df, units * w * w))
        .map(|(critical, law)| law.sf(critical));
    power.ok_or_else(|| refuse("units", units, "degrees of freedom above 0, and a noncentrality up to 1e12"))
}

/// The least units for which a chi-square test has this power.
///
/// - **Errors** as [`chi_square_power`]; with [`Error::Unattainable`] beyond 1e18 units.
pub fn chi_square_units(w: f64, df: f64, level: f64, power: f64) -> Result<f64, Error> {
    chi_square_power(1.0, w, df, level)?;
    check_power(power, level)?;
    solved(1.0, |root: f64| chi_square_power(root * root, w, df, level), power)
}

/// Units in all arms for which the check of the sample ratio finds that units arrive in these shares and not as planned.
///
/// - **Needs** weights of the arms; the check itself is at 0.001, so at a level of 0.999.
/// - **Errors** with [`Error::OutOfRange`] by field; with [`Error::Unattainable`] when the shares are as planned.
///
/// ```
/// use estimand_stats::planning::omnibus::sample_ratio_units;
///
/// let units = sample_ratio_units(&[1.0, 1.0], &[50.3, 49.7], 0.999, 0.99)?;
/// assert!(units < 2e6);
/// # Ok::<(), estimand_stats::Error>(())
/// ```
pub fn sample_ratio_units(planned: &[f64], arriving: &[f64], level: f64, power: f64) -> Result<f64, Error> {
    if planned.len() != arriving.len() || planned.len() < 2 {
        return Err(refuse(
            "arriving",
            arriving.len(),
            &format!("one weight for each of the {} arms", planned.len().max(2)),
        ));
    }
    if let Some(weight) = planned.iter().chain(arriving).find(|weight| !(**weight > 0.0 && weight.is_finite())) {
        return Err(refuse("weight", weight, "a weight is positive, such as 1"));
    }
    let (all, come): (f64, f64) = (planned.iter().sum(), arriving.iter().sum());
    let squares = planned.iter().zip(arriving).map(|(q, p)| (p / come - q / all).powi(2) / (q / all));
    chi_square_units(squares.sum::<f64>().sqrt(), planned.len() as f64 - 1.0, level, power)
}

fn check_level(level: f64) -> Result<(), Error> {
    match level > 0.0 && level < 1.0 {
        true => Ok(()),
        false => Err(refuse("level", level, "a confidence level lies between 0 and 1, such as 0.95")),
    }
}

fn check_power(power: f64, level: f64) -> Result<(), Error> {
    match power > 1.0 - level && power < 1.0 {
        true => Ok(()),
        false => Err(refuse("power", power, "the power lies between the level of the test and 1; 0.8 is usual")),
    }
}

fn solved(fewest: f64, chance: impl Fn(f64) -> Result<f64, Error>, power: f64) -> Result<f64, Error> {
    // Past its range the noncentrality is so large that the power is one.
    let capped = |root: f64| Ok::<_, Error>(chance(root).unwrap_or(1.0));
    let found = reaches(fewest, 10.0 * fewest, MOST, power, capped)?;
    found.map(|root| root * root).ok_or_else(|| Error::Unattainable {
        question: format!("size for a power of {power}"),
        reason: "there is no difference to find".to_owned(),
        mend: "name one above 0".to_owned(),
    })
}
