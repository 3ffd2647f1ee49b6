use super::entry::Entry;
use crate::vault::json::Json;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

/// Each device hashes with a salt of its own.
#[derive(Debug, Clone)]
pub(crate) struct Salt(pub(crate) String);

impl Salt {
    /// `hmac-sha256:` and 64 hexadecimal digits.
    pub(crate) fn hash(&self, text: &str) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()) else { return String::new() };
        mac.update(text.as_bytes());
        format!("hmac-sha256:{}", hex::encode(mac.finalize().into_bytes()))
    }

    /// Everything of an entry that is not for readers of a log. Accessors stay where `accessors` is false.
    pub(crate) fn veil(&self, mut entry: Entry, accessors: bool) -> Entry {
        let mut tokens = vec![&mut entry.auth.client_token, &mut entry.request.client_token];
        if accessors {
            tokens.extend([&mut entry.auth.accessor, &mut entry.request.client_token_accessor]);
        }
        let clear = &entry.request.clear_keys;
        if let Some(data) = &mut entry.request.data {
            self.veil_data(data, clear);
        }
        if let Some(response) = &mut entry.response {
            if let Some(data) = &mut response.data {
                self.veil_data(data, &response.clear_keys);
            }
            if let Some(auth) = &mut response.auth {
                tokens.push(&mut auth.client_token);
                if accessors {
                    tokens.push(&mut auth.accessor);
                }
            }
            if let Some(wrapped) = &mut response.wrap_info {
                tokens.push(&mut wrapped.token);
                if accessors {
                    tokens.push(&mut wrapped.accessor);
                }
            }
        }
        for token in tokens.into_iter().filter(|token| !token.is_empty()) {
            *token = self.hash(token);
        }
        entry
    }

    fn veil_data(&self, data: &mut Json, clear: &[String]) {
        let whole = std::mem::replace(data, Json::Null).through_float64();
        *data = self.veiled(whole, clear, "");
    }

    /// Strings are hashed, but for times, keys of objects, and what stands under a key that the mount excepts.
    fn veiled(&self, value: Json, clear: &[String], key: &str) -> Json {
        match value {
            Json::String(text) if is_time(&text) || clear.iter().any(|clear| clear == key) => {
                Json::String(text)
            }
            Json::String(text) => Json::String(self.hash(&text)),
            Json::Array(elements) => {
                Json::Array(elements.into_iter().map(|element| self.veiled(element, clear, key)).collect())
            }
            Json::Object(members) => Json::Object(
                members
                    .into_iter()
                    .map(|(key, value)| {
                        let value = self.veiled(value, clear, &key);
                        (key, value)
                    })
                    .collect(),
            ),
            other => other,
        }
    }
}

/// RFC 3339, whole.
fn is_time(text: &str) -> bool {
    let shape = text.as_bytes();
    shape.len() >= 20
        && shape[10] == b'T'
        && (text.ends_with('Z') || shape[shape.len() - 3] == b':')
        && text.parse::<Timestamp>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_hashed_except_times_and_named_keys() {
        let salt = Salt("salt".to_owned());
        let mut data = Json::parse(
            r#"{"a":"x","n":5,"t":"2024-01-02T03:04:05Z","o":"2024-01-02T03:04:05+01:00","d":"2024-01-02","note":["x"]}"#,
        )
        .unwrap();
        salt.veil_data(&mut data, &["note".to_owned()]);
        let hashed = |text: &str| salt.hash(text);
        assert_eq!(
            data,
            Json::object([
                ("a", Json::String(hashed("x"))),
                ("n", Json::from(5)),
                ("t", Json::from("2024-01-02T03:04:05Z")),
                ("o", Json::from("2024-01-02T03:04:05+01:00")),
                ("d", Json::String(hashed("2024-01-02"))),
                ("note", Json::Array(vec![Json::from("x")])),
            ])
        );
        // From Python: hmac.new(b"salt", b"x", hashlib.sha256).hexdigest()
        assert_eq!(
            hashed("x"),
            "hmac-sha256:555eb18440ae9c41f5d150d5628fa2b28bbdd8c479600188ebc68db666b0195f"
        );
    }
}
