//! Values to what the target shall hold. Pure, and the same bytes as ESO's.
//!
//! A [`Recipe`] is all of a declaration that can be made ready before there are values; [`Recipe::render`] does the
//! rest. Each entry of `dataFrom` and `data` goes through these steps, and each step is a file:
//!
//! | step | what happens | file |
//! |---|---|---|
//! | select | the whole value, or the `property` of it | `select` |
//! | extract | `extract`: the members of a JSON object, each an entry | `extract` |
//! | rewrite | `rewrite`: new keys, or merged objects | `rewrite` |
//! | convert, validate | without `rewrite`: signs that a key cannot have are replaced; what is no key is refused | `keys` |
//! | decode | `decodingStrategy`, then `nullBytePolicy` | `decode` |
//!
//! Beside that, `text` and `answer` are what a store's manifest asks with, and takes out of an answer.
//!
//! What the entries give is laid over each other in order, and `template` makes the target's data and metadata of it.
//! Source of the facts: ESO 2.9 as it ran. Where Pawl does something else on purpose, `docs/eso.md` lists it.

mod answer;
mod bulk;
mod decode;
mod entries;
mod error;
mod extract;
mod functions;
mod keys;
mod parts;
mod recipe;
mod rendered;
mod rewrite;
mod room;
mod select;
mod tags;
mod template;
mod text;

pub use answer::{NoAnswer, answered, answered_members};
pub use bulk::{KeyRewrite, Overlay};
pub use error::{
    Entry, EntryProblem, InvalidKey, Refused, RenderError, RewriteProblem, TemplateProblem, TemplateStage,
};
pub use extract::printed;
pub use functions::Functions;
pub use pawl_golang::budget::Budget;
pub use pawl_golang::template::query_escaped;
pub use recipe::Recipe;
pub use rendered::Rendered;
pub use template::TemplateSources;
pub use text::{Scope, TextProblem};
