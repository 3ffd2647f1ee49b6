//! Tokens: made by logins and by each other, used, renewed and revoked, and over when their time is.

use super::{ids, json::Json, reply::Grant};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// The longest life of a token, and the life of one that names none: 32 days.
pub(crate) const MAX_TTL: u64 = 2_764_800;

/// A token that was handed out.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) id: String,
    pub(crate) accessor: String,
    /// Where it was made: `ns1/child/`, or empty.
    pub(crate) namespace: String,
    pub(crate) made: Made,
    pub(crate) created: Timestamp,
    pub(crate) renewed: Option<Timestamp>,
    /// What the last renewal gave, seconds.
    lease: u64,
    /// None: never.
    pub(crate) expires: Option<Timestamp>,
    pub(crate) parent: Option<String>,
}

/// What a token is made with.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    /// Sorted.
    pub(crate) policies: Vec<String>,
    pub(crate) display_name: String,
    pub(crate) metadata: Option<BTreeMap<String, String>>,
    /// The path of the request that made it.
    pub(crate) path: String,
    /// Seconds; 0 for a root token, which has no end.
    pub(crate) ttl: u64,
    /// Seconds; 0 for the server's own limit.
    pub(crate) max_ttl: u64,
    pub(crate) renewable: bool,
    pub(crate) batch: bool,
    /// How often it may be used; 0 for any number.
    pub(crate) uses: u64,
    pub(crate) entity: String,
}

/// All tokens of a server.
#[derive(Debug, Default)]
pub(crate) struct Tokens(BTreeMap<String, Token>);

impl Tokens {
    pub(crate) fn root(&mut self, id: &str, now: Timestamp) {
        let made = Made {
            policies: vec!["root".to_owned()],
            display_name: "token".to_owned(),
            metadata: None,
            path: "auth/token/create".to_owned(),
            ttl: 0,
            max_ttl: 0,
            renewable: false,
            batch: false,
            uses: 0,
            entity: String::new(),
        };
        let token = Token {
            id: id.to_owned(),
            accessor: ids::base62(24),
            namespace: String::new(),
            made,
            created: now,
            renewed: None,
            lease: 0,
            expires: None,
            parent: None,
        };
        self.0.insert(id.to_owned(), token);
    }

    /// Makes a token in a namespace, whose id its own id ends with.
    pub(crate) fn make(
        &mut self,
        (namespace, namespace_id): (&str, &str),
        parent: Option<String>,
        mut made: Made,
        now: Timestamp,
    ) -> Grant {
        let ending = if namespace.is_empty() { String::new() } else { format!(".{namespace_id}") };
        let (id, accessor) = match made.batch {
            true => (format!("b.{}{ending}", ids::base62(136)), String::new()),
            false => (format!("s.{}{ending}", ids::base62(24)), format!("{}{ending}", ids::base62(24))),
        };
        let root = made.policies == ["root"];
        if !(root && made.ttl == 0) {
            made.ttl = if made.ttl == 0 { limit(&made) } else { made.ttl.min(limit(&made)) };
        }
        made.renewable &= !made.batch && made.ttl > 0;
        let expires = (made.ttl > 0).then(|| after(now, made.ttl));
        let token = Token {
            lease: made.ttl,
            id: id.clone(),
            accessor,
            namespace: namespace.to_owned(),
            made,
            created: now,
            renewed: None,
            expires,
            parent,
        };
        let grant = token.grant(token.made.ttl);
        self.0.insert(id, token);
        grant
    }

    /// A token that is alive.
    pub(crate) fn find(&self, id: &str, now: Timestamp) -> Option<&Token> {
        self.0.get(id).filter(|token| token.expires.is_none_or(|expires| now < expires))
    }

    pub(crate) fn by_accessor(&self, accessor: &str) -> Option<&Token> {
        self.0.values().find(|token| !accessor.is_empty() && token.accessor == accessor)
    }

    /// Counts a use. True when it was the last one that the token had.
    pub(crate) fn used_up(&mut self, id: &str) -> bool {
        let Some(token) = self.0.get_mut(id).filter(|token| token.made.uses > 0) else { return false };
        token.made.uses -= 1;
        token.made.uses == 0
    }

