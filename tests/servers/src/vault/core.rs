//! The way of a call: located, recorded, admitted, handled, recorded again, answered.

use super::{
    AuditDevice, CallClass, VaultCall, VaultClock, VaultFaults,
    answer::{Answer, answered, refused, unaudited},
    audit,
    audit::Devices,
    call::{Call, Operation},
    ids,
    record::logged,
    reply::{Refusal, Response, Wrapped},
    state::State,
    visit::Visit,
};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A server without its socket.
pub(crate) struct Core {
    state: Mutex<State>,
    pub(crate) devices: tokio::sync::Mutex<Devices>,
    pub(crate) clock: VaultClock,
    pub(crate) faults: VaultFaults,
    calls: Mutex<Vec<VaultCall>>,
}

impl Core {
    pub(crate) fn new(devices: Vec<AuditDevice>, clock: VaultClock) -> Self {
        Self {
            state: Mutex::new(State::new()),
            devices: tokio::sync::Mutex::new(Devices::new(devices)),
            clock,
            faults: VaultFaults::default(),
            calls: Mutex::default(),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn calls(&self) -> MutexGuard<'_, Vec<VaultCall>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a call, whatever becomes of it, and returns what faults can match.
    pub(crate) fn note(&self, call: &Call) -> (&'static str, String) {
        let method = match call.operation {
            Operation::Create | Operation::Update => "POST",
            Operation::Patch => "PATCH",
            Operation::Read => "GET",
            Operation::List => "LIST",
            Operation::Delete => "DELETE",
        };
        let (namespace, path, class) = self.state().classify(call);
        let whole = format!("{namespace}{path}");
        self.calls().push(VaultCall { method: method.to_owned(), namespace, path, class });
        (method, whole)
    }

    /// Answers a call. What the audit log does not hear of is answered first.
    pub(crate) async fn handle(&self, mut call: Call) -> Answer {
        let now = self.clock.now();
        if let Some(answer) = unaudited(&call, now) {
            return answer;
        }
        // Each use of the lock ends with its statement: no device is written to under it.
        let located = self.state().locate(&mut call);
        let mut visit = match located {
            Ok(visit) => visit,
            Err(refusal) => return refused(&refusal),
        };
        let admitted = self.state().admit(&mut call, &mut visit, now);
        let error = admitted.as_ref().err().and_then(|refusal| refusal.message.clone());
        let recorded = self.record("request", &call, &visit, None, error).await;
        let mut outcome = match admitted {
            Ok(()) if recorded => self.state().route(&call, &mut visit, now),
            Ok(()) => Err(Refusal::core(500, "internal error")),
            Err(refusal) => Err(refusal),
        };
        if let Ok(Some(response)) = &mut outcome
            && call.wrap_ttl > 0
            && response.status.is_none()
        {
            *response = wrapped(&call, now);
        }
        let (response, error) = logged(&call, &mut visit, &outcome);
        if !self.record("response", &call, &visit, Some(response), error).await {
            return refused(&Refusal::bare(500, Some("internal error")));
        }
        answered(&call, outcome)
    }

    async fn record(
        &self,
        kind: &'static str,
        call: &Call,
        visit: &Visit,
        response: Option<audit::Response>,
        error: Option<String>,
    ) -> bool {
        let request = visit.request(call);
        let time = self.clock.now().to_string();
        let entry = audit::Entry { time, kind, auth: visit.auth.clone(), request, response, error };
        self.devices.lock().await.log(&entry).await
    }
}

impl State {
    fn classify(&self, call: &Call) -> (String, String, CallClass) {
        let Some((namespace, path)) = self.namespaces.resolve(&call.namespace, &call.path) else {
            return (format!("{}/", call.namespace), call.path.clone(), CallClass::Other);
        };
        let class = self.namespaces.0[&namespace].mount(&path).map_or(CallClass::Other, |(mount, what)| {
            what.class_of(path.strip_prefix(mount).unwrap_or_default())
        });
        (namespace, path, class)
    }
}

fn wrapped(call: &Call, now: jiff::Timestamp) -> Response {
    let wrapped = Wrapped {
        token: format!("s.{}", ids::base62(24)),
        accessor: ids::base62(24),
        ttl: call.wrap_ttl,
        created: now.to_string(),
        path: call.path.clone(),
    };
    Response { wrapped: Some(wrapped), ..Response::default() }
}
