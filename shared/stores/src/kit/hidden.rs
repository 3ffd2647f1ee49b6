//! Secret texts in JSON answers: never shown, wiped when dropped.

use pawl_domain::SecretValue;
use serde::Deserialize;

/// A text of a JSON answer, such as a value or a token. It is taken over as it is read: Debug shows nothing, and it is wiped
/// when it is dropped.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(from = "String")]
pub struct Hidden(pub SecretValue);

impl From<String> for Hidden {
    fn from(text: String) -> Self {
        Self(SecretValue::new(text))
    }
}

impl Hidden {
    /// The text itself, for the last line before it is used.
    pub fn expose(&self) -> &str {
        // It was made of a text.
        self.0.expose_str().unwrap_or_default()
    }
}
