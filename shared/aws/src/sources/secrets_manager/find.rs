//! Searches of secrets, and what Secrets Manager knows about one.

use super::SecretsManager;
use crate::sources::search::{Denied, found, of_metadata, pattern, wanted};
use aws_sdk_secretsmanager as secretsmanager;
use pawl_domain::declaration::NamePattern;
use pawl_domain::{Fetched, Find, Keep, Provider};
use pawl_ports::{Error, Wanted};
use secretsmanager::types::{Filter, FilterNameStringType};
use std::collections::BTreeMap;

impl SecretsManager {
    /// Every secret that the criteria match, by its whole name.
    ///
    /// AWS takes path, tag keys and tag values as beginnings, each for itself: a secret with the tags `a: x` and `b: y`
    /// has the tag `a: y`. ESO leaves it at that, and so do we. Names are listed and values read by name, where ESO
    /// reads whole batches by filter: the answer is the same, and no value is read that the pattern does not want.
    pub(in crate::sources) async fn find(
        &self,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        let call = self.call("secretsmanager:ListSecrets", "find");
        let pattern = pattern(&call, find)?;
        let mut names = self.names(find, &pattern).await?;
        names.retain(|name| keep.allows(name));
        let answers = self.fetch(&wanted(&names)).await;
        // Source: ESO reads one by one what it finds by name alone, and else in batches, whose refusals it passes over.
        let batched = find.path.is_some() || find.name.is_none();
        found(names, answers, if batched { Denied::IsLeftOut } else { Denied::Fails })
    }

    async fn names(&self, find: &Find, pattern: &NamePattern) -> Result<Vec<String>, Error> {
        let call = self.call("secretsmanager:ListSecrets", "find");
        let filters = filters(find);
        let (mut names, mut next) = (Vec::new(), None);
        loop {
            let request = self
                .client
                .list_secrets()
                .max_results(100)
                .set_filters(filters.clone())
                .set_next_token(next.clone())
                .customize();
            let page = call.counted(request.config_override(self.identity()).send().await)?;
            let listed = page.secret_list.unwrap_or_default().into_iter().filter_map(|entry| entry.name);
            names.extend(listed.filter(|name| pattern.is_match(name)));
            if page.next_token.is_none() {
                return Ok(names);
            }
            if page.next_token == next {
                return Err(call.incomplete("an end: the next page is the same one"));
            }
            next = page.next_token;
        }
    }

    /// The tags of a secret, whichever version is wanted.
    pub(super) async fn tags(&self, wanted: &Wanted) -> Result<Fetched, Error> {
        let call = self.call("secretsmanager:DescribeSecret", &wanted.key);
        let request = self.client.describe_secret().secret_id(&wanted.key).customize();
        let answer = call.counted(request.config_override(self.identity()).send().await);
        let tags = of_metadata(answer)?.tags.unwrap_or_default();
        let tags = tags.into_iter().filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())));
        Ok(Fetched::of_tags(Provider::SecretsManager, &tags.collect()))
    }
}

/// All must hold. Source: ESO's filters.
fn filters(find: &Find) -> Option<Vec<Filter>> {
    let filter = |key, value: &str| Filter::builder().key(key).values(value).build();
    let tags = find.tags.iter().flat_map(|(key, value)| {
        [filter(FilterNameStringType::TagKey, key), filter(FilterNameStringType::TagValue, value)]
    });
    let path = find.path.iter().map(|path| filter(FilterNameStringType::Name, path));
    let all: Vec<_> = tags.chain(path).collect();
    (!all.is_empty()).then_some(all)
}
