//! The calls of GitLab's REST API, and what its answers mean. Source: GitLab's API documentation, version 4.

use super::GitLab;
use crate::kit::{Absent, Ask, Asked, Call, Pages, Reply, sealed};
use pawl_domain::store::GitLabStore;
use pawl_domain::{Kind, SecretValue};
use pawl_ports::Error;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fmt;
use tokio::sync::OnceCell;

/// One store, asked with a proven identity.
pub(super) struct Api<'a> {
    pub(super) asked: &'a Asked<'a, GitLab>,
    pub(super) store: &'a GitLabStore,
    /// The groups that are read, once they were looked up.
    groups: OnceCell<Vec<String>>,
}

/// Whose variables.
#[derive(Clone, Copy, Debug)]
pub(super) enum Owner<'a> {
    Project(&'a str),
    Group(&'a str),
}

/// A variable in one environment scope.
pub(super) struct Variable {
    pub(super) key: String,
    pub(super) scope: String,
    /// Nothing where it is hidden: then nobody can read it any more.
    pub(super) value: Option<SecretValue>,
}

#[derive(Deserialize)]
struct Wire {
    key: String,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    environment_scope: Option<String>,
}

#[derive(Deserialize)]
struct Group {
    id: u64,
    full_path: String,
}

const TOKEN: HeaderName = HeaderName::from_static("private-token");
const NEXT_PAGE: &str = "x-next-page";
/// The most that GitLab gives.
const PER_PAGE: usize = 100;
/// GitLab allows a project 8,000 variables and a group 30,000.
const MOST_PAGES: usize = 400;

impl<'a> Api<'a> {
    pub(super) fn of(asked: &'a Asked<'a, GitLab>) -> Self {
        Self { asked, store: asked.spec, groups: OnceCell::new() }
    }

    /// A variable by its name. With a scope, only the one of exactly this scope is meant.
    pub(super) async fn variable(
        &self,
        owner: Owner<'_>,
        key: &str,
        scope: Option<&str>,
    ) -> Result<Option<Variable>, Error> {
        let subject = format!("{key} of {owner}");
        let call = self.call("variable", &subject);
        let query = scope.map(|scope| ("filter[environment_scope]", scope)).into_iter().collect();
        let reply = self.get(&call, &owner.path(&["variables", key]), query).await;
        call.counted(reply.and_then(|reply| {
            if owner.absent().is(&reply) {
                return Ok(None);
            }
            let found: Wire = read(&call, &reply, owner, Reply::object)?;
            Ok(Some(found.into()))
        }))
    }

    /// All variables of a project or group, in all scopes.
    pub(super) async fn variables(&self, owner: Owner<'_>) -> Result<Vec<Variable>, Error> {
        let found: Vec<Wire> = self.all(owner, "variables").await?;
        Ok(found.into_iter().map(Variable::from).collect())
    }

    /// The groups that are read, the one that counts least first.
    pub(super) async fn groups(&self) -> Result<&Vec<String>, Error> {
        match self.store.project_id.as_deref().filter(|_| self.store.inherit_from_groups) {
            Some(project) => self.groups.get_or_try_init(|| self.groups_of(project)).await,
            None => Ok(&self.store.group_ids),
        }
    }

    async fn groups_of(&self, project: &str) -> Result<Vec<String>, Error> {
        let mut groups: Vec<Group> = self.all(Owner::Project(project), "groups").await?;
        // The nearest group has the longest path.
        groups.sort_by_key(|group| group.full_path.len());
        Ok(groups.into_iter().map(|group| group.id.to_string()).collect())
    }

    /// Whether the token may list what is read. Source: ESO's check of a store.
    pub(super) async fn check(&self) -> Result<(), Error> {
        let groups = self.groups().await?;
        let project = self.store.project_id.as_deref().map(Owner::Project);
        for owner in project.into_iter().chain(groups.iter().map(|id| Owner::Group(id))) {
            let subject = format!("variables of {owner}");
            let call = self.call("variables", &subject);
            let reply = self.get(&call, &owner.path(&["variables"]), vec![("per_page", "1")]).await;
            call.counted(reply.and_then(|reply| read::<Vec<Wire>>(&call, &reply, owner, Reply::list)))?;
        }
        Ok(())
    }

    /// Every page of a list.
    async fn all<T: DeserializeOwned>(&self, owner: Owner<'_>, what: &'static str) -> Result<Vec<T>, Error> {
        let (subject, per_page) = (format!("{what} of {owner}"), PER_PAGE.to_string());
        let call = self.call(what, &subject);
        let (mut pages, mut found) = (Pages::from(call, "1", MOST_PAGES), Vec::new());
        while let Some(page) = pages.take() {
            let query = vec![("per_page", per_page.as_str()), ("page", page.as_str())];
            let reply = self.get(&call, &owner.path(&[what]), query).await;
            let told = reply.and_then(|reply| {
                let some: Vec<T> = read(&call, &reply, owner, Reply::list)?;
                Ok((after(&reply, &page, some.len()), some))
            });
            let (next, some) = call.counted(told)?;
            found.extend(some);
            pages.then(next)?;
        }
        Ok(found)
    }

    async fn get(&self, call: &Call<'_>, path: &[&str], query: Vec<(&str, &str)>) -> Result<Reply, Error> {
        let (link, token) = (&self.asked.session.link, &self.asked.session.token);
        // ESO's client takes addresses with and without it.
        let is_whole = self.store.url.trim_end_matches('/').ends_with("/api/v4");
        let prefix = if is_whole { &[][..] } else { &["api", "v4"] };
        let path = [prefix, path].concat();
        let headers = HeaderMap::from_iter([(TOKEN, sealed(token, call)?)]);
        link.ask(call, Ask { headers, largest: link.bounds().largest_list, ..Ask::get(&path, &query) }).await
    }

    pub(super) fn call<'c>(&'c self, action: &'static str, subject: &'c str) -> Call<'c> {
        self.asked.call(action, subject)
    }
}

