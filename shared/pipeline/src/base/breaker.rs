//! Circuit breakers. What did not answer several times in a row is left alone for a while; then a single call tries
//! it. So a dead server costs one timeout per period, and not one per declaration.
//!
//! Breakers are kept in memory: every process finds out for itself.

use crate::base::shares::Tenant;
use jiff::{SignedDuration, Timestamp};
use pawl_domain::{ClusterName, Kind, Step};
use pawl_ports::Error;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many calls in a row may go unanswered.
const TOLERATED: u32 = 3;
/// How long what does not answer is left alone at first; twice as long after each call that finds it gone.
const FIRST_PERIOD: Duration = Duration::from_secs(5);
/// The longest such period: by so much it may be back before anybody notices.
const LONGEST_PERIOD: Duration = Duration::from_secs(60);
/// How long the others wait while one call finds out.
const PROBE: Duration = Duration::from_secs(1);

/// What may stop answering.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Circuit {
    /// The API server of a cluster.
    Cluster(ClusterName),
    /// A host of stores, as one tenant reaches it: no tenant can cut off another one.
    Store { host: String, tenant: Tenant },
}

impl fmt::Display for Circuit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(name) => write!(f, "cluster {name}"),
            Self::Store { host, .. } => write!(f, "the store ({host})"),
        }
    }
}

/// Whether it is worth asking.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reach {
    /// It answers, as far as is known.
    Open,
    /// Its period of rest is over: one call may find out.
    Probe,
    /// It is left alone.
    Resting,
}

/// All breakers of a process.
#[derive(Debug, Default)]
pub(crate) struct Breakers(Mutex<HashMap<Circuit, Breaker>>);

#[derive(Debug, Default)]
struct Breaker {
    /// Unanswered calls in a row.
    failures: u32,
    /// The last period of rest, and when it ends.
    rest: Option<(Duration, Timestamp)>,
    /// A call is finding out.
    probing: bool,
}

impl Breakers {
    /// Makes a call unless it is known to be in vain, and learns from its answer.
    ///
    /// # Errors
    /// The call's; kind `Unreachable`, with the time to wait, when it was not made.
    pub(crate) async fn guard<T>(
        &self,
        circuit: Circuit,
        step: Step,
        now: impl Fn() -> Timestamp,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let mut answers = self.guard_each(circuit, step, now, 1, async { vec![call.await] }).await;
        answers.pop().unwrap_or_else(|| Err(Error::new(step, Kind::Transient, "there was no answer")))
    }

    /// As [`Breakers::guard`], of a call that gives `count` answers: it went unanswered when all of them say so.
    pub(crate) async fn guard_each<T>(
        &self,
        circuit: Circuit,
        step: Step,
        now: impl Fn() -> Timestamp,
        count: usize,
        call: impl Future<Output = Vec<Result<T, Error>>>,
    ) -> Vec<Result<T, Error>> {
        let passage = match self.enter(circuit, step, now()) {
            Ok(passage) => passage,
            Err(error) => return (0..count).map(|_| Err(error.shared())).collect(),
        };
        let answers = call.await;
        let unanswered =
            |answer: &Result<T, Error>| answer.as_ref().is_err_and(|error| error.kind == Kind::Unreachable);
        passage.leave(!answers.is_empty() && answers.iter().all(unanswered), now());
        answers
    }

    /// Whether it is worth asking, without asking.
    pub(crate) fn reach(&self, circuit: &Circuit, now: Timestamp) -> Reach {
        self.lock().get(circuit).map_or(Reach::Open, |breaker| breaker.reach(now))
    }

