//! Watches: the changes of a kind as JSON lines.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::kinds::Kind;
use crate::read::bad_version;
use crate::route::Query;
use crate::selector::Selector;
use crate::status::{Answer, Cause, Failure};
use crate::store::{Change, Object, State, Store};
use crate::view::View;

/// How long a watch lasts that names no time, as the real server's shortest.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1800);

/// Marks the bookmark after which a watch has sent all that stood there when it began.
const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

/// A watch that was asked for.
pub(crate) struct Watch {
    store: Arc<Store>,
    kind: &'static Kind,
    version: String,
    namespace: String,
    selector: Selector,
    view: View,
    bookmarks: Option<Duration>,
    until: Instant,
    /// Everything up to here has been sent or did not concern this watch.
    seen: u64,
    newest: watch::Receiver<u64>,
    pending: VecDeque<Bytes>,
    rows: usize,
    over: bool,
}

impl Watch {
    /// Reads the parameters of a watch.
    ///
    /// # Errors
    /// 400, 422 and 500 for parameters that do not parse or are not supported.
    pub(crate) fn new(
        store: &Arc<Store>,
        kind: &'static Kind,
        version: &str,
        namespace: &str,
        query: &Query,
        view: View,
        bookmark_every: Duration,
    ) -> Answer<Self> {
        let initial = query.flag("sendInitialEvents");
        let why = match (initial, query.get("resourceVersionMatch")) {
            (true, "NotOlderThan") | (false, "") => None,
            (true, _) => Some("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"),
            (false, _) => {
                Some("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")
            }
        };
        if let Some(why) = why {
            let cause = Cause::forbidden("resourceVersionMatch", why);
            return Err(Failure::invalid("meta.k8s.io", "ListOptions", "", &[cause]));
        }
        let asked = query.get("resourceVersion");
        let from = if asked.is_empty() { Ok(0) } else { asked.parse::<u64>() };
        let from = from.map_err(|_| bad_version(asked))?;
        let seconds = query.get("timeoutSeconds").parse().map_or(DEFAULT_TIMEOUT, Duration::from_secs);
        let mut watch = Self {
            kind,
            version: version.to_owned(),
            namespace: namespace.to_owned(),
            selector: Selector::parse(kind, query.get("labelSelector"), query.get("fieldSelector"))?,
            view,
            bookmarks: query.flag("allowWatchBookmarks").then_some(bookmark_every),
            until: Instant::now() + seconds,
            seen: from,
            newest: store.versions(),
            store: Arc::clone(store),
            pending: VecDeque::new(),
            rows: 0,
            over: false,
        };
        if from == 0 || initial {
            let (objects, version) = store.with(|state| watch.present(state));
            watch.seen = version;
            for object in objects {
                watch.push("ADDED", &object);
            }
        }
        if initial && watch.bookmarks.is_some() {
            watch.push_bookmark(Some(INITIAL_EVENTS_END));
        }
        Ok(watch)
    }

    /// The body: one event a line, until the time is up.
    pub(crate) fn into_body(self) -> StreamBody<impl Stream<Item = Result<Frame<Bytes>, Infallible>>> {
        StreamBody::new(futures::stream::unfold(self, |mut watch| async move {
            let line = watch.next().await?;
            Some((Ok(Frame::data(line)), watch))
        }))
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.pending.pop_front() {
                return Some(line);
            }
            if self.over {
                return None;
            }
            self.newest.borrow_and_update();
            self.collect();
            if !self.pending.is_empty() {
                continue;
            }
            let bookmark =
                self.bookmarks.map_or(self.until, |every| (Instant::now() + every).min(self.until));
            tokio::select! {
                changed = self.newest.changed() => self.over = changed.is_err(),
                () = tokio::time::sleep_until(bookmark) => {
                    self.over = Instant::now() >= self.until;
                    if self.bookmarks.is_some() && !self.over {
                        self.push_bookmark(None);
                    }
                }
            }
        }
    }

    fn present(&self, state: &State) -> (Vec<Object>, u64) {
        let objects = state.list(self.kind.storage, &self.namespace).map(|(_, object)| object.clone());
        (objects.filter(|object| self.selector.matches(object)).collect(), state.version())
    }

    fn collect(&mut self) {
        let store = Arc::clone(&self.store);
        let found = store.with(|state| {
            if self.seen < state.floor() {
                return Err(state.floor());
            }
            let mine = |c: &&Change| {
                c.storage == self.kind.storage && (self.namespace.is_empty() || c.namespace == self.namespace)
            };
            Ok((state.changes_after(self.seen).filter(mine).cloned().collect::<Vec<_>>(), state.version()))
        });
        match found {
            Ok((changes, version)) => {
                // A watch may start at a version that is still to come.
                self.seen = self.seen.max(version);
                for change in changes {
                    self.push_change(&change);
                }
            }
            Err(floor) => {
                let failure = Failure::expired(self.seen, floor);
                self.push_event("ERROR", failure.body.to_string().as_bytes());
                self.over = true;
            }
        }
    }

    fn push_change(&mut self, change: &Change) {
        let before = change.before.as_ref().is_some_and(|object| self.selector.matches(object));
        let after = !change.deleted && self.selector.matches(&change.object);
        match (before, after) {
            (false, true) => self.push("ADDED", &change.object),
            (true, true) => self.push("MODIFIED", &change.object),
            (true, false) => self.push("DELETED", &change.object),
            (false, false) => {}
        }
    }

    fn push(&mut self, event: &str, object: &Object) {
        let object = self.view.object(self.kind, &self.version, object, self.store.now(), self.rows == 0);
        self.rows += 1;
        self.push_event(event, &object);
    }

    fn push_bookmark(&mut self, annotation: Option<&str>) {
        let mut meta = json!({"resourceVersion": self.seen.to_string(), "creationTimestamp": null});
        if let Some(annotation) = annotation {
            meta["annotations"] = json!({ annotation: "true" });
        }
        let object: Value = match &self.view {
            View::Full => {
                let api_version = self.kind.api_version(&self.version);
                json!({"kind": self.kind.kind, "apiVersion": api_version, "metadata": meta})
            }
            View::Metadata(version) => {
                json!({
                    "kind": "PartialObjectMetadata", "apiVersion": format!("meta.k8s.io/{version}"), "metadata": meta,
                })
            }
            View::Table(version) => json!({
                "kind": "Table", "apiVersion": format!("meta.k8s.io/{version}"), "metadata": meta, "rows": [],
            }),
        };
        self.push_event("BOOKMARK", object.to_string().as_bytes());
    }

    fn push_event(&mut self, event: &str, object: &[u8]) {
        let mut line = format!("{{\"type\":\"{event}\",\"object\":").into_bytes();
        line.extend_from_slice(object);
        line.extend_from_slice(b"}\n");
        self.pending.push_back(line.into());
    }
}
