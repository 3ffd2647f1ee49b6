//! `sys/`: mounts, methods of authentication, namespaces and policies.

use super::{
    auth::{self, Method},
    call::{Call, Operation, field},
    json::{Json, Object},
    kv::Ask,
    mounts::Mount,
    namespaces::Namespace,
    policy::Policy,
    reply::{Outcome, Refusal, Response, one},
    state::State,
    visit::Visit,
};

impl State {
    /// Everything below `sys/` that is audited.
    pub(super) fn system(&mut self, call: &Call, visit: &Visit, ask: &Ask<'_>) -> Outcome {
        let path = ask.path.trim_end_matches('/');
        if let Some(rest) = path.strip_prefix("internal/ui/mounts") {
            return self.visible_mounts(call, visit, rest.trim_start_matches('/'), ask);
        }
        let (folder, name) = path.split_once('/').unwrap_or((path, ""));
        if folder == "namespaces" {
            return self.namespace(visit, name, ask);
        }
        let Some(home) = self.namespaces.0.get_mut(&visit.namespace) else { return Ok(None) };
        match folder {
            "mounts" => mounts(home, name, ask),
            "auth" => methods(home, name, ask),
            "policies" if name.starts_with("acl/") => policy(home, &name["acl/".len()..], ask),
            "policy" => policy(home, name, ask),
            _ => Err(Refusal::unsupported_path()),
        }
    }

    /// What a token may know of mounts: one with its path, or all that it can do something with.
    fn visible_mounts(&self, call: &Call, visit: &Visit, path: &str, ask: &Ask<'_>) -> Outcome {
        let home = &self.namespaces.0[&visit.namespace];
        let token = self.tokens.find(&call.token, ask.now);
        let visible = |mount: &str| {
            token.is_some_and(|token| {
                let whole = format!("{}{mount}", visit.namespace);
                let relative = whole.strip_prefix(token.namespace.as_str());
                let policies = self.policies(token);
                relative.is_some_and(|relative| {
                    token.is_root() || policies.iter().any(|(_, policy)| policy.touches(relative))
                })
            })
        };
        if path.is_empty() {
            let listed = |auth: bool| {
                let mounts = home.mounts.iter().filter(|(path, _)| visible(path));
                let named = mounts.filter_map(|(path, mount)| match path.strip_prefix("auth/") {
                    Some(short) => auth.then(|| (short.to_owned(), mount.describe())),
                    None => (!auth).then(|| (path.clone(), mount.describe())),
                });
                Json::Object(named.collect())
            };
            let data = Json::object([("auth", listed(true)), ("secret", listed(false))]);
            return Ok(Some(Response::data(data)));
        }
        let found = home.mount(path).or_else(|| home.mount(&format!("{path}/")));
        let Some((mount, what)) = found.filter(|(mount, _)| visible(mount)) else {
            let named = found.map_or_else(|| format!("{path}/"), |(mount, _)| mount.to_owned());
            let message = format!(
                "preflight capability check returned 403, please ensure client's policies grant access to path \"{named}\""
            );
            let error = Some("permission denied".to_owned());
            return Err(Refusal { message: Some(message), error, ..Refusal::denied() });
        };
        let mut described = what.describe();
        if let Json::Object(members) = &mut described {
            members.insert("path".to_owned(), Json::from(mount));
        }
        Ok(Some(Response::data(described)))
    }

    fn namespace(&mut self, visit: &Visit, name: &str, ask: &Ask<'_>) -> Outcome {
        let whole = format!("{}{name}/", visit.namespace);
        let describe = |path: &str, namespace: &Namespace| namespace.describe(path);
        match (ask.operation, name) {
            (Operation::List, "") => {
                let inside = self.namespaces.0.iter().filter_map(|(path, namespace)| {
                    let name = path.strip_prefix(visit.namespace.as_str())?;
                    let direct = name.strip_suffix('/').is_some_and(|name| !name.contains('/'));
                    direct.then(|| (name.to_owned(), describe(path, namespace)))
                });
                let details: Object = inside.collect();
                let keys = details.keys().cloned().collect();
                let mut response = Response::list(keys);
                if let Some(Json::Object(data)) = response.data.as_mut().filter(|_| !details.is_empty()) {
                    data.insert("key_info".to_owned(), Json::Object(details));
                }
                Ok(Some(response))
            }
            (_, "") => Err(Refusal::unsupported_operation()),
            (Operation::Create | Operation::Update, name) => {
                self.namespaces.add(&format!("{}{name}", visit.namespace));
                Ok(self.namespaces.0.get(&whole).map(|made| Response::data(describe(&whole, made))))
            }
            (Operation::Read, _) => {
                Ok(self.namespaces.0.get(&whole).map(|found| Response::data(describe(&whole, found))))
            }
            (Operation::Delete, _) => match self.namespaces.remove(&whole) {
                true => Ok(None),
                false => {
                    Err(Refusal::said(format!("cannot delete namespace ({whole:?}): it contains others")))
                }
            },
            _ => Err(Refusal::unsupported_operation()),
        }
    }
}

