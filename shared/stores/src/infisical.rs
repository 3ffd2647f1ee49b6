//! Infisical. Source: Infisical's server and its client for Go, version 0.8, and ESO's provider, version 2.9.

use crate::kit::{
    Api, Ask, Call, Door, Hidden, Material, OneServer, OneServerSources, Proofs, Proven, Server, sealed,
};
use pawl_domain::store::{Backend, InfisicalAuth, InfisicalStore};
use pawl_domain::{Fetched, Find, Keep, Kind, Provider, SecretValue};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Infisical as [`Sources`](pawl_ports::Sources): one call a key. A secret has a version, but what it refers to and what its
/// folder imports change without one, so the value tells the version.
pub type InfisicalSources<C> = OneServerSources<Infisical, C>;

/// How Infisical is asked.
#[derive(Debug)]
pub struct Infisical;

const RIGHT: &str = "the rights to describe secrets and to read their values in the environment and folder";
const YES: &str = "true";

impl OneServer for Infisical {
    type Spec = InfisicalStore;
    type Proof = SecretValue;
    const PROVIDER: Provider = Provider::Infisical;

    fn spec(backend: &Backend) -> Option<&InfisicalStore> {
        backend.as_infisical()
    }

    fn server(spec: &InfisicalStore) -> Server<'_> {
        Server { provider: Self::PROVIDER, address: &spec.host_api, field: "hostAPI" }
    }

    fn identity(spec: &InfisicalStore) -> InfisicalStore {
        let none = String::new;
        let (project, environment, path) = (none(), none(), none());
        InfisicalStore { project, environment, path, recursive: false, expands: false, ..spec.clone() }
    }

    async fn material<C: ClusterCredentials>(
        spec: &InfisicalStore,
        proofs: &Proofs<'_, C>,
    ) -> Result<Material, Error> {
        let ca = proofs.authorities(spec.ca_bundle.as_ref(), spec.ca_provider.as_ref()).await?;
        Ok(Material { ca, ..Material::default() })
    }

    async fn prove<C: ClusterCredentials>(
        spec: &InfisicalStore,
        proofs: &Proofs<'_, C>,
        door: &Door<'_>,
    ) -> Result<Proven<SecretValue>, Error> {
        let (way, members) = match &spec.auth {
            InfisicalAuth::Universal { id, secret } => {
                ("universal-auth", vec![("clientId", id), ("clientSecret", secret)])
            }
            InfisicalAuth::Jwt { identity, jwt } => {
                ("jwt-auth", vec![("identityId", identity), ("jwt", jwt)])
            }
            InfisicalAuth::Ldap { identity, username, password } => {
                ("ldap-auth", vec![("identityId", identity), ("username", username), ("password", password)])
            }
            InfisicalAuth::Token(token) => {
                return Ok(Proven::by_secret(bearer(&proofs.secret(token).await?)));
            }
        };
        let mut body = Map::new();
        for (member, at) in members {
            body.insert(member.to_owned(), Value::String(proofs.text(at).await?));
        }
        if let Some(organization) = &spec.organization {
            body.insert("organizationSlug".to_owned(), Value::String(organization.clone()));
        }
        let body = SecretValue::new(Value::Object(body).to_string());
        let path = vec!["v1", "auth", way, "login"];
        let login: Login = door.token(Ask::post(path, HeaderMap::new(), &body, door.link.bounds())).await?;
        Ok(Proven::by_token(bearer(&login.token.0), login.seconds))
    }

    async fn check(api: &Api<'_, Self>) -> Result<(), Error> {
        let call = api.call("list", &api.spec.path);
        api.list(&call, &api.spec.path, &[("viewSecretValue", "false")]).await.map(|_| ())
    }

    async fn values(api: &Api<'_, Self>, wanted: &[Wanted]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        api.each(wanted, |one| api.value(&one.key)).await
    }

    async fn find(api: &Api<'_, Self>, find: &Find, keep: &Keep) -> Result<BTreeMap<String, Fetched>, Error> {
        let call = api.call("list", "find");
        let pattern = find.pattern().map_err(|error| call.error(Kind::Invalid, error))?;
        let query =
            [("expandSecretReferences", flag(api.spec.expands)), ("recursive", flag(api.spec.recursive))];
        let List { secrets, imports } = api.list(&call, &api.spec.path, &query).await?;
        let wanted = |folder: &str, name: &str| {
            find.path.as_deref().is_none_or(|path| folder.starts_with(path))
                && pattern.is_match(name)
                && keep.allows(name)
        };
        let mut found: BTreeMap<String, Fetched> = BTreeMap::new();
        for secret in secrets.into_iter().filter(|each| wanted(&each.folder, &each.name)) {
            let (name, read) = (secret.name.clone(), api.read(&call, secret)?);
            if found.get(&name).is_some_and(|other| other.version != read.version) {
                let what =
                    "several folders have a secret of one name with different values; search one folder";
                return Err(call.error(Kind::Invalid, what));
            }
            found.insert(name, read);
        }
        // What is in the folder counts before what it imports, and of imports the last one.
        for import in imports.into_iter().rev() {
            let secrets = import.secrets.into_iter().filter(|each| wanted(&import.folder, &each.name));
            for secret in secrets {
                if !found.contains_key(&secret.name) {
                    found.insert(secret.name.clone(), api.read(&call, secret)?);
                }
            }
        }
        Ok(found)
    }
}

