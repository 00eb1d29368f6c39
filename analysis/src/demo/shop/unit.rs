//! One user of the shop: drawn from the seed and the user's number alone.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Exp1, Gamma};

use super::model::{
    ACTIVITY_SHAPE, Arm, BEFORE_START, COUNTRIES, Country, DAY, ENROLLED, EXPOSED_AGAIN, Edge, FIRST, LAST,
    NOT_ENROLLED, ON_EDGE, PLATFORMS, Platform, REFUNDED, START, Stratum, TWO_ARMS, VISITORS, Visitor,
};

/// A user and all that they did.
#[derive(Debug)]
pub(super) struct Unit {
    /// The number of which the id is made.
    pub(super) index: u64,
    pub(super) stratum: Stratum,
    pub(super) enrolment: Enrolment,
    /// Rows of the assignment log, the first in time first; empty for users who were never assigned.
    pub(super) assignments: Vec<(i64, Arm)>,
    /// Rows of the event log, in no particular order.
    pub(super) events: Vec<Event>,
}

impl Unit {
    /// The id: text, with leading zeros that only text keeps.
    pub(super) fn id(&self) -> String {
        format!("u{:08}", self.index)
    }
}

/// What became of a user's assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Enrolment {
    /// Assigned to one arm during enrolment: counted in the effects.
    Counted,
    /// Assigned to one arm and later to the other.
    TwoArms,
    /// First assigned before the experiment's start.
    BeforeStart,
    /// Never assigned.
    Never,
}

/// A row of the event log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub(super) at: i64,
    pub(super) kind: EventKind,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventKind {
    /// A visit, with the load time of its first page in milliseconds.
    Visit { load_ms: u32 },
    /// A search.
    Search,
    /// An order, with its value in EUR.
    Order { amount: u32, refunded: bool },
}

/// Draws users, each from a stream of random numbers of their own: a user is the same whoever else is drawn, and in any order.
#[derive(Debug)]
pub(super) struct Simulator {
    rng: ChaCha8Rng,
    activity: Gamma<f64>,
}

impl Simulator {
    pub(super) fn new(seed: u64) -> Self {
        let activity = Gamma::new(ACTIVITY_SHAPE, 1.0 / ACTIVITY_SHAPE).expect("the shape is a positive constant");
        Self { rng: ChaCha8Rng::seed_from_u64(seed), activity }
    }

    /// The user of a number.
    pub(super) fn unit(&mut self, index: u64) -> Unit {
        self.draw(index, None)
    }

    /// The same user, had they been assigned to `arm`: what the truth is defined on.
    #[cfg(test)]
    pub(super) fn unit_under(&mut self, index: u64, arm: Arm) -> Unit {
        self.draw(index, Some(arm))
    }

    fn draw(&mut self, index: u64, forced: Option<Arm>) -> Unit {
        let rng = &mut self.rng;
        rng.set_stream(index);
        rng.set_word_pos(0);
        let stratum = Stratum {
            country: pick(rng, &COUNTRIES, |country: &Country| country.share),
            platform: pick(rng, &PLATFORMS, |platform: &Platform| platform.share),
            visitor: pick(rng, &VISITORS, |visitor: &Visitor| visitor.share),
        };
        let activity = rng.sample(self.activity);
        let enrolment = enrolment(rng);
        let drawn = if rng.random::<bool>() { Arm::OnePage } else { Arm::Control };
        let arm = forced.unwrap_or(drawn);
        let assignments = assignments(rng, enrolment, arm);
        let mut events = Vec::new();
        match assignments.first() {
            Some(&(exposed_at, _)) => {
                if stratum.visitor.has_past {
                    happen(rng, &mut events, stratum, Arm::Control, activity, FIRST..exposed_at);
                }
                visit(rng, &mut events, stratum, arm, exposed_at);
                for edge in Edge::ALL {
                    let arm = if edge == Edge::BeforeExposure { Arm::Control } else { arm };
                    if rng.random::<f64>() < ON_EDGE && (stratum.visitor.has_past || edge.offset() > 0) {
                        visit(rng, &mut events, stratum, arm, exposed_at + edge.offset());
                    }
                }
                happen(rng, &mut events, stratum, arm, activity, exposed_at..LAST);
            }
            None => {
                let arrival = if stratum.visitor.has_past { FIRST } else { rng.random_range(FIRST..LAST) };
                happen(rng, &mut events, stratum, Arm::Control, activity, arrival..LAST);
            }
        }
        Unit { index, stratum, enrolment, assignments, events }
    }
}

