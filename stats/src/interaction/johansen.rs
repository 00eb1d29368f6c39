//! Several contrasts of means whose variances differ.

use nalgebra::{DMatrix, DVector};

use crate::least_squares::CrossProducts;
use crate::several_arms::FTest;

/// Tests that all contrasts of independent means are zero.
///
/// `T = (Cȳ)'(CSC')⁻¹(Cȳ)` over `c = q + 2A − 6A/(q + 2)`, against F with `q` and `q(q + 2)/(3A)` degrees of freedom;
/// `A = ½Σⱼ(tr²(PQⱼ) + tr((PQⱼ)²))/νⱼ` with `P = SC'(CSC')⁻¹C` and `Qⱼ` what picks mean `j`: both traces are the square of
/// `Pⱼⱼ`. One contrast gives Welch's t, squared; those of a one-way layout his analysis of variance.
///
/// - **Needs** contrasts, a row each, and of each mean its estimated variance with degrees of freedom.
/// - **Gives** `None` when the contrasts have no joint variance.
/// - **Source** Johansen (1980), "The Welch–James approximation to the distribution of the residual sum of squares in a
///   weighted linear regression", theorem 3.1.
pub(super) fn johansen(contrasts: &DMatrix<f64>, means: &DVector<f64>, variances: &[f64], df: &[f64]) -> Option<FTest> {
    let spread = DMatrix::from_fn(variances.len(), variances.len(), |i, j| if i == j { variances[i] } else { 0.0 });
    let inverse = CrossProducts::new(&(contrasts * &spread * contrasts.transpose()))?;
    let differences = contrasts * means;
    let statistic = differences.dot(&inverse.solve(&differences));
    let share = |j: usize| {
        let column = contrasts.column(j).into_owned();
        variances[j] * column.dot(&inverse.solve(&column))
    };
    let a: f64 = df.iter().enumerate().map(|(j, df)| share(j).powi(2) / df).sum();
    let q = contrasts.nrows() as f64;
    FTest::of(statistic / (q + 2.0 * a - 6.0 * a / (q + 2.0)), q, q * (q + 2.0) / (3.0 * a))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::several_arms::{Group, welch_test};

    #[test]
    fn of_a_one_way_layout_it_is_welchs_analysis_of_variance() {
        let (means, variances, df) = ([1.0, 2.5, 2.0, 4.0], [0.3, 0.1, 0.7, 0.4], [5.0, 9.0, 12.0, 4.0]);
        let contrasts = DMatrix::from_fn(3, 4, |i, j| match j {
            0 => -1.0,
            j if j == i + 1 => 1.0,
            _ => 0.0,
        });
        let got = johansen(&contrasts, &DVector::from_column_slice(&means), &variances, &df).unwrap();
        let group = |at: usize| Group { weight: 1.0 / variances[at], centre: means[at], df: df[at] };
        let want = welch_test(&[group(0), group(1), group(2), group(3)]).unwrap();
        assert!((got.statistic / want.statistic - 1.0).abs() < 1e-12);
        assert!((got.denominator_df / want.denominator_df - 1.0).abs() < 1e-12);
        assert_eq!(got.numerator_df, want.numerator_df);
    }
}
