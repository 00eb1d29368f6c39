//! The distribution of a random sum of whole numbers, without simulation.

/// The number of events of a user whose Poisson rate is itself gamma distributed: negative binomial.
///
/// `N | G ~ Poisson(m·G)` with `G ~ Gamma(k, 1/k)`; with `β = m/k`, `P(N = 0) = (1 + β)^{−k}` and `E[N] = m`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct GammaPoisson {
    /// The shape `k` of the gamma distribution, positive.
    pub(super) shape: f64,
    /// The mean `m`, not negative.
    pub(super) mean: f64,
}

impl GammaPoisson {
    /// `P(N > 0)`.
    pub(super) fn any(self) -> f64 {
        -(-self.shape * (self.mean / self.shape).ln_1p()).exp_m1()
    }

    /// `E[min(S, c)]` of the sum `S` of `N` independent whole numbers with `P(A = j) = severity(j)`, `severity(0) = 0`.
    ///
    /// `E[min(S, c)] = c − Σ_{s<c} (c − s)·g_s`, where `g_s = P(S = s)` obeys Panjer's recursion
    /// `g_0 = (1 + β)^{−k}`, `g_s = Σ_{j=1}^{s} (a + b·j/s)·f_j·g_{s−j}` with `a = β/(1 + β)` and `b = (k − 1)·a`. Every term is
    /// exact: the only error is that of rounding, about `c` units in the last place. Takes O(c²) steps.
    ///
    /// - **Source** Panjer (1981), "Recursive evaluation of a family of compound distributions", ASTIN Bulletin 12.
    pub(super) fn capped_mean(self, severity: impl Fn(u64) -> f64, cap: u64) -> f64 {
        let beta = self.mean / self.shape;
        let a = beta / (1.0 + beta);
        let b = (self.shape - 1.0) * a;
        let f: Vec<f64> = (0..cap).map(severity).collect();
        let mut g: Vec<f64> = Vec::with_capacity(f.len());
        for s in 0..f.len() {
            let probability = if s == 0 {
                (-self.shape * beta.ln_1p()).exp()
            } else {
                let smaller = g.iter().rev();
                f[1..=s].iter().zip(smaller).zip(1..).map(|((f, g), j)| (a + b * f64::from(j) / s as f64) * f * g).sum()
            };
            g.push(probability);
        }
        let shortfall: f64 = g.iter().zip((1..=cap).rev()).map(|(g, missing)| g * missing as f64).sum();
        cap as f64 - shortfall
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `P(N = n)` by its own recursion, for the slow reference.
    fn counts(law: GammaPoisson, most: usize) -> Vec<f64> {
        let beta = law.mean / law.shape;
        let mut p = vec![(1.0 + beta).powf(-law.shape)];
        for n in 1..=most {
            p.push(p[n - 1] * (law.shape + n as f64 - 1.0) / n as f64 * beta / (1.0 + beta));
        }
        p
    }

    #[test]
    fn the_recursion_equals_the_sum_over_convolutions() {
        let law = GammaPoisson { shape: 0.8, mean: 1.7 };
        let severity = |j: u64| [0.0, 0.2, 0.1, 0.3, 0.4].get(j as usize).copied().unwrap_or(0.0);
        let cap = 23_usize;
        // Σ_n P(N = n)·E[min(A_1 + … + A_n, c)], one convolution after another; mass at or above the cap stays at the cap.
        let (mut expected, mut sum) = (0.0, vec![0.0; cap + 1]);
        sum[0] = 1.0;
        for p in counts(law, 400) {
            expected += p * sum.iter().enumerate().map(|(s, q)| s as f64 * q).sum::<f64>();
            let mut next = vec![0.0; cap + 1];
            for (s, q) in sum.iter().enumerate() {
                for j in 1..=4 {
                    next[(s + j).min(cap)] += q * severity(j as u64);
                }
            }
            sum = next;
        }
        assert!((law.capped_mean(severity, cap as u64) - expected).abs() < 1e-12);
    }

    #[test]
    fn a_cap_out_of_reach_leaves_the_mean() {
        let law = GammaPoisson { shape: 0.8, mean: 0.5 };
        let capped = law.capped_mean(|j| if j == 3 { 1.0 } else { 0.0 }, 600);
        assert!((capped - 0.5 * 3.0).abs() < 1e-11, "{capped}");
    }

    #[test]
    fn without_events_nothing_is_earned() {
        let law = GammaPoisson { shape: 2.0, mean: 0.0 };
        assert_eq!((law.any(), law.capped_mean(|_| 0.5, 10)), (0.0, 0.0));
    }
}
