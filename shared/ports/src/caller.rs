//! The contract by which stores outside AWS get a proof of an AWS identity.

use crate::Error;
use pawl_domain::{Access, SecretValue};
use std::collections::BTreeMap;
use std::future::Future;

/// Lets an AWS identity be shown to others.
pub trait CallerIdentity: Send + Sync {
    /// The question "who am I?" to STS (`GetCallerIdentity`), signed now with the identity that `access` stands for, and
    /// not sent: whoever it is handed to sends it and learns the identity. The signature covers `headers` as well, which
    /// binds it to one receiver. `access` has an AWS backend, whose region is the one of the STS that is asked; `question` is
    /// the place of the question in the request.
    ///
    /// # Errors
    /// Of step `Authenticate` when the identity cannot be proven or the request not be made.
    fn signed_caller_identity(
        &self,
        access: &Access,
        headers: &BTreeMap<String, String>,
        question: Question,
    ) -> impl Future<Output = Result<SignedRequest, Error>> + Send;
}

/// Where the question stands in a request: receivers differ in what they take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Question {
    /// In the body, as a form. The address is the global one in `us-east-1`, the region's own else.
    Body,
    /// In the query of the region's own address; there is no body.
    Query,
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
