//! Takes out of answers and records what differs each time.

use serde_json::{Map, Value, json};

/// Knows the word of one run.
pub(crate) struct Neutral<'run> {
    pub(crate) run: &'run str,
}

impl Neutral<'_> {
    /// A value without times, ids, hashes, and ports.
    pub(crate) fn value(&self, key: &str, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(key, &text)),
            Value::Number(_)
                if matches!(key, "creation_time" | "last_renewal_time" | "remote_port" | "ttl") =>
            {
                json!("<number>")
            }
            Value::Array(elements) => elements.into_iter().map(|element| self.value(key, element)).collect(),
            Value::Object(members) => Value::Object(
                members
                    .into_iter()
                    .map(|(key, value)| {
                        let value = self.value(&key, value);
                        (key.replace(self.run, "$run"), value)
                    })
                    .collect(),
            ),
            other => other,
        }
    }

    /// The records of one call. What the second has in common with the first is not said again, nor who the root token is.
    pub(crate) fn records(&self, lines: &[String]) -> Vec<Value> {
        let parsed =
            lines.iter().map(|line| serde_json::from_str(line).unwrap_or_else(|_| json!({ "broken": line })));
        let mut records: Vec<Value> = parsed.map(|record| self.value("", record)).collect();
        if let [first, rest @ ..] = &mut records[..] {
            for record in rest {
                for part in ["auth", "request"] {
                    if record[part] == first[part] {
                        record[part] = json!("<as before>");
                    }
                }
            }
        }
        for record in &mut records {
            if record["auth"]["policies"] == json!(["root"]) {
                record["auth"] = json!("<root>");
            }
            if let Some(members) = record.as_object_mut() {
                members.retain(|key, _| key != "time");
            }
            for part in ["request", "response"] {
                if let Some(part) = record.get_mut(part).and_then(Value::as_object_mut) {
                    drop_constants(part);
                }
            }
        }
        records
    }

    fn text(&self, key: &str, text: &str) -> String {
        let hexadecimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let parts: Vec<&str> = text.split('-').collect();
        let uuid = parts.len() == 5 && parts.iter().all(|part| hexadecimal(part)) && text.len() >= 36;
        let time = text.len() >= 20 && text.as_bytes()[10] == b'T' && text.ends_with('Z');
        let handle = text.rsplit_once('_').filter(|(_, id)| id.len() == 8 && hexadecimal(id));
        match key {
            "client_id" | "id" if text != "root" => format!("<{key}>"),
            "namespace_id" if text != "root" => "<id>".to_owned(),
            "client_token" | "client_token_accessor" | "token" => "<token>".to_owned(),
            "running_plugin_version" | "mount_running_version" | "mount_running_plugin_version" => {
                "<version>".to_owned()
            }
            "accessor" | "mount_accessor" => {
                handle.map_or("<accessor>".to_owned(), |(kind, _)| format!("{kind}_<id>"))
            }
            _ if text.starts_with("hmac-sha256:") => "<hmac>".to_owned(),
            // Written at a whole ten nanoseconds, its length differs.
            _ if time && text != "2024-01-02T03:04:05Z" => "<time>".to_owned(),
            "entity_id" if !text.is_empty() => "<entity>".to_owned(),
            _ if uuid => "<uuid>".to_owned(),
            _ => text.replace(self.run, "$run"),
        }
    }
}

/// Loopback addresses, and the mount's properties that the table says once by its path.
fn drop_constants(part: &mut Map<String, Value>) {
    if part.get("remote_address") == Some(&json!("127.0.0.1")) {
        part.remove("remote_address");
        part.remove("remote_port");
    }
}
