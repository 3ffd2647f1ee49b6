//! Stores that are JSON over HTTPS, and the kit that adapters of such stores are made of.
//!
//! [`kit`] has the connection, the proof of identities, paging, and what failures mean; it knows no provider. Beside it stands
//! one module for each provider. Start reading at [`GitLabSources`].

mod gitlab;
pub mod kit;
mod webhook;

pub use gitlab::GitLabSources;
pub use webhook::WebhookSources;
