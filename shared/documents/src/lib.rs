//! What registry and ledger keep: one versioned JSON document per declaration, store, cluster, PushSecret and record.
//!
//! Every document starts with `"kind"` and `"version"`; one without them was written before documents had versions and
//! is version 0. The modules hold one table per type: the name of each field in the document, and what a document
//! that lacks it means. `README.md` says how to add a field and when to raise a version.
//!
//! - [`read`] takes every version that was ever written, ignores fields that it does not know and fills in those that
//!   are missing. The folders in `tests/fixtures` hold documents of every version, which must stay readable for ever.
//! - [`write()`] and [`digest`] always make the same bytes of the same noun: fields in the order of the table, and those
//!   that came later only where they say something, so that a new version of Pawl finds nothing changed.
//! - [`Unreadable`] names the document and the field, and never what stands there.

#[macro_use]
mod table;

mod access;
mod aws;
mod azurekv;
mod barbican;
mod beyondtrust;
mod beyondtrust_workload_credentials;
mod bitwarden;
mod change;
mod chef;
mod cluster;
mod conjur;
mod declaration;
mod delinea;
mod doppler;
mod dvls;
mod fortanix;
mod gcpsm;
mod generator;
mod gitlab;
mod ibm;
mod infisical;
mod kubernetes;
mod one_password;
mod oracle;
mod ovh;
mod part;
mod password_depot;
mod pattern;
mod policy;
mod previder;
mod pulumi;
mod push;
mod reads;
mod record;
mod scaleway;
mod secret_server;
mod senhasegura;
mod store;
mod target;
mod vault;
mod volcengine;
mod webhook;
mod yandex;
mod yandex_certificate_manager;
mod yandex_lockbox;

pub use access::mark_name;

use part::{Object, Out, Part};
use pawl_domain::spread::Pattern;
use pawl_domain::{Cluster, Declaration, PushRecord, PushSecret, Record, Store, StorePolicy};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt;

/// A noun that is kept as a document.
pub trait Document: private::Sealed + Send + Sync + 'static {
    /// What the document calls itself.
    const KIND: Kind;
    /// The version that [`write()`] writes, and the latest that [`read`] knows.
    const VERSION: u32;
}

/// The kinds of document.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// A [`Cluster`].
    Cluster,
    /// A [`Declaration`].
    Declaration,
    /// A [`Pattern`].
    Pattern,
    /// A [`StorePolicy`].
    Policy,
    /// A [`PushSecret`].
    Push,
    /// A [`PushRecord`] of the ledger.
    PushRecord,
    /// A [`Record`] of the ledger.
    Record,
    /// A [`Store`].
    Store,
}

