//! Pawl's own identity at Google, which reads no store: a file says how it is proven.

use super::config::{self, Config, OwnSource};
use super::desk::{AWS4, Becomes, Desk, Subject, Token, aws_subject};
use super::federation::{RECEIVER, aws_store};
use super::post::Links;
use pawl_domain::store::AwsAuth;
use pawl_domain::{Access, Grant, Kind, SecretValue, Step};
use pawl_ports::{CallerIdentity, Error, Question};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How the identity is proven that the operator gives Pawl.
///
/// The file is a service account's key, or an `external_account` configuration whose token is in another file or whose
/// environment is AWS. For AWS Pawl signs with the identity that it runs with, and asks no metadata service. Files are read
/// at each proof, so that what is changed in them counts within a quarter of an hour.
#[derive(Debug)]
pub struct OwnIdentity<A> {
    file: String,
    aws: Arc<A>,
    region: String,
}

/// The setting that names the file.
pub(super) const FIELD: &str = "PAWL_GOOGLE_CREDENTIALS";
/// The largest file that is read, in bytes.
const LARGEST: u64 = 64 * 1024;

impl<A: CallerIdentity> OwnIdentity<A> {
    /// The identity that this file says; `aws` signs with the one that Pawl runs with, for the STS of `region`.
    pub fn new(file: &str, aws: Arc<A>, region: &str) -> Self {
        Self { file: file.to_owned(), aws, region: region.to_owned() }
    }

    pub(super) async fn token(&self, desk: Desk<'_>, links: &mut Links) -> Result<Token, Error> {
        let file = read(&self.file).await?;
        let text = file.expose_str().ok_or_else(|| unusable("its file is not text"))?;
        if let Ok(statement) = desk.statement(&file) {
            return desk.stated(&statement, links).await;
        }
        // Whatever a key's file lacks is said of a key; of anything else what a configuration lacks.
        let kind: Option<Kindred> = serde_json::from_str(text).ok();
        if kind.is_some_and(|kind| kind.r#type == "service_account") {
            let what = desk.statement(&file).err().unwrap_or_default();
            return Err(unusable(&what));
        }
        let config = config::read_own(text, desk.hosts);
        let config = config.map_err(|what| unusable(&format!("its file {what}")))?;
        desk.traded(&self.subject(config).await?, links).await
    }

    async fn subject(&self, config: Config<OwnSource>) -> Result<Subject, Error> {
        let Config { audience, token_type, exchange, impersonation, lifetime, client, source } = config;
        let (token, token_type) = match source {
            OwnSource::File { path, member } => (token_in(&path, member.as_deref()).await?, token_type),
            OwnSource::Aws => (self.signed(&audience).await?, AWS4.to_owned()),
        };
        let becomes = impersonation.map_or(Becomes::Itself, |url| Becomes::At(url, lifetime));
        Ok(Subject { token, token_type, audience, exchange, client, becomes })
    }

    async fn signed(&self, audience: &str) -> Result<SecretValue, Error> {
        let access = Access {
            backend: aws_store(&self.region, AwsAuth::Ambient),
            cluster: None,
            namespace: None,
            tags: None,
            grant: Grant::default(),
        };
        let headers = BTreeMap::from([(RECEIVER.to_owned(), audience.to_owned())]);
        let signed = self.aws.signed_caller_identity(&access, &headers, Question::Query).await?;
        aws_subject(&signed).ok_or_else(|| unusable("the request to AWS cannot be written"))
    }
}

/// What a file says it is.
#[derive(serde::Deserialize)]
struct Kindred {
    #[serde(default)]
    r#type: String,
}

/// A token in a file, whole or as a member of a JSON object.
async fn token_in(path: &str, member: Option<&str>) -> Result<SecretValue, Error> {
    let file = read(path).await?;
    let text = file.expose_str().map(str::trim);
    let token = match (text, member) {
        (Some(text), None) => Some(SecretValue::new(text)),
        (Some(text), Some(member)) => {
            let told: Option<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(text).ok();
            told.as_ref().and_then(|told| told.get(member)?.as_str().map(SecretValue::new))
        }
        (None, _) => None,
    };
    token.filter(|token| !token.is_empty()).ok_or_else(|| unusable("credential_source.file holds no token"))
}

async fn read(path: &str) -> Result<SecretValue, Error> {
    let failed = |error: std::io::Error| {
        let message = format!("{FIELD}: a file that it names cannot be read; check path and rights");
        Error::new(Step::Authenticate, Kind::Invalid, message).caused_by(error)
    };
    let about = tokio::fs::metadata(path).await.map_err(failed)?;
    if about.len() > LARGEST {
        return Err(unusable("a file that it names is too large to hold an identity"));
    }
    tokio::fs::read(path).await.map(SecretValue::new).map_err(failed)
}

fn unusable(what: &str) -> Error {
    Error::new(Step::Authenticate, Kind::Invalid, format!("{FIELD}: {what}"))
}
