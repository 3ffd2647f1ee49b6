//! Which variable a key means, and what a search finds. Source: ESO's GitLab provider, version 2.9.

use super::api::{Api, Owner, Variable};
use crate::kit::together;
use pawl_domain::store::GitLabStore;
use pawl_domain::{Fetched, Find, Keep, Kind, SecretValue, Step};
use pawl_ports::Error;
use std::collections::{BTreeMap, BTreeSet};

/// Up to so many keys are asked for one by one; for more the lists cost less.
const FEW: usize = 10;

/// All variables that a store reads.
struct Lists {
    project: Vec<Variable>,
    /// The group that counts least first.
    groups: Vec<Vec<Variable>>,
}

impl Api<'_> {
    /// The values of these keys, one answer for each, in order.
    ///
    /// # Errors
    /// When the token is refused, or many keys are wanted and the lists cannot be read.
    pub(super) async fn values(&self, keys: &[&str]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        let lists = match keys.len() > FEW {
            true => match self.lists().await {
                // What may not be listed may still be read.
                Err(error) if error.kind == Kind::Denied && error.step != Step::Authenticate => None,
                lists => Some(lists?),
            },
            false => None,
        };
        let calls = keys.iter().map(|key| self.value(key, lists.as_ref()));
        Ok(together(self.asked.session.link.bounds(), calls).await)
    }

    /// What the lists do not tell for certain, GitLab is asked for by name.
    async fn value(&self, key: &str, lists: Option<&Lists>) -> Result<Fetched, Error> {
        let scope = self.scope();
        if let Some(listed) = lists.and_then(|lists| lists.meant(key, scope)) {
            return self.fetched(key, listed);
        }
        let mut found = match self.store.project_id.as_deref() {
            Some(project) => self.in_scope(Owner::Project(project), key).await?,
            None => None,
        };
        if found.is_none() {
            for group in self.groups().await?.iter().rev() {
                found = self.in_scope(Owner::Group(group), key).await?;
                if found.is_some() {
                    break;
                }
            }
        }
        match found {
            Some(found) => self.fetched(key, &found),
            None => Err(self.call("variable", key).missing()),
        }
    }

    /// The variable of the store's own scope, or else the one of every scope.
    async fn in_scope(&self, owner: Owner<'_>, key: &str) -> Result<Option<Variable>, Error> {
        let scope = self.scope();
        let own = self.variable(owner, key, scope).await?;
        match scope.filter(|scope| !GitLabStore::is_any(scope)) {
            Some(_) if own.is_none() => self.variable(owner, key, Some("*")).await,
            _ => Ok(own),
        }
    }

    fn fetched(&self, key: &str, variable: &Variable) -> Result<Fetched, Error> {
        let refused = |what| Err(self.call("variable", key).error(Kind::Invalid, what));
        match &variable.value {
            None => refused(
                "its value is hidden, so that nobody can read it; make a variable that is masked only",
            ),
            Some(value) if value.is_empty() => refused("its value is empty; give it one"),
            Some(value) => Ok(self.asked.digested(value.clone())),
        }
    }

    /// Every variable that the criteria match. What is hidden or empty gives an empty text, as in ESO.
    ///
    /// # Errors
    /// `Invalid` for criteria that cannot be served.
    pub(super) async fn find(&self, find: &Find, keep: &Keep) -> Result<BTreeMap<String, Fetched>, Error> {
        let call = self.call("variables", "find");
        let pattern = find.pattern().map_err(|error| call.error(Kind::Invalid, error))?;
        let scope =
            find.tags.get(GitLabStore::SCOPE).map(String::as_str).or(self.scope()).unwrap_or_default();
        let lists = self.lists().await?;
        let found = lists.found(scope, |key| !key.is_empty() && pattern.is_match(key) && keep.allows(key));
        let value = |variable: &Variable| variable.value.clone().unwrap_or_else(|| SecretValue::new(""));
        Ok(found
            .into_iter()
            .map(|(key, variable)| (key.to_owned(), self.asked.digested(value(variable))))
            .collect())
    }

    async fn lists(&self) -> Result<Lists, Error> {
        let mut groups = Vec::new();
        for group in self.groups().await? {
            groups.push(self.variables(Owner::Group(group)).await?);
        }
        let project = match self.store.project_id.as_deref() {
            Some(project) => self.variables(Owner::Project(project)).await?,
            None => Vec::new(),
        };
        Ok(Lists { project, groups })
    }

    fn scope(&self) -> Option<&str> {
        self.store.environment.as_deref()
    }
}

impl Lists {
    /// The variable that a key means, where that is certain: the project's before those of groups, of these the last group's;
    /// of each the one of the scope before the one of every scope.
    fn meant(&self, key: &str, scope: Option<&str>) -> Option<&Variable> {
        for owner in std::iter::once(&self.project).chain(self.groups.iter().rev()) {
            let mut named = owner.iter().filter(|variable| variable.key == key);
            let Some(scope) = scope else {
                match (named.next(), named.next()) {
                    (None, _) => continue,
                    (first, None) => return first,
                    // GitLab refuses to choose.
                    (Some(_), Some(_)) => return None,
                }
            };
            let own = named.clone().find(|variable| variable.scope == scope);
            if let Some(found) = own.or_else(|| named.find(|variable| variable.scope == "*")) {
                return Some(found);
            }
        }
        None
    }

    /// What a search finds: what stands later takes the place of what stands before, but a variable of every scope that of no
    /// other one. The project stands last, and is asked by itself which of its own is of every scope.
    fn found(&self, scope: &str, is_named: impl Fn(&str) -> bool) -> BTreeMap<&str, &Variable> {
        let matches = |variable: &&Variable| {
            let (own, any) = (variable.scope.as_str(), GitLabStore::is_any);
            (any(own) || any(scope) || own == scope) && is_named(&variable.key)
        };
        let mut found = BTreeMap::new();
        for variable in self.groups.iter().flatten().filter(matches) {
            let key = variable.key.as_str();
            if !(GitLabStore::is_any(&variable.scope) && found.contains_key(key)) {
                found.insert(key, variable);
            }
        }
        let mut exact = BTreeSet::new();
        for variable in self.project.iter().filter(matches) {
            let key = variable.key.as_str();
            let any = GitLabStore::is_any(&variable.scope);
            if !(any && exact.contains(key)) {
                found.insert(key, variable);
            }
            if !any {
                exact.insert(key);
            }
        }
        found
    }
}
