//! References of a store to Secrets, ConfigMaps and service accounts of the target cluster.

use super::reader::Fields;
use pawl_domain::store::SecretKeyRef;
use pawl_domain::{Namespace, ObjectName};

/// From where a reference is made.
#[derive(Clone, Copy)]
pub(super) enum References<'a> {
    /// From a SecretStore in this namespace; `None` for a ClusterSecretStore.
    Store(Option<&'a Namespace>),
    /// From a generator: what it refers to is in the ExternalSecret's namespace, whatever the manifest says, as in ESO.
    Generator,
}

/// A service account, and for whom its token is made.
pub(super) struct ServiceAccount {
    pub(super) name: ObjectName,
    pub(super) namespace: Option<Namespace>,
    pub(super) audiences: Vec<String>,
}

impl References<'_> {
    /// Whether each reference must say in which namespace it is: a ClusterSecretStore has none of its own.
    pub(super) fn must_name_namespaces(self) -> bool {
        matches!(self, Self::Store(None))
    }

    /// A key of a Secret that must be named.
    pub(super) fn required(self, fields: &mut Fields<'_>, field: &'static str) -> Option<SecretKeyRef> {
        if !fields.has(field) {
            fields.error(field, "is missing; write name and key of a Secret");
        }
        fields.object(field).and_then(|fields| self.secret_key(fields, None))
    }

    /// A key of a Secret that must be named, with its namespace in a ClusterSecretStore. Without a `default` the key must be
    /// named too.
    pub(super) fn of_store(
        self,
        fields: &mut Fields<'_>,
        field: &'static str,
        default: Option<&str>,
    ) -> Option<SecretKeyRef> {
        let secret = fields.present(field, "is missing; write name and key of a Secret")?;
        let at = self.secret_key(secret, default)?;
        if self.must_name_namespaces() && at.namespace.is_none() {
            let path = format!("{field}.namespace");
            fields.error(&path, "is missing; a ClusterSecretStore has none of its own, so write it");
        }
        Some(at)
    }

    /// A key of a Secret. Without a `default` the key must be named.
    pub(super) fn secret_key(self, mut fields: Fields<'_>, default: Option<&str>) -> Option<SecretKeyRef> {
        let name = name(&mut fields, "the Secret's name");
        let key = match default {
            Some(default) if !fields.has("key") => Some(default.to_owned()),
            _ => fields.data_key("key", "the key in the Secret").map(str::to_owned),
        };
        let namespace = self.namespace(&mut fields);
        fields.close();
        Some(SecretKeyRef { name: name?, key: key?, namespace })
    }

    /// A service account.
    pub(super) fn service_account(self, mut fields: Fields<'_>) -> Option<ServiceAccount> {
        let name = name(&mut fields, "the service account's name");
        let namespace = self.namespace(&mut fields);
        let audiences = fields.texts("audiences");
        fields.close();
        Some(ServiceAccount { name: name?, namespace, audiences })
    }

    /// The namespace of a reference. A SecretStore may only refer to its own: credentials of others are not its to use.
    pub(super) fn namespace(self, fields: &mut Fields<'_>) -> Option<Namespace> {
        let namespace: Option<Namespace> = fields.name("namespace");
        match self {
            Self::Store(None) => return namespace,
            Self::Store(Some(own)) if namespace.as_ref().is_some_and(|namespace| namespace != own) => {
                fields.error("namespace", format!("must be the store's own namespace {own}; leave it out"));
            }
            Self::Generator if namespace.is_some() => {
                let message = "has no effect: what a generator names is in the ExternalSecret's namespace";
                fields.notes().warning(fields.path_of("namespace"), message);
            }
            Self::Store(Some(_)) | Self::Generator => {}
        }
        None
    }
}

/// `name`, which must be there.
pub(super) fn name(fields: &mut Fields<'_>, what: &str) -> Option<ObjectName> {
    fields.required("name", what)?;
    fields.name("name")
}
