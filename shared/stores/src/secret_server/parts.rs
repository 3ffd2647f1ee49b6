//! What a secret gives. Source: ESO's Secret Server provider, version 2.9, and the form in which Delinea's SDK for Go writes a
//! secret.

use pawl_domain::SecretValue;
use pawl_domain::parts::{OfProperty, Parts};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A secret as it was answered, with the names of its members in small letters.
pub(super) struct Secret {
    members: Map<String, Value>,
    fields: Vec<Map<String, Value>>,
}

/// The members of a secret, in the SDK's order.
const MEMBERS: [&str; 22] = [
    "Name",
    "FolderID",
    "ID",
    "SiteID",
    "SecretTemplateID",
    "SecretPolicyID",
    "PasswordTypeWebScriptID",
    "LauncherConnectAsSecretID",
    "CheckOutIntervalMinutes",
    "Active",
    "CheckedOut",
    "CheckOutEnabled",
    "AutoChangeEnabled",
    "CheckOutChangePasswordEnabled",
    "DelayIndexing",
    "EnableInheritPermissions",
    "EnableInheritSecretPolicy",
    "ProxyEnabled",
    "RequiresComment",
    "SessionRecordingEnabled",
    "WebLauncherRequiresIncognitoMode",
    "Items",
];
/// These are left out where they are 0.
const LEFT_OUT: [&str; 2] = ["SecretPolicyID", "PasswordTypeWebScriptID"];
/// The members of a field, in the SDK's order.
const OF_FIELD: [&str; 11] = [
    "ItemID",
    "FieldID",
    "FileAttachmentID",
    "FieldName",
    "Slug",
    "FieldDescription",
    "Filename",
    "ItemValue",
    "IsFile",
    "IsNotes",
    "IsPassword",
];

impl Secret {
    /// Out of an answer. `None` where it is none.
    pub(super) fn of(body: &[u8]) -> Option<Self> {
        let mut members = lowered(serde_json::from_slice(body).ok()?)?;
        let fields = match members.remove("items") {
            Some(Value::Array(items)) => items.into_iter().map(lowered).collect::<Option<_>>()?,
            None | Some(Value::Null) => Vec::new(),
            Some(_) => return None,
        };
        Some(Self { members, fields })
    }

    pub(super) fn id(&self) -> i64 {
        number(&self.members, "ID")
    }

    pub(super) fn folder(&self) -> i64 {
        number(&self.members, "FolderID")
    }

    /// The slugs of the fields whose content is a file.
    pub(super) fn files(&self) -> Vec<String> {
        let is_file = |field: &&Map<String, Value>| {
            flag(field, "IsFile")
                && number(field, "FileAttachmentID") != 0
                && !text(field, "Filename").is_empty()
        };
        self.fields.iter().filter(is_file).map(|field| text(field, "Slug").to_owned()).collect()
    }

    /// Gives a field its content. What is no UTF-8 is replaced, as Go does when it writes JSON.
    pub(super) fn fill(&mut self, slug: &str, content: &SecretValue) {
        let content = String::from_utf8_lossy(content.expose()).into_owned();
        for field in self.fields.iter_mut().filter(|field| text(field, "Slug") == slug) {
            field.insert("itemvalue".to_owned(), Value::String(content.clone()));
        }
    }

    /// All that it gives.
    ///
    /// # Errors
    /// Why it gives nothing.
    pub(super) fn parts(&self) -> Result<Parts, &'static str> {
        let first = self.fields.first().ok_or("it has no fields; give its template one")?;
        let document = text(first, "ItemValue");
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(document).is_ok();
        let is_object = is_json && document.trim_start().starts_with('{');
        let mut members = BTreeMap::new();
        for field in &self.fields {
            for name in [text(field, "Slug"), text(field, "FieldName")] {
                let value = || SecretValue::new(text(field, "ItemValue"));
                members.entry(name.to_owned()).or_insert_with(value);
            }
        }
        Ok(Parts {
            whole: Some(self.written()),
            document: is_json.then(|| SecretValue::new(document)),
            members,
            every: if is_object { None } else { self.named() },
            of_property: OfProperty::MembersOrOne,
            ..Parts::default()
        })
    }

    /// The fields by slug, else by name, else by number; `None` where one has none of these.
    fn named(&self) -> Option<BTreeMap<String, SecretValue>> {
        let named = |field: &Map<String, Value>| {
            let names = [text(field, "Slug"), text(field, "FieldName")].map(str::to_owned);
            let number = Some(number(field, "FieldID")).filter(|id| *id > 0).map(|id| id.to_string());
            let name = names.into_iter().chain(number).find(|name| !name.is_empty())?;
            Some((name, SecretValue::new(text(field, "ItemValue"))))
        };
        self.fields.iter().map(named).collect()
    }

    /// As the SDK writes it.
    fn written(&self) -> SecretValue {
        let mut out = String::from("{");
        for name in
            MEMBERS.into_iter().filter(|name| !LEFT_OUT.contains(name) || number(&self.members, name) != 0)
        {
            let value = match name {
                "Items" => {
                    let items: Vec<String> =
                        self.fields.iter().map(|field| object(field, &OF_FIELD)).collect();
                    format!("[{}]", items.join(","))
                }
                _ => member(&self.members, name),
            };
            let comma = if out.len() > 1 { "," } else { "" };
            out.push_str(&format!("{comma}\"{name}\":{value}"));
        }
        out.push('}');
        SecretValue::new(out)
    }
}

fn object(members: &Map<String, Value>, names: &[&str]) -> String {
    let each: Vec<String> =
        names.iter().map(|name| format!("\"{name}\":{}", member(members, name))).collect();
    format!("{{{}}}", each.join(","))
}

/// A member as JSON: what is not there is as Go's types begin.
fn member(members: &Map<String, Value>, name: &str) -> String {
    if name.ends_with("ID") || name == "CheckOutIntervalMinutes" {
        return number(members, name).to_string();
    }
    match name {
        "Name" | "FieldName" | "Slug" | "FieldDescription" | "Filename" | "ItemValue" => {
            quoted(text(members, name))
        }
        _ => flag(members, name).to_string(),
    }
}

/// As Go writes a text: signs of HTML and some line ends are escaped.
fn quoted(text: &str) -> String {
    let mut out = Value::from(text).to_string();
    for (sign, escaped) in [
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("&", "\\u0026"),
        ("\u{2028}", "\\u2028"),
        ("\u{2029}", "\\u2029"),
    ] {
        out = out.replace(sign, escaped);
    }
    out
}

/// Go takes the names of members in any case.
fn lowered(value: Value) -> Option<Map<String, Value>> {
    let Value::Object(members) = value else { return None };
    Some(members.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect())
}

fn get<'m>(members: &'m Map<String, Value>, name: &str) -> Option<&'m Value> {
    members.get(&name.to_ascii_lowercase())
}

fn text<'m>(members: &'m Map<String, Value>, name: &str) -> &'m str {
    get(members, name).and_then(Value::as_str).unwrap_or_default()
}

fn number(members: &Map<String, Value>, name: &str) -> i64 {
    get(members, name).and_then(Value::as_i64).unwrap_or_default()
}

fn flag(members: &Map<String, Value>, name: &str) -> bool {
    get(members, name).and_then(Value::as_bool).unwrap_or_default()
}
