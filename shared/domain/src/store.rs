//! Stores: the places that hold secrets, as SecretStore and ClusterSecretStore declare them.

mod aws;
mod azurekv;
mod barbican;
mod beyondtrust;
mod beyondtrust_workload_credentials;
mod bitwarden;
mod chef;
mod condition;
mod conjur;
mod crd;
mod delinea;
mod doppler;
mod dvls;
mod fake;
mod fortanix;
mod gcpsm;
pub mod generator;
mod gitlab;
mod headers;
mod ibm;
mod infisical;
mod kubernetes;
mod one_password;
mod open_bao;
mod oracle;
mod ovh;
mod password_depot;
mod previder;
mod pulumi;
mod region;
mod scaleway;
mod search;
mod secret_server;
mod senhasegura;
mod spec;
mod vault;
mod volcengine;
mod webhook;
mod yandex;
mod yandex_certificate_manager;
mod yandex_lockbox;

pub use aws::{AwsAuth, AwsDeletion, AwsService, AwsStore, SessionTagsPolicy};
pub use azurekv::{AzureAuth, AzureCloud, AzureKvStore, AzureObject};
pub use barbican::{BarbicanStore, BarbicanUser};
pub use beyondtrust::{BeyondtrustAuth, BeyondtrustCertificate, BeyondtrustKeys, BeyondtrustStore};
pub use beyondtrust_workload_credentials::BeyondtrustWorkloadCredentialsStore;
pub use bitwarden::BitwardenStore;
pub use chef::ChefStore;
pub use condition::{Condition, InvalidCondition, LabelOperator, LabelRequirement, LabelSelector};
pub use conjur::{ConjurAuth, ConjurStore, ConjurToken};
pub use crd::{CrdResource, CrdRule, CrdStore, Whitelist};
pub use delinea::DelineaStore;
pub use doppler::{DopplerAuth, DopplerStore};
pub use dvls::DvlsStore;
pub use fake::{FakeEntry, FakeStore};
pub use fortanix::FortanixStore;
pub use gcpsm::{GcpAuth, GcpCluster, GcpFederation, GcpServiceAccount, GcpStore, GcpSubject};
pub use gitlab::GitLabStore;
pub use headers::Headers;
pub use ibm::{IbmAuth, IbmStore};
pub use infisical::{InfisicalAuth, InfisicalStore};
pub use kubernetes::{ApiAuth, ApiServer, KubernetesApi, KubernetesStore};
pub use one_password::OnePasswordStore;
pub use open_bao::OpenBaoStore;
pub use oracle::OracleStore;
pub use ovh::{OvhAuth, OvhStore};
pub use password_depot::PasswordDepotStore;
pub use previder::PreviderStore;
pub use pulumi::{PulumiAuth, PulumiStore};
pub use region::is_region;
pub use scaleway::ScalewayStore;
pub use search::Search;
pub use secret_server::{Given, SecretServerAuth, SecretServerStore};
pub use senhasegura::SenhaseguraStore;
pub(crate) use spec::{Claims, Identity, Spec};
pub use vault::{
    CaProvider, ClientCertificate, KvVersion, RoleId, VaultAuth, VaultGcpAuth, VaultIamAuth, VaultProof,
    VaultStore,
};
pub use volcengine::VolcengineStore;
pub use webhook::{WebhookSecret, WebhookStore};
pub use yandex::YandexStore;
pub use yandex_certificate_manager::YandexCertificateManagerStore;
pub use yandex_lockbox::YandexLockboxStore;

use crate::grant::Grant;
use crate::key::{IndexKey, Location};
use crate::name::{ClusterName, Namespace, ObjectName, SetName};
use crate::provider::{Capabilities, Lookup, VersionSelector};
use crate::query::{Find, Query, Remote, Told};
use generator::{Generator, GeneratorKind};
use serde::{Deserialize, Serialize};
use std::borrow::{Borrow, BorrowMut};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Where a manifest was found. A declaration may only use stores of its own home.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Home {
    /// Handed to Pawl directly, as by `pawl apply`.
    Applied,
    /// Read from a cluster's API server.
    Cluster(ClusterName),
}

