//! ClusterExternalSecrets: one ExternalSecret for every namespace of a cluster that they choose.
//!
//! Where one stands in a cluster it is a [`Parent`]: Pawl makes ExternalSecrets, its children, as ESO does. One that was applied
//! is a [`Pattern`] of declarations.

mod parent;

pub use crate::pattern::{MOST_PLACED, NamespaceState, Namespaces, Pattern, PatternId, Selection};
pub use parent::{Child, ChildAction, Content, Family, Parent, Plan, Told};
