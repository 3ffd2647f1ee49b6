//! What tests do to a server without a call.

use super::{
    call::Operation,
    json::{Json, Object},
    kv::Ask,
    mounts::{Engine, Mount},
    namespaces::Namespace,
    state::State,
    tokens::Made,
};
use jiff::Timestamp;
use serde_json::Value;

impl State {
    /// A namespace by its name with or without slashes at its ends; made when it is not there.
    pub(super) fn namespace_at(&mut self, name: &str) -> &mut Namespace {
        let path = whole(name);
        self.namespaces.add(&path);
        self.namespaces.at(path)
    }

    pub(super) fn mount(&mut self, namespace: &str, mount: &str, version: u8) {
        let path = whole(mount);
        self.namespace_at(namespace).mounts.insert(path, Mount::kv(version, ""));
    }

    pub(super) fn put(
        &mut self,
        namespace: &str,
        mount: &str,
        key: &str,
        data: &Value,
        now: Timestamp,
    ) -> Option<u64> {
        let data = Json::from(data.clone());
        let home = self.namespaces.0.get_mut(&whole(namespace))?;
        let mount = home.mounts.get_mut(&whole(mount))?;
        match &mut mount.engine {
            Engine::V1(store) => {
                let ask = Ask { operation: Operation::Update, path: key, data: data.as_object()?, now };
                store.handle(&ask).ok().map(|_| 0)
            }
            Engine::V2(store) => {
                data.as_object()?;
                let body = Object::from([("data".to_owned(), data)]);
                let path = format!("data/{key}");
                let ask = Ask { operation: Operation::Update, path: &path, data: &body, now };
                let written = store.handle(&ask).ok()??.data?;
                match written.get("version")? {
                    Json::Number(version) => version.parse().ok(),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    pub(super) fn make_test_token(
        &mut self,
        namespace: &str,
        policies: &[&str],
        ttl: u64,
        now: Timestamp,
    ) -> String {
        let id = self.namespace_at(namespace).id.clone();
        let mut policies: Vec<String> = policies.iter().map(|policy| (*policy).to_owned()).collect();
        policies.push("default".to_owned());
        policies.sort();
        let made = Made {
            policies,
            display_name: "token".to_owned(),
            metadata: None,
            path: "auth/token/create".to_owned(),
            ttl,
            max_ttl: 0,
            renewable: true,
            batch: false,
            uses: 0,
            entity: String::new(),
        };
        self.tokens.make((&whole(namespace), &id), None, made, now).token
    }
}

fn whole(name: &str) -> String {
    match name.trim_matches('/') {
        "" => String::new(),
        name => format!("{name}/"),
    }
}
