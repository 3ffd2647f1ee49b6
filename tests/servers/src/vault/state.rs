//! What a server knows, and who may do what with it.

use super::{
    audit,
    auth::{Answered, Login, Method},
    call::{Call, Operation},
    kv::Ask,
    mounts::Engine,
    namespaces::Namespaces,
    policy,
    reply::{Grant, Outcome, Refusal, Response},
    tokens::{Made, Token, Tokens},
    visit::{Visit, client_id, described, nobody},
};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Namespaces with their mounts, tokens, and the entities that logins were given.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) namespaces: Namespaces,
    pub(crate) tokens: Tokens,
    /// By the accessor of the mount and the client's name there.
    entities: BTreeMap<(String, String), String>,
}

impl State {
    pub(crate) fn new() -> Self {
        Self { namespaces: Namespaces::new(), tokens: Tokens::default(), entities: BTreeMap::new() }
    }

    /// Finds namespace and mount; from here on the call's path is relative to the namespace.
    pub(crate) fn locate(&self, call: &mut Call) -> Result<Visit, Refusal> {
        let found = self.namespaces.resolve(&call.namespace, &call.path);
        let (namespace, path) = found.ok_or_else(|| Refusal::bare(404, Some("namespace not found")))?;
        call.path = path;
        if call.path.ends_with('/') && call.operation.is_write() {
            return Err(Refusal::bare(400, Some("cannot write to a path ending in '/'")));
        }
        let here = &self.namespaces.0[&namespace];
        let mut visit = Visit { namespace_id: here.id.clone(), auth: nobody(), ..Visit::default() };
        if let Some((path, mount)) = here.mount(&call.path) {
            if call.path.len() < path.len() {
                path.clone_into(&mut call.path);
            }
            path.clone_into(&mut visit.mount);
            visit.kind.clone_from(&mount.kind);
            visit.accessor.clone_from(&mount.accessor);
            visit.class = mount.class();
            visit.clear_requests.clone_from(&mount.clear_requests);
            visit.clear_responses.clone_from(&mount.clear_responses);
            let below = &call.path[path.len()..];
            visit.open = match &mount.engine {
                Engine::Login(_) => Method::is_login(below),
                Engine::System => below.starts_with("internal/ui/mounts"),
                _ => false,
            };
        }
        visit.namespace = namespace;
        Ok(visit)
    }

    /// Decides whether the call may go on, and whether a write creates or updates.
    pub(crate) fn admit(
        &mut self,
        call: &mut Call,
        visit: &mut Visit,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let token = self.tokens.find(&call.token, now).cloned();
        if let Some(token) = &token {
            visit.auth = described(token);
            visit.client_id = client_id(token);
            visit.token_accessor.clone_from(&token.accessor);
        }
        if visit.open {
            visit.reached = call.operation.is_write();
            visit.auth.policy_results =
                Some(audit::PolicyResults { allowed: true, granting_policies: Vec::new() });
            return Ok(());
        }
        let Some(token) = token else {
            let error = Some(super::reply::one("permission denied"));
            return Err(Refusal {
                error,
                message: Some("permission denied".to_owned()),
                ..Refusal::denied()
            });
        };
        visit.last_use = self.tokens.used_up(&token.id);
        if call.operation == Operation::Update && !visit.mount.is_empty() {
            visit.reached = true;
            match self.exists(&visit.namespace, &visit.mount, call) {
                Ok(Some(false)) => call.operation = Operation::Create,
                Ok(_) => {}
                Err(refusal) => {
                    visit.auth = nobody();
                    visit.client_id.clear();
                    return Err(refusal);
                }
            }
        }
        let granting_policies = self.granting(&token, &visit.namespace, &call.path, call.operation);
        let allowed = !granting_policies.is_empty();
        visit.auth.policy_results = Some(audit::PolicyResults { allowed, granting_policies });
        if allowed { Ok(()) } else { Err(Refusal::denied()) }
    }

    /// Lets the engine do what the call asks.
    pub(crate) fn route(&mut self, call: &Call, visit: &mut Visit, now: Timestamp) -> Outcome {
        visit.reached = true;
        let outcome = self.routed(call, visit, now);
        if visit.last_use {
            self.tokens.revoke(&call.token);
        }
        outcome
    }

