//! An embedded Kubernetes API server for tests and the demo.
//!
//! [`DevCluster`] listens on a free port of the loopback interface, speaks HTTPS with a CA of its own, and answers as
//! much of the Kubernetes API as Pawl, kube-rs and kubectl need to work with Secrets and External Secrets Operator's
//! kinds: create, read, update, the four kinds of PATCH, delete, list, watch, tables for `kubectl get`, TokenRequest.
//! It keeps everything in memory and stops when it is dropped. A test can make it slow, failing or unreachable
//! ([`Faults`], [`DevCluster::cut_off`]) and can count the calls that it got ([`DevCluster::calls`]).
//!
//! Codes, reasons and messages are those of kube-apiserver 1.36, recorded from a real one; the contract suite of
//! `pawl-kubernetes` runs against both.
//!
//! # What differs from a real API server
//!
//! - Served kinds: Namespace, Secret, ConfigMap, ServiceAccount, Event (both groups), ExternalSecret, SecretStore,
//!   ClusterSecretStore, ClusterExternalSecret (`v1` and `v1beta1`, the same stored object under two labels, not converted), pawl.dev Cluster.
//!   No CustomResourceDefinitions: custom kinds have no schema, no defaults and no pruning below `spec` and `status`.
//! - The garbage collector and the namespace controller act at once, inside the request that deletes, or that creates what
//!   only deleted objects own; an owner that never existed is not noticed. `propagationPolicy` is ignored. There are no `default` service accounts.
//! - Strategic merge patch is a JSON merge patch that joins `ownerReferences` by uid and `finalizers` as a set; of the
//!   directives only `$patch: delete` in such lists is known, others are skipped.
//! - Server-side apply and `managedFields` know maps, `ownerReferences` and `finalizers`; other lists are owned whole.
//!   Events are owned under their `v1` field names.
//! - Later pages of a list are read from the present state, not from the first page's.
//! - `fieldValidation=Strict` finds unknown fields at the top and in the metadata of core kinds, and no field that is
//!   given twice; `Warn` warns nobody. A user's SelfSubjectReview names no groups of its own.
//! - A PATCH whose result cannot be decoded is refused with the words of 1.20.
//! - RBAC is an allow-list per token, which a SelfSubjectRulesReview tells for every API group. Tokens from TokenRequest carry a random signature and do not authenticate here.
//! - Answers are JSON; protobuf is read for the few kinds that kubectl sends so; HTTP/1.1 only; no quotas, admission webhooks, audit or rate limits.
//!
//! # Where to start reading
//!
//! `api` has the way of one request; `write`, `patch` and `apply` what a write does; `store` what is kept.

mod api;
mod apply;
mod auth;
mod body;
mod calls;
mod cluster;
mod convert;
mod delete;
mod discovery;
mod faults;
mod kinds;
mod managed_fields;
mod patch;
mod protobuf;
mod read;
mod route;
mod selector;
mod server;
mod status;
mod store;
mod table;
mod tls;
mod token_request;
mod validate;
mod view;
mod watch;
mod write;

pub use self::auth::{Permission, User, Verifier};
pub use self::calls::{Call, tally};
pub use self::cluster::{DevCluster, Options, Refused};
pub use self::faults::{Fault, Faults, Rule, RuleId};
