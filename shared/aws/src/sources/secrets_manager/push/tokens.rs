//! The tokens of new versions, which Secrets Manager takes once each.
//!
//! A token is made of the staging labels that were read, and of nothing that only one writer knows: whoever read the same
//! labels writes with the same token, so that one of them is refused. A token that was refused although the labels are as they
//! were is an older version's: a rollback brought its labels back. Only then the next one is tried.

use super::super::labels;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// The first version of every secret that PushSecrets make. Source: ESO.
pub(super) const FIRST_VERSION: &str = "00000000-0000-0000-0000-000000000001";

/// The tokens of one push or removal.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    refused: Vec<String>,
}

impl Tokens {
    /// The token of a version that comes behind these.
    pub(super) fn behind(&self, versions: &HashMap<String, Vec<String>>) -> String {
        let (mut place, mut token) = (0, nth(versions, 0));
        while self.refused.contains(&token) {
            place += 1;
            token = nth(versions, place);
        }
        token
    }

    /// There is such a version already.
    pub(super) fn refused(&mut self, token: String) {
        self.refused.push(token);
    }
}

fn nth(versions: &HashMap<String, Vec<String>>, place: usize) -> String {
    if versions.is_empty() && place == 0 {
        return FIRST_VERSION.to_owned();
    }
    let mut hash = Sha256::new();
    for (stage, version) in labels(versions.clone()) {
        hash.update(format!("{stage}={version}\n"));
    }
    hash.update(place.to_string());
    let digest = hex::encode(&hash.finalize()[..16]);
    format!("{}-{}-{}-{}-{}", &digest[..8], &digest[8..12], &digest[12..16], &digest[16..20], &digest[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(text: &str) -> HashMap<String, Vec<String>> {
        let pairs = text.split(' ').filter_map(|pair| pair.split_once('='));
        pairs.map(|(stage, id)| (id.to_owned(), vec![stage.to_owned()])).collect()
    }

    #[test]
    fn whoever_read_the_same_labels_writes_with_the_same_token() {
        let read = versions("AWSCURRENT=b AWSPREVIOUS=a");
        let token = Tokens::default().behind(&read);
        assert_eq!(token, Tokens::default().behind(&versions("AWSPREVIOUS=a AWSCURRENT=b")));
        for other in ["AWSCURRENT=b", "AWSCURRENT=a AWSPREVIOUS=b", ""] {
            assert_ne!(token, Tokens::default().behind(&versions(other)), "{other}");
        }
        assert_eq!(Tokens::default().behind(&versions("")), FIRST_VERSION);
        // Source: API reference of PutSecretValue, ClientRequestToken: 32 to 64 characters.
        assert_eq!((token.len(), token.matches('-').count()), (36, 4));
    }

    #[test]
    fn refusals_count_while_the_labels_stand_still() {
        for (before, after) in
            [("AWSCURRENT=b AWSPREVIOUS=a", "AWSCURRENT=c AWSPREVIOUS=b"), ("", "AWSCURRENT=c")]
        {
            let (before, after) = (versions(before), versions(after));
            let mut tokens = Tokens::default();
            let first = tokens.behind(&before);
            tokens.refused(first.clone());
            let second = tokens.behind(&before);
            assert_ne!(first, second);
            assert_eq!(
                tokens.behind(&after),
                Tokens::default().behind(&after),
                "refusals before do not count"
            );
            tokens.refused(second.clone());
            assert!(![first, second].contains(&tokens.behind(&before)));
        }
    }
}
