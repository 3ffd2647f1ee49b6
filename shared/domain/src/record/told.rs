//! What the status of an ExternalSecret was last told.

use crate::hash::of_text;
use serde::{Deserialize, Serialize};

/// What a status says, short enough to be kept for each declaration: enough to see that it says so already, and to
/// change it without reading it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Told {
    /// Whether the Ready condition is `True`.
    pub ready: bool,
    /// A digest of all that it says but times.
    pub digest: String,
}

impl Told {
    /// A status that says these words.
    pub fn of(ready: bool, words: &[&str]) -> Self {
        const LENGTH: usize = 16;
        let digest = of_text(&words.join("\n"));
        Self { ready, digest: digest.get(..LENGTH).unwrap_or(&digest).to_owned() }
    }
}
