//! What is said of a read that the operator does not allow.

use std::fmt;

/// The rules by which reads are refused. Each has a code that stays the same for ever, and an entry in
/// `docs/store-policy.md`.
#[derive(Clone, Copy, Debug, serde::Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Pawl's own identity.
    OwnIdentity,
    /// A role assumed with it.
    Role,
    /// A key read with either.
    Key,
    /// The host of a store's server.
    Host,
    /// The address of a host.
    Address,
    /// One of Pawl's own secrets.
    OwnSecret,
    /// A region that is none.
    Region,
    /// A header that would make a request another one.
    Header,
    /// A store whose values stand in its manifest.
    FakeStore,
    /// Whatever a policy that cannot be read may say.
    Unreadable,
    /// What the store's own whitelist does not name.
    Whitelist,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 11] = [
        Self::OwnIdentity,
        Self::Role,
        Self::Key,
        Self::Host,
        Self::Address,
        Self::OwnSecret,
        Self::Region,
        Self::Header,
        Self::FakeStore,
        Self::Unreadable,
        Self::Whitelist,
    ];

    /// The code.
    pub fn code(self) -> &'static str {
        match self {
            Self::OwnIdentity => "PAWL-POLICY-IDENTITY",
            Self::Role => "PAWL-POLICY-ROLE",
            Self::Key => "PAWL-POLICY-KEY",
            Self::Host => "PAWL-POLICY-HOST",
            Self::Address => "PAWL-POLICY-ADDRESS",
            Self::OwnSecret => "PAWL-OWN-SECRET",
            Self::Region => "PAWL-STORE-REGION",
            Self::Header => "PAWL-STORE-HEADER",
            Self::FakeStore => "PAWL-FAKE-STORE",
            Self::Unreadable => "PAWL-POLICY-UNREADABLE",
            Self::Whitelist => "PAWL-STORE-WHITELIST",
        }
    }

    /// Code and remedy in one line that is the same for everybody, as a Ready condition shows it.
    pub fn words(self) -> &'static str {
        match self {
            Self::OwnIdentity => {
                "PAWL-POLICY-IDENTITY: no StorePolicy lets this store use Pawl's own identity; \
                 give it credentials, or let the operator set spec.allow.ownIdentity"
            }
            Self::Role => {
                "PAWL-POLICY-ROLE: no StorePolicy lets this store assume its role; \
                 let the operator add it to spec.allow.roles"
            }
            Self::Key => {
                "PAWL-POLICY-KEY: no StorePolicy lets this key be read with Pawl's own identity or its roles; \
                 let the operator add it to spec.allow.keys"
            }
            Self::Host => {
                "PAWL-POLICY-HOST: no StorePolicy lets this store have its host; \
                 let the operator add it to spec.allow.hosts"
            }
            Self::Address => {
                "PAWL-POLICY-ADDRESS: the store's host is at an address that stores may not reach; \
                 let the operator add it to spec.allow.addresses of a StorePolicy"
            }
            Self::OwnSecret => {
                "PAWL-OWN-SECRET: this is one of Pawl's own secrets, which no declaration may read"
            }
            Self::Region => "PAWL-STORE-REGION: the store's region is none; write one such as eu-central-1",
            Self::Header => {
                "PAWL-STORE-HEADER: the store has a header that it may not set; remove it from headers"
            }
            Self::FakeStore => {
                "PAWL-FAKE-STORE: values of fake stores stand unencrypted in the registry; \
                 the operator may set PAWL_UNSAFE_FAKE_STORES=true to try things out"
            }
            Self::Unreadable => {
                "PAWL-POLICY-UNREADABLE: a StorePolicy cannot be read, so nothing is allowed; \
                 let the operator apply its manifest again, or delete it"
            }
            Self::Whitelist => {
                "PAWL-STORE-WHITELIST: no rule of the store's whitelist admits this object or this property; \
                 read another one, or add a rule to whitelist.rules"
            }
        }
    }
}

/// A read that may not be made, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// The rule.
    pub rule: Rule,
    /// What of the manifest it is about, such as `key app/db`; the tenant's own words, cut short.
    pub what: String,
}

impl Refusal {
    pub(super) fn new(rule: Rule, what: impl fmt::Display) -> Self {
        const LONGEST: usize = 200;
        let what = what.to_string();
        let what =
            what.chars().map(|each| if each.is_control() { ' ' } else { each }).take(LONGEST).collect();
        Self { rule, what }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.rule.words(), self.what)
    }
}
