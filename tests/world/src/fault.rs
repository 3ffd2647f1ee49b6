//! What goes wrong in the world, where, and how often.

use pawl_domain::{Kind, Step};
use std::time::Duration;

/// Where the flow meets the world. A gate stops a task, and a fault strikes, right before what the point names.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Point {
    /// Any read of the registry.
    Lookup,
    /// Any write of the registry.
    Catalogue,
    /// A read of the ledger.
    Entries,
    /// A write of the ledger.
    Record,
    /// A read or write of a mark.
    Mark,
    /// A fetch of values. Faults strike keys one by one.
    Fetch,
    /// A making of values.
    Generate,
    /// A look at versions. Faults strike keys one by one.
    Versions,
    /// A listing of what changed.
    Listing,
    /// A search.
    Search,
    /// The question whose an identity is.
    Account,
    /// A proof of an identity.
    Validate,
    /// A read of a target.
    Read,
    /// Any write of a target.
    Write,
    /// A read of a namespace's labels.
    NamespaceLabels,
    /// A listing of the managed Secrets of a cluster.
    Managed,
    /// A listing of the manifests of a cluster.
    Manifests,
    /// A listing of the ExternalSecrets that have the name of a ClusterExternalSecret's children.
    Family,
    /// A write of such an ExternalSecret.
    Child,
    /// A status written back.
    Publish,
    /// A read of credentials in a cluster.
    Credentials,
    /// A hand-over to the job queue.
    Enqueue,
    /// Whoever waits for receipts.
    Tell,
    /// A push to a store.
    Push,
    /// The question whether a store has an entry.
    Exists,
    /// A removal of what was pushed to a store.
    Unpush,
}

impl Point {
    /// The points between which a sync may be cut, for [`Schedule`](crate::Schedule)s.
    pub const OF_A_SYNC: [Self; 7] =
        [Self::Entries, Self::Fetch, Self::Read, Self::Write, Self::Record, Self::Enqueue, Self::Publish];
    /// Everything that asks a cluster.
    pub const OF_CLUSTERS: [Self; 9] = [
        Self::Read,
        Self::Write,
        Self::NamespaceLabels,
        Self::Managed,
        Self::Manifests,
        Self::Family,
        Self::Child,
        Self::Publish,
        Self::Credentials,
    ];

    /// The step that an error at this point is of.
    pub(crate) fn step(self) -> Step {
        match self {
            Self::Lookup | Self::Catalogue => Step::Lookup,
            Self::Entries | Self::Record | Self::Mark => Step::Record,
            Self::Fetch | Self::Generate | Self::Versions | Self::Listing | Self::Search => Step::Fetch,
            Self::Read | Self::NamespaceLabels | Self::Managed | Self::Manifests | Self::Family => Step::Read,
            Self::Write | Self::Child | Self::Publish => Step::Write,
            Self::Account | Self::Credentials | Self::Validate => Step::Authenticate,
            Self::Enqueue | Self::Tell => Step::Enqueue,
            Self::Push | Self::Exists | Self::Unpush => Step::Push,
        }
    }
}