    fn enter(&self, circuit: Circuit, step: Step, now: Timestamp) -> Result<Passage<'_>, Error> {
        let mut breakers = self.lock();
        let Some(breaker) = breakers.get_mut(&circuit) else {
            return Ok(Passage { breakers: self, circuit: Some(circuit), probes: false });
        };
        match breaker.reach(now) {
            Reach::Open => Ok(Passage { breakers: self, circuit: Some(circuit), probes: false }),
            Reach::Probe => {
                breaker.probing = true;
                Ok(Passage { breakers: self, circuit: Some(circuit), probes: true })
            }
            Reach::Resting => {
                let wait = breaker.wait(now);
                let message = format!(
                    "{circuit} did not answer several times in a row; it is asked again in {} s",
                    wait.as_secs().max(1)
                );
                Err(Error::new(step, Kind::Unreachable, message).after(wait))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Circuit, Breaker>> {
        // What a panic leaves behind is whole: nothing is called while the lock is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Breaker {
    fn reach(&self, now: Timestamp) -> Reach {
        let resting = |until: Timestamp| {
            let wait = until.duration_since(now);
            // A clock that went back does not make a rest longer.
            wait.is_positive() && SignedDuration::try_from(LONGEST_PERIOD).is_ok_and(|most| wait <= most)
        };
        match self.rest {
            None => Reach::Open,
            Some((_, until)) if self.probing || resting(until) => Reach::Resting,
            Some(_) => Reach::Probe,
        }
    }

    fn wait(&self, now: Timestamp) -> Duration {
        let until = self.rest.map_or(now, |(_, until)| until);
        Duration::try_from(until.duration_since(now)).unwrap_or_default().max(PROBE)
    }

    fn failed(&mut self, probe: bool, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        let period = match self.rest {
            Some((period, _)) if probe => period.saturating_mul(2).min(LONGEST_PERIOD),
            // Calls that were under way when the rest began.
            Some(_) => return,
            None if self.failures >= TOLERATED => FIRST_PERIOD,
            None => return,
        };
        self.rest = Some((period, now.checked_add(period).unwrap_or(now)));
    }
}

/// A call that is under way. One that is dropped leaves it to the next to find out.
struct Passage<'a> {
    breakers: &'a Breakers,
    circuit: Option<Circuit>,
    probes: bool,
}

impl Passage<'_> {
    fn leave(mut self, unanswered: bool, now: Timestamp) {
        let Some(circuit) = self.circuit.take() else { return };
        let mut breakers = self.breakers.lock();
        if !unanswered {
            breakers.remove(&circuit);
            return;
        }
        let breaker = breakers.entry(circuit).or_default();
        breaker.failed(self.probes, now);
        if self.probes {
            breaker.probing = false;
        }
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        if let Some(circuit) = self.circuit.take().filter(|_| self.probes)
            && let Some(breaker) = self.breakers.lock().get_mut(&circuit)
        {
            breaker.probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use std::future::{pending, ready};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap_or_default()
    }

    fn blue() -> Circuit {
        Circuit::Cluster("blue".parse().unwrap_or_else(|_| unreachable!("a valid name")))
    }

    /// What a call that ends with `kind` gives at a second; `None` when it was not made.
    fn call(breakers: &Breakers, second: i64, kind: Option<Kind>) -> Option<bool> {
        let mut made = false;
        let answer = breakers.guard(blue(), Step::Read, || at(second), async {
            made = true;
            kind.map_or(Ok(()), |kind| Err(Error::new(Step::Read, kind, "as the test wants it")))
        });
        let answer = answer.now_or_never().map(|answer| answer.is_ok());
        answer.filter(|_| made)
    }

    #[test]
    fn what_does_not_answer_is_left_alone_for_periods_that_double() {
        let breakers = Breakers::default();
        let gone = Some(Kind::Unreachable);
        for second in [0, 0, 0] {
            assert_eq!(call(&breakers, second, gone), Some(false));
        }
        for (second, made) in
            [(0, false), (4, false), (5, true), (6, false), (14, false), (15, true), (34, false)]
        {
            assert_eq!(call(&breakers, second, gone).is_some(), made, "second {second}");
        }
        assert_eq!(call(&breakers, 35, None), Some(true), "it is back");
        assert_eq!(call(&breakers, 35, gone), Some(false), "one failure is none");
        assert_eq!(call(&breakers, 35, None), Some(true));
    }

    #[test]
    fn only_silence_counts_and_only_in_a_row() {
        let breakers = Breakers::default();
        for kind in [Kind::Denied, Kind::Throttled, Kind::Transient, Kind::NotFound, Kind::Conflict] {
            for _ in 0..5 {
                assert_eq!(call(&breakers, 0, Some(kind)), Some(false), "{kind}");
            }
        }
        for _ in 0..5 {
            assert_eq!(call(&breakers, 0, Some(Kind::Unreachable)), Some(false));
            assert_eq!(call(&breakers, 0, Some(Kind::Unreachable)), Some(false));
            assert_eq!(call(&breakers, 0, None), Some(true));
        }
    }

    #[test]
    fn one_call_finds_out_and_one_that_is_dropped_leaves_it_to_the_next() {
        let breakers = Breakers::default();
        for _ in 0..3 {
            call(&breakers, 0, Some(Kind::Unreachable));
        }
        assert_eq!(breakers.reach(&blue(), at(1)), Reach::Resting);
        assert_eq!(breakers.reach(&blue(), at(5)), Reach::Probe);
        let probe = breakers.guard(blue(), Step::Read, || at(5), pending::<Result<(), Error>>());
        let mut probe = Box::pin(probe);
        assert!(probe.as_mut().now_or_never().is_none());
        let other = breakers.guard(blue(), Step::Read, || at(5), ready(Ok(()))).now_or_never();
        let error = other.and_then(Result::err);
        assert!(error.is_some_and(|error| error.retry_after() == Some(PROBE)));
        drop(probe);
        assert_eq!(call(&breakers, 5, None), Some(true));
    }

    #[test]
    fn a_clock_that_goes_back_makes_no_rest_longer() {
        let breakers = Breakers::default();
        for _ in 0..3 {
            call(&breakers, 86_400, Some(Kind::Unreachable));
        }
        assert_eq!(breakers.reach(&blue(), at(0)), Reach::Probe);
    }
}
