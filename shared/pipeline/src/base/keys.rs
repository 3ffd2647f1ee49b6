//! Fetches one key of a store.

use crate::parts::Base;
use pawl_domain::{Access, Fetched, Kind, Remote, Step, Store};
use pawl_ports::{Error, Part, Ports, Sources, Wanted};

impl<P: Ports> Base<P> {
    /// One key alone.
    pub(crate) async fn fetch_one(&self, access: &Access, want: &Wanted) -> Result<Fetched, Error> {
        let call = self.ports.sources().fetch(access, std::slice::from_ref(want));
        let mut answers = self.at_store_each(access, 1, call).await;
        answers.pop().unwrap_or_else(|| Err(no_answer(want)))
    }
}

/// What a read of one key asks of its store.
pub(crate) fn wanted(remote: &Remote, store: &Store) -> Wanted {
    let part = if remote.metadata { Part::Metadata } else { Part::Value };
    Wanted { key: store.asked(remote), selector: remote.selector(store), part }
}

pub(crate) fn no_answer(want: &Wanted) -> Error {
    Error::new(Step::Fetch, Kind::Transient, format!("the store gave no answer for {}", want.key))
}
