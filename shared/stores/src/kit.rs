//! What adapters of stores have in common. A provider's module adds its paths, what its answers look like, and which of them
//! mean that a key does not exist.
//!
//! | module | holds |
//! |---|---|
//! | `adapter` | what adapters do around what is particular to a provider, its [`Dialect`] |
//! | `asked` | what a dialect is given to prove an identity, and to ask |
//! | `one_server` | dialects of stores on one server, with one connection and one proof |
//! | `ask` | requests as most APIs want them, and when they are made again |
//! | `call` | what a call is named in messages and metrics, and what it means that no answer came |
//! | `cause` | why a call failed, of all that its errors are wrapped around |
//! | `link` | connections: TLS, bounds, retries that honour `Retry-After`, no redirect to another origin |
//! | `lines` | answers that go on, line by line |
//! | `guard` | the addresses that a name may lead to, and those that a server may tell |
//! | `hidden` | texts in answers that nobody may see |
//! | `reply` | an answer, and whether it says that the key does not exist |
//! | `room` | the memory that large answers have together |
//! | `paging` | listings: at most so many pages, none of them twice |
//! | `session` | identities: proven once by one of many callers, kept, given up after a refusal |
//! | `proofs` | what stands in target clusters: tokens, passwords, certificates |
//! | `audience` | for whom a service account's token is made |
//! | `batch` | what is wanted, each once |
//! | `rest` | calls with what proves an identity, and what refusals mean |
//! | `jwt` | tokens and texts that a key of RSA signs, and when a token ends |
//!
//! Of what a server says, nothing stands in an error: it may be half of a secret, or what an internal server says to nobody
//! but its own.

mod adapter;
mod ask;
mod asked;
mod audience;
mod batch;
mod call;
mod cause;
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
mod session;

pub use adapter::{Adapter, Dialect, together, unless_refused};
pub use ask::{form, may_pass};
pub use asked::{Asked, Proving, READ_AGAIN};
pub use audience::is_of_api_server;
pub use batch::Batch;
pub use call::{Call, Server};
pub use guard::told_address;
pub use hidden::Hidden;
pub use jwt::{Unsigned, expiry, ps256, rs256, sign_rs256};
pub use lines::{Lines, Opened, Over};
pub use link::{Ask, Bounds, Link, Material, PlainHttp, Whole, sealed, text};
pub use one_server::{Api, Door, One, OneServer, OneServerSources, Proven};
pub use paging::Pages;
pub use proofs::Proofs;
pub use reply::{Absent, Reply};
pub use rest::{Granted, Refusals, Rest};
pub use room::{Place, Room};
pub use session::{Cell, Cells, Proof, REFUSED, locked};
