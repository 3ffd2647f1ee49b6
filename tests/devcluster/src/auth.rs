//! Who calls, and what they may do.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Value, json};

use crate::kinds::Kind;
use crate::route::Target;
use crate::status::{Answer, Failure, details, quoted};
use crate::store::At as _;

/// Checks tokens that the cluster does not know itself, for example EKS tokens; `None` means 401.
pub type Verifier = Arc<dyn Fn(&str) -> Option<User> + Send + Sync>;

/// A caller with its permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    name: String,
    permissions: Vec<Permission>,
}

/// An allow-list entry: these verbs on these resources in these namespaces. `*` stands for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verbs: Vec<String>,
    /// Plural names with their subresource: `secrets`, `serviceaccounts/token`, `externalsecrets/status`.
    pub resources: Vec<String>,
    /// Empty allows every namespace and the cluster scope, as a ClusterRole does.
    pub namespaces: Vec<String>,
}

/// The tokens that the cluster knows.
pub(crate) struct Tokens {
    known: RwLock<HashMap<String, User>>,
    verifier: RwLock<Option<Verifier>>,
}

impl User {
    /// Someone who may do nothing yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), permissions: Vec::new() }
    }

    /// Someone who may do everything.
    pub fn admin(name: impl Into<String>) -> Self {
        Self::new(name).allow(&["*"], &["*"], &[])
    }

    /// Adds a permission; see [`Permission`] for the words. No namespaces means all and the cluster scope.
    #[must_use]
    pub fn allow(mut self, verbs: &[&str], resources: &[&str], namespaces: &[&str]) -> Self {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        self.permissions.push(Permission {
            verbs: owned(verbs),
            resources: owned(resources),
            namespaces: owned(namespaces),
        });
        self
    }

    /// The user name as the server logs and quotes it.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn may(&self, verb: &str, resource: &str, namespace: &str) -> bool {
        let has = |words: &[String], word: &str| words.iter().any(|w| w == "*" || w == word);
        self.permissions.iter().any(|p| {
            has(&p.verbs, verb)
                && has(&p.resources, resource)
                && (p.namespaces.is_empty() || (!namespace.is_empty() && has(&p.namespaces, namespace)))
        })
    }
}

impl Tokens {
    pub(crate) fn new(verifier: Option<Verifier>) -> Self {
        Self { known: RwLock::default(), verifier: RwLock::new(verifier) }
    }

    pub(crate) fn add(&self, token: &str, user: User) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(token.to_owned(), user);
    }

    pub(crate) fn expire(&self, token: &str) -> bool {
        self.known.write().unwrap_or_else(PoisonError::into_inner).remove(token).is_some()
    }

    pub(crate) fn set_verifier(&self, verifier: Option<Verifier>) {
        *self.verifier.write().unwrap_or_else(PoisonError::into_inner) = verifier;
    }

    /// The caller by its `Authorization` header; without one it is anonymous.
    ///
    /// # Errors
    /// 401 for an unknown or malformed credential.
    pub(crate) fn authenticate(&self, authorization: Option<&str>) -> Answer<User> {
        let Some(authorization) = authorization else { return Ok(User::new("system:anonymous")) };
        let Some(token) = authorization.strip_prefix("Bearer ").map(str::trim) else {
            return Err(Failure::unauthorized());
        };
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).get(token).cloned();
        let verifier = self.verifier.read().unwrap_or_else(PoisonError::into_inner).clone();
        known.or_else(|| verifier.and_then(|verify| verify(token))).ok_or_else(Failure::unauthorized)
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

