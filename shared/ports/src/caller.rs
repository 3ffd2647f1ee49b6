//! What stores outside AWS need of it: the half of AWS that their adapters see.

use crate::Error;
use pawl_domain::{Access, SecretValue};
use std::collections::BTreeMap;
use std::future::Future;

/// Lets an AWS identity be shown to others.
pub trait CallerIdentity: Send + Sync {
    /// The question "who am I?" to STS (`GetCallerIdentity`), signed now with the identity that `access` stands for, and
    /// not sent: whoever it is handed to sends it and learns the identity. The signature covers `headers` as well, which
    /// binds it to one receiver. `access` has an AWS backend, whose region is the one of the STS that is asked.
    ///
    /// # Errors
    /// Of step `Authenticate` when the identity cannot be proven or the request not be made.
    fn signed_caller_identity(
        &self,
        access: &Access,
        headers: &BTreeMap<String, String>,
    ) -> impl Future<Output = Result<SignedRequest, Error>> + Send;
}

/// A POST request with its signature. Whoever has it can be taken for the signer, until STS finds it too old after a
/// quarter of an hour.
#[derive(Clone, Debug)]
pub struct SignedRequest {
    /// Where it goes.
    pub url: String,
    /// Its headers, those of the signature among them.
    pub headers: BTreeMap<String, SecretValue>,
    /// Its body.
    pub body: String,
}
