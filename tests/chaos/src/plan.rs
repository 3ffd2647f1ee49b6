//! What happens in a run, round by round, made from a seed alone: no clock, no I/O.
//!
//! The plan knows what stands in stores and manifests, so each step can be carried out, and it gives each value its number.
//! Which faults are switched on changes nothing else in it.

use crate::dice::Dice;
use crate::faults::{Fault, Kind};
use crate::options::Options;
use crate::world::{CLUSTERS, Form, Key, Place, Spec, Store};
use std::collections::{BTreeMap, BTreeSet};

/// Time from one round to the next.
pub(crate) const ROUND_MILLIS: u64 = 300;
/// A secret with more versions than this is made anew: old versions cost the double of AWS time at each call.
const MOST_VERSIONS: usize = 60;
/// How far back a label or a rollback reaches. Parameter Store keeps a hundred versions.
const REACH: usize = 10;

/// Steps that happen at the same time, each with another key or place, and the faults that begin with them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Round {
    pub(crate) steps: Vec<Step>,
    pub(crate) faults: Vec<Fault>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Something changes in a store, and perhaps an event says so.
    Change { key: Key, act: Act, news: News },
    /// A manifest is new or edited.
    Declare { place: Place, spec: Spec },
    /// A manifest is removed.
    Remove { place: Place },
    /// Somebody edits a Secret by hand.
    Edit { place: Place },
    /// Somebody deletes a Secret by hand.
    Erase { place: Place },
}

/// What changes in a store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Act {
    /// A new version with this value. Read by label, the key stands as before.
    Put { n: u32 },
    /// AWSCURRENT, or the label, moves from one version to another: back, or forward.
    Move { from: Version, to: Version },
    /// Deleted with all its versions, and made anew.
    Recreate { n: u32 },
}

/// A version of a key: its value, and its number since the key was made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Version {
    pub(crate) n: u32,
    pub(crate) number: usize,
}

impl Act {
    /// The number of the value that declarations read from now on, if it is another one.
    pub(crate) fn stands(self, key: Key) -> Option<u32> {
        match self {
            Self::Put { .. } if key.is_labelled() => None,
            Self::Put { n } | Self::Recreate { n } => Some(n),
            Self::Move { to, .. } => Some(to.n),
        }
    }
}

/// How the event of a change travels: one delay for each copy. None: it is lost.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct News {
    pub(crate) delays: Vec<u64>,
    /// By HTTP to one of the servers, instead of through the queue.
    pub(crate) by_http: Option<usize>,
}

/// The source of rounds.
#[derive(Debug)]
pub(crate) struct Plan {
    dice: Dice,
    accidents: Dice,
    kinds: BTreeSet<Kind>,
    per_round: usize,
    left: usize,
    keys: BTreeMap<Key, Versions>,
    specs: BTreeMap<Place, Spec>,
    generations: BTreeMap<Place, u32>,
}

#[derive(Debug)]
struct Versions {
    /// The last number that was given, over the life of all secrets of this name.
    last: u32,
    all: Vec<u32>,
    standing: Version,
}

impl Plan {
    pub(crate) fn new(options: &Options) -> Self {
        let mut dice = Dice::new(options.seed);
        let accidents = dice.fork();
        let rounds = usize::try_from(options.seconds * 1000 / ROUND_MILLIS).unwrap_or(usize::MAX).max(1);
        let first = Version { n: 1, number: 1 };
        let keys = Key::all().map(|key| (key, Versions { last: 1, all: vec![1], standing: first }));
        let mut plan = Self {
            dice,
            accidents,
            kinds: options.faults.clone(),
            per_round: options.changes.div_ceil(rounds).max(1),
            left: options.changes,
            keys: keys.collect(),
            specs: BTreeMap::new(),
            generations: BTreeMap::new(),
        };
        for place in Place::all() {
            if plan.dice.happens(600) {
                plan.declare(place);
            }
        }
        plan
    }

    /// Which manifests there are at this point of the plan. Before the first round every key has its value number 1.
    pub(crate) fn specs(&self) -> &BTreeMap<Place, Spec> {
        &self.specs
    }

