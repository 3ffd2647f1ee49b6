//! The decision: with which identity, to where, which keys.

use super::StorePolicy;
use super::refusal::{Refusal, Rule};
use crate::declaration::Query;
use crate::grant::{Glob, Grant, Keep, Origin, OwnSecrets, Reach};
use crate::name::{ClusterName, Namespace, ObjectName};
use crate::store::{Access, Claims, Headers, Home, Identity, Store, is_region};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Everything that decides what stores may do.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rules {
    /// The operator's policies.
    pub policies: Vec<StorePolicy>,
    /// The names of policies that cannot be read: each of them may limit any store.
    pub unreadable: BTreeSet<String>,
    /// What no declaration may read.
    pub own: Arc<OwnSecrets>,
    /// Whether stores whose values stand in their manifests may be used.
    pub fake_stores: bool,
}

/// A read that may be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Permit {
    /// With this identity.
    pub access: Access,
    /// What of it a search may read.
    pub keep: Keep,
}

impl Permit {
    /// What was granted beyond what the store's own credentials may do, and what was withheld, as text: equal texts mean
    /// equal terms. Empty where no policy has a say.
    pub fn terms(&self) -> String {
        let Grant { reach, shows_identity } = &self.access.grant;
        let reach = match reach {
            Reach::Anywhere => String::new(),
            Reach::Guarded(allowed) => format!("guarded {}", joined(allowed)),
        };
        let shows = if *shows_identity { " shows identity" } else { "" };
        let keys = self.keep.keys().map(|keys| format!(" keys {}", joined(keys))).unwrap_or_default();
        format!("{reach}{shows}{keys}")
    }
}

