//! Versions and listing of parameters, by DescribeParameters.

use super::name::{base, names};
use super::{DESCRIBE, Form, ParameterStore, in_order};
use crate::error::Call;
use crate::sources::listing::timestamp;
use aws_sdk_ssm as ssm;
use futures::{StreamExt, stream};
use pawl_domain::{Kind, Step, Version, VersionSelector};
use pawl_ports::{Error, Listed, Listing, Part, Wanted};
use ssm::types::{ParameterMetadata, ParameterStringFilter};
use std::collections::{BTreeMap, BTreeSet};

impl ParameterStore {
    /// The versions of these keys, one answer for each, in order.
    ///
    /// What DescribeParameters does not tell is asked of GetParameter without decryption, and what comes with the answer is
    /// dropped unread: where a label points, whether a parameter is really missing or shared by another account, and
    /// everything for identities that may not describe.
    pub(in crate::sources) async fn versions(&self, wanted: &[Wanted]) -> Vec<Result<Version, Error>> {
        let (values, tagged): (Vec<_>, Vec<_>) = wanted.iter().partition(|one| one.part == Part::Value);
        let values: Vec<Wanted> = values.into_iter().cloned().collect();
        let (values, tags) = futures::join!(self.versions_of_values(&values), self.tags(&tagged));
        let tags = tags.into_iter().map(|answer| answer.map(|tags| tags.version)).collect();
        in_order(wanted, values, tags)
    }

    async fn versions_of_values(&self, wanted: &[Wanted]) -> Vec<Result<Version, Error>> {
        let described = match self.described(wanted).await {
            Ok(described) => described,
            Err(error) if error.step == Step::Fetch && error.kind == Kind::Denied => BTreeMap::new(),
            Err(error) => return wanted.iter().map(|_| Err(error.shared())).collect(),
        };
        let mut answers: Vec<_> =
            wanted.iter().map(|one| self.told(one, described.get(base(&one.key)))).collect();
        let untold: Vec<_> = (0..wanted.len()).filter(|place| answers[*place].is_none()).collect();
        let rest: Vec<_> = untold.iter().map(|place| wanted[*place].clone()).collect();
        if !rest.is_empty() {
            for (place, answer) in untold.into_iter().zip(self.get(&rest, Form::Sealed).await) {
                answers[place] = Some(answer.map(|fetched| fetched.version));
            }
        }
        let unanswered = |one: &Wanted| Err(self.call(DESCRIBE, &one.key).incomplete("this key"));
        answers
            .into_iter()
            .zip(wanted)
            .map(|(answer, one)| answer.unwrap_or_else(|| unanswered(one)))
            .collect()
    }

    /// Every parameter: the service cannot sort, so that the whole list is read whatever is asked, and all of it is told.
    pub(in crate::sources) async fn listing(&self) -> Result<Listing, Error> {
        let all = self.describe(&self.call(DESCRIBE, ALL), Vec::new()).await?;
        let listed = all.into_iter().map(|parameter| Listed {
            version: Some(parameter.version.to_string()),
            changed: parameter.last_modified_date.as_ref().and_then(timestamp),
            names: [parameter.name, parameter.arn].into_iter().flatten().collect(),
            labels: None,
            tags: None,
        });
        Ok(Listing { keys: listed.collect(), complete: true })
    }

    /// What the description of a parameter says of a wanted version; `None` where it says nothing.
    fn told(&self, wanted: &Wanted, described: Option<&Version>) -> Option<Result<Version, Error>> {
        let described = described?;
        match &wanted.selector {
            // A version in the key itself, as in `/a:3`, is the store's to read.
            _ if base(&wanted.key) != wanted.key => None,
            VersionSelector::Current => Some(Ok(described.clone())),
            VersionSelector::Label(_) => None,
            VersionSelector::Id(id) => {
                let is_past_latest = id.parse::<i64>().ok() > described.id.parse().ok();
                if is_past_latest {
                    return Some(Err(self.call(DESCRIBE, &wanted.key).missing()));
                }
                let since = described.since.filter(|_| *id == described.id);
                Some(Ok(Version { id: id.clone(), since }))
            }
        }
    }

    /// The latest versions of these parameters, by name and by ARN.
    async fn described(&self, wanted: &[Wanted]) -> Result<BTreeMap<String, Version>, Error> {
        let useful = wanted.iter().filter(|one| !matches!(one.selector, VersionSelector::Label(_)));
        let names: BTreeSet<String> = useful.flat_map(|one| names(&one.key)).collect();
        let names: Vec<_> = names.into_iter().collect();
        let filters = names.chunks(MOST_NAMES).map(|names| self.filter("Name", "Equals", names.to_vec()));
        let filters = filters.collect::<Result<Vec<_>, _>>()?;
        let call = self.call(DESCRIBE, ALL);
        let calls: Vec<_> = filters.into_iter().map(|filter| self.describe(&call, vec![filter])).collect();
        let mut calls = stream::iter(calls).buffer_unordered(super::AT_ONCE);
        let mut found = BTreeMap::new();
        while let Some(parameters) = calls.next().await {
            for parameter in parameters? {
                let since = parameter.last_modified_date.as_ref().and_then(timestamp);
                let version = Version { id: parameter.version.to_string(), since };
                found.extend(
                    [parameter.name, parameter.arn].into_iter().flatten().map(|name| (name, version.clone())),
                );
            }
        }
        Ok(found)
    }

    pub(super) fn filter(
        &self,
        key: &str,
        option: &str,
        values: Vec<String>,
    ) -> Result<ParameterStringFilter, Error> {
        let filter = ParameterStringFilter::builder().key(key).option(option).set_values(Some(values));
        filter.build().map_err(|error| {
            let call = self.call(DESCRIBE, key);
            Error::new(Step::Fetch, Kind::Invalid, format!("{call}: not usable as a filter")).caused_by(error)
        })
    }

    /// The parameters that pass these filters, all without one. Pages may be short, or empty, before the last one.
    pub(super) async fn describe(
        &self,
        call: &Call<'_>,
        filters: Vec<ParameterStringFilter>,
    ) -> Result<Vec<ParameterMetadata>, Error> {
        let filters = (!filters.is_empty()).then_some(filters);
        let (mut found, mut next) = (Vec::new(), None);
        loop {
            let request = self
                .client
                .describe_parameters()
                .max_results(MOST_NAMES as i32)
                .set_parameter_filters(filters.clone())
                .set_next_token(next.clone())
                .customize();
            let page = call.counted(request.config_override(self.identity()).send().await)?;
            found.extend(page.parameters.unwrap_or_default());
            if page.next_token.is_none() {
                return Ok(found);
            }
            if page.next_token == next {
                return Err(call.incomplete("an end: the next page is the same one"));
            }
            next = page.next_token;
        }
    }
}

/// The subject of calls that are about many parameters.
pub(super) const ALL: &str = "the list of parameters";

/// Source: API reference of DescribeParameters: both its page and the values of one filter end here.
const MOST_NAMES: usize = 50;