    fn step(&mut self, busy: &mut BTreeSet<Busy>) -> Option<Step> {
        let choice = self.dice.below(100);
        let place = Place {
            cluster: self.dice.below(CLUSTERS),
            number: u16::try_from(self.dice.below(crate::world::PLACES.into())).unwrap_or_default(),
        };
        if choice < 85 {
            let store = [Store::Vault, Store::Manager, Store::Vault, Store::Parameters][self.dice.below(4)];
            let number = u8::try_from(self.dice.below(crate::world::KEYS.into())).unwrap_or_default();
            let key = Key { store, number };
            let news = self.news();
            return busy.insert(Busy::Key(key)).then(|| self.change(key, news));
        }
        if !busy.insert(Busy::Place(place)) {
            return None;
        }
        match (choice, self.specs.contains_key(&place)) {
            (85..89, true) => {
                self.specs.remove(&place);
                Some(Step::Remove { place })
            }
            (89..92, true) => Some(Step::Edit { place }),
            (92..94, true) => Some(Step::Erase { place }),
            (85..94, false) => None,
            _ => {
                let spec = self.declare(place);
                Some(Step::Declare { place, spec })
            }
        }
    }

    fn change(&mut self, key: Key, news: News) -> Step {
        let (choice, steps) = (self.dice.below(100), 1 + self.dice.below(REACH));
        let act = match self.keys.get_mut(&key) {
            Some(versions) => versions.change(key, choice, steps),
            None => Act::Put { n: 1 },
        };
        Step::Change { key, act, news }
    }

    fn declare(&mut self, place: Place) -> Spec {
        let generation = self.generations.entry(place).or_default();
        *generation += 1;
        let generation = *generation;
        let form = [Form::Whole, Form::Property, Form::Extract, Form::Template][self.dice.below(4)];
        let all: Vec<Key> = Key::all().collect();
        let count = if form == Form::Extract { 1 } else { 1 + self.dice.below(3) };
        let mut reads = Vec::new();
        for _ in 0..count {
            let key = all[self.dice.below(all.len())];
            if !reads.contains(&key) {
                reads.push(key);
            }
        }
        let interval = [5, 8, 15][self.dice.below(3)];
        let spec = Spec { generation, reads, form, interval, second_name: self.dice.happens(150) };
        self.specs.insert(place, spec.clone());
        spec
    }

    /// The same numbers are drawn whatever is switched on.
    fn news(&mut self) -> News {
        let dice = &mut self.dice;
        let (lost, twice, late) = (dice.happens(150), dice.happens(150), dice.happens(200));
        let (delay, echo) = (dice.millis(100, 6000), dice.millis(0, 9000));
        let by_http = dice.happens(400).then(|| dice.below(2));
        let on = |kind| self.kinds.contains(&kind);
        let mut delays = vec![if late && on(Kind::Delay) { delay } else { 0 }];
        if twice && on(Kind::Duplicate) {
            delays.push(echo);
        }
        if lost && on(Kind::Drop) {
            delays.clear();
        }
        News { delays, by_http }
    }
}

impl Iterator for Plan {
    type Item = Round;

    fn next(&mut self) -> Option<Round> {
        if self.left == 0 {
            return None;
        }
        let (mut busy, mut round) = (BTreeSet::new(), Round::default());
        for _ in 0..self.per_round.min(self.left) {
            // What finds its key or place taken is tried with another one; a few tries are enough.
            round.steps.extend((0..5).find_map(|_| self.step(&mut busy)));
        }
        self.left -= self.per_round.min(self.left);
        if !self.kinds.contains(&Kind::Edit) {
            round.steps.retain(|step| !matches!(step, Step::Edit { .. } | Step::Erase { .. }));
        }
        let faults = Fault::roll(&mut self.accidents);
        round.faults = faults.into_iter().filter(|fault| self.kinds.contains(&fault.kind())).collect();
        Some(round)
    }
}

/// What only one step of a round may touch.
#[derive(Eq, Ord, PartialEq, PartialOrd)]
enum Busy {
    Key(Key),
    Place(Place),
}

