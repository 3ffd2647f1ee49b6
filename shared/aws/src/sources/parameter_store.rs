//! Parameter Store: values, versions and listing of parameters.

mod find;
mod name;
mod push;
mod versions;

use super::listing::timestamp;
use crate::credentials::Session;
use crate::error::Call;
use aws_sdk_ssm as ssm;
use futures::{StreamExt, stream};
use name::{bare, base, with_selector};
use pawl_domain::{Fetched, Kind, Provider, SecretValue, Step, Version};
use pawl_ports::{Error, Part, Wanted};
use ssm::types::Parameter;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// One account's parameters in one region, read with one identity.
pub(super) struct ParameterStore {
    pub(super) client: ssm::Client,
    pub(super) region: String,
    pub(super) session: Arc<Session>,
}

impl ParameterStore {
    /// What is wanted of these keys, one answer for each, in order. `SecureString`s are decrypted.
    pub(super) async fn fetch(&self, wanted: &[Wanted]) -> Vec<Result<Fetched, Error>> {
        let (values, tagged): (Vec<_>, Vec<_>) = wanted.iter().partition(|one| one.part == Part::Value);
        let values: Vec<Wanted> = values.into_iter().cloned().collect();
        let (values, tags) = futures::join!(self.get(&values, Form::Plain), self.tags(&tagged));
        in_order(wanted, values, tags)
    }

    /// The parameters with these keys, one answer for each, in order: several with one call where the identity may.
    async fn get(&self, wanted: &[Wanted], form: Form) -> Vec<Result<Fetched, Error>> {
        let single = wanted.len() == 1 || self.session.no_batches.load(Ordering::Relaxed);
        let groups = groups(wanted, if single { 1 } else { MOST });
        let calls: Vec<_> = groups.iter().map(|group| self.get_group(wanted, group, form)).collect();
        let answers: Vec<_> = stream::iter(calls).buffer_unordered(AT_ONCE).collect().await;
        let answers: Answers = answers.into_iter().flatten().collect();
        answers.into_values().collect()
    }

    async fn get_group(&self, wanted: &[Wanted], group: &[usize], form: Form) -> Answers {
        let mut known =
            if group.len() > 1 { self.get_batch(wanted, group, form).await } else { Answers::new() };
        for place in group {
            if !known.contains_key(place) {
                known.insert(*place, self.get_one(&wanted[*place], form).await);
            }
        }
        known
    }

    /// What one call tells of a group; places that are not in the answer must be asked for alone. That a parameter does
    /// not exist decides over Secrets, so it is believed when GetParameter says it.
    async fn get_batch(&self, wanted: &[Wanted], group: &[usize], form: Form) -> Answers {
        let batch = self.call("ssm:GetParameters", "several keys");
        let get = |place: usize| self.call(GET, &wanted[place].key);
        let names = group.iter().map(|place| with_selector(&wanted[*place])).collect();
        let request = self
            .client
            .get_parameters()
            .set_names(Some(names))
            .with_decryption(form == Form::Plain)
            .customize();
        let answer = request.config_override(self.identity()).send().await;
        batch.count(&answer);
        let failure = match answer {
            Ok(answer) => {
                let found = answer.parameters.unwrap_or_default().into_iter();
                let place = |parameter: &Parameter| {
                    let named = [parameter.name.as_deref(), parameter.arn.as_deref()];
                    group.iter().copied().find(|place| named.contains(&Some(base(&wanted[*place].key))))
                };
                let placed = found.filter_map(|parameter| Some((place(&parameter)?, parameter)));
                return placed.map(|(place, parameter)| (place, fetched(&get(place), parameter))).collect();
            }
            Err(failure) => failure,
        };
        let error = batch.failed(&failure);
        if error.step == Step::Authenticate || error.is_retryable() {
            return group.iter().map(|place| (*place, Err(get(*place).failed(&failure)))).collect();
        }
        // One key may have spoilt it for the others, or batches are not allowed: each is asked for alone.
        if error.kind == Kind::Denied {
            self.session.no_batches.store(true, Ordering::Relaxed);
            tracing::debug!(store.region = self.region, "keys are read alone: GetParameters is not allowed");
        }
        Answers::new()
    }

