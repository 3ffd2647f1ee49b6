//! What is said of a declaration that was named and is not there.

use crate::error::Error;
use pawl_domain::DeclarationId;
use pawl_pipeline::Pipeline;
use pawl_ports::{DocumentKind, Ports, Registry, Unreadable};
use pawl_runtime::World;

/// That its document cannot be read, or else that it is not registered.
pub(super) async fn absent(pipeline: &Pipeline<World>, id: &DeclarationId) -> Result<Error, Error> {
    let unreadable = pipeline.ports().registry().unreadable().await?;
    let of_it = |each: &Unreadable| {
        matches!(each.kind, DocumentKind::Declaration | DocumentKind::Push) && each.id == id.to_string()
    };
    let message = unreadable.into_iter().find(of_it).map(|each| each.to_string());
    Ok(Error::NotFound(
        message.unwrap_or_else(|| format!("{id}: no such declaration is registered; see pawl get")),
    ))
}
