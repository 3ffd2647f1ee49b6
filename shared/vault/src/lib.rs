//! Adapter to HashiCorp Vault and OpenBao: turns keys into values.
//!
//! It fulfils the ports `Sources`, `Sink` and `Generators` of `pawl_ports` for stores of `provider.vault` and `provider.openBao`, with a small
//! client of its own: what Pawl asks is reads, lists, writes and logins. Start reading at [`VaultSources`].
//!
//! | module | holds |
//! |---|---|
//! | `sources` | the port: one session per identity, answers in order, one new login after a refusal |
//! | `kv` | one key: its value, its metadata, its version |
//! | `push` | what PushSecrets write and delete |
//! | `sink` | the port of stores that take values |
//! | `made` | the generator VaultDynamicSecret |
//! | `find` | searches: lists folder by folder |
//! | `path` | from keys to paths of the API |
//! | `rules` | what differs between providers that read the same engines |
//! | `answer` | what the server's JSON says |
//! | `session` | identities: proven once, kept, renewed, revoked |
//! | `link` | what every call has: headers, and which answers may pass |
//! | `call` | what a call is named in metrics, and what a refusal means |
//!
//! Connections, bounds, retries and the keeping of identities are those of `pawl_stores::kit`.
//!
//! JSON is read and written by `pawl_golang`, for a value is by definition what Go's `json.Marshal` makes of the data.

mod answer;
mod call;
mod find;
mod kv;
mod link;
mod made;
mod members;
mod options;
mod path;
mod push;
mod rules;
mod session;
mod sink;
mod sources;

pub use options::Options;
pub use sources::VaultSources;
