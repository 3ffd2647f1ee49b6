//! `auth/token/`: what tokens can do with themselves and with others.

use crate::vault::{
    auth::texts,
    call::{Call, Operation, field},
    duration,
    json::Json,
    kv::Ask,
    reply::{Outcome, Refusal, Response},
    state::State,
    tokens::Made,
    visit::Visit,
};

impl State {
    pub(in crate::vault) fn token(&mut self, call: &Call, visit: &Visit, ask: &Ask<'_>) -> Outcome {
        let (what, itself) = match ask.path.strip_suffix("-self") {
            Some(what) => (what, true),
            None => (ask.path, false),
        };
        let named = field(ask.data, "token");
        let id = if itself || named.is_empty() { call.token.as_str() } else { named };
        match (what, ask.operation) {
            ("create" | "create-orphan", operation) if operation.is_write() => {
                self.make_token(call, visit, ask)
            }
            ("lookup", Operation::Read | Operation::Create | Operation::Update) => {
                match self.tokens.find(id, ask.now) {
                    Some(token) => Ok(Some(Response::data(token.describe(ask.now)))),
                    None => Err(Refusal { message: Some("bad token".to_owned()), ..Refusal::denied() }),
                }
            }
            ("renew", operation) if operation.is_write() => {
                let token =
                    self.tokens.find(id, ask.now).ok_or_else(|| Refusal::invalid("token not found"))?;
                if token.made.batch {
                    return Err(Refusal::said("batch tokens cannot be renewed"));
                }
                if !token.made.renewable {
                    return Err(Refusal::invalid("lease is not renewable"));
                }
                let asked = ask.data.get("increment").and_then(duration::seconds);
                let grant = self.tokens.renew(id, asked, ask.now);
                Ok(Some(Response { auth: grant, ..Response::default() }))
            }
            ("revoke", operation) if operation.is_write() => {
                if self.tokens.find(id, ask.now).is_some_and(|token| token.made.batch) {
                    return Err(Refusal::said("batch tokens cannot be revoked"));
                }
                self.tokens.revoke(id);
                Ok(None)
            }
            ("revoke-accessor", operation) if operation.is_write() => {
                let found =
                    self.tokens.by_accessor(field(ask.data, "accessor")).map(|token| token.id.clone());
                let id = found.ok_or_else(|| Refusal::invalid("invalid accessor"))?;
                self.tokens.revoke(&id);
                Ok(None)
            }
            _ => Err(Refusal::unsupported_path()),
        }
    }

    fn make_token(&mut self, call: &Call, visit: &Visit, ask: &Ask<'_>) -> Outcome {
        let Some(parent) = self.tokens.find(&call.token, ask.now).cloned() else {
            return Err(Refusal::denied());
        };
        let mut policies = texts(ask.data.get("policies"));
        if policies.is_empty() {
            policies.clone_from(&parent.made.policies);
        }
        let set = |name: &str| ask.data.get(name) == Some(&Json::Bool(true));
        if !set("no_default_policy") && !policies.iter().any(|policy| policy == "root") {
            policies.push("default".to_owned());
        }
        policies.sort();
        policies.dedup();
        let seconds = |name: &str| ask.data.get(name).and_then(duration::seconds).unwrap_or_default();
        let metadata = ask.data.get("meta").and_then(Json::as_object).map(|meta| {
            let pairs =
                meta.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
            pairs.collect()
        });
        let made = Made {
            policies,
            display_name: match field(ask.data, "display_name") {
                "" => "token".to_owned(),
                name => format!("token-{name}"),
            },
            metadata,
            path: call.path.clone(),
            ttl: seconds("ttl"),
            max_ttl: seconds("explicit_max_ttl"),
            renewable: ask.data.get("renewable") != Some(&Json::Bool(false)),
            batch: field(ask.data, "type") == "batch",
            uses: seconds("num_uses"),
            entity: String::new(),
        };
        let orphan = set("no_parent") || ask.path == "create-orphan";
        let parent = (!orphan).then_some(parent.id);
        let grant = self.tokens.make((&visit.namespace, &visit.namespace_id), parent, made, ask.now);
        Ok(Some(Response { auth: Some(grant), ..Response::default() }))
    }
}