impl<'a> Owner<'a> {
    fn path<'p>(self, below: &[&'p str]) -> Vec<&'p str>
    where
        'a: 'p,
    {
        let [kind, id] = match self {
            Self::Project(id) => ["projects", id],
            Self::Group(id) => ["groups", id],
        };
        [&[kind, id], below].concat()
    }
}

impl Owner<'_> {
    /// The one answer that says of a variable that it does not exist in the project or group. That these do not exist, or may
    /// not be seen, is said in other words.
    fn absent(self) -> Absent {
        let says = match self {
            Self::Project(_) => "404 Variable Not Found",
            Self::Group(_) => "404 GroupVariable Not Found",
        };
        Absent { status: StatusCode::NOT_FOUND, member: "message", says }
    }
}

impl fmt::Display for Owner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project(id) => write!(f, "project {id}"),
            Self::Group(id) => write!(f, "group {id}"),
        }
    }
}

impl From<Wire> for Variable {
    fn from(wire: Wire) -> Self {
        let scope = wire.environment_scope.unwrap_or_else(|| "*".to_owned());
        Self { key: wire.key, scope, value: wire.value.map(SecretValue::new) }
    }
}

/// The page behind this one. A proxy may have taken the header away; then a page that is full has one behind it.
fn after(reply: &Reply, page: &str, length: usize) -> Option<String> {
    match reply.headers.get(NEXT_PAGE) {
        Some(next) => next.to_str().ok().map(str::to_owned),
        None => {
            (length >= PER_PAGE).then(|| page.parse().map(|page: u64| (page + 1).to_string()).ok()).flatten()
        }
    }
}

fn read<'r, T>(
    call: &Call<'_>,
    reply: &'r Reply,
    owner: Owner<'_>,
    body: impl FnOnce(&'r Reply) -> Option<T>,
) -> Result<T, Error> {
    match reply.status.is_success() {
        true => body(reply).ok_or_else(|| call.unreadable()),
        false => Err(reply.failure(refused(call, reply, owner))),
    }
}

fn refused(call: &Call<'_>, reply: &Reply, owner: Owner<'_>) -> Error {
    match reply.status.as_u16() {
        401 => call.denied("the token was refused; check the Secret that accessToken names"),
        403 => call.error(
            Kind::Denied,
            format_args!(
                "access denied; give the token the scope read_api, and the role Maintainer in the {owner}"
            ),
        ),
        404 => call.error(
            Kind::Invalid,
            format_args!(
                "there is no {owner}, or the token does not see it; check the store and the token's role"
            ),
        ),
        409 => call.error(
            Kind::Invalid,
            "variables of several environment scopes have this name; set the store's environment",
        ),
        _ => call.not_taken(reply),
    }
}
