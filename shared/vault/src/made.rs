//! What engines make: one call for the generator VaultDynamicSecret. Sources: ESO's generator of that name, version 2.9, and
//! `api/secret.go` of Vault's Go client, by which it reads answers.
//!
//! What lives under a lease is good as long as the lease is. Nobody renews or revokes it, as in ESO: it ends by itself.

use crate::call::{DELETE, LIST, READ, WRITE};
use crate::link::Ask;
use crate::rules::Rules;
use crate::session::Session;
use crate::sources::VaultSources;
use jiff::{SignedDuration, Timestamp};
use pawl_domain::generator::{VaultGenerator, VaultMethod, VaultResult};
use pawl_domain::render::{Budget, answered_members};
use pawl_domain::{Access, Generator, GeneratorKind, Kind, SecretValue, Step};
use pawl_golang::json::{self, Html, Tree};
use pawl_ports::{Answer, CallerIdentity, ClusterCredentials, Error, Generation, Generators};
use pawl_stores::kit::{Call, Reply};
use reqwest::{Method, StatusCode};
use std::collections::BTreeMap;

impl<C: ClusterCredentials, A: CallerIdentity> Generators for VaultSources<C, A> {
    fn kinds(&self) -> Vec<GeneratorKind> {
        vec![GeneratorKind::VaultDynamicSecret]
    }

    #[tracing::instrument(skip_all, fields(generator = "VaultDynamicSecret"))]
    fn generate<'a>(&'a self, access: &'a Access) -> Answer<'a, Result<Generation, Error>> {
        Box::pin(async move {
            let Some(Generator::Vault(spec)) = access.backend.as_generator() else {
                let message = "Vault was asked for what it does not make";
                return Err(Error::new(Step::Fetch, Kind::Invalid, message));
            };
            // The identity is proven as that of a store, and shared with those that have the same.
            let reader = Access { backend: spec.server.clone().into(), ..access.clone() };
            let session = self.identities.session(&reader).await?;
            let answer = made(spec, &reader, &session, self.clock.now()).await;
            if !self.gave_up(&reader, &session, std::iter::once(&answer)).await {
                return answer;
            }
            let session = self.identities.session(&reader).await?;
            made(spec, &reader, &session, self.clock.now()).await
        })
    }
}

async fn made(
    spec: &VaultGenerator,
    reader: &Access,
    session: &Session,
    now: Timestamp,
) -> Result<Generation, Error> {
    let server = Rules::of(reader).server(&spec.server);
    let body = SecretValue::new(spec.parameters.as_str());
    let plain =
        Ask { namespace: spec.server.key_namespace(), token: session.token.as_ref(), ..Ask::get(&spec.path) };
    let pairs =
        || spec.query.iter().flat_map(|(name, all)| all.iter().map(move |one| (name.as_str(), one.as_str())));
    let (action, ask) = match spec.method {
        VaultMethod::Read => (READ, Ask { query: pairs().collect(), ..plain }),
        VaultMethod::List => (LIST, Ask { query: vec![("list", "true")], ..plain }),
        VaultMethod::Delete => (DELETE, Ask { method: Method::DELETE, ..plain }),
        VaultMethod::Write => (WRITE, Ask { method: Method::PUT, body: Some(&body), ..plain }),
    };
    let call = Call { step: Step::Fetch, server, action, subject: &spec.path };
    let reply = session.link.send(&call, &ask).await;
    call.counted(reply.and_then(|reply| generation(spec, &call, &reply, now)))
}

fn generation(
    spec: &VaultGenerator,
    call: &Call<'_>,
    reply: &Reply,
    now: Timestamp,
) -> Result<Generation, Error> {
    let Some(secret) = Secret::of(spec.method, call, reply)? else {
        let what = "the answer is empty; correct path and method, or set allowEmptyResponse";
        return if spec.allows_empty {
            Ok(Generation::default())
        } else {
            Err(call.error(Kind::Invalid, what))
        };
    };
    let expires = secret.lease().and_then(|lease| now.checked_add(SignedDuration::from_secs(lease)).ok());
    let values = secret.values(spec.result).ok_or_else(|| call.unreadable())?;
    Ok(Generation { values, expires })
}

/// An answer, as Vault's Go client has it.
struct Secret {
    frame: BTreeMap<Vec<u8>, Tree>,
    /// The JSON of its data, for numbers of these are given out as they were written.
    data: SecretValue,
}

