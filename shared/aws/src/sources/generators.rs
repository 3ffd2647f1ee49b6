//! Tokens of AWS: passwords of its container registries, and credentials of a session.
//!
//! | IAM action | for |
//! |---|---|
//! | `ecr:GetAuthorizationToken` | ECRAuthorizationToken |
//! | `ecr-public:GetAuthorizationToken`, `sts:GetServiceBearerToken` | the same of public registries |
//! | `sts:GetSessionToken`, which needs no permission and takes no role | STSSessionToken |
//!
//! The registries have no client of the SDK here: what is asked of them is one signed call.

mod registry;

use super::AwsSources;
use crate::credentials::Session;
use crate::error::Call;
use aws_sdk_sts as sts;
use jiff::Timestamp;
use pawl_domain::generator::{AwsIdentitySpec, Generator, StsGenerator};
use pawl_domain::{Access, GeneratorKind, Kind, SecretValue, Step};
use pawl_ports::{Answer, ClusterCredentials, Error, Generation, Generators};
use std::collections::BTreeMap;

impl<C: ClusterCredentials> Generators for AwsSources<C> {
    fn kinds(&self) -> Vec<GeneratorKind> {
        vec![GeneratorKind::EcrAuthorizationToken, GeneratorKind::StsSessionToken]
    }

    fn generate<'a>(&'a self, access: &'a Access) -> Answer<'a, Result<Generation, Error>> {
        Box::pin(self.made(access))
    }
}

impl<C: ClusterCredentials> AwsSources<C> {
    async fn made(&self, access: &Access) -> Result<Generation, Error> {
        match access.backend.as_generator() {
            Some(Generator::Ecr(spec)) => {
                let session = self.proven(access, &spec.identity).await?;
                self.registry_token(spec, &session).await
            }
            Some(Generator::Sts(spec)) => {
                let session = self.proven(access, &spec.identity).await?;
                self.session_token(spec, &session).await
            }
            _ => Err(Error::new(Step::Fetch, Kind::Invalid, "AWS was asked for what it does not make")),
        }
    }

    /// The identity, proven as that of a store.
    async fn proven(&self, access: &Access, who: &AwsIdentitySpec) -> Result<std::sync::Arc<Session>, Error> {
        let reader = Access { backend: who.store().into(), ..access.clone() };
        self.identities.session(&reader).await
    }

    async fn session_token(&self, spec: &StsGenerator, session: &Session) -> Result<Generation, Error> {
        let call = Call {
            step: Step::Fetch,
            service: "sts",
            region: &spec.identity.region,
            action: "sts:GetSessionToken",
            subject: "a session",
        };
        let seconds = spec.seconds.and_then(|seconds| i32::try_from(seconds).ok());
        let request = self.clients.sts(&spec.identity.region).get_session_token();
        let request = request
            .set_duration_seconds(seconds)
            .set_serial_number(spec.serial_number.clone())
            .set_token_code(spec.token_code.clone());
        let mut request = request.customize();
        if let Some(held) = &session.credentials {
            request = request.config_override(sts::config::Builder::new().credentials_provider(held.clone()));
        }
        let answer = call.counted(request.send().await)?;
        let given = answer.credentials.ok_or_else(|| call.incomplete("credentials"))?;
        let expires = Timestamp::from_second(given.expiration.secs()).ok();
        let values = BTreeMap::from([
            ("access_key_id".to_owned(), SecretValue::new(given.access_key_id)),
            ("secret_access_key".to_owned(), SecretValue::new(given.secret_access_key)),
            ("session_token".to_owned(), SecretValue::new(given.session_token)),
            ("expiration".to_owned(), SecretValue::new(given.expiration.secs().to_string())),
        ]);
        Ok(Generation { values, expires })
    }
}
