//! Many secrets with one call of BatchGetSecretValue.

use super::{CURRENT, SecretsManager, fetched, is_current_value, value};
use crate::error::Call;
use aws_sdk_secretsmanager::operation::batch_get_secret_value::BatchGetSecretValueOutput;
use futures::{StreamExt, stream};
use pawl_domain::{Fetched, Kind, Step};
use pawl_ports::{Error, Wanted};
use std::collections::HashMap;
use std::sync::atomic::Ordering;

/// What batches answered, by key as it was asked for. A key that is not in it must be asked for alone.
pub(super) type Batched = HashMap<String, Result<Fetched, Error>>;

impl SecretsManager {
    /// The current values of these keys as far as batches tell them; nothing for few keys, nor for identities that may not.
    pub(super) async fn fetch_in_batches(&self, wanted: &[Wanted]) -> Batched {
        let current = wanted.iter().filter(|one| is_current_value(one));
        let keys: Vec<_> = current.map(|one| one.key.clone()).collect();
        if keys.len() < FEWEST || self.session.no_batches.load(Ordering::Relaxed) {
            return Batched::new();
        }
        let batches: Vec<_> = keys.chunks(MOST).map(|keys| self.fetch_batch(keys)).collect();
        stream::iter(batches).buffer_unordered(AT_ONCE).flat_map(stream::iter).collect().await
    }

    async fn fetch_batch(&self, keys: &[String]) -> Vec<(String, Result<Fetched, Error>)> {
        let batch = self.call("secretsmanager:BatchGetSecretValue", "several keys");
        let request =
            self.client.batch_get_secret_value().set_secret_id_list(Some(keys.to_vec())).customize();
        let answer = request.config_override(self.identity()).send().await;
        batch.count(&answer);
        let failure = match answer {
            Ok(answer) => return self.answers(keys, answer),
            Err(failure) => failure,
        };
        let error = batch.failed(&failure);
        if error.step == Step::Authenticate || error.is_retryable() {
            return keys.iter().map(|key| (key.clone(), Err(self.get(key).failed(&failure)))).collect();
        }
        // One key may have spoilt it for the others, or batches are not allowed: each is asked for alone.
        if error.kind == Kind::Denied {
            self.session.no_batches.store(true, Ordering::Relaxed);
            tracing::debug!(
                store.region = self.region,
                "keys are read alone: BatchGetSecretValue is not allowed"
            );
        }
        Vec::new()
    }

    /// What a batch tells. Of failures only those of the moment count: that a key does not exist decides over Secrets, so
    /// it is believed when GetSecretValue says it, which knows partial ARNs and other accounts as well.
    fn answers(
        &self,
        keys: &[String],
        answer: BatchGetSecretValueOutput,
    ) -> Vec<(String, Result<Fetched, Error>)> {
        let mut answers = Vec::new();
        for error in answer.errors.unwrap_or_default() {
            let Some(key) = keys.iter().find(|key| error.secret_id.as_ref() == Some(key)) else { continue };
            let code = error.error_code.as_deref().unwrap_or("no code");
            let refused = self.get(key).refused(code, error.message.as_deref().unwrap_or_default());
            if refused.is_retryable() {
                answers.push((key.clone(), Err(refused)));
            }
        }
        for entry in answer.secret_values.unwrap_or_default() {
            let (name, arn) = (entry.name.unwrap_or_default(), entry.arn.unwrap_or_default());
            // Another version than the current one is a server's mistake; the single call names the stage.
            if !entry.version_stages.iter().flatten().any(|stage| stage == CURRENT) {
                continue;
            }
            let value = value(entry.secret_string, entry.secret_binary);
            for key in keys.iter().filter(|key| means(key, &name, &arn)) {
                let (value, version) = (value.clone(), entry.version_id.clone());
                let created = entry.created_date.as_ref();
                let answer = fetched(&self.get(key), value, version, created, entry.version_stages.clone());
                answers.push((key.clone(), answer));
            }
        }
        answers
    }

    fn get<'a>(&'a self, key: &'a str) -> Call<'a> {
        self.call("secretsmanager:GetSecretValue", key)
    }
}

/// Below this number single calls are as good, and need no further permission.
const FEWEST: usize = 3;

/// Source: API reference of BatchGetSecretValue, `SecretIdList`.
const MOST: usize = 20;

/// Batches at the same time, far below the service's quota of 100 a second.
const AT_ONCE: usize = 4;

/// Whether a key, which may be a name, an ARN or an ARN without its random suffix, means this secret.
fn means(key: &str, name: &str, arn: &str) -> bool {
    let partial = || {
        let suffix = arn.strip_prefix(key)?.strip_prefix('-')?;
        (key.starts_with("arn:") && suffix.len() == 6).then_some(())
    };
    key == name || key == arn || partial().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_find_their_secret_under_each_of_its_names() {
        let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app/db-a1B2c3";
        for (key, meant) in [
            ("app/db", true),
            (arn, true),
            ("arn:aws:secretsmanager:eu-central-1:123456789012:secret:app/db", true),
            ("arn:aws:secretsmanager:eu-central-1:123456789012:secret:app/d", false),
            ("arn:aws:secretsmanager:eu-central-1:123456789012:secret:app", false),
            ("app/db-a1B2c3", false),
            ("app", false),
            ("", false),
        ] {
            assert_eq!(means(key, "app/db", arn), meant, "{key}");
        }
    }
}
