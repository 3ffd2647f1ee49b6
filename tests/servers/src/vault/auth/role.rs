use crate::vault::{
    duration,
    json::{Json, Object},
};

/// A role of a method, or a user: what it was written with.
#[derive(Debug, Default)]
pub(super) struct Role {
    pub(super) data: Object,
}

/// What tokens of a role are made with.
#[derive(Debug, Clone, Default)]
pub(crate) struct TokenSettings {
    pub(crate) policies: Vec<String>,
    pub(crate) ttl: u64,
    pub(crate) max_ttl: u64,
    pub(crate) uses: u64,
    pub(crate) batch: bool,
}

impl Role {
    pub(super) fn take(&mut self, data: &Object) {
        self.data.extend(data.clone());
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.data.get(name).and_then(Json::as_str).unwrap_or_default()
    }

    pub(super) fn token(&self) -> TokenSettings {
        let seconds = |names: [&str; 2]| {
            names.iter().find_map(|name| self.data.get(*name)).and_then(duration::seconds).unwrap_or_default()
        };
        let mut policies = self.texts("token_policies");
        policies.extend(self.texts("policies"));
        TokenSettings {
            policies,
            ttl: seconds(["token_ttl", "ttl"]),
            max_ttl: seconds(["token_max_ttl", "max_ttl"]),
            uses: seconds(["token_num_uses", "num_uses"]),
            batch: self.text("token_type") == "batch",
        }
    }

    /// A list, or text with commas.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        texts(self.data.get(name))
    }
}

/// A list of texts, or one text with commas.
pub(crate) fn texts(value: Option<&Json>) -> Vec<String> {
    match value {
        Some(Json::Array(elements)) => elements.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        Some(Json::String(text)) => {
            text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
        }
        _ => Vec::new(),
    }
}
