//! Faults on purpose: slow, failing, lost and hanging answers.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;

use crate::status::Failure;

/// What goes wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The request is handled after this time (tokio's clock). Adds to other faults.
    Latency(Duration),
    /// The request is not handled; this answer is sent.
    Answer {
        /// HTTP status code.
        code: u16,
        /// `reason` of the Status body, for example `TooManyRequests`.
        reason: String,
        /// `message` of the Status body.
        message: String,
        /// Seconds for the `Retry-After` header and the body's `retryAfterSeconds`.
        retry_after: Option<u32>,
    },
    /// The connection is closed; nothing was applied.
    CutBefore,
    /// The request is applied, but its answer is lost with the connection.
    CutAfter,
    /// Nothing happens until the rule is removed; then the request is handled.
    Hang,
}

/// Which requests a fault strikes, and how often.
#[derive(Debug, Clone)]
pub struct Rule {
    method: Option<String>,
    path: Option<String>,
    skip: usize,
    times: Option<usize>,
    fault: Fault,
}

/// Names a rule that was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleId(u64);

/// The rules in force, in the order in which they were added.
#[derive(Debug)]
pub struct Faults {
    rules: Mutex<Vec<Active>>,
    changed: watch::Sender<u64>,
}

#[derive(Debug)]
struct Active {
    id: RuleId,
    rule: Rule,
    seen: usize,
    hits: usize,
    removed: bool,
}

/// What the rules decided for one request.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) latency: Duration,
    pub(crate) fault: Option<(RuleId, Fault)>,
}

impl Fault {
    /// 429 with `Retry-After`.
    pub fn too_many_requests(retry_after: u32) -> Self {
        let message = "the server has received too many requests and has asked us to try again later";
        Self::answer(429, "TooManyRequests", message, Some(retry_after))
    }

    /// 500.
    pub fn internal_error() -> Self {
        Self::answer(500, "InternalError", "Internal error occurred: injected by the test", None)
    }

    /// 503.
    pub fn unavailable() -> Self {
        let message = "the server is currently unable to handle the request";
        Self::answer(503, "ServiceUnavailable", message, None)
    }

    /// 401, as for a token that has expired.
    pub fn unauthorized() -> Self {
        Self::answer(401, "Unauthorized", "Unauthorized", None)
    }

    /// 403, as an admission webhook or a changed role would say it.
    pub fn forbidden() -> Self {
        Self::answer(403, "Forbidden", "forbidden: injected by the test", None)
    }

    /// 409, as a write between read and write would cause it.
    pub fn conflict() -> Self {
        let message = "Operation cannot be fulfilled: the object has been modified; please apply your changes to the \
                       latest version and try again";
        Self::answer(409, "Conflict", message, None)
    }

    fn answer(code: u16, reason: &str, message: &str, retry_after: Option<u32>) -> Self {
        Self::Answer { code, reason: reason.to_owned(), message: message.to_owned(), retry_after }
    }
}

impl Rule {
    /// Strikes every request, until told otherwise.
    pub fn new(fault: Fault) -> Self {
        Self { method: None, path: None, skip: 0, times: None, fault }
    }

    /// Only requests with this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only requests whose path matches; `*` matches any run of characters, slashes included.
    #[must_use]
    pub fn path(mut self, pattern: &str) -> Self {
        self.path = Some(pattern.to_owned());
        self
    }

    /// Lets the first `count` matching requests pass.
    #[must_use]
    pub fn skip(mut self, count: usize) -> Self {
        self.skip = count;
        self
    }

    /// Strikes only this many times.
    #[must_use]
    pub fn times(mut self, count: usize) -> Self {
        self.times = Some(count);
        self
    }

    /// Strikes only the `n`th matching request, counted from 1.
    #[must_use]
    pub fn nth(self, n: usize) -> Self {
        self.skip(n.saturating_sub(1)).times(1)
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        self.method.as_deref().is_none_or(|m| m == method)
            && self.path.as_deref().is_none_or(|pattern| glob(pattern, path))
    }
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self { rules: Mutex::default(), changed: watch::Sender::new(0) }
    }

    /// Adds a rule behind the others. Latencies add up; of the other faults the first that matches strikes.
    pub fn add(&self, rule: Rule) -> RuleId {
        let mut rules = self.lock();
        let id = RuleId(rules.len() as u64);
        rules.push(Active { id, rule, seen: 0, hits: 0, removed: false });
        id
    }

    /// How often a rule has struck; also after its removal.
    pub fn hits(&self, id: RuleId) -> usize {
        self.lock().iter().find(|active| active.id == id).map_or(0, |active| active.hits)
    }

    /// Ends a rule and lets the requests go on that it made hang.
    pub fn remove(&self, id: RuleId) {
        self.lock().iter_mut().filter(|active| active.id == id).for_each(|active| active.removed = true);
        self.changed.send_modify(|count| *count += 1);
    }

    /// Ends all rules.
    pub fn clear(&self) {
        self.lock().iter_mut().for_each(|active| active.removed = true);
        self.changed.send_modify(|count| *count += 1);
    }

    pub(crate) fn judge(&self, method: &str, path: &str) -> Verdict {
        let mut verdict = Verdict::default();
        for active in self.lock().iter_mut().filter(|a| !a.removed && a.rule.matches(method, path)) {
            let latency = if let Fault::Latency(time) = active.rule.fault { Some(time) } else { None };
            if latency.is_none() && verdict.fault.is_some() {
                continue;
            }
            active.seen += 1;
            if active.seen <= active.rule.skip || active.rule.times.is_some_and(|times| active.hits >= times)
            {
                continue;
            }
            active.hits += 1;
            match latency {
                Some(time) => verdict.latency += time,
                None => verdict.fault = Some((active.id, active.rule.fault.clone())),
            }
        }
        verdict
    }

    /// Waits until the rule is removed.
    pub(crate) async fn ended(&self, id: RuleId) {
        let mut changed = self.changed.subscribe();
        // The sender lives as long as self, so waiting never fails.
        let _ = changed.wait_for(|_| self.lock().iter().any(|a| a.id == id && a.removed)).await;
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Active>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer of [`Fault::Answer`].
pub(crate) fn answer(code: u16, reason: &str, message: &str, retry_after: Option<u32>) -> Failure {
    let details = retry_after.map(|seconds| json!({"retryAfterSeconds": seconds}));
    Failure::new(code, reason, message, details)
}

fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| glob(tail, &rest[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_across_slashes() {
        for (pattern, path, expected) in [
            ("*", "/a/b", true),
            ("/a/*", "/a/b/c", true),
            ("/a/*/c", "/a/b/b/c", true),
            ("/a/*/c", "/a/b/d", false),
            ("/a", "/a/b", false),
        ] {
            assert_eq!(glob(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn a_rule_strikes_the_nth_match_only_and_latencies_add_up() {
        let faults = Faults::new();
        let id = faults.add(Rule::new(Fault::CutAfter).method("PATCH").nth(2));
        faults.add(Rule::new(Fault::Latency(Duration::from_millis(2))));
        faults.add(Rule::new(Fault::Latency(Duration::from_millis(3))).method("GET"));
        let struck: Vec<bool> =
            ["PATCH", "GET", "PATCH", "PATCH"].map(|m| faults.judge(m, "/x").fault.is_some()).to_vec();
        assert_eq!(struck, [false, false, true, false]);
        assert_eq!(faults.hits(id), 1);
        assert_eq!(faults.judge("GET", "/x").latency, Duration::from_millis(5));
        faults.clear();
        assert_eq!(faults.judge("GET", "/x").latency, Duration::ZERO);
    }
}
