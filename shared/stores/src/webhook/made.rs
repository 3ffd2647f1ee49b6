//! The generator: one request, made as for a store but for no key, whose answer is an object of values. Source: ESO's generator
//! Webhook, version 2.9.

use super::{Session, WebhookSources, apart, reply, server, webhook};
use crate::kit::Call;
use pawl_domain::{Access, GeneratorKind, Kind, Step};
use pawl_ports::{Answer, ClusterCredentials, Error, Generation, Generators};
use std::sync::Arc;

impl<C: ClusterCredentials> Generators for WebhookSources<C> {
    fn kinds(&self) -> Vec<GeneratorKind> {
        vec![GeneratorKind::Webhook]
    }

    #[tracing::instrument(skip_all, fields(generator = "Webhook"))]
    fn generate<'a>(&'a self, access: &'a Access) -> Answer<'a, Result<Generation, Error>> {
        // A server that refuses who asks has made nothing, so that it may be asked once more with Secrets that are read again.
        let prove = |last| self.prove(access, last);
        let ask = |session| self.made(access, session);
        Box::pin(self.sessions.asked(self.clock.as_ref(), access, prove, reply::is_of_proof, ask))
    }
}

impl<C: ClusterCredentials> WebhookSources<C> {
    async fn made(&self, access: &Access, session: Arc<Session>) -> Result<Generation, Error> {
        let store = Arc::new(webhook(access)?.clone());
        let path = store.json_path.clone();
        let server = server(access, &store);
        let call = Call { step: Step::Fetch, server, action: "request", subject: "what it makes" };
        let answer = self.answer(access, &call, Arc::clone(&store), &session, None).await;
        let (body, _) = answer.map_err(|error| match error.kind {
            // No key is missing here, and no deletionPolicy may take it for one.
            Kind::NotFound => {
                call.error(Kind::Invalid, "the server knows nothing at this address; check url")
            }
            _ => error,
        })?;
        let values = apart(&call, move || reply::values(&path, &body)).await?;
        Ok(Generation { values, expires: None })
    }
}