#[derive(Deserialize)]
struct Login {
    #[serde(rename = "accessToken")]
    token: Hidden,
    #[serde(rename = "expiresIn")]
    seconds: u32,
}

#[derive(Deserialize)]
struct One {
    secret: Secret,
}

/// Why there is no answer. A project, an environment and a folder that are not there are called otherwise.
#[derive(Deserialize)]
struct Said {
    message: String,
}

#[derive(Deserialize)]
struct Secret {
    #[serde(rename = "secretKey")]
    name: String,
    #[serde(rename = "secretValue")]
    value: Hidden,
    #[serde(rename = "secretPath", default)]
    folder: String,
    #[serde(rename = "secretValueHidden", default)]
    is_hidden: bool,
}

#[derive(Deserialize)]
struct List {
    secrets: Vec<Secret>,
    #[serde(default)]
    imports: Vec<Import>,
}

#[derive(Deserialize)]
struct Import {
    #[serde(rename = "secretPath", default)]
    folder: String,
    secrets: Vec<Secret>,
}

impl Api<'_, Infisical> {
    async fn value(&self, key: &str) -> Result<Fetched, Error> {
        let call = self.call("secret", key);
        let (folder, name) = place(&self.spec.path, key);
        if name.is_empty() {
            return Err(call.error(Kind::Invalid, "names no secret; write its name behind the folder"));
        }
        let query = [("expandSecretReferences", flag(self.spec.expands))];
        let ask = self.ask(&call, &["v3", "secrets", "raw", name], &folder, &query)?;
        let is_absent = |said: Said| said.message == format!("Secret with name '{name}' not found");
        let reply = self.link().ask(&call, ask).await;
        let read: Option<One> = call.counted(reply.and_then(|reply| match reply.status.as_u16() {
            200 => reply.object().map(Some).ok_or_else(|| call.unreadable()),
            404 if reply.object().is_some_and(is_absent) => Ok(None),
            _ => Err(reply.failure(call.refused(&reply, RIGHT))),
        }))?;
        match read {
            Some(One { secret }) => self.read(&call, secret),
            None => Err(self.absence(&call, &folder, name).await?),
        }
    }

    /// A secret is missing in the same words where its folder imports it from one that may not be read any more: what an
    /// import gives is left out, the import itself stays in the list.
    async fn absence(&self, call: &Call<'_>, folder: &str, name: &str) -> Result<Error, Error> {
        let List { secrets, imports } = self.list(call, folder, &[("viewSecretValue", "false")]).await?;
        Ok(match imports.is_empty() && secrets.iter().all(|secret| secret.name != name) {
            true => call.missing(),
            false => call.error(
                Kind::Invalid,
                format_args!(
                    "it is not there, or an import of its folder may not be read; give the identity {RIGHT}"
                ),
            ),
        })
    }

    async fn list(&self, call: &Call<'_>, folder: &str, query: &[(&str, &str)]) -> Result<List, Error> {
        let ask = self.ask(call, &["v3", "secrets", "raw"], folder, query)?;
        self.json(call, ask, |call, reply| call.refused(reply, RIGHT)).await
    }

    fn ask<'a>(
        &'a self,
        call: &Call<'_>,
        path: &[&'a str],
        folder: &'a str,
        query: &[(&'a str, &'a str)],
    ) -> Result<Ask<'a>, Error> {
        let scope = [
            ("workspaceSlug", self.spec.project.as_str()),
            ("environment", &self.spec.environment),
            ("secretPath", folder),
            ("include_imports", YES),
        ];
        let headers = HeaderMap::from_iter([(AUTHORIZATION, sealed(self.proof(), call)?)]);
        Ok(Ask { headers, ..Ask::get(path, &[&scope, query].concat()) })
    }

    fn read(&self, call: &Call<'_>, secret: Secret) -> Result<Fetched, Error> {
        match secret.is_hidden {
            // In place of the value stands what says that it is hidden.
            true => {
                Err(call.error(Kind::Denied, format_args!("its value is hidden; give the identity {RIGHT}")))
            }
            false => Ok(self.digested(secret.value.0)),
        }
    }
}

fn bearer(token: &SecretValue) -> SecretValue {
    SecretValue::new([b"Bearer ", token.expose()].concat())
}

fn flag(is: bool) -> &'static str {
    if is { YES } else { "false" }
}

/// The folder and the name that a key means, which is a path below the store's folder, or from the root.
fn place<'a>(own: &str, key: &'a str) -> (String, &'a str) {
    match key.rsplit_once('/') {
        None => (own.to_owned(), key),
        Some(("", name)) => ("/".to_owned(), name),
        Some((folder, name)) if folder.starts_with('/') => (folder.to_owned(), name),
        Some((folder, name)) => (format!("{}/{folder}", own.trim_end_matches('/')), name),
    }
}