/// Identifies a store: the home it was found in, its namespace (`None` for a ClusterSecretStore) and its name. Of a
/// generator also its kind, for each kind has names of its own.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct StoreId {
    /// Where the manifest was found.
    pub home: Home,
    /// The namespace of a SecretStore; `None` for a ClusterSecretStore.
    pub namespace: Option<Namespace>,
    /// The store's name.
    pub name: ObjectName,
    /// The kind of its manifest, where it is a generator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator: Option<GeneratorKind>,
}

impl StoreId {
    /// The kind of its manifest.
    pub fn kind(&self) -> &'static str {
        match (self.generator, &self.namespace) {
            (Some(generator), _) => generator.as_str(),
            (None, Some(_)) => "SecretStore",
            (None, None) => "ClusterSecretStore",
        }
    }

    /// The group of its manifest.
    pub fn group(&self) -> &'static str {
        if self.generator.is_some() { "generators.external-secrets.io" } else { "external-secrets.io" }
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Home::Cluster(cluster) = &self.home {
            write!(f, "{cluster}/")?;
        }
        write!(f, "{} ", self.kind())?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        write!(f, "{}", self.name)
    }
}

/// A SecretStore or ClusterSecretStore, parsed and closed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Store {
    /// Which store this is.
    pub id: StoreId,
    /// How its keys are read.
    pub backend: Backend,
    /// Which namespaces may use a ClusterSecretStore; empty allows all. Always empty for a SecretStore.
    pub conditions: Vec<Condition>,
    /// Its labels, by which PushSecrets may choose it. No digest knows them: nothing that is read depends on them.
    #[serde(skip)]
    pub labels: BTreeMap<String, String>,
    /// The set that it was applied with. `None` where it lives in a cluster, or was applied before there were sets.
    /// No digest knows it: whose a manifest is makes no difference to what is made of it.
    #[serde(skip)]
    pub set: Option<SetName>,
}

impl Store {
    /// Whether both declare the same, whatever sets they belong to and labels they have.
    pub fn declares_as(&self, other: &Self) -> bool {
        let Self { id, backend, conditions, labels: _, set: _ } = self;
        (id, backend, conditions) == (&other.id, &other.backend, &other.conditions)
    }

    /// Where this store's keys live, as far as the manifest tells.
    pub fn location(&self) -> Location {
        self.backend.location()
    }

    /// The key as this store's provider knows it, such as with the store's prefix before the declared key.
    pub fn remote_key(&self, key: &str) -> String {
        self.backend.spec().remote_key(key)
    }

    /// What the provider is asked for by a read: its key, with all else that a provider is told that reads it itself.
    pub fn asked(&self, remote: &Remote) -> String {
        match self.location().provider.profile().lookup {
            Lookup::Told | Lookup::Item => Told::by(remote).to_text(),
            _ => self.remote_key(&remote.key),
        }
    }

    /// The index keys under which a change finds what is read here. A search is found by every change of its store's
    /// location: which of them concern it, [`Search::finds`] tells.
    pub fn index_keys(&self, query: &Query) -> BTreeSet<IndexKey> {
        match query {
            Query::Key(remote) => {
                let mut keys = self.location().index_keys(&self.remote_key(&remote.key));
                keys.extend((!self.lists_changes_of(query)).then(|| self.location().search_key()));
                keys
            }
            Query::Find(_) | Query::Generate => BTreeSet::from([self.location().search_key()]),
        }
    }

    /// Whether a listing of what changed in this store tells of everything that changes the answer. It does not where labels
    /// and tags change without a new date, nor of keys of other accounts: of those, only asking again tells.
    pub fn lists_changes_of(&self, query: &Query) -> bool {
        let hides = self.backend.capabilities().hides_labels();
        match query {
            Query::Key(remote) => {
                let labelled = matches!(remote.selector(self), VersionSelector::Label(_));
                let location = self.location();
                let own = location.clone().of_key(&self.remote_key(&remote.key)).agrees_with(&location);
                own && !(hides && (remote.metadata || labelled))
            }
            Query::Find(find) => find.tags.is_empty() || !hides,
            Query::Generate => false,
        }
    }

