//! The generator GCRAccessToken: a token of the identity, as a password of Google's registries. Source: ESO's generator of that
//! name, version 2.9.

use super::GcpSmSources;
use super::post::Links;
use jiff::SignedDuration;
use pawl_domain::{Access, Generator, GeneratorKind, Kind, SecretValue, Step};
use pawl_ports::{Answer, CallerIdentity, ClusterCredentials, Error, Generation, Generators};
use std::collections::BTreeMap;

/// Who logs in with a token. Source: "Authentication methods" of Artifact Registry.
const USER: &str = "oauth2accesstoken";

impl<C: ClusterCredentials, A: CallerIdentity> Generators for GcpSmSources<C, A> {
    fn kinds(&self) -> Vec<GeneratorKind> {
        vec![GeneratorKind::GcrAccessToken]
    }

    #[tracing::instrument(skip_all, fields(generator = "GCRAccessToken"))]
    fn generate<'a>(&'a self, access: &'a Access) -> Answer<'a, Result<Generation, Error>> {
        Box::pin(async move {
            let Some(Generator::Gcr(spec)) = access.backend.as_generator() else {
                let message = "Google was asked for what it does not make";
                return Err(Error::new(Step::Fetch, Kind::Invalid, message));
            };
            // One that was kept for reading would be over sooner.
            let since = self.clock.now();
            let token = self.login(access, since).token(spec, &mut Links::default()).await?;
            let expires = since.checked_add(SignedDuration::from_secs(token.seconds)).unwrap_or(since);
            let values = BTreeMap::from([
                ("username".to_owned(), SecretValue::new(USER)),
                ("password".to_owned(), token.value),
                ("expiry".to_owned(), SecretValue::new(expires.as_second().to_string())),
            ]);
            Ok(Generation { values, expires: Some(expires) })
        })
    }
}
