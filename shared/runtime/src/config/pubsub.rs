//! Whom Google's Pub/Sub pushes as, and what is pulled from it.

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

/// A pull subscription, and the identity that it is read with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pull {
    /// Its name, `projects/<project>/subscriptions/<id>`.
    pub subscription: String,
    /// The file that says how the identity is proven.
    pub credentials: String,
    /// The region of the STS of AWS, for an identity that AWS proves.
    pub region: String,
}

/// What is said of the subscription where its name is none.
pub(crate) const NAME: &str = "write projects/<project>/subscriptions/<id>";

impl Pull {
    /// Reads the variables; nothing is pulled without them.
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `PAWL_PUBSUB_SUBSCRIPTION` | the pull subscription, `projects/<project>/subscriptions/<id>` |
    /// | `PAWL_GOOGLE_CREDENTIALS` | the file of Pawl's own identity at Google: a service account's key, or an `external_account` configuration for AWS or with a token in a file |
    /// | `AWS_REGION` | the region whose STS proves the identity, where AWS does; `us-east-1` without it |
    ///
    /// # Errors
    /// When the file is not named.
    pub fn read(lookup: &dyn Lookup) -> Result<Option<Self>, Error> {
        let Some(subscription) = lookup.get("PAWL_PUBSUB_SUBSCRIPTION") else { return Ok(None) };
        let purpose = "it is the file of the identity that the subscription is read with";
        let credentials = lookup.get("PAWL_GOOGLE_CREDENTIALS");
        let credentials = credentials.ok_or(Error::Missing { name: "PAWL_GOOGLE_CREDENTIALS", purpose })?;
        let region = lookup.get("AWS_REGION").unwrap_or_else(|| "us-east-1".to_owned());
        Ok(Some(Self { subscription, credentials, region }))
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

    #[test]
    fn a_subscription_needs_an_identity() {
        let read = |set: &'static [(&str, &str)]| {
            Pull::read(&move |name: &str| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(read(&[]).unwrap(), None);
        assert_eq!(read(&[("PAWL_GOOGLE_CREDENTIALS", "/etc/google.json")]).unwrap(), None);
        let error = read(&[("PAWL_PUBSUB_SUBSCRIPTION", "projects/a/subscriptions/b")]).unwrap_err();
        assert!(error.to_string().contains("PAWL_GOOGLE_CREDENTIALS"), "{error}");
        let both = read(&[
            ("PAWL_PUBSUB_SUBSCRIPTION", "projects/a/subscriptions/b"),
            ("PAWL_GOOGLE_CREDENTIALS", "/etc/google.json"),
        ]);
        let pull = both.unwrap().unwrap();
        assert_eq!((pull.credentials.as_str(), pull.region.as_str()), ("/etc/google.json", "us-east-1"));
    }
}
