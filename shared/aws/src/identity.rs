//! The identity that Pawl has towards clusters: EKS tokens and endpoints, and tokens kept in Secrets Manager.

mod found;
mod token;

pub use found::EksCluster;
pub(crate) use token::{domain, host as sts_host};

use crate::clients::Clients;
use crate::error::Call;
use aws_config::{Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use pawl_domain::provider::Arn;
use pawl_domain::{Kind, SecretValue, Step};
use pawl_ports::{BearerToken, Clock, ClusterIdentity, EksEndpoint, Error};
use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Proves to clusters who Pawl is, with the identity it runs with or with roles that this identity may assume.
///
/// EKS tokens are made without a call to AWS and kept until shortly before they end.
pub struct AwsIdentity {
    base: SdkConfig,
    clients: Clients,
    clock: Arc<dyn Clock>,
    tokens: Mutex<HashMap<Eks, BearerToken>>,
    own_secrets: Option<OwnSecrets>,
}

/// The role that Pawl's own secrets are read with, and its session.
struct OwnSecrets {
    role: String,
    session: Mutex<Option<Credentials>>,
}

/// An EKS cluster, and the role that it is reached with.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Eks {
    region: String,
    cluster: String,
    role: Option<String>,
}

/// EKS accepts a token for this long after it was signed. Source: aws-iam-authenticator.
const ACCEPTED: SignedDuration = SignedDuration::from_mins(15);
/// A token that ends sooner than this is made anew.
const SPARE: SignedDuration = SignedDuration::from_mins(1);
/// A session that ends sooner than this is begun anew.
const SPARE_OF_SESSION: SignedDuration = SignedDuration::from_mins(5);
/// The longest that one call may take, with the SDK's own retries.
const TIMEOUT: Duration = Duration::from_secs(10);

impl AwsIdentity {
    /// The identity of `base`, whose region is used where nothing names one.
    pub fn new(base: SdkConfig, clock: Arc<dyn Clock>) -> Self {
        Self { clients: Clients::new(base.clone()), base, clock, tokens: Mutex::default(), own_secrets: None }
    }

    /// The same, which reads Pawl's own secrets, and nothing else, with this role: the identity that it runs with, and that
    /// stores may use, then need not be able to.
    #[must_use]
    pub fn with_own_secrets_role(self, role: Option<String>) -> Self {
        Self { own_secrets: role.map(|role| OwnSecrets { role, session: Mutex::default() }), ..self }
    }

    /// A client of EKS that asks with the role, or as Pawl itself.
    async fn eks(&self, region: &str, role: Option<&str>) -> Result<aws_sdk_eks::Client, Error> {
        let mut config =
            aws_sdk_eks::config::Builder::from(&self.base).region(Region::new(region.to_owned()));
        if role.is_some() {
            config = config.credentials_provider(self.credentials(region, role).await?);
        }
        Ok(aws_sdk_eks::Client::from_conf(config.build()))
    }

    /// Credentials of the role, or of Pawl itself.
    async fn credentials(&self, region: &str, role: Option<&str>) -> Result<Credentials, Error> {
        match role {
            Some(role) => self.assume(region, role, SESSION).await,
            None => self.own_credentials().await,
        }
    }

    async fn assume(&self, region: &str, role: &str, session: &str) -> Result<Credentials, Error> {
        let request = self.clients.sts(region).assume_role().role_arn(role).role_session_name(session);
        let asked = Asked { service: "sts", region, action: "sts:AssumeRole", subject: role };
        let answer = bounded(asked, request.send()).await?;
        let lacking = || {
            let message = format!("sts in {region}: {role}: the answer holds no credentials");
            Error::new(Step::Authenticate, Kind::Transient, message)
        };
        let given = answer.credentials.ok_or_else(lacking)?;
        let ends = std::time::SystemTime::try_from(given.expiration).map_err(|_| lacking())?;
        Ok(Credentials::new(
            given.access_key_id,
            given.secret_access_key,
            Some(given.session_token),
            Some(ends),
            "role",
        ))
    }

    /// The session of the role for Pawl's own secrets, where there is one. Callers that meet at its end may each begin a new
    /// one.
    async fn own_secrets_session(&self, region: &str) -> Result<Option<Credentials>, Error> {
        let Some(OwnSecrets { role, session }) = &self.own_secrets else { return Ok(None) };
        let now = self.clock.now();
        let holds = |kept: &Credentials| {
            let ends = kept.expiry().and_then(|ends| Timestamp::try_from(ends).ok());
            ends.is_some_and(|ends| ends.duration_since(now) > SPARE_OF_SESSION)
        };
        // A panic of another caller leaves the place whole: a session is put there whole or not at all.
        let kept = session.lock().unwrap_or_else(PoisonError::into_inner).clone().filter(holds);
        if kept.is_some() {
            return Ok(kept);
        }
        let region = self.base.region().map_or(region, Region::as_ref);
        let begun = self.assume(region, role, OWN_SECRETS_SESSION).await?;
        *session.lock().unwrap_or_else(PoisonError::into_inner) = Some(begun.clone());
        Ok(Some(begun))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) async fn own_credentials(&self) -> Result<Credentials, Error> {
        let failed = |kind, what: &str| {
            Error::new(Step::Authenticate, kind, format!("{what}; check the identity that Pawl runs with"))
        };
        let provider = self.base.credentials_provider();
        let provider = provider.ok_or_else(|| failed(Kind::Denied, "there are no AWS credentials"))?;
        match tokio::time::timeout(TIMEOUT, provider.provide_credentials()).await {
            Ok(Ok(credentials)) => Ok(credentials),
            Ok(Err(error)) => {
                Err(failed(Kind::Transient, "AWS credentials could not be had").caused_by(error))
            }
            Err(_) => Err(failed(Kind::Unreachable, "AWS credentials did not come in time")),
        }
    }

