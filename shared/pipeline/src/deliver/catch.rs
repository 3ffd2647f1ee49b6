//! The fetched answers of one delivery.

use crate::deliver::plan::{Plan, Question};
use pawl_domain::{Change, Fetched, Found};
use pawl_ports::{Error, Wanted};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What became of one key.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) result: Result<Arc<Fetched>, Error>,
    /// The change whose version the store does not show yet.
    pub(crate) behind: Option<Arc<Change>>,
}

/// What a search found, by name.
pub(crate) type Finds = BTreeMap<String, Arc<Fetched>>;

/// What became of one search.
#[derive(Debug)]
pub(crate) struct Searched {
    pub(crate) result: Result<Finds, Error>,
    /// The change whose version the store does not show yet.
    pub(crate) behind: Option<Arc<Change>>,
}

/// The keys that one identity was asked for.
pub(crate) type Keys = BTreeMap<Wanted, Answer>;

/// What the reads of one plan gave, in their order; `None` where nothing was asked.
#[derive(Debug)]
pub(crate) struct Catch(pub(crate) Vec<Option<Caught>>);

/// What holds the answer to a read.
#[derive(Debug)]
pub(crate) enum Caught {
    Keys(Arc<Keys>),
    Search(Arc<Searched>),
}

impl Caught {
    /// The answer to a question.
    pub(crate) fn found(&self, question: &Question) -> Option<Result<Found, &Error>> {
        match (self, question) {
            (Self::Keys(keys), Question::Key(_, want)) => {
                let result = keys.get(want)?.result.as_ref();
                Some(result.map(|fetched| Found::One(Arc::clone(fetched))))
            }
            (Self::Search(searched), Question::Search(_)) => {
                Some(searched.result.as_ref().map(|found| Found::Many(found.clone())))
            }
            _ => None,
        }
    }

    /// The change whose version the store does not show yet.
    fn behind(&self, question: &Question) -> Option<&Arc<Change>> {
        match (self, question) {
            (Self::Keys(keys), Question::Key(_, want)) => keys.get(want)?.behind.as_ref(),
            (Self::Search(searched), Question::Search(_)) => searched.behind.as_ref(),
            _ => None,
        }
    }
}

impl Catch {
    /// The changes of this plan whose versions the stores do not show yet.
    pub(crate) fn behind(&self, plan: &Plan) -> Vec<Arc<Change>> {
        let mut behind: Vec<Arc<Change>> = Vec::new();
        for (read, caught) in plan.reads.iter().zip(&self.0) {
            let (Ok(read), Some(caught)) = (read, caught) else { continue };
            let change = caught.behind(&read.question);
            behind.extend(change.filter(|change| !behind.contains(change)).cloned());
        }
        behind
    }
}
