//! What the documentation of the ports promises, as suites that every implementation runs.
//!
//! Each case stands on an implementation that `make` made for it, empty and shared with nobody. The message of an
//! assertion names the case and the promise.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! use pawl_world::{FakeRegistry, contract};
//! contract::registry::suite(async || FakeRegistry::default()).await;
//! # }
//! ```

pub mod clusters;
pub mod damaged;
pub mod earlier;
pub mod jobs;
pub mod ledger;
pub mod pushes;
pub mod registry;
pub mod searches;
pub mod sinks;
pub mod sources;

use crate::build::id;
use pawl_domain::DeclarationId;

/// Ids in ascending order, some of which order differently when they are compared as text: `-` and `.` sort before
/// the `/` between the parts.
fn ids_in_order() -> Vec<DeclarationId> {
    let texts = [
        "0/a/a", "a/a/a", "a/a/a-b", "a/a/a.b", "a/a/b", "a/a-b/a", "a/b/a", "a-b/a/a", "a.b/a/a", "a0/a/a",
        "b/a/a",
    ];
    let mut ids: Vec<_> = texts.into_iter().map(id).collect();
    ids.push(longest_id('c'));
    ids.push(id("d/a/a"));
    ids
}

/// The longest id that there can be, all of one letter.
fn longest_id(letter: char) -> DeclarationId {
    let part = |length: usize| letter.to_string().repeat(length);
    id(&format!("{}/{}/{}", part(253), part(63), part(253)))
}

/// A fixed shuffle, so that an order kept by chance shows.
fn shuffled<T: Clone>(items: &[T]) -> Vec<T> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|index| index.wrapping_mul(2_654_435_761) % 1_000_003);
    order.into_iter().map(|index| items[index].clone()).collect()
}
