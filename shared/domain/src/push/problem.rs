use crate::render::{EntryProblem, RenderError};

/// Why a PushSecret's entries cannot be made of its source. The words are ESO's where ESO has any.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PushProblem {
    /// An entry names a key that the source does not have.
    #[error("secret key {0} does not exist")]
    NoKey(String),
    /// Two keys of the source become one when they are read back.
    #[error("could not apply conversion strategy to keys: secret name collision during conversion: {0}")]
    Collision(String),
    /// The same within a `dataTo`.
    #[error(
        "failed to expand dataTo: dataTo[{index}]: conversion failed: secret name collision during conversion: {key}"
    )]
    BulkCollision {
        /// Which of `dataTo`.
        index: usize,
        /// What both become.
        key: String,
    },
    /// A pattern of `dataTo` does not compile.
    #[error("failed to expand dataTo: dataTo[{index}]: match failed: {reason}")]
    Pattern {
        /// Which of `dataTo`.
        index: usize,
        /// What is wrong.
        reason: String,
    },
    /// A `rewrite` cannot be applied.
    #[error("failed to expand dataTo: dataTo[{index}]: rewrite failed: {problem}")]
    Rewrite {
        /// Which of `dataTo`.
        index: usize,
        /// What is wrong.
        problem: EntryProblem,
    },
    /// A `rewrite` leaves nothing of a key.
    #[error("failed to expand dataTo: dataTo[{index}]: empty remote key produced for source key {key:?}")]
    Empty {
        /// Which of `dataTo`.
        index: usize,
        /// The key of the source.
        key: String,
    },
    /// Two keys of the source become one key of the store.
    #[error(
        "failed to expand dataTo: dataTo[{index}]: duplicate remote key {remote:?} from source key {key:?} (conflicts \
         with dataTo[{other}]:{other_key})"
    )]
    Twice {
        /// Which of `dataTo`.
        index: usize,
        /// The key of the store.
        remote: String,
        /// The key of the source.
        key: String,
        /// Which of `dataTo` has it already.
        other: usize,
        /// From which key of the source.
        other_key: String,
    },
    /// Two entries write the same place.
    #[error(
        "failed to merge data entries: duplicate remote key {remote}: source keys {first:?} and {second:?} both map to \
         the same destination"
    )]
    Destination {
        /// The place in quotes, with its property.
        remote: String,
        /// The key that the first one pushes.
        first: String,
        /// The key that the second one pushes.
        second: String,
    },
    /// Two Secrets that the selector matches write the same place, so that neither would stay there.
    #[error(
        "Secrets {first} and {second} are both pushed to {remote:?}; let their keys differ, or narrow the selector"
    )]
    Sources {
        /// The place, with its property.
        remote: String,
        /// The first Secret.
        first: String,
        /// The second Secret.
        second: String,
    },
    /// `metadata.…` or `data` of the template cannot be rendered.
    #[error("{0}")]
    Template(#[from] RenderError),
}