/// A field, what stands for it where it is absent or null, and whether it is left out then.
type Field = (&'static str, Tree, bool);

impl Secret {
    /// `None` where the client has nothing.
    fn of(method: VaultMethod, call: &Call<'_>, reply: &Reply) -> Result<Option<Self>, Error> {
        let is_read = matches!(method, VaultMethod::Read | VaultMethod::List);
        let is_missing = reply.status == StatusCode::NOT_FOUND;
        if is_missing && !is_read {
            let path = call.subject;
            return Err(call
                .error(Kind::Invalid, format_args!("there is nothing at {path}; correct path and method")));
        }
        if reply.body.trim_ascii().is_empty() {
            return Ok(None);
        }
        let Ok(Tree::Map(frame)) = json::decode(reply.body.as_slice()) else { return Err(call.unreadable()) };
        let named = |(name, _, _): &Field| frame.get(name.as_bytes()).is_some_and(|tree| !is_zero(tree));
        if !frame_fields().iter().any(named) {
            return match frame.contains_key(&b"errors"[..]) {
                true if frame.len() == 1 => Ok(None),
                true => Err(call.unreadable()),
                false if is_missing => Ok(None),
                // Some endpoints answer without the frame.
                false => Self::new(BTreeMap::from([(b"data".to_vec(), Tree::Map(frame))]), &reply.body)
                    .map(Some)
                    .ok_or_else(|| call.unreadable()),
            };
        }
        let mut members = json::object_to_quoted(reply.body.as_slice()).map_err(|_| call.unreadable())?;
        let data = members.remove(&b"data"[..]).map(SecretValue::new);
        let data = data.unwrap_or_else(|| SecretValue::new("null"));
        if is_missing && !matches!(frame.get(&b"data"[..]), Some(Tree::Map(data)) if !data.is_empty()) {
            return Ok(None);
        }
        Self::new(frame, data.expose()).map(Some).ok_or_else(|| call.unreadable())
    }

    /// `None` where data or auth are no objects.
    fn new(frame: BTreeMap<Vec<u8>, Tree>, data: &[u8]) -> Option<Self> {
        let is_object = |name: &[u8]| matches!(frame.get(name), None | Some(Tree::Null | Tree::Map(_)));
        let data = SecretValue::new(json::rewrite(data, Html::Escape).ok()?);
        (is_object(b"data") && is_object(b"auth")).then_some(Self { frame, data })
    }

    /// How many seconds what is in it is good for.
    fn lease(&self) -> Option<i64> {
        let of = |members: &BTreeMap<Vec<u8>, Tree>| match members.get(&b"lease_duration"[..]) {
            #[expect(clippy::cast_possible_truncation, reason = "it saturates, and seconds have no parts")]
            Some(Tree::Float(seconds)) => Some(*seconds as i64).filter(|seconds| *seconds > 0),
            _ => None,
        };
        let auth = match self.frame.get(&b"auth"[..]) {
            Some(Tree::Map(auth)) => of(auth),
            _ => None,
        };
        of(&self.frame).into_iter().chain(auth).min()
    }

    fn values(mut self, result: VaultResult) -> Option<BTreeMap<String, SecretValue>> {
        let auth = match self.frame.remove(&b"auth"[..]) {
            Some(Tree::Map(auth)) => Some(shaped(auth, auth_fields())),
            _ => None,
        };
        let object = match result {
            VaultResult::Data => {
                let members = json::object_to_raw(self.data.expose()).ok()?;
                let entry = |(name, text)| Some((String::from_utf8(name).ok()?, SecretValue::new(text)));
                return members.into_iter().map(entry).collect();
            }
            VaultResult::Auth => auth.unwrap_or_else(|| Tree::Map(BTreeMap::new())),
            VaultResult::Raw => {
                self.frame.extend(auth.map(|auth| (b"auth".to_vec(), auth)));
                shaped(self.frame, frame_fields())
            }
        };
        let object = SecretValue::new(json::encode(&object, Html::Escape).ok()?);
        answered_members("", &object, &mut Budget::default()).ok()
    }
}

/// The fields of Go's struct, and no others.
fn shaped(mut members: BTreeMap<Vec<u8>, Tree>, fields: Vec<Field>) -> Tree {
    let field = |(name, zero, is_left_out): Field| {
        let held = members.remove(name.as_bytes()).filter(|tree| *tree != Tree::Null);
        match held {
            Some(held) if !(is_left_out && is_zero(&held)) => Some((name.as_bytes().to_vec(), held)),
            _ => (!is_left_out).then(|| (name.as_bytes().to_vec(), zero)),
        }
    };
    Tree::Map(fields.into_iter().filter_map(field).collect())
}

fn is_zero(tree: &Tree) -> bool {
    match tree {
        Tree::Null | Tree::Bool(false) => true,
        Tree::Float(number) => *number == 0.0,
        Tree::Text(text) => text.is_empty(),
        _ => false,
    }
}

fn frame_fields() -> Vec<Field> {
    vec![
        ("request_id", Tree::Text(Vec::new()), false),
        ("lease_id", Tree::Text(Vec::new()), false),
        ("lease_duration", Tree::Float(0.0), false),
        ("renewable", Tree::Bool(false), false),
        ("data", Tree::Null, false),
        ("warnings", Tree::Null, false),
        ("auth", Tree::Null, true),
        ("wrap_info", Tree::Null, true),
        ("mount_type", Tree::Null, true),
    ]
}

fn auth_fields() -> Vec<Field> {
    vec![
        ("client_token", Tree::Text(Vec::new()), false),
        ("accessor", Tree::Text(Vec::new()), false),
        ("policies", Tree::Null, false),
        ("token_policies", Tree::Null, false),
        ("identity_policies", Tree::Null, false),
        ("metadata", Tree::Null, false),
        ("orphan", Tree::Bool(false), false),
        ("entity_id", Tree::Text(Vec::new()), false),
        ("lease_duration", Tree::Float(0.0), false),
        ("renewable", Tree::Bool(false), false),
        ("mfa_requirement", Tree::Null, false),
    ]
}