fn joined<T: ToString>(items: &BTreeSet<T>) -> String {
    // No pattern and no address has a control character.
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// What a store may do for one reader.
struct Admitted {
    grant: Grant,
    /// Patterns of the keys that may be read; `None` where the store's own credentials decide.
    keys: Option<BTreeSet<Glob>>,
}

impl Rules {
    /// Whether a declaration in `namespace` of `cluster` may read this of a store, and how.
    ///
    /// # Errors
    /// [`Refusal`] when the operator does not allow it. It stays so until somebody changes a policy or the manifest.
    pub fn permit(
        &self,
        store: &Store,
        query: &Query,
        cluster: &ClusterName,
        namespace: &Namespace,
    ) -> Result<Permit, Refusal> {
        let Admitted { grant, keys } = self.judge(store, cluster, Some(namespace))?;
        let provider = store.location().provider;
        if keys.as_ref().is_some_and(BTreeSet::is_empty) {
            return Err(Refusal::new(Rule::Key, format_args!("any key by {}", store.id)));
        }
        let keep = Keep::new(provider, keys, Arc::clone(&self.own));
        // What is made with Pawl's identity or a role is none of its keys, so a policy must name the kind among them.
        if let (Query::Generate, Some(generator)) = (query, store.backend.as_generator())
            && !keep.allows(generator.kind().as_str())
        {
            let what = format_args!("key {} by {}", generator.kind(), store.id);
            return Err(Refusal::new(Rule::Key, what));
        }
        if let Query::Key(remote) = query {
            let key = store.remote_key(&remote.key);
            if self.own.holds(provider, &key) {
                return Err(Refusal::new(Rule::OwnSecret, format_args!("key {key}")));
            }
            if !keep.allows(&key) {
                return Err(Refusal::new(Rule::Key, format_args!("key {key} by {}", store.id)));
            }
            if store.denies(remote) {
                return Err(Refusal::new(Rule::Whitelist, format_args!("key {key} by {}", store.id)));
            }
        }
        let access = Access { grant, ..store.access(cluster, namespace) };
        Ok(Permit { access, keep })
    }

    /// With which identity a declaration in `namespace` of `cluster` reads what it may read of a store.
    ///
    /// # Errors
    /// As for [`Rules::permit`], where nothing may be read.
    pub fn access(
        &self,
        store: &Store,
        cluster: &ClusterName,
        namespace: &Namespace,
    ) -> Result<Access, Refusal> {
        let Admitted { grant, .. } = self.judge(store, cluster, Some(namespace))?;
        Ok(Access { grant, ..store.access(cluster, namespace) })
    }

    /// Whether a store may be used at all, and how far it may reach while its identity is proven. A ClusterSecretStore may
    /// be used if some namespace may use it.
    ///
    /// # Errors
    /// As for [`Rules::permit`].
    pub fn admit(&self, store: &Store, cluster: &ClusterName) -> Result<Grant, Refusal> {
        self.judge(store, cluster, store.id.namespace.as_ref()).map(|admitted| admitted.grant)
    }

    /// Whether policies decide what this store may do: always for one that was found in a cluster.
    pub fn governs(&self, store: &Store) -> bool {
        store.id.home != Home::Applied || self.policies.iter().any(|each| each.is_of_store(&store.id))
    }

    /// The same with these policies in place of those of the same names.
    #[must_use]
    pub fn with<'a>(&self, policies: impl IntoIterator<Item = &'a StorePolicy>) -> Self {
        let mut rules = self.clone();
        for policy in policies {
            rules = rules.without(&policy.name);
            rules.policies.push(policy.clone());
        }
        rules
    }

    /// The same without the policy of this name.
    #[must_use]
    pub fn without(&self, name: &ObjectName) -> Self {
        let mut rules = self.clone();
        rules.policies.retain(|each| each.name != *name);
        rules.unreadable.remove(name.as_str());
        rules
    }

    fn judge(
        &self,
        store: &Store,
        cluster: &ClusterName,
        namespace: Option<&Namespace>,
    ) -> Result<Admitted, Refusal> {
        let spec = store.backend.spec();
        let claims = spec.claims();
        check_manifest(&claims, self.fake_stores)?;
        if let Some(policy) = self.unreadable.first() {
            return Err(Refusal::new(Rule::Unreadable, format_args!("StorePolicy {policy}")));
        }
        if !self.governs(store) {
            return Ok(Admitted { grant: Grant::default(), keys: None });
        }
        if claims.values.is_some() {
            return Ok(Admitted { grant: Grant::default(), keys: None });
        }
        let of_store = |each: &&StorePolicy| each.is_of_store(&store.id) && each.is_for(cluster, namespace);
        let policies: Vec<&StorePolicy> = self.policies.iter().filter(of_store).collect();
        if let Some(server) = claims.server {
            let admitted = with_server(store, server, &spec.identity(), &policies)?;
            // What is reached is what the policies of the first say; the other must be named as well.
            if let Some(authority) = claims.authority {
                with_server(store, authority, &spec.identity(), &policies)?;
            }
            return Ok(admitted);
        }
        if matches!(spec.identity(), Identity::OwnWithServer) {
            return with_hidden_server(store, &policies);
        }
        let allowing = allowing(store, &spec.identity(), policies.iter().copied())?;
        let reach = Reach::Guarded(BTreeSet::new());
        Ok(Admitted { grant: Grant { reach, shows_identity: false }, keys: keys_of(allowing) })
    }
}

/// What no policy can allow.
fn check_manifest(claims: &Claims<'_>, fake_stores: bool) -> Result<(), Refusal> {
    if claims.values.is_some() && !fake_stores {
        return Err(Refusal::new(Rule::FakeStore, "provider fake"));
    }
    if let Some(region) = claims.region.filter(|region| !is_region(region)) {
        return Err(Refusal::new(Rule::Region, format_args!("region {region:?}")));
    }
    let mut headers = claims.headers.into_iter().flat_map(|headers| headers.0.keys());
    if let Some(name) = headers.find(|name| Headers::is_forbidden(name)) {
        return Err(Refusal::new(Rule::Header, format_args!("header {name}")));
    }
    Ok(())
}

