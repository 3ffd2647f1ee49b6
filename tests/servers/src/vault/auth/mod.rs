//! Methods of authentication: each checks what a client shows and says which token it gets for it.

mod approle;
mod aws;
mod bearer;
mod certificate;
mod claims;
mod password;
mod role;
mod token;

use super::{
    call::Call,
    json::{Json, Object},
    kv::Ask,
    reply::{Refusal, Response},
};
use role::Role;
pub(crate) use role::texts;
use std::collections::BTreeMap;

/// A method at a mount: its configuration and its roles, as they were written through the API.
#[derive(Debug)]
pub(crate) struct Method {
    pub(super) kind: Kind,
    config: Object,
    roles: BTreeMap<String, Role>,
    approle: approle::Ids,
}

/// What kinds of methods there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    AppRole,
    Userpass,
    Ldap,
    Jwt,
    Kubernetes,
    Certificate,
    Aws,
    Gcp,
}

/// What a method answers.
pub(crate) enum Answered {
    Said(Option<Box<Response>>),
    Login(Box<Login>),
}

/// A login that succeeded.
#[derive(Debug, Default)]
pub(crate) struct Login {
    /// Behind the mount's name in the token's display name.
    pub(crate) name: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) role: role::TokenSettings,
    /// Whom the token is for, in the method's own words: equal ones share an entity.
    pub(crate) alias: String,
}

type Result = std::result::Result<Answered, Refusal>;

impl Answered {
    fn said(response: Option<Response>) -> Self {
        Self::Said(response.map(Box::new))
    }

    fn login(login: Login) -> Self {
        Self::Login(Box::new(login))
    }
}

impl Kind {
    /// The method of a type that `sys/auth` names.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "approle" => Self::AppRole,
            "userpass" => Self::Userpass,
            "ldap" => Self::Ldap,
            "jwt" => Self::Jwt,
            "kubernetes" => Self::Kubernetes,
            "cert" => Self::Certificate,
            "aws" => Self::Aws,
            "gcp" => Self::Gcp,
            _ => return None,
        })
    }

    /// The folder that its roles are written to.
    fn folder(self) -> &'static str {
        match self {
            Self::AppRole | Self::Jwt | Self::Kubernetes | Self::Aws | Self::Gcp => "role/",
            Self::Userpass | Self::Ldap => "users/",
            Self::Certificate => "certs/",
        }
    }
}

impl Method {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, config: Object::new(), roles: BTreeMap::new(), approle: approle::Ids::default() }
    }

    /// Whether a path below the mount is one that needs no token.
    pub(crate) fn is_login(path: &str) -> bool {
        path == "login" || path.starts_with("login/")
    }

    /// Whether writing a role is an update; none for other paths.
    pub(crate) fn exists(&self, path: &str) -> Option<bool> {
        let name =
            path.strip_prefix(self.kind.folder()).filter(|name| !name.is_empty() && !name.contains('/'))?;
        Some(self.roles.contains_key(name))
    }

    pub(crate) fn handle(&mut self, ask: &Ask<'_>, call: &Call) -> Result {
        if Self::is_login(ask.path) {
            return match ask.operation {
                operation if !operation.is_write() => Err(Refusal::unsupported_operation()),
                _ => self.login(ask, call),
            };
        }
        if ask.path == "config" || ask.path.starts_with("config/") {
            if ask.operation.is_write() {
                self.config.extend(ask.data.clone());
            }
            let config = Response::data(Json::Object(self.config.clone()));
            return Ok(Answered::said((!ask.operation.is_write()).then_some(config)));
        }
        match ask
            .path
            .strip_prefix(self.kind.folder())
            .and_then(|rest| rest.split_once('/').or(Some((rest, ""))))
        {
            Some((name, "")) if !name.is_empty() => Ok(Answered::said(self.role(name, ask))),
            Some((name, id)) if self.kind == Kind::AppRole => self.approle_id(name, id, ask),
            _ => Err(Refusal::unsupported_path()),
        }
    }

    fn login(&mut self, ask: &Ask<'_>, call: &Call) -> Result {
        match self.kind {
            Kind::AppRole => self.approle_login(ask),
            Kind::Userpass | Kind::Ldap => self.password_login(ask),
            Kind::Jwt => self.jwt_login(ask),
            Kind::Kubernetes => self.kubernetes_login(ask),
            Kind::Certificate => self.certificate_login(ask, call),
            Kind::Aws => self.aws_login(ask),
            Kind::Gcp => self.gcp_login(ask),
        }
    }

    fn role(&mut self, name: &str, ask: &Ask<'_>) -> Option<Response> {
        use crate::vault::call::Operation::{Create, Delete, List, Patch, Read, Update};
        match ask.operation {
            Create | Update | Patch => {
                self.roles.entry(name.to_owned()).or_default().take(ask.data);
                None
            }
            Read => self.roles.get(name).map(|role| Response::data(Json::Object(role.data.clone()))),
            Delete => {
                self.roles.remove(name);
                None
            }
            List => None,
        }
    }
}
