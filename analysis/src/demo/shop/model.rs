//! The numbers of the shop: when, who, how often, how much.
//!
//! Everything that a reader may want to change stands here; the closed forms in [`super::expectation`] follow.

use super::log_normal::CeiledLogNormal;

/// One day in microseconds, the unit of every clock of the shop.
pub(super) const DAY: i64 = 86_400_000_000;

/// First instant of the experiment: 2025-03-03T00:00:00Z, a Monday.
pub(super) const START: i64 = 1_740_960_000_000_000;

/// First instant of the data: the pre-period of those who enrol first.
pub(super) const FIRST: i64 = START - 14 * DAY;

/// First instant after enrolment.
pub(super) const ENROLLED: i64 = START + 14 * DAY;

/// First instant after the experiment; every window of 14 days has passed by then.
pub(super) const END: i64 = START + 28 * DAY;

/// First instant after the data, which run on past the experiment as a real log does.
pub(super) const LAST: i64 = END + 2 * DAY;

/// Length of every lookback, in days.
pub(super) const LOOKBACK: i64 = 14;

/// Where the revenue of a unit is capped, in EUR.
pub(super) const REVENUE_CAP: u64 = 250;

/// Shape of the gamma distribution of activity, whose mean is 1: the smaller, the more users differ.
pub(super) const ACTIVITY_SHAPE: f64 = 0.8;

/// Share of orders that are refunded, under either arm.
pub(super) const REFUNDED: f64 = 0.08;

/// Logarithmic spread of order values: the heavy tail.
const PRICE_SIGMA: f64 = 1.0;

/// Logarithmic spread of page load times.
const LOAD_SIGMA: f64 = 0.45;

/// Treated order values, relative to control.
const PRICE_FACTOR: f64 = 1.02;

/// Treated page load times, relative to control: the price of the longer page.
const LOAD_FACTOR: f64 = 1.01;

/// Treated rate of visits after exposure, relative to control.
const VISIT_FACTOR: f64 = 1.03;

/// Shares of users by what becomes of their assignment, drawn apart from everything that they do.
pub(super) const NOT_ENROLLED: f64 = 0.05;
pub(super) const TWO_ARMS: f64 = 0.000_5;
pub(super) const BEFORE_START: f64 = 0.000_3;

/// Share of enrolled users who meet the experiment again.
pub(super) const EXPOSED_AGAIN: f64 = 0.15;

/// Share of users with a visit on one edge of a window, drawn apart for each of [`Edge::ALL`].
pub(super) const ON_EDGE: f64 = 0.01;

/// An edge of a window on which some users have a visit to the microsecond, besides the visit that exposes everyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// The last microsecond of the lookback; returning users only.
    BeforeExposure,
    /// The first microsecond of the return visits.
    ReturnOpens,
    /// The first microsecond after the return visits.
    ReturnCloses,
}

impl Edge {
    pub(super) const ALL: [Self; 3] = [Self::BeforeExposure, Self::ReturnOpens, Self::ReturnCloses];

    /// Microseconds from exposure.
    pub(super) const fn offset(self) -> i64 {
        match self {
            Self::BeforeExposure => -1,
            Self::ReturnOpens => DAY,
            Self::ReturnCloses => 8 * DAY,
        }
    }
}

/// The two arms; the word in files is [`Arm::name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arm {
    Control,
    OnePage,
}

impl Arm {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::OnePage => "one_page",
        }
    }

    pub(super) const fn other(self) -> Self {
        match self {
            Self::Control => Self::OnePage,
            Self::OnePage => Self::Control,
        }
    }
}

/// A market.
#[derive(Debug)]
pub(super) struct Country {
    pub(super) name: &'static str,
    pub(super) share: f64,
    /// Orders, relative to the average market.
    orders: f64,
    /// Median order value in EUR, before rounding up.
    price: f64,
}

pub(super) const COUNTRIES: [Country; 4] = [
    Country { name: "DE", share: 0.4, orders: 1.1, price: 26.0 },
    Country { name: "FR", share: 0.3, orders: 1.0, price: 24.0 },
    Country { name: "NL", share: 0.2, orders: 1.0, price: 28.0 },
    Country { name: "PL", share: 0.1, orders: 0.8, price: 15.0 },
];

