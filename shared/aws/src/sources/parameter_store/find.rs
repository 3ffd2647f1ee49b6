//! Searches of parameters, and what Parameter Store knows about one.

use super::name::base;
use super::versions::ALL;
use super::{DESCRIBE, Form, ParameterStore, fetched};
use crate::sources::search::{Denied, found, of_metadata, pattern, wanted};
use aws_sdk_ssm as ssm;
use futures::{StreamExt, stream};
use pawl_domain::declaration::NamePattern;
use pawl_domain::{Fetched, Find, Keep, Kind, Provider, Step};
use pawl_ports::{Error, Wanted};
use ssm::types::{ParameterStringFilter, ResourceTypeForTagging};
use std::collections::BTreeMap;

impl ParameterStore {
    /// Every parameter that the criteria match, by its whole name. Source: ESO: with a pattern tags are not looked at, and
    /// the path is a level, so that `/app` holds `/app/db` and not `/apple`.
    pub(in crate::sources) async fn find(
        &self,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        let pattern = pattern(&self.call("ssm:GetParametersByPath", "find"), find)?;
        if find.name.is_none() {
            return self.described_and_read(find, &pattern, keep).await;
        }
        let named = Find { path: find.path.clone(), ..Find::default() };
        // By path values come with their names, also those that may not be read.
        if keep.is_limited() {
            return self.described_and_read(&named, &pattern, keep).await;
        }
        match self.by_path(find.path.as_deref().unwrap_or("/"), &pattern).await {
            Err(error) if error.step == Step::Fetch && error.kind == Kind::Denied => {
                self.described_and_read(&named, &pattern, keep).await
            }
            answer => answer,
        }
    }

    async fn by_path(&self, path: &str, pattern: &NamePattern) -> Result<BTreeMap<String, Fetched>, Error> {
        let call = self.call("ssm:GetParametersByPath", path);
        let (mut found, mut next) = (BTreeMap::new(), None);
        loop {
            let request = self
                .client
                .get_parameters_by_path()
                .path(path)
                .recursive(true)
                .with_decryption(true)
                .max_results(MOST_BY_PATH)
                .set_next_token(next.clone())
                .customize();
            let page = call.counted(request.config_override(self.identity()).send().await)?;
            for parameter in page.parameters.unwrap_or_default() {
                let Some(name) = parameter.name.clone().filter(|name| pattern.is_match(name)) else {
                    continue;
                };
                let value = fetched(&self.call("ssm:GetParametersByPath", &name), parameter)?;
                found.insert(name, value);
            }
            if page.next_token.is_none() {
                return Ok(found);
            }
            if page.next_token == next {
                return Err(call.incomplete("an end: the next page is the same one"));
            }
            next = page.next_token;
        }
    }

    /// By path and tags first names, then values.
    async fn described_and_read(
        &self,
        find: &Find,
        pattern: &NamePattern,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        let described = self.describe(&self.call(DESCRIBE, ALL), self.filters(find)?).await?;
        let names = described.into_iter().filter_map(|parameter| parameter.name);
        let names: Vec<_> = names.filter(|name| pattern.is_match(name) && keep.allows(name)).collect();
        let answers = self.get(&wanted(&names), Form::Plain).await;
        found(names, answers, Denied::Fails)
    }

    fn filters(&self, find: &Find) -> Result<Vec<ParameterStringFilter>, Error> {
        let tags = find.tags.iter().map(|(key, value)| (format!("tag:{key}"), "Equals", value));
        let path = find.path.iter().map(|path| ("Path".to_owned(), "Recursive", path));
        tags.chain(path).map(|(key, option, value)| self.filter(&key, option, vec![value.clone()])).collect()
    }

    /// The tags of these parameters, whichever version is wanted, one answer for each, in order.
    pub(super) async fn tags(&self, wanted: &[&Wanted]) -> Vec<Result<Fetched, Error>> {
        let answers: Vec<_> = wanted.iter().map(|one| self.tags_of(base(&one.key))).collect();
        stream::iter(answers).buffered(super::AT_ONCE).collect().await
    }

    async fn tags_of(&self, name: &str) -> Result<Fetched, Error> {
        let call = self.call("ssm:ListTagsForResource", name);
        let parameter = ResourceTypeForTagging::Parameter;
        let request = self.client.list_tags_for_resource().resource_type(parameter).resource_id(name);
        let answer = call.counted(request.customize().config_override(self.identity()).send().await);
        let tags = of_metadata(answer)?.tag_list.unwrap_or_default();
        let tags = tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
        Ok(Fetched::of_tags(Provider::ParameterStore, &tags))
    }
}

/// Source: API reference of GetParametersByPath, `MaxResults`.
const MOST_BY_PATH: i32 = 10;
