use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// What goes wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VaultFault {
    /// The request is not handled; this is answered.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The body's `errors`.
        errors: Vec<String>,
        /// Headers beside the usual ones.
        headers: Vec<(String, String)>,
    },
    /// The request is handled after this time (tokio's clock).
    Delay(Duration),
    /// Nothing happens, until the client gives up.
    Hang,
    /// The connection is closed; the request was not handled.
    CutBefore,
    /// The request is handled, and the connection closed in the middle of the answer.
    CutBody,
}

impl VaultFault {
    /// 429, as for a rate limit quota whose response headers are on. `retry_after` in seconds.
    #[must_use]
    pub fn rate_limited(retry_after: u32) -> Self {
        let mut answer = Self::answer(429, "request path \"\": rate limit quota exceeded");
        if let Self::Answer { headers, .. } = &mut answer {
            headers.push(("retry-after".to_owned(), retry_after.to_string()));
        }
        answer
    }

    /// 412, as from a replica that has not seen the state that the client named yet.
    #[must_use]
    pub fn missing_state() -> Self {
        Self::answer(412, "required index state not present")
    }

    /// 500.
    #[must_use]
    pub fn internal_error() -> Self {
        Self::answer(500, "internal error")
    }

    /// 503 of a server that is sealed.
    #[must_use]
    pub fn sealed() -> Self {
        Self::answer(503, "Vault is sealed")
    }

    /// 472 of a disaster recovery standby or 473 of a performance standby, as `sys/health` and load balancers give them.
    #[must_use]
    pub fn standby(status: u16) -> Self {
        Self::answer(status, "Vault is in standby mode")
    }

    /// 403, as when a policy was taken away.
    #[must_use]
    pub fn denied() -> Self {
        Self::answer(403, "1 error occurred:\n\t* permission denied\n\n")
    }

    /// Any status with one message.
    #[must_use]
    pub fn answer(status: u16, message: &str) -> Self {
        Self::Answer { status, errors: vec![message.to_owned()], headers: Vec::new() }
    }
}

/// Which requests a fault strikes, and how often.
#[derive(Debug, Clone)]
pub struct VaultRule {
    fault: VaultFault,
    method: Option<String>,
    path: String,
    skip: usize,
    times: usize,
}

impl VaultRule {
    /// Strikes every request, until told otherwise.
    #[must_use]
    pub fn new(fault: VaultFault) -> Self {
        Self { fault, method: None, path: "*".to_owned(), skip: 0, times: usize::MAX }
    }

    /// Only requests with this method, as [`VaultCall::method`](super::VaultCall::method) has it.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only requests whose namespace and path together match, as in `ns1/secret/data/*`; `*` is any run of characters.
    #[must_use]
    pub fn path(mut self, pattern: &str) -> Self {
        pattern.clone_into(&mut self.path);
        self
    }

    /// Lets the first matching requests pass.
    #[must_use]
    pub fn skip(mut self, count: usize) -> Self {
        self.skip = count;
        self
    }

    /// Strikes only this many times.
    #[must_use]
    pub fn times(mut self, count: usize) -> Self {
        self.times = count;
        self
    }
}

/// The rules in force. Of those that match a request the one that was added first strikes.
#[derive(Debug, Default)]
pub struct VaultFaults(Mutex<Vec<(VaultRule, usize)>>);

impl VaultFaults {
    /// Adds a rule behind the others.
    pub fn add(&self, rule: VaultRule) {
        self.rules().push((rule, 0));
    }

    /// Ends all rules. What hangs goes on hanging.
    pub fn clear(&self) {
        self.rules().clear();
    }

    /// How often the rules in force have struck, all together.
    #[must_use]
    pub fn hits(&self) -> usize {
        self.rules().iter().map(|(rule, seen)| seen.saturating_sub(rule.skip).min(rule.times)).sum()
    }

    pub(crate) fn judge(&self, method: &str, path: &str) -> Option<VaultFault> {
        for (rule, seen) in self.rules().iter_mut() {
            if rule.method.as_deref().is_some_and(|wanted| wanted != method) || !glob(&rule.path, path) {
                continue;
            }
            if *seen >= rule.skip.saturating_add(rule.times) {
                continue;
            }
            *seen += 1;
            if *seen > rule.skip {
                return Some(rule.fault.clone());
            }
        }
        None
    }

    fn rules(&self) -> MutexGuard<'_, Vec<(VaultRule, usize)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
    fn a_rule_strikes_as_often_as_it_says() {
        let faults = VaultFaults::default();
        faults.add(VaultRule::new(VaultFault::Hang).method("GET").path("ns1/secret/data/*").skip(1).times(2));
        faults.add(VaultRule::new(VaultFault::CutBody).path("auth/*/login"));
        let struck = |method, path| faults.judge(method, path).is_some();
        let results = [(); 4].map(|()| struck("GET", "ns1/secret/data/a/b"));
        assert_eq!(results, [false, true, true, false]);
        assert!(!struck("POST", "ns1/secret/data/a"));
        assert!(!struck("GET", "secret/data/a"));
        assert_eq!(faults.judge("POST", "auth/team/x/login"), Some(VaultFault::CutBody));
        assert_eq!(faults.hits(), 3);
        faults.clear();
        assert!(!struck("POST", "auth/x/login"));
    }
}