/// One of several by their shares.
fn pick<T>(rng: &mut impl Rng, of: &'static [T], share: impl Fn(&T) -> f64) -> &'static T {
    let mut rest: f64 = rng.random();
    of.iter()
        .find(|one| {
            rest -= share(one);
            rest < 0.0
        })
        // Shares sum to one up to rounding: what is left over belongs to the last.
        .unwrap_or(&of[of.len() - 1])
}

fn enrolment(rng: &mut impl Rng) -> Enrolment {
    let mut rest: f64 = rng.random();
    for (enrolment, share) in
        [(Enrolment::Never, NOT_ENROLLED), (Enrolment::TwoArms, TWO_ARMS), (Enrolment::BeforeStart, BEFORE_START)]
    {
        rest -= share;
        if rest < 0.0 {
            return enrolment;
        }
    }
    Enrolment::Counted
}

/// The rows of the assignment log.
fn assignments(rng: &mut impl Rng, enrolment: Enrolment, arm: Arm) -> Vec<(i64, Arm)> {
    if enrolment == Enrolment::Never {
        return Vec::new();
    }
    let first = if enrolment == Enrolment::BeforeStart {
        rng.random_range(START - 3 * DAY..START)
    } else {
        // More users enrol early: the quantile function of a density that falls from day to day.
        let share = rng.random::<f64>().powf(1.6);
        (START + (share * (ENROLLED - START) as f64) as i64).min(ENROLLED - 1)
    };
    let mut rows = vec![(first, arm)];
    match enrolment {
        Enrolment::TwoArms => rows.push((rng.random_range(first + 1..first + 5 * DAY), arm.other())),
        // A row inside the experiment does not make the first one undone.
        Enrolment::BeforeStart => rows.push((rng.random_range(START..ENROLLED), arm)),
        Enrolment::Counted | Enrolment::Never => {}
    }
    if rng.random::<f64>() < EXPOSED_AGAIN {
        for _ in 0..rng.random_range(1..=3) {
            rows.push((rng.random_range(first + 1..LAST), arm));
        }
    }
    rows
}

/// A visit at one instant.
fn visit(rng: &mut impl Rng, events: &mut Vec<Event>, stratum: Stratum, arm: Arm, at: i64) {
    events.push(Event { at, kind: EventKind::Visit { load_ms: stratum.load(arm).draw(rng) } });
}

/// All that happens by itself in a stretch of time: one Poisson process, each event of a kind in proportion to its rate.
fn happen(
    rng: &mut impl Rng,
    events: &mut Vec<Event>,
    stratum: Stratum,
    arm: Arm,
    activity: f64,
    during: std::ops::Range<i64>,
) {
    let rates = stratum.rates(arm);
    let gap = DAY as f64 / (activity * rates.total());
    let length = (during.end - during.start) as f64;
    let mut passed = gap * rng.sample::<f64, _>(Exp1);
    while passed < length {
        // Windows have whole microseconds for edges, so rounding down moves no event across one.
        let at = during.start + passed as i64;
        let kind = rng.random::<f64>() * rates.total();
        if kind < rates.visits {
            visit(rng, events, stratum, arm, at);
        } else if kind < rates.visits + rates.searches {
            events.push(Event { at, kind: EventKind::Search });
        } else {
            let amount = stratum.price(arm).draw(rng);
            let refunded = rng.random::<f64>() < REFUNDED;
            events.push(Event { at, kind: EventKind::Order { amount, refunded } });
        }
        passed += gap * rng.sample::<f64, _>(Exp1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_the_same_in_any_company_and_order() {
        let (mut one, mut other) = (Simulator::new(7), Simulator::new(7));
        let forwards: Vec<_> = (0..200).map(|index| one.unit(index)).collect();
        for (index, unit) in forwards.iter().enumerate().rev() {
            let again = other.unit(index as u64);
            assert_eq!((&again.events, &again.assignments), (&unit.events, &unit.assignments));
        }
        assert_ne!(Simulator::new(8).unit(0).events, forwards[0].events);
    }

    #[test]
    fn the_arm_changes_nothing_before_exposure() {
        let mut simulator = Simulator::new(3);
        for index in 0..2_000 {
            let [control, treated] = [Arm::Control, Arm::OnePage].map(|arm| simulator.unit_under(index, arm));
            let Some(&(exposed_at, _)) = control.assignments.first() else { continue };
            assert_eq!(treated.assignments.first().map(|(at, _)| *at), Some(exposed_at));
            let past = |unit: &Unit| -> Vec<Event> {
                unit.events.iter().filter(|event| event.at < exposed_at).copied().collect()
            };
            assert_eq!(past(&control), past(&treated));
        }
    }

    #[test]
    fn every_edge_of_a_window_has_its_events() {
        let mut simulator = Simulator::new(5);
        let (mut units, mut returning) = (0.0, 0.0);
        let mut on_edge = [0.0; Edge::ALL.len()];
        for index in 0..50_000 {
            let unit = simulator.unit(index);
            let Some(&(exposed_at, _)) = unit.assignments.first() else { continue };
            units += 1.0;
            returning += f64::from(u8::from(unit.stratum.visitor.has_past));
            let at = |instant: i64| unit.events.iter().filter(|event| event.at == instant).count();
            assert_eq!(at(exposed_at), 1, "exposure is a visit");
            for (count, edge) in on_edge.iter_mut().zip(Edge::ALL) {
                *count += at(exposed_at + edge.offset()) as f64;
            }
        }
        for (count, of) in on_edge.into_iter().zip([returning, units, units]) {
            let deviation = (count - of * ON_EDGE) / (of * ON_EDGE * (1.0 - ON_EDGE)).sqrt();
            assert!(deviation.abs() < 4.0, "{count} of {of}");
        }
    }

    #[test]
    fn new_users_have_no_past_and_logs_have_no_gap_at_the_end() {
        let mut simulator = Simulator::new(11);
        let units: Vec<Unit> = (0..5_000).map(|index| simulator.unit(index)).collect();
        for unit in units.iter().filter(|unit| !unit.stratum.visitor.has_past) {
            if let Some((exposed_at, _)) = unit.assignments.first() {
                assert!(unit.events.iter().all(|event| event.at >= *exposed_at));
            }
        }
        let late = units.iter().flat_map(|unit| &unit.events).filter(|event| event.at >= super::super::model::END);
        assert!(late.count() > 100, "events go on after the experiment");
        assert!(units.iter().flat_map(|unit| &unit.events).all(|event| (FIRST..LAST).contains(&event.at)));
    }

    #[test]
    fn units_set_apart_are_rare_and_others_have_one_arm_and_a_first_row_inside_enrolment() {
        let mut simulator = Simulator::new(13);
        let mut seen = std::collections::BTreeMap::new();
        for index in 0..100_000 {
            let unit = simulator.unit(index);
            *seen.entry(format!("{:?}", unit.enrolment)).or_insert(0_u32) += 1;
            let Some(&(first, arm)) = unit.assignments.first() else { continue };
            assert!(unit.assignments.iter().skip(1).all(|(at, _)| *at > first));
            let one_arm = unit.assignments.iter().all(|(_, other)| *other == arm);
            assert_eq!(one_arm, unit.enrolment != Enrolment::TwoArms);
            assert_eq!((START..ENROLLED).contains(&first), unit.enrolment != Enrolment::BeforeStart);
        }
        assert!((4_700..5_300).contains(&seen["Never"]), "{seen:?}");
        assert!((20..90).contains(&seen["TwoArms"]), "{seen:?}");
        assert!((10..60).contains(&seen["BeforeStart"]), "{seen:?}");
    }
}
