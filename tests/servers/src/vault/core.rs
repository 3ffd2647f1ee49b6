//! The way of a call: located, recorded, admitted, handled, recorded again, answered.

use super::{
    AuditDevice, CallClass, VaultCall, VaultClock, VaultFaults, audit,
    audit::Devices,
    call::{Call, Operation},
    clock, ids,
    json::{Json, Object, encode},
    reply::{Grant, Outcome, Refusal, Response, Wrapped, ignored},
    state::{State, Visit},
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

/// An answer before it is HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
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

fn unaudited(call: &Call, now: jiff::Timestamp) -> Option<Answer> {
    let body = match call.path.as_str() {
        "sys/health" => Json::object([
            ("initialized", Json::from(true)),
            ("sealed", Json::from(false)),
            ("standby", Json::from(false)),
            ("replication_performance_mode", Json::from("disabled")),
            ("replication_dr_mode", Json::from("disabled")),
            ("server_time_utc", Json::Number(now.as_second().to_string())),
            ("version", Json::from("2.6.2")),
            ("cluster_name", Json::from("vault-cluster-double")),
            ("cluster_id", Json::from("00000000-0000-0000-0000-000000000000")),
        ]),
        "sys/seal-status" => Json::object([
            ("type", Json::from("shamir")),
            ("initialized", Json::from(true)),
            ("sealed", Json::from(false)),
            ("t", Json::from(1)),
            ("n", Json::from(1)),
            ("progress", Json::from(0)),
            ("version", Json::from("2.6.2")),
        ]),
        "sys/leader" => Json::object([("ha_enabled", Json::from(false))]),
        _ => return None,
    };
    Some(Answer { status: 200, body: encode(&body) })
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

/// The response's part of the record, and its error. A login's record shows the token that was made as the caller's own.
fn logged(call: &Call, visit: &mut Visit, outcome: &Outcome) -> (audit::Response, Option<String>) {
    let mut logged = visit.response(&visit.request(call));
    match outcome {
        Ok(None) => (logged, None),
        Ok(Some(response)) => {
            logged.warnings.clone_from(&response.warnings);
            logged.secret = response.lease.map(|_| audit::Lease {});
            logged.data = match response.status {
                None => {
                    response.data.clone().filter(|data| data.as_object().is_none_or(|data| !data.is_empty()))
                }
                Some(status) => Some(raw(call, response, status)),
            };
            logged.wrap_info = response.wrapped.as_ref().map(|wrapped| audit::WrapInfo {
                ttl: wrapped.ttl,
                token: wrapped.token.clone(),
                accessor: wrapped.accessor.clone(),
                creation_time: wrapped.created.clone(),
                creation_path: wrapped.path.clone(),
            });
            if let Some(grant) = &response.auth {
                let auth = granted(grant);
                if visit.class == "auth" && call.token.is_empty() {
                    visit.auth = audit::Auth { entity_created: grant.entity_created, ..auth.clone() };
                }
                logged.auth = Some(auth);
            }
            if response.status.is_some() {
                logged.warnings.clear();
            }
            if response.ignores_data {
                logged.warnings.extend(ignored(call.data.keys()));
            }
            (logged, None)
        }
        Err(refusal) => {
            if refusal.in_data {
                let message = refusal.message.as_deref().unwrap_or_default();
                logged.data = Some(Json::object([("error", Json::from(message))]));
            }
            if refusal.login {
                visit.auth.policy_results = None;
            }
            if refusal.ignores_data {
                logged.warnings.extend(ignored(call.data.keys()));
            }
            (logged, refusal.error.clone())
        }
    }
}

/// An answer with a status of its own is recorded as one string.
fn raw(call: &Call, response: &Response, status: u16) -> Json {
    let mut data = vec![
        ("http_content_type", Json::from("application/json")),
        ("http_status_code", Json::from(u64::from(status))),
    ];
    if !response.bodiless {
        data.push(("http_raw_body", Json::from(encode(&body(call, response.clone())))));
    }
    Json::object(data)
}

fn granted(grant: &Grant) -> audit::Auth {
    audit::Auth {
        client_token: grant.token.clone(),
        accessor: grant.accessor.clone(),
        display_name: grant.display_name.clone(),
        policies: grant.policies.clone(),
        token_policies: grant.policies.clone(),
        policy_results: None,
        metadata: grant.metadata.clone().unwrap_or_default(),
        entity_id: grant.entity.clone(),
        token_type: if grant.batch { "batch" } else { "service" },
        num_uses: grant.uses,
        token_ttl: grant.ttl,
        token_issue_time: grant.issued.map(|time| clock::whole_seconds(time).to_string()).unwrap_or_default(),
        ..audit::Auth::default()
    }
}

fn answered(call: &Call, outcome: Outcome) -> Answer {
    let nothing =
        |status| Answer { status, body: encode(&Json::object([("errors", Json::Array(Vec::new()))])) };
    match outcome {
        Err(refusal) => refused(&refusal),
        Ok(None) if matches!(call.operation, Operation::Read | Operation::List) => nothing(404),
        Ok(None) => Answer { status: 204, body: String::new() },
        Ok(Some(response)) => {
            let empty = response.data.as_ref().and_then(Json::as_object).is_none_or(Object::is_empty);
            let listless =
                call.operation == Operation::List && response.status.is_none() && response.wrapped.is_none();
            if listless && empty {
                return nothing(404);
            }
            let status = response.status.unwrap_or(200);
            let body = if response.bodiless { String::new() } else { encode(&body(call, response)) };
            Answer { status, body }
        }
    }
}

fn body(call: &Call, response: Response) -> Json {
    let texts = |texts: &[String]| Json::Array(texts.iter().map(|text| Json::from(text.as_str())).collect());
    let auth = response.auth.map_or(Json::Null, |grant| {
        let metadata = grant.metadata.map_or(Json::Null, |metadata| {
            Json::Object(metadata.into_iter().map(|(key, value)| (key, Json::from(value))).collect())
        });
        Json::object([
            ("client_token", Json::from(grant.token)),
            ("accessor", Json::from(grant.accessor)),
            ("policies", texts(&grant.policies)),
            ("token_policies", texts(&grant.policies)),
            ("metadata", metadata),
            ("lease_duration", Json::from(grant.ttl)),
            ("renewable", Json::from(grant.renewable)),
            ("entity_id", Json::from(grant.entity)),
            ("token_type", Json::from(if grant.batch { "batch" } else { "service" })),
            ("orphan", Json::from(grant.orphan)),
            ("mfa_requirement", Json::Null),
            ("num_uses", Json::from(grant.uses)),
        ])
    });
    let wrapping = response.wrapped.is_some();
    let wrap_info = response.wrapped.map_or(Json::Null, |wrapped| {
        Json::object([
            ("token", Json::from(wrapped.token)),
            ("accessor", Json::from(wrapped.accessor)),
            ("ttl", Json::from(wrapped.ttl)),
            ("creation_time", Json::from(wrapped.created)),
            ("creation_path", Json::from(wrapped.path)),
        ])
    });
    let warnings = if response.warnings.is_empty() { Json::Null } else { texts(&response.warnings) };
    let mut whole = Object::new();
    if let Some(Json::Object(data)) = response.data.as_ref().filter(|_| response.injected) {
        whole.clone_from(data);
    }
    let usual = Json::object([
        ("request_id", Json::from(if wrapping { "" } else { call.id.as_str() })),
        ("lease_id", Json::from("")),
        ("renewable", Json::from(false)),
        ("lease_duration", Json::from(response.lease.unwrap_or_default())),
        ("data", response.data.unwrap_or(Json::Null)),
        ("wrap_info", wrap_info),
        ("warnings", warnings),
        ("auth", auth),
    ]);
    if let Json::Object(usual) = usual {
        whole.extend(usual);
    }
    Json::Object(whole)
}

pub(crate) fn refused(refusal: &Refusal) -> Answer {
    let errors = refusal.message.iter().map(|message| Json::from(message.as_str())).collect();
    let body = encode(&Json::object([("errors", Json::Array(errors))]));
    Answer { status: refusal.status, body }
}