fn mounts(home: &mut Namespace, name: &str, ask: &Ask<'_>) -> Outcome {
    if let Some(tuned) = name.strip_suffix("/tune").filter(|_| ask.operation.is_write()) {
        return match home.mounts.get_mut(&format!("{tuned}/")) {
            Some(mount) => {
                tune(mount, ask.data);
                Ok(None)
            }
            None => Err(Refusal::said(format!("no mount at {tuned:?}"))),
        };
    }
    let path = format!("{name}/");
    match ask.operation {
        Operation::Read if name.is_empty() => Ok(Some(table(home, false))),
        Operation::Read => match home.mounts.get(&path) {
            Some(mount) => Ok(Some(Response { injected: true, ..Response::data(mount.describe()) })),
            None => Err(Refusal::said("No secret engine mount at ".to_owned() + &path)),
        },
        Operation::Delete => {
            home.mounts.remove(&path);
            Ok(None)
        }
        Operation::Create | Operation::Update => {
            let version =
                ask.data.get("options").and_then(|options| options.get("version")).and_then(Json::as_str);
            let mount = match (field(ask.data, "type"), version) {
                ("kv-v2", _) | ("kv", Some("2")) => Mount::kv(2, field(ask.data, "description")),
                ("kv" | "kv-v1" | "generic", _) => Mount::kv(1, field(ask.data, "description")),
                (other, _) => return Err(Refusal::said(format!("plugin not found in the catalog: {other}"))),
            };
            add(home, path, mount, ask.data)
        }
        _ => Err(Refusal::unsupported_operation()),
    }
}

fn methods(home: &mut Namespace, name: &str, ask: &Ask<'_>) -> Outcome {
    let path = format!("auth/{name}/");
    match ask.operation {
        Operation::Read if name.is_empty() => Ok(Some(table(home, true))),
        Operation::Delete => {
            home.mounts.remove(&path);
            Ok(None)
        }
        Operation::Create | Operation::Update => {
            let kind = field(ask.data, "type");
            let method = auth::Kind::named(kind)
                .ok_or_else(|| Refusal::said(format!("plugin not found in the catalog: {kind}")))?;
            add(home, path, Mount::login(Method::new(method), kind), ask.data)
        }
        _ => Err(Refusal::unsupported_operation()),
    }
}

fn add(home: &mut Namespace, path: String, mut mount: Mount, data: &Object) -> Outcome {
    let taken = home.mounts.keys().find(|other| path.starts_with(other.as_str()) || other.starts_with(&path));
    if let Some(taken) = taken {
        let message = format!("path is already in use at {taken}");
        return Err(Refusal { error: Some(one(&message)), ..Refusal::said(message) });
    }
    if let Some(Json::Object(config)) = data.get("config") {
        tune(&mut mount, config);
    }
    home.mounts.insert(path, mount);
    Ok(None)
}

fn tune(mount: &mut Mount, data: &Object) {
    for (name, keys) in [
        ("audit_non_hmac_request_keys", &mut mount.clear_requests),
        ("audit_non_hmac_response_keys", &mut mount.clear_responses),
    ] {
        if data.contains_key(name) {
            *keys = auth::texts(data.get(name));
        }
    }
}

/// All mounts of one class, in the data and, as old clients want it, beside it.
fn table(home: &Namespace, auth: bool) -> Response {
    let mounts = home.mounts.iter().filter_map(|(path, mount)| match path.strip_prefix("auth/") {
        Some(short) => auth.then(|| (short.to_owned(), mount.describe())),
        None => (!auth).then(|| (path.clone(), mount.describe())),
    });
    Response { injected: true, ..Response::data(Json::Object(mounts.collect())) }
}

fn policy(home: &mut Namespace, name: &str, ask: &Ask<'_>) -> Outcome {
    match ask.operation {
        Operation::Create | Operation::Update => {
            let policy = Policy::parse(field(ask.data, "policy"));
            let policy = policy.ok_or_else(|| Refusal::said("failed to parse policy"))?;
            home.policies.insert(name.to_owned(), policy);
            Ok(None)
        }
        Operation::Read => Ok(home.policies.get(name).map(|policy| {
            let data = [("name", Json::from(name)), ("policy", Json::from(policy.text.as_str()))];
            Response::data(Json::object(data))
        })),
        Operation::Delete => {
            home.policies.remove(name);
            Ok(None)
        }
        Operation::List => Ok(Some(Response::list(home.policies.keys().cloned().collect()))),
        Operation::Patch => Err(Refusal::unsupported_operation()),
    }
}
