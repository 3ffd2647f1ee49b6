//! Fetches each key once per identity and delivery, however many declarations and clusters need it. A declaration
//! waits only for its own stores.

use crate::base::keys::no_answer;
use crate::base::lanes::Lanes;
use crate::base::panicked::panicked;
use crate::deliver::catch::{Answer, Catch, Caught, Keys, Searched};
use crate::deliver::plan::{Asked, Plan, Question, Sought};
use crate::parts::Deliver;
use futures::future::{BoxFuture, FutureExt, Shared, join_all};
use pawl_domain::{Access, Location, Step};
use pawl_ports::{Ports, Sources, Wanted};
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// How many identities are asked at the same time in one location, and how many searches are made there.
pub(crate) const AT_ONCE: usize = 16;

/// Everything that some plans read, each question asked once, when the first of them waits for its answer.
pub(crate) struct Fetching<'a> {
    keys: BTreeMap<Access, Shared<BoxFuture<'a, Arc<Keys>>>>,
    searches: BTreeMap<Asked, Shared<BoxFuture<'a, Arc<Searched>>>>,
}

impl<P: Ports> Deliver<P> {
    /// Prepares to fetch everything that these plans read.
    pub(crate) fn fetching<'a>(&'a self, plans: &[&Plan], lanes: &'a Lanes<Location>) -> Fetching<'a> {
        // Each question once, with the latest change that concerns it.
        let mut wanted: BTreeMap<Access, BTreeMap<Wanted, Option<Sought>>> = BTreeMap::new();
        let mut searches: BTreeMap<Asked, Option<Sought>> = BTreeMap::new();
        for read in plans.iter().flat_map(|plan| plan.permitted()) {
            let asked = match &read.question {
                Question::Key(access, want) => {
                    wanted.entry(access.clone()).or_default().entry(want.clone()).or_default()
                }
                Question::Search(asked) => searches.entry(asked.clone()).or_default(),
                // What is made is made for one target alone, and only when that is going to be written.
                Question::Generate(..) => continue,
            };
            if let Some(sought) = &read.sought
                && asked.as_ref().is_none_or(|other| other.change.at < sought.change.at)
            {
                *asked = Some(sought.clone());
            }
        }
        let keys = wanted.into_iter().map(|(access, wanted)| {
            let asked = access.clone();
            let keys = async move {
                let _turn = lanes.enter(&asked.backend.location()).await;
                Arc::new(self.fetch_as(&asked, wanted).await)
            };
            (access, keys.boxed().shared())
        });
        let keys = keys.collect();
        let searches = searches.into_iter().map(|(search, sought)| {
            let asked = search.clone();
            let found = async move {
                let _turn = lanes.enter(&asked.0.backend.location()).await;
                Arc::new(self.search(&asked, sought.as_ref()).await)
            };
            (search, found.boxed().shared())
        });
        Fetching { keys, searches: searches.collect() }
    }

    async fn fetch_as(&self, access: &Access, wanted: BTreeMap<Wanted, Option<Sought>>) -> Keys {
        let keys: Vec<Wanted> = wanted.keys().cloned().collect();
        let call =
            self.base.at_store_each(access, keys.len(), self.base.ports.sources().fetch(access, &keys));
        let asked = AssertUnwindSafe(call).catch_unwind().await;
        // What the panic says may hold a value.
        let answers = asked.unwrap_or_else(|_| keys.iter().map(|_| Err(panicked(Step::Fetch))).collect());
        let mut answers = answers.into_iter();
        let settled = wanted.into_iter().map(|(want, sought)| {
            let answer = answers.next().unwrap_or_else(|| Err(no_answer(&want)));
            async move {
                let Some(sought) = sought else {
                    return (want, Answer { result: answer.map(Arc::new), behind: None });
                };
                let (result, reached) = self.at_least(&sought, access, &want, answer).await;
                let behind = (!reached).then_some(sought.change);
                (want, Answer { result: result.map(Arc::new), behind })
            }
        });
        join_all(settled).await.into_iter().collect()
    }
}

impl Fetching<'_> {
    /// Waits for what one plan reads.
    pub(crate) async fn of(&self, plan: &Plan) -> Catch {
        let answers = plan.reads.iter().map(async |read| {
            Some(match &read.as_ref().ok()?.question {
                Question::Key(access, _) => Caught::Keys(self.keys.get(access)?.clone().await),
                Question::Search(asked) => Caught::Search(self.searches.get(asked)?.clone().await),
                Question::Generate(..) => return None,
            })
        });
        Catch(join_all(answers).await)
    }
}
