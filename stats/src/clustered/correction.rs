//! Corrections of a cluster-robust variance for few clusters.

/// A share of what a cluster leaves to the others that counts as nothing.
pub(super) const NOTHING_LEFT: f64 = 1e-10;

/// How the scores of clusters are corrected before they are squared and summed.
///
/// - **Source** Liang & Zeger (1986) for CR0; Bell & McCaffrey (2002) and Pustejovsky & Tipton (2018), §2, for CR2 and
///   CR3; the factors as in Cameron & Miller (2015), §III.B.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Correction {
    /// Scores as they are.
    Cr0,
    /// `CR0·G/(G − 1)`.
    Cr1,
    /// `CR0·G/(G − 1)·(n − 1)/(n − k)`: the default of Stata and fixest.
    Cr1s,
    /// Residuals times `(I − H_gg)^(-1/2)`: unbiased when units are independent with one variance.
    #[default]
    Cr2,
    /// Residuals times `(I − H_gg)^(-1)`: nearly the jackknife over clusters, without its factor.
    Cr3,
}

impl Correction {
    /// All of them, by name.
    pub const ALL: [Self; 5] = [Self::Cr0, Self::Cr1, Self::Cr1s, Self::Cr2, Self::Cr3];

    /// The word of options and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cr0 => "CR0",
            Self::Cr1 => "CR1",
            Self::Cr1s => "CR1S",
            Self::Cr2 => "CR2",
            Self::Cr3 => "CR3",
        }
    }

    /// The factor on the sum of squared scores of `clusters` clusters with `units` units and `columns` coefficients.
    pub(super) fn factor(self, clusters: usize, units: f64, columns: usize) -> f64 {
        let g = clusters as f64;
        match self {
            Self::Cr1 => g / (g - 1.0),
            Self::Cr1s => g / (g - 1.0) * (units - 1.0) / (units - columns as f64),
            Self::Cr0 | Self::Cr2 | Self::Cr3 => 1.0,
        }
    }

    /// What becomes of a direction of which the share `left` is not the cluster's alone; zero where nothing is left, as
    /// in the generalised inverse.
    pub(super) fn of_direction(self, left: f64) -> f64 {
        match self {
            Self::Cr0 | Self::Cr1 | Self::Cr1s => 1.0,
            _ if left <= NOTHING_LEFT => 0.0,
            Self::Cr2 => 1.0 / left.sqrt(),
            Self::Cr3 => 1.0 / left,
        }
    }
}
