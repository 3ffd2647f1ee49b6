//! The contract of [`Registry`] and [`Catalogue`].

mod candidates;
mod catalogue;
mod pages;
pub(super) mod patterns;
mod policies;
mod stores;

use crate::build::{declaration, index_keys};
use futures::StreamExt;
use pawl_domain::{Declaration, DeclarationId};
use pawl_ports::{Catalogue, Registry};

/// Runs every case; `make` makes an empty registry for each.
pub async fn suite<R: Registry + Catalogue>(make: impl AsyncFn() -> R) {
    candidates::exact(&make().await).await;
    candidates::odd_keys(&make().await).await;
    candidates::a_thousand_under_one_key(&make().await).await;
    catalogue::puts(&make().await).await;
    catalogue::sets_are_kept(&make().await).await;
    catalogue::keys_are_replaced(&make().await).await;
    catalogue::three_hundred_keys(&make().await).await;
    catalogue::removals(&make().await).await;
    catalogue::only_this_one(&make().await).await;
    catalogue::documents_come_back_whole(&make().await).await;
    catalogue::puts_that_meet(&make().await).await;
    catalogue::readers_during_puts(&make().await).await;
    pages::by_id(&make().await).await;
    pages::of_each_scope(&make().await).await;
    pages::full_of_large_documents(&make().await).await;
    pages::scopes_follow_edits(&make().await).await;
    patterns::kept_and_removed(&make().await).await;
    policies::kept_and_removed(&make().await).await;
    stores::kept_and_removed(&make().await).await;
    stores::swept(&make().await).await;
    stores::clusters(&make().await).await;
}

/// A declaration of this id that reads `key`.
fn reading(id: &DeclarationId, key: &str) -> Declaration {
    declaration(&id.to_string()).reads(key).build()
}

/// Puts a declaration under these names and panics when that fails.
async fn put<R: Registry + Catalogue>(registry: &R, declaration: &Declaration, names: &[&str]) {
    let keys = index_keys(names.iter().copied());
    let stands = standing(registry, &declaration.id).await;
    if let Err(error) = registry.put(declaration, &keys, stands.as_ref()).await {
        panic!("put of {}: {error}", declaration.id);
    }
}

/// Puts many declarations under one name each, some at a time.
async fn put_all<R: Registry + Catalogue>(registry: &R, declarations: &[Declaration], name: &str) {
    let puts =
        declarations.iter().map(|declaration| async move { put(registry, declaration, &[name]).await });
    futures::stream::iter(puts).buffer_unordered(16).collect::<Vec<_>>().await;
}

/// The ids found under these names, as text.
async fn found<R: Registry>(registry: &R, names: &[&str]) -> Vec<String> {
    match registry.candidates(&index_keys(names.iter().copied())).await {
        Ok(ids) => ids.iter().map(ToString::to_string).collect(),
        Err(error) => panic!("candidates of {names:?}: {error}"),
    }
}

/// The declaration as it stands.
async fn standing<R: Registry>(registry: &R, id: &DeclarationId) -> Option<Declaration> {
    match registry.declarations(std::slice::from_ref(id)).await {
        Ok(mut found) => found.pop(),
        Err(error) => panic!("declarations of {id}: {error}"),
    }
}