impl Versions {
    fn change(&mut self, key: Key, choice: usize, steps: usize) -> Act {
        let newest = self.all.len();
        let label_lags = key.is_labelled() && newest - self.standing.number > MOST_VERSIONS / 2;
        let crowded = key.store == Store::Manager && newest > MOST_VERSIONS;
        match choice {
            _ if crowded => self.recreate(),
            0..3 => self.recreate(),
            3..15 if key.store == Store::Vault => {
                // Nothing moves in Vault: whoever rolls back writes an older value once more.
                let n = self.all[newest - steps.min(newest)];
                self.push(n);
                Act::Put { n }
            }
            3..15 if key.store == Store::Manager => self.move_to(self.standing.number.saturating_sub(steps)),
            _ if label_lags => self.move_to(newest),
            3..40 if key.is_labelled() => self.move_to(newest.saturating_sub(steps)),
            40..60 if key.is_labelled() => self.move_to(newest),
            _ => {
                self.last += 1;
                let n = self.last;
                self.all.push(n);
                if !key.is_labelled() {
                    self.standing = Version { n, number: self.all.len() };
                }
                Act::Put { n }
            }
        }
    }

    fn push(&mut self, n: u32) {
        self.all.push(n);
        self.standing = Version { n, number: self.all.len() };
    }

    fn recreate(&mut self) -> Act {
        self.last += 1;
        self.all.clear();
        self.push(self.last);
        Act::Recreate { n: self.last }
    }

    /// Moves to a version by number, the first one at least. Where that is where it stands, a move is still made.
    fn move_to(&mut self, number: usize) -> Act {
        let (from, number) = (self.standing, number.max(1));
        self.standing = Version { n: self.all[number - 1], number };
        Act::Move { from, to: self.standing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(seed: u64) -> Options {
        Options { changes: 5000, ..Options::new(seed, 100) }
    }

    #[test]
    fn a_seed_makes_one_plan_and_another_seed_another() {
        let rounds = |seed| Plan::new(&options(seed)).collect::<Vec<_>>();
        assert_eq!(rounds(1), rounds(1));
        assert_ne!(rounds(1), rounds(2));
        assert!(rounds(1).iter().any(|round| !round.faults.is_empty()));
    }

    #[test]
    fn switching_faults_off_leaves_the_changes_as_they_are() {
        let changes = |options: Options| {
            let steps = Plan::new(&options).flat_map(|round| round.steps);
            steps
                .filter_map(|step| match step {
                    Step::Change { key, act, .. } => Some((key, act)),
                    _ => None,
                })
                .collect::<Vec<_>>()
        };
        let all = options(3);
        let none = Options { faults: BTreeSet::new(), ..all.clone() };
        assert_eq!(changes(all), changes(none.clone()));
        assert!(Plan::new(&none).all(|round| round.faults.is_empty()));
        let mut news = Plan::new(&none).flat_map(|round| round.steps);
        assert!(news.all(|step| !matches!(step, Step::Change { news, .. } if news.delays != [0])));
    }

    #[test]
    fn every_step_can_be_carried_out() {
        let mut plan = Plan::new(&options(4));
        let mut specs = plan.specs().clone();
        let mut versions: BTreeMap<Key, Vec<u32>> = Key::all().map(|key| (key, vec![1])).collect();
        let (mut rollbacks, mut labels, mut anew) = (0, 0, 0);
        for step in plan.by_ref().flat_map(|round| round.steps) {
            match step {
                Step::Change { key, act, .. } => {
                    let all = versions.get_mut(&key).unwrap();
                    match act {
                        Act::Put { n } => all.push(n),
                        Act::Recreate { n } => {
                            *all = vec![n];
                            anew += 1;
                        }
                        Act::Move { from, to } => {
                            assert!(key.is_labelled() || key.store == Store::Manager, "{key}");
                            for version in [from, to] {
                                assert_eq!(all[version.number - 1], version.n, "{key}");
                                assert!(all.len() - version.number < 90, "{key}: Parameter Store forgets it");
                            }
                            let count = if key.is_labelled() { &mut labels } else { &mut rollbacks };
                            *count += 1;
                        }
                    }
                }
                Step::Declare { place, spec } => {
                    let before = specs.insert(place, spec.clone());
                    assert!(before.is_none_or(|before| before.generation < spec.generation));
                }
                Step::Remove { place } => assert!(specs.remove(&place).is_some()),
                Step::Edit { place } | Step::Erase { place } => assert!(specs.contains_key(&place)),
            }
        }
        assert!(rollbacks > 20 && labels > 20 && anew > 20, "{rollbacks} {labels} {anew}");
        assert_eq!(&specs, plan.specs());
    }
}