/// A device. The effect on orders is largest where typing was hardest to follow.
#[derive(Debug)]
pub(super) struct Platform {
    pub(super) name: &'static str,
    pub(super) share: f64,
    /// Median page load time in milliseconds, before rounding up.
    load: f64,
    /// Treated rate of orders, relative to control.
    order_factor: f64,
}

pub(super) const PLATFORMS: [Platform; 3] = [
    Platform { name: "android", share: 0.35, load: 1400.0, order_factor: 1.03 },
    Platform { name: "ios", share: 0.25, load: 1100.0, order_factor: 1.04 },
    Platform { name: "web", share: 0.4, load: 900.0, order_factor: 1.08 },
];

/// Whether a user was there before.
#[derive(Debug)]
pub(super) struct Visitor {
    pub(super) name: &'static str,
    pub(super) share: f64,
    /// Rate of everything, relative to the average user.
    activity: f64,
    /// Whether the user did anything before exposure.
    pub(super) has_past: bool,
}

pub(super) const VISITORS: [Visitor; 2] = [
    Visitor { name: "new", share: 0.25, activity: 0.6, has_past: false },
    Visitor { name: "returning", share: 0.75, activity: 1.15, has_past: true },
];

/// Events per day of a user of activity 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rates {
    pub(super) visits: f64,
    pub(super) searches: f64,
    pub(super) orders: f64,
}

impl Rates {
    pub(super) fn total(self) -> f64 {
        self.visits + self.searches + self.orders
    }
}

/// One kind of user: a country, a platform, new or returning. Dimensions are independent of each other and of activity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stratum {
    pub(super) country: &'static Country,
    pub(super) platform: &'static Platform,
    pub(super) visitor: &'static Visitor,
}

impl Stratum {
    /// Every kind of user.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        COUNTRIES.iter().flat_map(|country| {
            PLATFORMS
                .iter()
                .flat_map(move |platform| VISITORS.iter().map(move |visitor| Self { country, platform, visitor }))
        })
    }

    /// Share of users.
    pub(super) fn share(self) -> f64 {
        self.country.share * self.platform.share * self.visitor.share
    }

    /// Rates after exposure to an arm; before exposure everyone behaves as under control.
    pub(super) fn rates(self, arm: Arm) -> Rates {
        let base = Rates {
            visits: 0.13 * self.visitor.activity,
            searches: 0.035 * self.visitor.activity,
            orders: 0.035 * self.visitor.activity * self.country.orders,
        };
        match arm {
            Arm::Control => base,
            Arm::OnePage => Rates {
                visits: base.visits * VISIT_FACTOR,
                searches: base.searches,
                orders: base.orders * self.platform.order_factor,
            },
        }
    }

    /// The value of an order, in whole EUR.
    pub(super) fn price(self, arm: Arm) -> CeiledLogNormal {
        let factor = if arm == Arm::OnePage { PRICE_FACTOR } else { 1.0 };
        CeiledLogNormal { median: self.country.price * factor, sigma: PRICE_SIGMA }
    }

    /// The load time of a visit's first page, in whole milliseconds.
    pub(super) fn load(self, arm: Arm) -> CeiledLogNormal {
        let factor = if arm == Arm::OnePage { LOAD_FACTOR } else { 1.0 };
        CeiledLogNormal { median: self.platform.load * factor, sigma: LOAD_SIGMA }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_each_dimension_sum_to_one() {
        let sums = [
            COUNTRIES.iter().map(|country| country.share).sum::<f64>(),
            PLATFORMS.iter().map(|platform| platform.share).sum(),
            VISITORS.iter().map(|visitor| visitor.share).sum(),
            Stratum::all().map(Stratum::share).sum(),
        ];
        assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-14), "{sums:?}");
    }

    #[test]
    fn the_experiment_starts_on_the_day_its_file_says() {
        let start = jiff::Timestamp::from_microsecond(START).unwrap();
        assert_eq!(start.to_string(), "2025-03-03T00:00:00Z");
    }
}