    async fn get_one(&self, wanted: &Wanted, form: Form) -> Result<Fetched, Error> {
        let call = self.call(GET, &wanted.key);
        let request =
            self.client.get_parameter().name(with_selector(wanted)).with_decryption(form == Form::Plain);
        let answer = call.counted(request.customize().config_override(self.identity()).send().await)?;
        fetched(&call, answer.parameter.ok_or_else(|| call.incomplete("the parameter"))?)
    }

    fn call<'a>(&'a self, action: &'static str, subject: &'a str) -> Call<'a> {
        let service = Provider::ParameterStore.as_str();
        Call { step: Step::Fetch, service, region: &self.region, action, subject }
    }

    fn identity(&self) -> ssm::config::Builder {
        let mut config = ssm::config::Builder::new();
        if let Some(credentials) = &self.session.credentials {
            config = config.credentials_provider(credentials.clone());
        }
        config
    }
}

/// The answers to what is wanted, of which values and metadata were asked for apart.
fn in_order<T>(
    wanted: &[Wanted],
    values: Vec<Result<T, Error>>,
    metadata: Vec<Result<T, Error>>,
) -> Vec<Result<T, Error>> {
    let (mut values, mut metadata) = (values.into_iter(), metadata.into_iter());
    let next = |one: &Wanted| match one.part {
        Part::Value => values.next(),
        Part::Metadata => metadata.next(),
    };
    wanted.iter().filter_map(next).collect()
}

/// Answers by the place of what is wanted.
type Answers = BTreeMap<usize, Result<Fetched, Error>>;

/// Whether values are wanted, or only what is said of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    /// `SecureString`s decrypted.
    Plain,
    /// As they are stored; needs no permission on keys.
    Sealed,
}

const GET: &str = "ssm:GetParameter";
const DESCRIBE: &str = "ssm:DescribeParameters";

/// Source: API reference of GetParameters, `Names`.
const MOST: usize = 10;

/// Calls at the same time. The service's quota is 40 a second unless somebody pays for more.
const AT_ONCE: usize = 4;

/// The places of what is wanted in groups of at most `most`, no parameter twice in a group, however it is named: answers
/// tell names, and not always which version of them was asked for.
fn groups(wanted: &[Wanted], most: usize) -> Vec<Vec<usize>> {
    let mut groups: Vec<(HashSet<&str>, Vec<usize>)> = Vec::new();
    for (place, one) in wanted.iter().enumerate() {
        let name = bare(&one.key);
        let open = groups.iter_mut().rev().take(OPEN_GROUPS);
        match open.into_iter().find(|(names, places)| places.len() < most && !names.contains(name)) {
            Some((names, places)) => {
                names.insert(name);
                places.push(place);
            }
            None => groups.push((HashSet::from([name]), vec![place])),
        }
    }
    groups.into_iter().map(|(_, places)| places).collect()
}

/// How many of the last groups are looked at for room: enough for several versions of one key, without a search through all.
const OPEN_GROUPS: usize = 4;

fn fetched(call: &Call<'_>, parameter: Parameter) -> Result<Fetched, Error> {
    let value = parameter.value.ok_or_else(|| call.incomplete("a value"))?;
    let since = parameter.last_modified_date.as_ref().and_then(timestamp);
    Ok(Fetched {
        provider: Provider::ParameterStore,
        value: SecretValue::new(value),
        version: Version { id: parameter.version.to_string(), since },
        labels: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use pawl_domain::VersionSelector;

    #[test]
    fn no_parameter_is_twice_in_a_group() {
        let wanted = |keys: &[(&str, VersionSelector)]| -> Vec<_> {
            keys.iter()
                .map(|(key, selector)| Wanted {
                    key: (*key).to_owned(),
                    selector: selector.clone(),
                    part: Part::Value,
                })
                .collect()
        };
        let (current, first) = (VersionSelector::Current, VersionSelector::Id("1".into()));
        let keys = wanted(&[
            ("/a", current.clone()),
            ("/a", first),
            ("/b", current.clone()),
            ("/a:2", current.clone()),
            ("arn:aws:ssm:eu-central-1:123456789012:parameter/b", current),
        ]);
        assert_eq!(groups(&keys, 10), [vec![0], vec![1, 2], vec![3, 4]]);
        assert_eq!(groups(&keys, 1), [vec![0], vec![1], vec![2], vec![3], vec![4]]);
        assert_eq!(groups(&keys[2..], 2), [vec![0, 1], vec![2]]);
    }
}
