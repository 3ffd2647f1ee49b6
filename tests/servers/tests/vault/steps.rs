//! The table of calls, and how one group of them is put to a server.

use super::neutral::Neutral;
use pawl_servers::{Result, vault::VaultApi};
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::Instant;

/// Calls that belong together, in order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    pub(crate) group: String,
    mounts: Vec<Mount>,
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mount {
    #[serde(default)]
    namespace: String,
    path: String,
    version: u8,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    name: String,
    call: String,
    #[serde(default)]
    namespace: String,
    token: Option<String>,
    body: Option<Value>,
    wrap: Option<u64>,
    #[serde(default)]
    save: BTreeMap<String, String>,
}

/// What came of one call, without what differs each time.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) name: String,
    pub(crate) status: u16,
    pub(crate) answer: Value,
    /// The audit records; none when nobody can read them.
    pub(crate) records: Option<Vec<Value>>,
}

pub(crate) fn groups() -> Vec<Group> {
    serde_saphyr::from_str(&file("steps.yaml")).unwrap_or_else(|error| panic!("steps.yaml: {error}"))
}

/// A file beside this one.
pub(crate) fn file(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vault").join(name)
}

impl Group {
    /// Puts the calls to a server. `audit` gives all lines of its audit log so far, if it can be read.
    pub(crate) async fn run(
        &self,
        root: &VaultApi,
        audit: &impl AsyncFn() -> Option<Vec<String>>,
    ) -> Result<Vec<Outcome>> {
        let run = format!("r{:06x}", rand::random::<u32>() & 0xff_ffff);
        let mut known = BTreeMap::from([("run".to_owned(), run.clone())]);
        self.prepare(root, &known).await?;
        let mut outcomes = Vec::new();
        for step in &self.steps {
            let before = audit().await.map_or(0, |lines| lines.len());
            let (status, answer) = step.put(root, &known).await?;
            let lines = audit().await.map(|lines| lines[before..].to_vec());
            for (name, pointer) in &step.save {
                let saved = answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
                known.insert(name.clone(), saved.to_owned());
            }
            let neutral = Neutral { run: &run };
            let records = lines.map(|lines| neutral.records(&lines));
            outcomes.push(Outcome {
                name: step.name.clone(),
                status,
                answer: neutral.value("", answer),
                records,
            });
        }
        self.clean(root, &known).await?;
        Ok(outcomes)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.steps.iter().map(|step| step.name.clone()).collect()
    }

    async fn prepare(&self, root: &VaultApi, known: &BTreeMap<String, String>) -> Result<()> {
        for mount in &self.mounts {
            let namespace = filled(&mount.namespace, known);
            let mut parent = String::new();
            for segment in namespace.split('/').filter(|segment| !segment.is_empty()) {
                root.in_namespace(&parent).must("POST", &format!("sys/namespaces/{segment}"), None).await?;
                parent = format!("{parent}{segment}/");
            }
            root.in_namespace(&namespace).mount_kv(&filled(&mount.path, known), mount.version).await?;
        }
        Ok(())
    }

    /// Takes away what the group made: methods and policies, mounts, then namespaces, the inner before the outer.
    async fn clean(&self, root: &VaultApi, known: &BTreeMap<String, String>) -> Result<()> {
        for step in &self.steps {
            let call = filled(&step.call, known);
            let made = call.split_once(' ').filter(|(method, path)| {
                matches!(*method, "POST" | "PUT")
                    && (path.starts_with("sys/auth/") || path.starts_with("sys/policies/"))
            });
            if let Some((_, path)) = made {
                root.in_namespace(&filled(&step.namespace, known)).must("DELETE", path, None).await?;
            }
        }
        let mut namespaces = BTreeSet::new();
        for mount in &self.mounts {
            let namespace = filled(&mount.namespace, known);
            root.in_namespace(&namespace)
                .must("DELETE", &format!("sys/mounts/{}", filled(&mount.path, known)), None)
                .await?;
            let ends = namespace.match_indices('/').map(|(at, _)| at).chain([namespace.len()]);
            namespaces.extend(ends.map(|end| namespace[..end].to_owned()).filter(|path| !path.is_empty()));
        }
        for namespace in namespaces.iter().rev() {
            let (parent, name) = namespace.rsplit_once('/').unwrap_or(("", namespace));
            remove(&root.in_namespace(parent), &format!("sys/namespaces/{name}")).await?;
        }
        Ok(())
    }
}

/// A real server says yes to the removal of a namespace long before it is done.
async fn remove(api: &VaultApi, path: &str) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(20);
    api.must("DELETE", path, None).await?;
    while api.call("GET", path, None).await?.0 != 404 {
        assert!(Instant::now() < deadline, "{path} was not removed in time");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

impl Step {
    async fn put(&self, root: &VaultApi, known: &BTreeMap<String, String>) -> Result<(u16, Value)> {
        let call = filled(&self.call, known);
        let (method, path) = call.split_once(' ').unwrap_or((&call, ""));
        let mut api = root.in_namespace(&filled(&self.namespace, known));
        if let Some(token) = &self.token {
            api = api.with_token(&filled(token, known));
        }
        let body = self.body.as_ref().map(|body| match body {
            Value::String(text) => text.clone(),
            body => filled(&body.to_string(), known),
        });
        let wrap = self.wrap.map(|seconds| seconds.to_string());
        let headers: Vec<(&str, &str)> =
            wrap.iter().map(|seconds| ("x-vault-wrap-ttl", seconds.as_str())).collect();
        api.send(method, path, body.as_deref(), &headers).await
    }
}

fn filled(text: &str, known: &BTreeMap<String, String>) -> String {
    known.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${name}"), value))
}