    fn kept(&self, wanted: &Eks, now: Timestamp) -> Option<BearerToken> {
        // A panic of another caller leaves the map whole: it only ever gains finished tokens.
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(wanted).filter(|token| token.expires.duration_since(now) > SPARE).cloned()
    }

    fn keep(&self, wanted: Eks, token: &BearerToken, now: Timestamp) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|_, kept| kept.expires > now);
        tokens.insert(wanted, token.clone());
    }
}

impl ClusterIdentity for AwsIdentity {
    async fn eks_token(&self, region: &str, cluster: &str, role: Option<&str>) -> Result<BearerToken, Error> {
        let now = self.clock.now();
        let wanted =
            Eks { region: region.to_owned(), cluster: cluster.to_owned(), role: role.map(str::to_owned) };
        if let Some(token) = self.kept(&wanted, now) {
            return Ok(token);
        }
        let credentials = self.credentials(region, role).await?;
        let token = token::presigned(region, cluster, &credentials, now)?;
        let end = now.saturating_add(ACCEPTED).unwrap_or(now);
        let credentials_end = credentials.expiry().and_then(|end| Timestamp::try_from(end).ok());
        let token = BearerToken { token, expires: credentials_end.map_or(end, |theirs| end.min(theirs)) };
        self.keep(wanted, &token, now);
        Ok(token)
    }

    async fn eks_endpoint(
        &self,
        region: &str,
        cluster: &str,
        role: Option<&str>,
    ) -> Result<EksEndpoint, Error> {
        let client = self.eks(region, role).await?;
        let asked = Asked { service: "eks", region, action: "eks:DescribeCluster", subject: cluster };
        let answer = bounded(asked, client.describe_cluster().name(cluster).send()).await?;
        let lacking = |what: &str| {
            let message = format!("eks in {region}: {cluster}: {what}; wait until the cluster is active");
            Error::new(Step::Authenticate, Kind::Transient, message)
        };
        let found = answer.cluster.ok_or_else(|| lacking("it is not described"))?;
        let url = found.endpoint.ok_or_else(|| lacking("it has no endpoint yet"))?;
        let ca =
            found.certificate_authority.and_then(|ca| ca.data).ok_or_else(|| lacking("it has no CA yet"))?;
        let pem = STANDARD.decode(ca).ok().and_then(|pem| String::from_utf8(pem).ok());
        let ca = pem.filter(|pem| pem.contains("-----BEGIN CERTIFICATE-----")).ok_or_else(|| {
            let message =
                format!("eks in {region}: {cluster}: its CA is no certificate; name spec.eks.ca yourself");
            Error::new(Step::Authenticate, Kind::Invalid, message)
        })?;
        Ok(EksEndpoint { url, ca })
    }

    async fn token_secret(&self, name: &str) -> Result<SecretValue, Error> {
        let named = Arn::parse(name).map(|arn| arn.region).filter(|region| !region.is_empty());
        let own = self.base.region().map(ToString::to_string);
        let region = named.map(str::to_owned).or(own).unwrap_or_default();
        // Without a label an emulator may answer with the version before.
        let request = self
            .clients
            .secrets_manager(&region, None)
            .get_secret_value()
            .secret_id(name)
            .version_stage("AWSCURRENT");
        let asked = Asked {
            service: "secrets-manager",
            region: &region,
            action: "secretsmanager:GetSecretValue",
            subject: name,
        };
        let answer = match self.own_secrets_session(&region).await? {
            None => bounded(asked, request.send()).await?,
            Some(session) => {
                let as_role = aws_sdk_secretsmanager::config::Builder::new().credentials_provider(session);
                bounded(asked, request.customize().config_override(as_role).send()).await?
            }
        };
        let value = match (answer.secret_string, answer.secret_binary) {
            (Some(text), _) => Some(SecretValue::new(text)),
            (None, binary) => binary.map(|bytes| SecretValue::new(bytes.into_inner())),
        };
        value.filter(|value| !value.is_empty()).ok_or_else(|| {
            let message =
                format!("secrets-manager in {region}: {name}: the secret is empty; store the token in it");
            Error::new(Step::Authenticate, Kind::Invalid, message)
        })
    }
}

impl fmt::Debug for AwsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsIdentity").finish_non_exhaustive()
    }
}

/// The session name under which CloudTrail shows assumed roles.
const SESSION: &str = "pawl";
/// The same of the role for Pawl's own secrets. Sessions of tenants begin with `pawl-`.
const OWN_SECRETS_SESSION: &str = "pawl.own-secrets";

/// What AWS is asked, for messages.
struct Asked<'a> {
    service: &'static str,
    region: &'a str,
    action: &'static str,
    subject: &'a str,
}

async fn bounded<T, E>(
    asked: Asked<'_>,
    request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) -> Result<T, Error>
where
    E: StdError + ProvideErrorMetadata + 'static,
{
    let Asked { service, region, action, subject } = asked;
    let call = Call { step: Step::Authenticate, service, region, action, subject };
    match tokio::time::timeout(TIMEOUT, request).await {
        Ok(answer) => answer.map_err(|error| call.failed(&error)),
        Err(_) => {
            let message =
                format!("{service} in {region}: {subject}: no answer in time; check network and endpoint");
            Err(Error::new(Step::Authenticate, Kind::Unreachable, message))
        }
    }
}
