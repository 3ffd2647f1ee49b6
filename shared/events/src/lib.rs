//! Wire JSON of every sender to Pawl's changes. Pure; one module per sender, wire structs private to it.
//!
//! Start at [`changes`]. `envelope` peels off what events travel in (SQS, SNS) and `eventbridge` holds the event that
//! AWS services send; what is inside is read by `secrets_manager`, `parameter_store` or `pawl`. What Pub/Sub pushes for Google
//! Secret Manager is read by `gcpsm`, the webhooks of Doppler by `doppler`, what Azure's Event Grid posts by [`azure`]. Audit records of Vault come by ways of their
//! own and are read by [`vault`], which reads those of Kubernetes as well (`kubernetes`). A new sender is one
//! module, one line in `envelope::event`, and one folder of samples in `events/` at the top of the repository
//! (`docs/adding-a-sender.md`).
//!
//! `tests/samples.rs` holds every sample to its outcome, `tests/affected.rs` shows which declarations it concerns.

pub mod azure;
mod doppler;
mod envelope;
mod error;
mod eventbridge;
mod gcpsm;
mod json;
mod kubernetes;
mod parameter_store;
mod pawl;
mod secrets_manager;
pub mod vault;

pub use error::Error;
pub use pawl::{DETAIL_TYPE, to_json};

use pawl_domain::Change;

/// The largest body that is read: SQS's and EventBridge's own limit.
pub const MAX_BODY: usize = 1024 * 1024;

/// The changes that an event speaks of, in any envelope that Pawl knows.
///
/// None is a proper answer: most events of a store change nothing that anybody reads (a staged version, a failed
/// call, a policy). Several is one too: one event may tell of several regions or labels, one envelope hold several
/// events. Of an envelope with several, those that can be read count; it fails when none brings a change and one
/// cannot be read.
///
/// # Errors
/// [`Error::Unknown`] for well-formed JSON of no known sender, [`Error::Malformed`] for what is no JSON or lacks what
/// its sender always sends, [`Error::TooLarge`] above [`MAX_BODY`]. None of them gets better by trying again: count
/// it, log the error (it holds nothing of the body), and acknowledge.
pub fn changes(body: &[u8]) -> Result<Vec<Change>, Error> {
    if body.len() > MAX_BODY {
        return Err(Error::TooLarge { bytes: body.len() });
    }
    envelope::read(body, 0)
}
