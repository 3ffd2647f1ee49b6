//! Pawl's words and pure rules: no async, no I/O, no clock, no SDK, no Kubernetes client.
//!
//! A secret's way through Pawl is one noun after the other, and each noun has its module here, in the order of the
//! way. A module may use only modules above it:
//!
//! | module | holds |
//! |---|---|
//! | [`name`] | names that are valid once they exist |
//! | [`secret`] | [`SecretValue`], the only holder of values, and the keyed digest of them |
//! | [`entries`] | what an object of Kubernetes holds, as one value |
//! | [`parts`] | what a key gives by each way to read it, as one value |
//! | [`item`] | what an item of a password manager holds, as one value |
//! | [`hash`] | the hashes that ESO leaves in the cluster |
//! | [`provider`] | [`Provider`]: the kinds of store, and what is particular to each |
//! | [`key`] | where a key lives and under which index keys it is found |
//! | [`grant`] | what stores are let do, as their adapters need to know it: addresses, hosts, patterns of keys |
//! | [`change`] | [`Change`]: "this key changed in this store"; what every event becomes |
//! | [`schedule`] | when a sync window opens |
//! | [`query`] | what a store is asked for: one key, or a search |
//! | [`store`] | [`Store`]: a SecretStore or ClusterSecretStore, parsed and closed; [`Generator`]: what makes values instead |
//! | [`declaration`] | [`Declaration`]: an ExternalSecret for one cluster and namespace, parsed and closed |
//! | [`policy`] | [`StorePolicy`]: what an operator lets tenants' stores do, and the decision |
//! | [`cluster`] | [`Cluster`]: how to reach a Kubernetes API server |
//! | [`pattern`] | [`Pattern`](pattern::Pattern): a ClusterExternalSecret that was applied |
//! | [`affected`](mod@affected) | which declarations a change concerns, and why the others are not |
//! | [`values`] | what was fetched for a declaration, each value with its version |
//! | [`record`] | what the ledger remembers: versions, digests, outcomes; never a value |
//! | [`content`] | what an object that is no Secret holds, and where rendered values go in it |
//! | [`render`](mod@render) | values to the data of the Secret |
//! | [`reconcile`] | what must happen to the target, given what stands there now |
//! | [`refresh`] | when a declaration is due |
//! | [`push`] | [`PushSecret`]: what is written into stores, of which source, and what the ledger remembers of it |
//! | [`manifests`] | [`Manifests`]: what a set of manifests holds, parsed, and what was wrong in it |
//! | [`spread`] | where ClusterExternalSecrets put their ExternalSecrets |
//!
//! Nothing in here fails for a reason outside its arguments, and nothing in here knows who calls it.

pub mod affected;
pub mod change;
pub mod cluster;
pub mod content;
pub mod declaration;
pub mod entries;
pub mod grant;
pub mod hash;
pub mod item;
pub mod key;
pub mod manifests;
pub mod name;
pub mod parts;
pub mod pattern;
pub mod policy;
pub mod provider;
pub mod push;
pub mod query;
pub mod reconcile;
pub mod record;
pub mod refresh;
pub mod render;
pub mod schedule;
pub mod secret;
pub mod spread;
pub mod store;
pub mod values;

pub use affected::{Affected, NotAffected, affected};
pub use change::{Change, Moved};
pub use cluster::Cluster;
pub use declaration::{Declaration, DeclarationId, Read};
pub use grant::{Grant, Keep};
pub use key::{IndexKey, Location};
pub use manifests::{Manifests, Problem, Severity, Standing, Verdict};
pub use name::{ClusterName, InvalidName, Namespace, ObjectName, SetName};
pub use policy::{Permit, Refusal, Rule, Rules, StorePolicy};
pub use provider::{Provider, VersionSelector};
pub use push::{PushOutcome, PushRecord, PushSecret, Pushed, RemoteEntry, SourceSecret};
pub use query::{Find, Query, Remote};
pub use record::{Complaint, Failure, Kind, Outcome, Record, Step};
pub use render::{Budget, Functions, Recipe, RenderError, Rendered, TemplateSources, printed};
pub use secret::{DigestKey, SecretValue};
pub use store::generator::{self, Generator, GeneratorKind};
pub use store::{Access, Home, Store, StoreId};
pub use values::{Fetched, Found, Values, Version, Versions};