/// The policies that allow an identity; `None` where it is not theirs to allow.
fn allowing<'p>(
    store: &Store,
    identity: &Identity<'_>,
    policies: impl Iterator<Item = &'p StorePolicy> + Clone,
) -> Result<Option<Vec<&'p StorePolicy>>, Refusal> {
    let may = |policy: &StorePolicy, role: &str| policy.allow.roles.iter().any(|each| each.matches(role));
    match identity {
        Identity::Own | Identity::OwnWithServer => Ok(None),
        Identity::Pawls => {
            let allowing: Vec<_> = policies.filter(|each| each.allow.own_identity).collect();
            let refused = || Refusal::new(Rule::OwnIdentity, &store.id);
            if allowing.is_empty() { Err(refused()) } else { Ok(Some(allowing)) }
        }
        Identity::Roles(roles) => {
            let whole = |each: &&StorePolicy| roles.iter().all(|role| may(each, role));
            let allowing: Vec<_> = policies.clone().filter(whole).collect();
            if !allowing.is_empty() {
                return Ok(Some(allowing));
            }
            let alone = |role: &&&str| !policies.clone().any(|each| may(each, role));
            let role = roles.iter().find(alone).or(roles.last()).copied().unwrap_or_default();
            Err(Refusal::new(Rule::Role, format_args!("role {role} of {}", store.id)))
        }
    }
}

fn keys_of(allowing: Option<Vec<&StorePolicy>>) -> Option<BTreeSet<Glob>> {
    let keys = |policies: Vec<&StorePolicy>| {
        policies.into_iter().flat_map(|policy| &policy.allow.keys).cloned().collect()
    };
    allowing.map(keys)
}

/// A store whose server stands in a Secret: where policies name hosts, nobody can say whether it is one of them.
fn with_hidden_server(store: &Store, policies: &[&StorePolicy]) -> Result<Admitted, Refusal> {
    if policies.iter().any(|policy| policy.allow.hosts.is_some()) {
        let what = format_args!("the server of {} stands in a Secret; write it in the manifest", store.id);
        return Err(Refusal::new(Rule::Host, what));
    }
    let reach = Reach::Guarded(policies.iter().flat_map(|policy| &policy.allow.addresses).copied().collect());
    Ok(Admitted { grant: Grant { reach, shows_identity: false }, keys: None })
}

/// A store whose server the manifest names.
fn with_server(
    store: &Store,
    server: &str,
    identity: &Identity<'_>,
    policies: &[&StorePolicy],
) -> Result<Admitted, Refusal> {
    let Some(origin) = Origin::of(server) else {
        return Err(Refusal::new(Rule::Host, format_args!("server of {} is no URL", store.id)));
    };
    let names = |policy: &StorePolicy| {
        policy.allow.hosts.as_ref().map(|hosts| hosts.iter().any(|each| each.matches(&origin)))
    };
    let hosts: Vec<bool> = policies.iter().filter_map(|policy| names(policy)).collect();
    if !hosts.is_empty() && !hosts.contains(&true) {
        return Err(Refusal::new(Rule::Host, format_args!("{origin} of {}", store.id)));
    }
    let addresses = policies.iter().filter(|policy| names(policy) != Some(false));
    let reach = Reach::Guarded(addresses.flat_map(|policy| &policy.allow.addresses).copied().collect());
    if origin.address.is_some_and(|address| !reach.admits(address)) {
        return Err(Refusal::new(Rule::Address, format_args!("{origin} of {}", store.id)));
    }
    // An identity is only shown to a server that the same policy names.
    let showing = allowing(store, identity, policies.iter().copied())?;
    let named: Option<Vec<&StorePolicy>> =
        showing.map(|allowing| allowing.into_iter().filter(|each| names(each) == Some(true)).collect());
    if named.as_ref().is_some_and(Vec::is_empty) {
        let what = format_args!("{origin} of {}, which would be shown Pawl's identity", store.id);
        return Err(Refusal::new(Rule::Host, what));
    }
    let grant = Grant { reach, shows_identity: named.is_some() };
    Ok(Admitted { grant, keys: keys_of(named) })
}