/// Whether the user may send this resource request.
///
/// # Errors
/// 403, worded as RBAC words it.
pub(crate) fn authorize(user: &User, target: &Target) -> Answer<()> {
    let resource = match &target.subresource {
        Some(sub) => format!("{}/{sub}", target.resource),
        None => target.resource.clone(),
    };
    let namespace = target.namespace.as_deref().unwrap_or_default();
    if user.may(target.verb, &resource, namespace) {
        return Ok(());
    }
    let name = target.name.as_deref().unwrap_or_default();
    let qualified = if target.group.is_empty() {
        target.resource.clone()
    } else {
        format!("{}.{}", target.resource, target.group)
    };
    let subject = if name.is_empty() { qualified } else { format!("{qualified} {}", quoted(name)) };
    let place = if namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace {}", quoted(namespace))
    };
    let message = format!(
        "{subject} is forbidden: User {} cannot {} resource {} in API group {} {place}",
        quoted(&user.name),
        target.verb,
        quoted(&resource),
        quoted(&target.group),
    );
    Err(Failure::forbidden(message, details(&target.group, &target.resource, name)))
}

/// Whether the user may read this path, which is no resource: everybody with an account, and everybody else what the
/// real server's `system:public-info-viewer` may.
///
/// # Errors
/// 403.
pub(crate) fn authorize_path(user: &User, path: &str) -> Answer<()> {
    let public = matches!(path, "/healthz" | "/livez" | "/readyz" | "/version" | "/version/");
    let known = ["/api", "/apis", "/openapi", "/healthz", "/livez", "/readyz", "/version"];
    let discovery = known.iter().any(|root| path == *root || path.starts_with(&format!("{root}/")));
    let named = user.name != "system:anonymous";
    if public || (named && discovery) || user.may("get", path, "") {
        return Ok(());
    }
    let message = format!("forbidden: User {} cannot get path {}", quoted(&user.name), quoted(path));
    Err(Failure::forbidden(message, json!({})))
}

/// Answers a SelfSubjectReview. Users have no groups here but those that every user has.
pub(crate) fn who(user: &User) -> Value {
    let administers = user.permissions.iter().any(|granted| granted.verbs.iter().any(|verb| verb == "*"));
    let own = administers.then_some("system:masters");
    let groups: Vec<&str> = own.into_iter().chain(["system:authenticated"]).collect();
    json!({
        "kind": "SelfSubjectReview",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {},
        "status": { "userInfo": { "username": user.name, "groups": groups } },
    })
}

/// Answers a SelfSubjectRulesReview.
pub(crate) fn rules(user: &User, mut review: Value) -> Value {
    let namespace = review.at("/spec/namespace").and_then(Value::as_str).unwrap_or_default().to_owned();
    let here = |granted: &&Permission| {
        granted.namespaces.is_empty()
            || granted.namespaces.iter().any(|each| each == "*" || *each == namespace)
    };
    let rule = |granted: &Permission| json!({"verbs": granted.verbs, "apiGroups": ["*"], "resources": granted.resources});
    let rules: Vec<Value> = user.permissions.iter().filter(here).map(rule).collect();
    if !review.is_object() {
        review = json!({});
    }
    review["kind"] = json!("SelfSubjectRulesReview");
    review["apiVersion"] = json!("authorization.k8s.io/v1");
    review["status"] = json!({"resourceRules": rules, "nonResourceRules": [], "incomplete": false});
    review
}

/// Answers a SelfSubjectAccessReview.
pub(crate) fn review(user: &User, mut review: Value) -> Value {
    let text = |at: &str| {
        let at = format!("/spec/resourceAttributes/{at}");
        review.at(&at).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let mut resource = text("resource");
    if !text("subresource").is_empty() {
        resource = format!("{resource}/{}", text("subresource"));
    }
    let known = resource == "*" || crate::kinds::KINDS.iter().any(|k: &Kind| resource.starts_with(k.plural));
    let allowed = known && user.may(&text("verb"), &resource, &text("namespace"));
    if !review.is_object() {
        review = json!({});
    }
    review["kind"] = json!("SelfSubjectAccessReview");
    review["apiVersion"] = json!("authorization.k8s.io/v1");
    review["status"] = json!({"allowed": allowed});
    review
}