    /// Whether a listing of what changed in this store says nothing of keys that were deleted for good.
    pub fn hides_deletions(&self) -> bool {
        self.backend.capabilities().hides_deletions()
    }

    /// With which identity a declaration in `namespace` of `cluster` reads this store. Whether it may,
    /// [`Rules::permit`](crate::Rules::permit) decides, which grants it what it may do.
    pub fn access(&self, cluster: &ClusterName, namespace: &Namespace) -> Access {
        let spec = self.backend.spec();
        let (proofs, tagged) = (spec.proofs(), spec.tells_tenants_apart());
        // Where every proof names its namespace, all declarations share what is read with it.
        let referent = proofs.iter().find(|named| named.is_none()).or(proofs.first());
        let own = self.id.namespace.clone();
        Access {
            backend: self.backend.clone(),
            cluster: (referent.is_some() || tagged).then(|| cluster.clone()),
            namespace: referent
                .map(|named| own.or_else(|| named.cloned()).unwrap_or_else(|| namespace.clone())),
            tags: tagged.then(|| (namespace.clone(), self.id.clone())),
            grant: Grant::default(),
        }
    }

    /// The identity with which this store itself is validated; `None` where it depends on the namespace of who reads.
    pub fn own_access(&self, cluster: &ClusterName) -> Option<Access> {
        let depends = self.backend.spec().proofs().contains(&None);
        match &self.id.namespace {
            Some(own) => Some(self.access(cluster, own)),
            // Nobody's namespace: none of its credentials asks for it.
            None if !depends => "default".parse().ok().map(|any: Namespace| self.access(cluster, &any)),
            None => None,
        }
    }

    /// Whether the manifest says that the store cannot be used: `fake.validationResult`.
    pub fn is_refused_by_manifest(&self) -> bool {
        self.backend.spec().claims().is_refused
    }

