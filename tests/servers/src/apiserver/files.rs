use super::ApiServer;
use crate::{Error, Result};
use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose,
};
use serde_json::json;
use std::{collections::BTreeMap, fs, path::PathBuf};
use tempfile::TempDir;

/// Everything that a cluster has on disk, in one directory that goes with it.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) ca_pem: String,
    pub(super) admin_token: String,
    pub(super) tokens: BTreeMap<String, String>,
    pub(super) client_certificates: BTreeMap<String, ClientCertificate>,
    pub(super) kubeconfig: PathBuf,
    pub(super) audit_log: PathBuf,
    directory: TempDir,
}

/// What proves a user by TLS, as PEM.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

impl Files {
    pub(super) const SERVER_CERTIFICATE: &str = "server.crt";
    pub(super) const SERVER_KEY: &str = "server.key";
    pub(super) const CA: &str = "ca.crt";
    pub(super) const TOKENS: &str = "tokens.csv";
    pub(super) const ACCOUNT_KEY: &str = "accounts.key";
    pub(super) const ACCOUNT_PUBLIC_KEY: &str = "accounts.pub";
    pub(super) const AUDIT_POLICY: &str = "audit-policy.json";
    pub(super) const AUDIT_LOG: &str = "audit.log";
    pub(super) const KUBECONFIG: &str = "kubeconfig.json";

    pub(super) fn create(url: &str, users: &[(String, Vec<String>)]) -> Result<Self> {
        let directory =
            TempDir::with_prefix("pawl-apiserver-").map_err(Error::io("cannot make a directory"))?;
        let write = |name: &str, content: &str| {
            fs::write(directory.path().join(name), content).map_err(Error::io(format!("cannot write {name}")))
        };

        let certificates = Certificates::make(users)?;
        write(Self::CA, &certificates.ca)?;
        write(Self::SERVER_CERTIFICATE, &certificates.server)?;
        write(Self::SERVER_KEY, &certificates.server_key)?;
        let account_key = KeyPair::generate()?;
        write(Self::ACCOUNT_KEY, &account_key.serialize_pem())?;
        write(Self::ACCOUNT_PUBLIC_KEY, &account_key.public_key_pem())?;

        let admin_token = format!("token-of-{}", ApiServer::ADMIN);
        let mut csv = format!("{admin_token},{0},{0},\"system:masters\"\n", ApiServer::ADMIN);
        let mut tokens = BTreeMap::new();
        for (name, groups) in users {
            let token = format!("token-of-{name}");
            // An empty column would be a group without a name.
            let groups = if groups.is_empty() { String::new() } else { format!(",\"{}\"", groups.join(",")) };
            csv.push_str(&format!("{token},{name},{name}{groups}\n"));
            tokens.insert(name.clone(), token);
        }
        write(Self::TOKENS, &csv)?;

        // Metadata only: the bodies of Secrets have no business in a file.
        let policy = json!({ "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived", "ResponseStarted"], "rules": [{ "level": "Metadata" }] });
        write(Self::AUDIT_POLICY, &policy.to_string())?;
        write(Self::KUBECONFIG, &kubeconfig(url, &certificates.ca, &admin_token))?;

        Ok(Self {
            ca_pem: certificates.ca,
            admin_token,
            tokens,
            client_certificates: certificates.clients,
            kubeconfig: directory.path().join(Self::KUBECONFIG),
            audit_log: directory.path().join(Self::AUDIT_LOG),
            directory,
        })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn flag(&self, flag: &str, name: &str) -> String {
        format!("{flag}={}", self.path(name).display())
    }
}

/// A kubeconfig is YAML, and JSON is YAML.
pub(super) fn kubeconfig(url: &str, ca_pem: &str, token: &str) -> String {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "test", "cluster": { "server": url, "certificate-authority-data": BASE64_STANDARD.encode(ca_pem) } }],
        "users": [{ "name": "test", "user": { "token": token } }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test" } }],
        "current-context": "test",
    })
    .to_string()
}

struct Certificates {
    ca: String,
    server: String,
    server_key: String,
    clients: BTreeMap<String, ClientCertificate>,
}

impl Certificates {
    fn make(users: &[(String, Vec<String>)]) -> Result<Self> {
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "test authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

        let mut server = CertificateParams::new(["127.0.0.1".to_owned(), "localhost".to_owned()])?;
        server.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = server.signed_by(&key, &authority)?;
        let mut clients = BTreeMap::new();
        for (name, groups) in users {
            let mut client = CertificateParams::default();
            // The name is the user, each organisation a group.
            client.distinguished_name = DistinguishedName::new();
            client.distinguished_name.push(DnType::CommonName, name);
            for group in groups {
                client.distinguished_name.push(DnType::OrganizationName, group);
            }
            client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            let key = KeyPair::generate()?;
            let certificate = client.signed_by(&key, &authority)?.pem();
            clients.insert(name.clone(), ClientCertificate { certificate, key: key.serialize_pem() });
        }
        Ok(Self { ca: authority.pem(), server: certificate.pem(), server_key: key.serialize_pem(), clients })
    }
}