impl Kind {
    /// The kind's name in documents, messages and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Declaration => "declaration",
            Self::Pattern => "pattern",
            Self::Policy => "policy",
            Self::Push => "push",
            Self::PushRecord => "push-record",
            Self::Record => "record",
            Self::Store => "store",
        }
    }

    /// What a person does about a document of this kind that cannot be read.
    fn remedy(self) -> &'static str {
        match self {
            Self::Cluster | Self::Pattern | Self::Policy | Self::Store => "apply its manifest again",
            Self::Declaration => "apply its manifest again, or remove it with pawl delete",
            Self::Push => "apply its manifest again",
            Self::PushRecord => {
                "what was pushed before is not known any more; look in the stores for what is not wanted"
            }
            Self::Record => "it counts as unknown, and the next sync writes it anew",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Document for Cluster {
    const KIND: Kind = Kind::Cluster;
    const VERSION: u32 = 1;
}

impl Document for Declaration {
    const KIND: Kind = Kind::Declaration;
    const VERSION: u32 = 1;
}

impl Document for PushSecret {
    const KIND: Kind = Kind::Push;
    const VERSION: u32 = 1;
}

impl Document for PushRecord {
    const KIND: Kind = Kind::PushRecord;
    const VERSION: u32 = 1;
}

impl Document for Pattern {
    const KIND: Kind = Kind::Pattern;
    const VERSION: u32 = 1;
}

impl Document for Record {
    const KIND: Kind = Kind::Record;
    const VERSION: u32 = 1;
}

impl Document for StorePolicy {
    const KIND: Kind = Kind::Policy;
    const VERSION: u32 = 1;
}

impl Document for Store {
    const KIND: Kind = Kind::Store;
    const VERSION: u32 = 1;
}

/// The document of a noun, in its latest version.
pub fn write<D: Document>(noun: &D) -> String {
    let body = body(noun);
    format!("{{\"kind\":\"{}\",\"version\":{},{}", D::KIND, D::VERSION, &body[1..])
}

/// Everything that the noun says, as JSON without kind and version.
pub fn body<D: Document>(noun: &D) -> String {
    let mut out = Out::default();
    noun.write(&mut out);
    out.into_text()
}

/// SHA-256 over [`body`] in lower case hex: equal exactly when nothing in the noun changed. A version of Pawl that
/// knows more fields makes the same digest of a noun that does not use them.
pub fn digest<D: Document>(noun: &D) -> String {
    hex::encode(Sha256::digest(body(noun)))
}

/// Whether a stored document of any version says the same as one that [`write()`] has made. One that cannot be read says
/// nothing.
pub fn is_same<D: Document>(stored: &str, written: &str) -> bool {
    stored == written || read::<D>("", stored).is_ok_and(|noun| write(&noun) == written)
}

/// The noun of a document of any version. `id` names it in the error.
///
/// # Errors
/// [`Unreadable`] when the text is no document of this kind, a later version of Pawl wrote it, or a field that nothing
/// can stand in for is missing or damaged.
pub fn read<D: Document>(id: &str, text: &str) -> Result<D, Unreadable> {
    let unreadable = |reason: String| Unreadable { kind: D::KIND, id: id.to_owned(), reason };
    // What the parser says of the text may quote it.
    let value: Value = serde_json::from_str(text).map_err(|_| unreadable("it is not JSON".to_owned()))?;
    let mut object = Object::of(value).map_err(|_| unreadable("it is not a JSON object".to_owned()))?;
    match object.take("kind") {
        // Version 0 is version 1 without its first two fields.
        None => {}
        Some(Value::String(kind)) if kind == D::KIND.as_str() => match object.take("version") {
            Some(Value::Number(version))
                if version.as_u64().is_some_and(|version| version <= u64::from(D::VERSION)) => {}
            Some(Value::Number(version)) => {
                let known = D::VERSION;
                return Err(unreadable(format!("it has version {version}, and this Pawl knows {known}")));
            }
            _ => return Err(unreadable("version is missing or not a number".to_owned())),
        },
        Some(_) => return Err(unreadable("it is a document of another kind".to_owned())),
    }
    D::read(object.into_value()).map_err(|fault| unreadable(fault.to_string()))
}

/// A document that this version of Pawl cannot read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{} cannot be read: {reason}; {}", self.what(), kind.remedy())]
pub struct Unreadable {
    /// What it should be.
    pub kind: Kind,
    /// Which one.
    pub id: String,
    /// The field and what is wrong with it; never what stands there.
    pub reason: String,
}

impl Unreadable {
    /// The document in words, such as `declaration blue/shop/db` or `ClusterSecretStore aws`.
    pub fn what(&self) -> String {
        match self.kind {
            Kind::Store => self.id.clone(),
            Kind::Record => format!("the record of {}", self.id),
            Kind::Push => format!("PushSecret {}", self.id),
            Kind::PushRecord => format!("the record of PushSecret {}", self.id),
            Kind::Pattern => format!("ClusterExternalSecret {}", self.id),
            Kind::Cluster | Kind::Declaration | Kind::Policy => format!("{} {}", self.kind, self.id),
        }
    }
}

mod private {
    pub trait Sealed: super::Part {}
    impl<T: super::Part> Sealed for T {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(text: &str) -> Result<Cluster, String> {
        read("blue", text).map_err(|error| error.to_string())
    }

    #[test]
    fn errors_name_the_document_and_the_field_and_quote_nothing() {
        let whole = r#"{"name":"blue","labels":{},"connection":{"Url":{"url":"u","token":{"Env":"T"}}},"index":true}"#;
        assert!(cluster(whole).is_ok());
        for (old, new, want) in [
            (whole, "hunter2", "it is not JSON"),
            (whole, "[\"hunter2\"]", "it is not a JSON object"),
            ("{\"name\"", "{\"kind\":\"hunter2\",\"name\"", "it is a document of another kind"),
            ("{\"name\"", "{\"kind\":\"cluster\",\"name\"", "version is missing or not a number"),
            (
                "{\"name\"",
                "{\"kind\":\"cluster\",\"version\":2,\"name\"",
                "it has version 2, and this Pawl knows 1",
            ),
            ("\"blue\"", "\"Hunter2\"", "name is not a valid cluster name"),
            ("\"name\"", "\"hunter2\"", "name is missing"),
            ("{}", "{\"a\":\"b\",\"hunter2\":7}", "an entry of labels is not a text"),
            ("\"Env\"", "\"Hunter2\"", "connection.Url.token is nothing that this version of Pawl knows"),
            ("\"u\"", "[\"hunter2\"]", "connection.Url.url is not a text"),
        ] {
            let text = whole.replacen(old, new, 1);
            let advice = "apply its manifest again";
            assert_eq!(
                cluster(&text),
                Err(format!("cluster blue cannot be read: {want}; {advice}")),
                "{text}"
            );
        }
    }

    #[test]
    fn unknown_fields_are_passed_over_and_missing_ones_filled_in() {
        let text = r#"{"version":1,"kind":"cluster","name":"blue","connection":{"Kubeconfig":{"path":"p","later":1}},"later":{}}"#;
        let blue = cluster(text).unwrap();
        assert!(blue.labels.is_empty() && !blue.index);
        assert_eq!(
            write(&blue),
            r#"{"kind":"cluster","version":1,"name":"blue","labels":{},"connection":{"Kubeconfig":{"path":"p","context":null}},"index":false}"#
        );
    }
}
