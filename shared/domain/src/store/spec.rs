//! What differs between the specs of stores.

use super::{FakeEntry, Headers};
use crate::key::Location;
use crate::name::Namespace;
use crate::provider::{Capabilities, Provider};
use crate::query::Find;

/// What differs between the specs of stores. Nothing has a default: a spec that lacks an answer does not compile.
pub(crate) trait Spec {
    /// Where the keys live, as far as the manifest tells.
    fn location(&self) -> Location;

    /// What such a store can, whoever asks it.
    fn capabilities(&self) -> Capabilities;

    /// The key as the provider knows it, of the one that is declared.
    fn remote_key(&self, key: &str) -> String;

    /// The key as the provider knows it, of the name that a search's answer gives it.
    fn found_key(&self, name: &str) -> String;

    /// What a search's answer calls the key that is declared so.
    fn found_name(&self, key: &str) -> String;

    /// What listings and senders call the key that is declared so.
    fn listed_name(&self, key: &str) -> String;

    /// Whether a search may find the key that listings and senders call `name`; `named` is its pattern.
    fn finds(&self, find: &Find, named: &dyn Fn(&str) -> bool, name: &str) -> bool;

    /// Why a search cannot be made whatever is there, with what to write instead; `None` when it can.
    fn refuses(&self, find: &Find) -> Option<&'static str>;

    /// The namespaces of the Secrets and service accounts that the connection needs; `None` is the declaration's.
    fn proofs(&self) -> Vec<Option<&Namespace>>;

    /// Whether sessions carry the names of cluster, namespace and store, so that each has one of its own.
    fn tells_tenants_apart(&self) -> bool;

    /// Whose identity reads.
    fn identity(&self) -> Identity<'_>;

    /// What the manifest says that decides whether the store may be used.
    fn claims(&self) -> Claims<'_>;

    /// Takes the values out of the manifest; `false` where they never stand there.
    fn withhold_values(&mut self) -> bool;
}

/// A store on one server of its own, whose identity its manifest proves: what is left to say of it.
pub(crate) trait Served {
    /// Its kind.
    const PROVIDER: Provider;

    /// The server's address.
    fn server(&self) -> &str;

    /// The namespaces of the Secrets and service accounts that the connection needs; `None` is the declaration's.
    fn references(&self) -> Vec<Option<&Namespace>>;

    /// Why a search cannot be made, with what to write instead.
    fn refuses(&self, find: &Find) -> Option<&'static str>;

    /// What of the server the store is, behind its address: an organization, an account. Nothing where it is all of it.
    fn part(&self) -> Option<&str> {
        None
    }

    /// The key, as the server is asked for it.
    fn asked_as(&self, key: &str) -> String {
        key.to_owned()
    }

    /// Whether a search may find the key of this name; `named` is what its pattern says of a name.
    fn may_find(&self, _: &Find, named: &dyn Fn(&str) -> bool, name: &str) -> bool {
        named(name)
    }

    /// The key, of the name that a search's answer gives it.
    fn key_of(&self, found: &str) -> String {
        found.to_owned()
    }

    /// What a search's answer calls a key.
    fn name_of(&self, key: &str) -> String {
        self.asked_as(key)
    }
}

impl<S: Served> Spec for S {
    fn location(&self) -> Location {
        let address = self.server().trim_end_matches('/').to_ascii_lowercase();
        let account = Some(self.part().map_or_else(|| address.clone(), |part| format!("{address}/{part}")));
        Location { provider: S::PROVIDER, region: String::new(), account }
    }

    fn capabilities(&self) -> Capabilities {
        S::PROVIDER.profile().capabilities
    }

    fn remote_key(&self, key: &str) -> String {
        self.asked_as(key)
    }

    fn found_key(&self, name: &str) -> String {
        self.key_of(name)
    }

    fn found_name(&self, key: &str) -> String {
        self.name_of(key)
    }

    fn listed_name(&self, key: &str) -> String {
        self.name_of(key)
    }

    fn finds(&self, find: &Find, named: &dyn Fn(&str) -> bool, name: &str) -> bool {
        self.may_find(find, named, name)
    }

    fn refuses(&self, find: &Find) -> Option<&'static str> {
        Served::refuses(self, find)
    }

    fn proofs(&self) -> Vec<Option<&Namespace>> {
        self.references()
    }

    fn tells_tenants_apart(&self) -> bool {
        false
    }

    fn identity(&self) -> Identity<'_> {
        Identity::Own
    }

    fn claims(&self) -> Claims<'_> {
        let server = Some(self.server());
        Claims { region: None, server, authority: None, headers: None, values: None, is_refused: false }
    }

    fn withhold_values(&mut self) -> bool {
        false
    }
}

/// What a manifest says that decides whether its store may be used.
pub(crate) struct Claims<'a> {
    /// The region of AWS of which an endpoint is made.
    pub(crate) region: Option<&'a str>,
    /// The address of the server, where the manifest names one.
    pub(crate) server: Option<&'a str>,
    /// Where tokens are asked for, where the manifest names another server for it.
    pub(crate) authority: Option<&'a str>,
    /// Headers of every request.
    pub(crate) headers: Option<&'a Headers>,
    /// The values, where the manifest itself is the store.
    pub(crate) values: Option<&'a [FakeEntry]>,
    /// Whether the manifest says that the store cannot be used.
    pub(crate) is_refused: bool,
}

/// Whose identity a store reads with.
pub(crate) enum Identity<'a> {
    /// One that its manifest proves, or none at all.
    Own,
    /// One that a Secret proves, which also says where the server is: no policy can tell its host.
    OwnWithServer,
    /// Pawl's.
    Pawls,
    /// Roles that are assumed with Pawl's.
    Roles(Vec<&'a str>),
}