    /// The policies of a token that grant an operation, as the audit log names them.
    pub(crate) fn granting(
        &self,
        token: &Token,
        namespace: &str,
        path: &str,
        operation: Operation,
    ) -> Vec<audit::GrantingPolicy> {
        let named = |name: &str| audit::GrantingPolicy {
            name: name.to_owned(),
            namespace_id: self
                .namespaces
                .0
                .get(&token.namespace)
                .map(|home| home.id.clone())
                .unwrap_or_default(),
            namespace_path: token.namespace.clone(),
            kind: "acl",
        };
        // A token works in its own namespace and in those below it.
        let whole = format!("{namespace}{path}");
        let Some(relative) =
            namespace.strip_prefix(&token.namespace).map(|_| &whole[token.namespace.len()..])
        else {
            return Vec::new();
        };
        if token.is_root() {
            return vec![named("root")];
        }
        policy::granting(&self.policies(token), relative, operation).into_iter().map(named).collect()
    }

    pub(crate) fn policies<'state>(
        &'state self,
        token: &'state Token,
    ) -> Vec<(&'state str, &'state policy::Policy)> {
        let Some(home) = self.namespaces.0.get(&token.namespace) else { return Vec::new() };
        let known = |name: &'state String| home.policies.get(name).map(|policy| (name.as_str(), policy));
        token.made.policies.iter().filter_map(known).collect()
    }

    fn exists(&self, namespace: &str, mount: &str, call: &Call) -> Result<Option<bool>, Refusal> {
        let below = call.path.strip_prefix(mount).unwrap_or_default();
        match self
            .namespaces
            .0
            .get(namespace)
            .and_then(|home| home.mounts.get(mount))
            .map(|mount| &mount.engine)
        {
            Some(Engine::V1(store)) => Ok(Some(store.exists(below))),
            Some(Engine::V2(store)) => store.exists(below, &call.data),
            Some(Engine::Login(method)) => Ok(method.exists(below)),
            _ => Ok(None),
        }
    }

    fn routed(&mut self, call: &Call, visit: &Visit, now: Timestamp) -> Outcome {
        let home = self.namespaces.0.get_mut(&visit.namespace);
        let Some(mount) = home.and_then(|home| home.mounts.get_mut(&visit.mount)) else {
            let message = format!("no handler for route \"{}\". route entry not found.", call.path);
            return Err(Refusal { message: Some(message), in_data: true, ..Refusal::unsupported_path() });
        };
        let path = call.path.strip_prefix(visit.mount.as_str()).unwrap_or_default();
        let ask = Ask { operation: call.operation, path, data: &call.data, now };
        match &mut mount.engine {
            Engine::V1(store) => store.handle(&ask),
            Engine::V2(store) => store.handle(&ask),
            Engine::Login(method) => match method.handle(&ask, call)? {
                Answered::Said(response) => Ok(response.map(|response| *response)),
                Answered::Login(login) => Ok(Some(self.log_in(call, visit, *login, now))),
            },
            Engine::System => self.system(call, visit, &ask),
            Engine::Token => self.token(call, visit, &ask),
            Engine::Listed => Err(Refusal::unsupported_path()),
        }
    }

    fn log_in(&mut self, call: &Call, visit: &Visit, login: Login, now: Timestamp) -> Response {
        let whole = format!("{}{}", visit.namespace, visit.mount);
        let mount = whole.strip_prefix("auth/").unwrap_or(&whole).trim_end_matches('/').replace('/', "-");
        let alias = (visit.accessor.clone(), login.alias);
        let entity_created = !self.entities.contains_key(&alias);
        let entity = self.entities.entry(alias).or_insert_with(super::ids::uuid).clone();
        let mut policies = login.role.policies;
        policies.push("default".to_owned());
        policies.sort();
        policies.dedup();
        let made = Made {
            policies,
            display_name: login.name.map_or(mount.clone(), |name| format!("{mount}-{name}")),
            metadata: (!login.metadata.is_empty()).then_some(login.metadata),
            path: call.path.clone(),
            ttl: login.role.ttl,
            max_ttl: login.role.max_ttl,
            renewable: true,
            batch: login.role.batch,
            uses: login.role.uses,
            entity,
        };
        let grant = self.tokens.make((&visit.namespace, &visit.namespace_id), None, made, now);
        Response { auth: Some(Grant { entity_created, ..grant }), ..Response::default() }
    }
}
