//! What adapters of stores have in common. A provider's module adds its paths, what its answers look like, and which of them
//! mean that a key does not exist.
//!
//! | module | holds |
//! |---|---|
//! | `adapter` | what adapters do around what is particular to a provider |
//! | `call` | what a call is named in messages and metrics, and what it means that no answer came |
//! | `link` | connections: TLS, bounds, retries that honour `Retry-After`, no redirect to another origin |
//! | `lines` | answers that go on, line by line |
//! | `guard` | the addresses that a name may lead to |
//! | `hidden` | texts in answers that nobody may see |
//! | `reply` | an answer, and whether it says that the key does not exist |
//! | `room` | the memory that large answers have together |
//! | `paging` | listings: at most so many pages, none of them twice |
//! | `session` | identities: proven once by one of many callers, kept, given up after a refusal |
//! | `served` | what adapters of stores that are asked with one session have alike |
//! | `proofs` | what stands in target clusters: tokens, passwords, certificates |
//! | `audience` | for whom a service account's token is made |
//! | `batch` | what is wanted, each once |
//! | `rest` | calls with what proves an identity, and what refusals mean |
//! | `jwt` | tokens and texts that a key of RSA signs |
//! | `one_server` | whole adapters, of stores on one server that differ only in what is asked there |
//!
//! Of what a server says, nothing stands in an error: it may be half of a secret, or what an internal server says to nobody
//! but its own.

mod adapter;
mod audience;
mod batch;
mod call;
mod guard;
mod hidden;
mod jwt;
mod lines;
mod link;
mod one_server;
mod paging;
mod proofs;
mod reply;
mod rest;
mod room;
mod served;
mod session;

pub use adapter::{Adapter, Asking, Dialect, Prover, of, together};
pub use audience::is_of_api_server;
pub use batch::Batch;
pub use call::{Call, Server};
pub use hidden::Hidden;
pub use jwt::{Unsigned, rs256, sign_rs256};
pub use lines::{Lines, Opened, Over};
pub use link::{Ask, Bounds, Link, Material, PlainHttp, Whole, sealed, text};
pub use one_server::{Api, Door, OneServer, OneServerSources, Proven, READ_AGAIN};
pub use paging::Pages;
pub use proofs::Proofs;
pub use reply::{Absent, Reply};
pub use rest::{Granted, Refusals, Rest, form};
pub use room::{Place, Room};
pub use served::{Asked, Bearer, Proving, Reads, Served, is_of_proof, locked, may_pass, unless_refused};
pub use session::{Cell, Cells, Proof, REFUSED};
