//! Stores that are JSON over HTTPS, and the kit that adapters of such stores are made of.
//!
//! [`kit`] has the connection, the proof of identities, paging, and what failures mean; it knows no provider. Beside it stands
//! one module for each provider. Start reading at [`GitLabSources`].

mod azurekv;
mod barbican;
mod beyondtrust;
mod beyondtrust_workload_credentials;
mod bitwarden;
mod chef;
mod conjur;
mod crd;
mod delinea;
mod doppler;
mod dvls;
mod fortanix;
mod gcpsm;
mod gitlab;
mod ibm;
mod infisical;
pub mod kit;
mod kubernetes;
mod one_password;
mod oracle;
mod ovh;
mod password_depot;
mod previder;
mod pulumi;
mod scaleway;
mod secret_server;
mod senhasegura;
mod volcengine;
mod webhook;
mod yandex;
mod yandex_certificate_manager;
mod yandex_lockbox;

pub use azurekv::AzureKvSources;
pub use barbican::BarbicanSources;
pub use beyondtrust::BeyondtrustSources;
pub use beyondtrust_workload_credentials::BeyondtrustWorkloadCredentialsSources;
pub use bitwarden::{Bitwarden, BitwardenSources};
pub use chef::ChefSources;
pub use conjur::{Conjur, ConjurSources};
pub use crd::CrdSources;
pub use delinea::{Delinea, DelineaSources};
pub use doppler::{Doppler, DopplerSources};
pub use dvls::DvlsSources;
pub use fortanix::FortanixSources;
pub use gcpsm::{GcpSmSources, OwnIdentity, Pulled, Subscription};
pub use gitlab::GitLabSources;
pub use ibm::{Ibm, IbmSources};
pub use infisical::InfisicalSources;
pub use kubernetes::KubernetesSources;
pub use one_password::OnePasswordSources;
pub use oracle::{Oracle, OracleSources};
pub use ovh::OvhSources;
pub use password_depot::PasswordDepotSources;
pub use previder::PreviderSources;
pub use pulumi::PulumiSources;
pub use scaleway::ScalewaySources;
pub use secret_server::{SecretServer, SecretServerSources};
pub use senhasegura::SenhaseguraSources;
pub use volcengine::{Volcengine, VolcengineSources};
pub use webhook::WebhookSources;
pub use yandex_certificate_manager::YandexCertificateManagerSources;
pub use yandex_lockbox::YandexLockboxSources;

use pawl_domain::grant::Origin;
use pawl_domain::{DigestKey, Functions};
use pawl_ports::{CallerIdentity, Clock, ClusterCredentials, Generators, Sink, Source};
use std::sync::Arc;

/// The adapters of all providers of this crate.
pub struct Adapters {
    /// All of them, as what is read.
    pub sources: Vec<Arc<dyn Source>>,
    /// Those that are written to, the same ones: an identity is proven once for both.
    pub sinks: Vec<Arc<dyn Sink>>,
    /// Those that also make values, the same ones too.
    pub generators: Vec<Arc<dyn Generators>>,
}

/// The adapters of all providers of this crate. They take the credentials that stores name from `clusters`, and AWS identities
/// that prove themselves to others from `aws`; the digest key is the ledger's. The servers in `plain` may be asked without TLS.
pub fn all<C: ClusterCredentials + 'static, A: CallerIdentity + 'static>(
    clusters: &Arc<C>,
    aws: &Arc<A>,
    clock: &Arc<dyn Clock>,
    digest_key: &DigestKey,
    plain: &Arc<[Origin]>,
) -> Adapters {
    let (clusters, aws, clock) = (|| Arc::clone(clusters), || Arc::clone(aws), || Arc::clone(clock));
    let told = clock();
    let functions = Functions::new(move || told.now());
    let kubernetes = Arc::new(KubernetesSources::new(clusters(), clock(), digest_key.clone()));
    let sinks: Vec<Arc<dyn Sink>> = vec![kubernetes.clone()];
    let webhook = Arc::new(WebhookSources::new(clusters(), clock(), digest_key.clone(), functions));
    let gcpsm = Arc::new(GcpSmSources::new(clusters(), aws(), clock()));
    let azurekv = Arc::new(AzureKvSources::new(clusters(), clock()));
    let generators: Vec<Arc<dyn Generators>> = vec![azurekv.clone(), gcpsm.clone(), webhook.clone()];
    let sources: Vec<Arc<dyn Source>> = vec![
        azurekv,
        Arc::new(BarbicanSources::new(clusters(), clock(), digest_key.clone()).without_tls(plain)),
        Arc::new(BeyondtrustSources::new(clusters(), clock(), digest_key.clone()).without_tls(plain)),
        Arc::new(
            BeyondtrustWorkloadCredentialsSources::new(clusters(), clock(), digest_key.clone())
                .without_tls(plain),
        ),
        Arc::new(BitwardenSources::new(clusters(), clock(), digest_key.clone()).without_tls(plain)),
        Arc::new(ChefSources::new(clusters(), clock(), digest_key.clone()).without_tls(plain)),
        Arc::new(ConjurSources::new(clusters(), clock(), digest_key.clone()).without_tls(plain)),
        Arc::new(DelineaSources::new(clusters(), clock(), digest_key.clone()).without_tls(plain)),
        Arc::new(DopplerSources::new(clusters(), clock(), digest_key.clone()).without_tls(plain)),
        Arc::new(DvlsSources::new(clusters(), clock(), digest_key.clone()).without_tls(plain)),
        Arc::new(FortanixSources::new(clusters(), clock(), digest_key.clone()).without_tls(plain)),
        Arc::new(GitLabSources::new(clusters(), clock(), digest_key.clone()).without_tls(plain)),
        Arc::new(IbmSources::new(clusters(), clock(), digest_key.clone()).without_tls(plain)),
        Arc::new(InfisicalSources::new(clusters(), clock(), digest_key.clone()).without_tls(plain)),
        Arc::new(OnePasswordSources::new(clusters(), clock(), digest_key.clone()).without_tls(plain)),
        Arc::new(OracleSources::new(clusters(), clock(), digest_key.clone()).without_tls(plain)),
        Arc::new(OvhSources::new(clusters(), clock(), digest_key.clone()).without_tls(plain)),
        Arc::new(PasswordDepotSources::new(clusters(), clock(), digest_key.clone()).without_tls(plain)),
        Arc::new(PreviderSources::new(clusters(), clock(), digest_key.clone()).without_tls(plain)),
        Arc::new(PulumiSources::new(clusters(), clock(), digest_key.clone()).without_tls(plain)),
        Arc::new(ScalewaySources::new(clusters(), clock(), digest_key.clone()).without_tls(plain)),
        Arc::new(SecretServerSources::new(clusters(), clock(), digest_key.clone()).without_tls(plain)),
        Arc::new(SenhaseguraSources::new(clusters(), clock(), digest_key.clone()).without_tls(plain)),
        Arc::new(VolcengineSources::new(clusters(), clock(), digest_key.clone()).without_tls(plain)),
        Arc::new(
            YandexCertificateManagerSources::new(clusters(), clock(), digest_key.clone()).without_tls(plain),
        ),
        Arc::new(YandexLockboxSources::new(clusters(), clock(), digest_key.clone()).without_tls(plain)),
        Arc::new(CrdSources::new(clusters(), clock())),
        gcpsm,
        kubernetes,
        webhook,
    ];
    Adapters { sources, sinks, generators }
}