/// Something that goes wrong: everywhere and for ever unless it is told where and how often.
///
/// ```
/// use pawl_domain::Kind;
/// use pawl_world::{Fault, Point, World};
/// let world = World::new();
/// world.inject(Fault::fail(Kind::Throttled).at(Point::Fetch).on("app/db").times(2));
/// world.inject(Fault::down("blue"));
/// world.mend("blue");
/// ```
#[derive(Clone, Debug)]
pub struct Fault {
    pub(crate) points: Vec<Point>,
    pub(crate) subject: Option<String>,
    pub(crate) effect: Effect,
    pub(crate) left: Option<u32>,
    pub(crate) rest: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Effect {
    Fail(Kind),
    Unauthenticated,
    LostAnswer,
    Slow(Duration),
    Stale(usize),
    Panic(&'static str),
}

impl Fault {
    /// The call fails with this kind and does nothing.
    pub fn fail(kind: Kind) -> Self {
        Self::of(Effect::Fail(kind))
    }

    /// A failure whose answer asks to be left alone for so long, as `Retry-After` does.
    #[must_use]
    pub fn resting(self, rest: Duration) -> Self {
        Self { rest: Some(rest), ..self }
    }

    /// The identity cannot be proven: kind `Denied`, step `Authenticate`.
    pub fn unauthenticated() -> Self {
        Self::of(Effect::Unauthenticated)
    }

    /// The call is carried out, and then fails as if the answer had been lost: kind `Unreachable`.
    pub fn lost_answer() -> Self {
        Self::of(Effect::LostAnswer)
    }

    /// The call panics with these words.
    pub fn panic(words: &'static str) -> Self {
        Self::of(Effect::Panic(words))
    }

    /// The call takes this long, by tokio's clock.
    pub fn slow(by: Duration) -> Self {
        Self::of(Effect::Slow(by))
    }

    /// The store answers as if the last `versions` versions did not exist yet.
    pub fn stale(versions: usize) -> Self {
        Self::of(Effect::Stale(versions)).among(&[Point::Fetch, Point::Versions])
    }

    /// A cluster cannot be reached.
    pub fn down(cluster: &str) -> Self {
        Self::fail(Kind::Unreachable).among(&Point::OF_CLUSTERS).on(cluster)
    }

    /// Pawl may do nothing in a cluster.
    pub fn forbidden(cluster: &str) -> Self {
        Self::fail(Kind::Denied).among(&Point::OF_CLUSTERS).on(cluster)
    }

    /// Only at this point.
    #[must_use]
    pub fn at(self, point: Point) -> Self {
        self.among(&[point])
    }

    /// Only at these points.
    #[must_use]
    pub fn among(self, points: &[Point]) -> Self {
        Self { points: points.to_vec(), ..self }
    }

    /// Only on this subject: a key as it is asked for, a cluster, a declaration's id, or `<cluster>/<namespace>`.
    #[must_use]
    pub fn on(self, subject: &str) -> Self {
        Self { subject: Some(subject.to_owned()), ..self }
    }

    /// Only so many times.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { left: Some(times), ..self }
    }

    fn of(effect: Effect) -> Self {
        Self { points: Vec::new(), subject: None, effect, left: None, rest: None }
    }

    fn strikes(&self, point: Point, subjects: &[&str]) -> bool {
        self.left != Some(0)
            && (self.points.is_empty() || self.points.contains(&point))
            && self.subject.as_deref().is_none_or(|subject| subjects.contains(&subject))
    }
}

/// All that strikes one call.
#[derive(Debug, Default)]
pub(crate) struct Struck {
    pub(crate) slow: Duration,
    pub(crate) failure: Option<(Step, Kind)>,
    /// How long the one that failed asks to be left alone.
    pub(crate) rest: Option<Duration>,
    pub(crate) lost: bool,
    pub(crate) stale: usize,
    pub(crate) panic: Option<&'static str>,
}

/// Uses up what strikes a call at this point: one failure at most, all the rest.
pub(crate) fn strike(faults: &mut [Fault], point: Point, subjects: &[&str]) -> Struck {
    let mut struck = Struck::default();
    for fault in faults.iter_mut().filter(|fault| fault.strikes(point, subjects)) {
        match fault.effect {
            Effect::Fail(_) | Effect::Unauthenticated | Effect::LostAnswer
                if struck.failure.is_some() || struck.lost =>
            {
                continue;
            }
            Effect::Fail(kind) => {
                struck.failure = Some((point.step(), kind));
                struck.rest = fault.rest;
            }
            Effect::Unauthenticated => struck.failure = Some((Step::Authenticate, Kind::Denied)),
            Effect::LostAnswer => struck.lost = true,
            Effect::Slow(by) => struck.slow += by,
            Effect::Stale(versions) => struck.stale = struck.stale.max(versions),
            Effect::Panic(words) => struck.panic = Some(words),
        }
        if let Some(left) = &mut fault.left {
            *left -= 1;
        }
    }
    struck
}
