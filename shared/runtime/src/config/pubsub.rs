//! Whom Google's Pub/Sub pushes as.

use super::{Error, Lookup};
use crate::pubsub::Expected;

/// Who may hand in what Pub/Sub pushes; nobody without a word.
#[derive(Clone, Debug, Default)]
pub struct PubSub {
    /// For whom and whose the token of a push must be.
    pub expected: Option<Expected>,
}

impl PubSub {
    /// Reads the variables; both or neither.
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `PAWL_PUBSUB_AUDIENCE` | the audience of the subscription's token: its push endpoint, unless it says otherwise |
    /// | `PAWL_PUBSUB_ACCOUNT` | the email of the service account that the subscription pushes as |
    ///
    /// # Errors
    /// When one of them is missing.
    pub fn read(lookup: &dyn Lookup) -> Result<Self, Error> {
        let missing = |name, purpose| Err(Error::Missing { name, purpose });
        match (lookup.get("PAWL_PUBSUB_AUDIENCE"), lookup.get("PAWL_PUBSUB_ACCOUNT")) {
            (None, None) => Ok(Self::default()),
            (Some(audience), Some(account)) => Ok(Self { expected: Some(Expected { audience, account }) }),
            (None, Some(_)) => missing("PAWL_PUBSUB_AUDIENCE", "it is the audience of the pushes of Pub/Sub"),
            (Some(_), None) => {
                missing("PAWL_PUBSUB_ACCOUNT", "it is the service account that Pub/Sub pushes as")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_needed_or_neither() {
        let read = |audience: Option<&'static str>, account: Option<&'static str>| {
            PubSub::read(&move |name: &str| match name {
                "PAWL_PUBSUB_AUDIENCE" => audience.map(str::to_owned),
                "PAWL_PUBSUB_ACCOUNT" => account.map(str::to_owned),
                _ => None,
            })
        };
        assert!(read(None, None).unwrap().expected.is_none());
        assert_eq!(read(Some("a"), Some("b")).unwrap().expected.unwrap().account, "b");
        assert!(read(Some("a"), None).unwrap_err().to_string().contains("PAWL_PUBSUB_ACCOUNT"));
        assert!(read(None, Some("b")).unwrap_err().to_string().contains("PAWL_PUBSUB_AUDIENCE"));
    }
}