    /// Prolongs a token by the asked seconds or else by its own, as far as its limit goes.
    pub(crate) fn renew(&mut self, id: &str, asked: Option<u64>, now: Timestamp) -> Option<Grant> {
        let token = self.0.get_mut(id)?;
        let age = u64::try_from(now.duration_since(token.created).as_secs()).unwrap_or_default();
        let ttl = asked.filter(|asked| *asked > 0).unwrap_or(token.lease);
        let ttl = ttl.min(limit(&token.made).saturating_sub(age));
        token.renewed = Some(now);
        token.expires = Some(after(now, ttl));
        token.lease = ttl;
        Some(Grant { issued: Some(token.created), ..token.grant(ttl) })
    }

    /// Revokes a token and all that it made.
    pub(crate) fn revoke(&mut self, id: &str) {
        self.0.remove(id);
        let children: Vec<String> = self
            .0
            .values()
            .filter(|token| token.parent.as_deref() == Some(id))
            .map(|token| token.id.clone())
            .collect();
        children.iter().for_each(|child| self.revoke(child));
    }

    /// Revokes all but root tokens.
    pub(crate) fn revoke_all(&mut self) {
        self.0.retain(|_, token| token.made.policies == ["root"]);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}

impl Token {
    /// What `lookup` says.
    pub(crate) fn describe(&self, now: Timestamp) -> Json {
        let made = &self.made;
        let left = self.expires.map_or(0, |expires| expires.duration_since(now).as_secs());
        let texts =
            |texts: &[String]| Json::Array(texts.iter().map(|text| Json::from(text.as_str())).collect());
        let metadata = made.metadata.as_ref().map_or(Json::Null, |metadata| {
            Json::Object(
                metadata.iter().map(|(key, value)| (key.clone(), Json::from(value.as_str()))).collect(),
            )
        });
        let mut described = vec![
            ("accessor", Json::from(self.accessor.as_str())),
            ("creation_time", Json::Number(self.created.as_second().to_string())),
            ("creation_ttl", Json::from(made.ttl)),
            ("display_name", Json::from(made.display_name.as_str())),
            ("entity_id", Json::from(made.entity.as_str())),
            ("expire_time", self.expires.map_or(Json::Null, |expires| Json::from(expires.to_string()))),
            ("explicit_max_ttl", Json::from(0)),
            ("id", Json::from(self.id.as_str())),
            ("issue_time", Json::from(self.created.to_string())),
            ("meta", metadata),
            ("num_uses", Json::from(made.uses)),
            ("orphan", Json::from(self.is_orphan())),
            ("path", Json::from(made.path.as_str())),
            ("policies", texts(&made.policies)),
            ("renewable", Json::from(made.renewable)),
            ("ttl", Json::Number(left.to_string())),
            ("type", Json::from(self.kind())),
        ];
        if let Some(renewed) = self.renewed {
            described.push(("last_renewal", Json::from(renewed.to_string())));
            described.push(("last_renewal_time", Json::Number(renewed.as_second().to_string())));
        }
        if !self.namespace.is_empty() {
            described.push(("namespace_path", Json::from(self.namespace.as_str())));
        }
        Json::object(described)
    }

    pub(crate) fn kind(&self) -> &'static str {
        if self.made.batch { "batch" } else { "service" }
    }

    pub(crate) fn is_root(&self) -> bool {
        self.made.policies.iter().any(|policy| policy == "root")
    }

    fn is_orphan(&self) -> bool {
        self.parent.is_none()
    }

    fn grant(&self, ttl: u64) -> Grant {
        let made = &self.made;
        Grant {
            token: self.id.clone(),
            accessor: self.accessor.clone(),
            display_name: made.display_name.clone(),
            policies: made.policies.clone(),
            metadata: made.metadata.clone(),
            ttl,
            renewable: made.renewable,
            batch: made.batch,
            orphan: self.is_orphan(),
            uses: made.uses,
            entity: made.entity.clone(),
            entity_created: false,
            issued: None,
        }
    }
}

fn limit(made: &Made) -> u64 {
    if made.max_ttl == 0 { MAX_TTL } else { made.max_ttl }
}

fn after(now: Timestamp, seconds: u64) -> Timestamp {
    let seconds = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    now.checked_add(seconds).unwrap_or(Timestamp::MAX)
}