    /// Whether a namespace with these labels may use this store. Source: ESO's ClusterSecretStore conditions: the
    /// list is a disjunction, and an empty list allows everybody.
    ///
    /// # Errors
    /// [`InvalidCondition`] when a condition's regular expression does not compile; the store needs mending.
    pub fn allows(
        &self,
        namespace: &Namespace,
        labels: &BTreeMap<String, String>,
    ) -> Result<bool, InvalidCondition> {
        if self.conditions.is_empty() {
            return Ok(true);
        }
        for condition in &self.conditions {
            if condition.allows(namespace, labels)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// True when [`Store::allows`] looks at the namespace's labels, so that they must be read first.
    pub fn needs_namespace_labels(&self) -> bool {
        self.conditions.iter().any(|condition| condition.selector.is_some())
    }
}

/// Writes the enum and all that is done with each of its variants alike, so that a kind of store is one row.
macro_rules! backends {
    ($($(#[$doc:meta])* $kind:ident($held:ty) is $spec:ty, $taken:ident;)*) => {
        /// How a store's keys are read. What differs between the variants is in `Spec`; nothing else asks which one it has.
        #[expect(clippy::large_enum_variant, reason = "nearly all stores are of AWS, and few are held at a time")]
        #[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        pub enum Backend {
            $($(#[$doc])* $kind($held),)*
        }

        impl Backend {
            pub(crate) fn spec(&self) -> &dyn Spec {
                match self {
                    $(Self::$kind(spec) => Borrow::<$spec>::borrow(spec),)*
                }
            }

            fn spec_mut(&mut self) -> &mut dyn Spec {
                match self {
                    $(Self::$kind(spec) => BorrowMut::<$spec>::borrow_mut(spec),)*
                }
            }

            $(
                /// The spec, where the store is of this kind.
                pub fn $taken(&self) -> Option<&$spec> {
                    match self {
                        Self::$kind(spec) => Some(spec),
                        _ => None,
                    }
                }
            )*
        }

        $(
            impl From<$spec> for Backend {
                fn from(spec: $spec) -> Self {
                    Self::$kind(spec.into())
                }
            }
        )*
    };
}

backends! {
    /// AWS Secrets Manager or Parameter Store.
    Aws(AwsStore) is AwsStore, as_aws;
    /// Google Secret Manager.
    GcpSecretManager(Box<GcpStore>) is GcpStore, as_gcpsm;
    /// Azure Key Vault.
    AzureKv(Box<AzureKvStore>) is AzureKvStore, as_azurekv;
    /// GitLab.
    GitLab(Box<GitLabStore>) is GitLabStore, as_gitlab;
    /// Secrets of a Kubernetes cluster.
    Kubernetes(Box<KubernetesStore>) is KubernetesStore, as_kubernetes;
    /// Objects of any kind of a Kubernetes cluster.
    Crd(Box<CrdStore>) is CrdStore, as_crd;
    /// 1Password, by a Connect server.
    OnePassword(Box<OnePasswordStore>) is OnePasswordStore, as_one_password;
    /// OpenBao.
    OpenBao(Box<OpenBaoStore>) is OpenBaoStore, as_open_bao;
    /// HashiCorp Vault.
    Vault(Box<VaultStore>) is VaultStore, as_vault;
    /// An API that is asked over HTTP.
    Webhook(Box<WebhookStore>) is WebhookStore, as_webhook;
    /// IBM Cloud Secrets Manager.
    Ibm(Box<IbmStore>) is IbmStore, as_ibm;
    /// Infisical.
    Infisical(Box<InfisicalStore>) is InfisicalStore, as_infisical;
    /// Bitwarden Secrets Manager.
    Bitwarden(Box<BitwardenStore>) is BitwardenStore, as_bitwarden;
    /// CyberArk Conjur.
    Conjur(Box<ConjurStore>) is ConjurStore, as_conjur;
    /// Delinea Secret Server and Platform.
    SecretServer(Box<SecretServerStore>) is SecretServerStore, as_secret_server;
    /// Delinea DevOps Secrets Vault.
    Delinea(Box<DelineaStore>) is DelineaStore, as_delinea;
    /// Oracle Cloud Infrastructure Vault.
    Oracle(Box<OracleStore>) is OracleStore, as_oracle;
    /// Doppler.
    Doppler(Box<DopplerStore>) is DopplerStore, as_doppler;
    /// Scaleway Secret Manager.
    Scaleway(Box<ScalewayStore>) is ScalewayStore, as_scaleway;
    /// Pulumi ESC.
    Pulumi(Box<PulumiStore>) is PulumiStore, as_pulumi;
    /// Password Depot.
    PasswordDepot(Box<PasswordDepotStore>) is PasswordDepotStore, as_password_depot;
    /// Previder Vault.
    Previder(Box<PreviderStore>) is PreviderStore, as_previder;
    /// Fortanix Data Security Manager.
    Fortanix(Box<FortanixStore>) is FortanixStore, as_fortanix;
    /// OVHcloud Secret Manager.
    Ovh(Box<OvhStore>) is OvhStore, as_ovh;
    /// senhasegura DSM.
    Senhasegura(Box<SenhaseguraStore>) is SenhaseguraStore, as_senhasegura;
    /// BeyondTrust Password Safe.
    Beyondtrust(Box<BeyondtrustStore>) is BeyondtrustStore, as_beyondtrust;
    /// BeyondTrust Workload Credentials.
    BeyondtrustWorkloadCredentials(Box<BeyondtrustWorkloadCredentialsStore>) is BeyondtrustWorkloadCredentialsStore, as_beyondtrust_workload_credentials;
    /// OpenStack Barbican.
    Barbican(Box<BarbicanStore>) is BarbicanStore, as_barbican;
    /// Chef Infra Server.
    Chef(Box<ChefStore>) is ChefStore, as_chef;
    /// Devolutions Server.
    Dvls(Box<DvlsStore>) is DvlsStore, as_dvls;
    /// Volcengine KMS.
    Volcengine(Box<VolcengineStore>) is VolcengineStore, as_volcengine;
    /// Yandex Certificate Manager.
    YandexCertificateManager(Box<YandexCertificateManagerStore>) is YandexCertificateManagerStore, as_yandex_certificate_manager;
    /// Yandex Lockbox.
    YandexLockbox(Box<YandexLockboxStore>) is YandexLockboxStore, as_yandex_lockbox;
    /// The manifest itself.
    Fake(FakeStore) is FakeStore, as_fake;
    /// What makes values instead of reading them.
    Generator(Box<Generator>) is Generator, as_generator;
}

impl Backend {
    /// Why a search cannot be made here whatever is there, with what to write instead; `None` when it can.
    pub fn refuses(&self, find: &Find) -> Option<&'static str> {
        self.spec().refuses(find)
    }

    /// What this store can, whoever asks it.
    pub fn capabilities(&self) -> Capabilities {
        self.spec().capabilities()
    }

    /// Where the keys live, as far as the manifest tells.
    pub fn location(&self) -> Location {
        self.spec().location()
    }

    /// The key as this store's provider knows it, as for [`Store::remote_key`].
    pub fn remote_key(&self, key: &str) -> String {
        self.spec().remote_key(key)
    }

    /// The values, where the manifest itself is the store.
    pub fn values(&self) -> Option<&[FakeEntry]> {
        self.spec().claims().values
    }

    /// Takes the values out of the manifest; `false` where they never stand there.
    pub fn withhold_values(&mut self) -> bool {
        self.spec_mut().withhold_values()
    }
}

impl Remote {
    /// Which version of the key is meant, at this store. Some read it in the key itself as well, as in `/app/db:3`.
    pub fn selector(&self, store: &Store) -> VersionSelector {
        let provider = store.location().provider;
        let declared = self.version.as_deref().filter(|version| !version.is_empty());
        let in_key = || (provider.profile().selector_in_key)(&self.key);
        VersionSelector::parse(provider, declared.or_else(in_key))
    }
}

/// One key of a Secret in the target cluster.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct SecretKeyRef {
    /// The Secret's name.
    pub name: ObjectName,
    /// The key in its data.
    pub key: String,
    /// Its namespace; the declaration's where absent.
    pub namespace: Option<Namespace>,
}

/// An identity that reads keys. Equal accesses see equal values, so what one has fetched serves all of them.
///
/// Cluster and namespace are set only where the credentials depend on them: a value that was read with one cluster's
/// credentials is never handed to another cluster.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Access {
    /// What is read, and with which roles.
    pub backend: Backend,
    /// The cluster whose Secrets or service accounts prove the identity, or whose name the session carries.
    pub cluster: Option<ClusterName>,
    /// The namespace of those that name none themselves.
    pub namespace: Option<Namespace>,
    /// The declaration's namespace and the store, where the session carries their names: wherever a role is assumed.
    pub tags: Option<(Namespace, StoreId)>,
    /// What the operator lets it do.
    pub grant: Grant,
}

impl Access {
    /// Which of these identities makes room for another: one of the cluster and namespace that have the most of them, so
    /// that nobody's many stores make the others prove theirs anew.
    pub fn crowded_out<'a>(held: impl Iterator<Item = &'a Self> + Clone) -> Option<&'a Self> {
        let mut counts: BTreeMap<_, usize> = BTreeMap::new();
        for access in held.clone() {
            *counts.entry(access.tenant()).or_default() += 1;
        }
        let (crowded, _) = counts.into_iter().max_by_key(|(_, count)| *count)?;
        held.into_iter().find(|access| access.tenant() == crowded)
    }

    fn tenant(&self) -> (Option<&ClusterName>, Option<&Namespace>) {
        (
            self.cluster.as_ref(),
            self.tags.as_ref().map(|(namespace, _)| namespace).or(self.namespace.as_ref()),
        )
    }
}
