//! Which credentials Clusters may name: the operator's word, of which nothing comes from a manifest.

use super::{Connection, TokenSource};
use crate::grant::is_match;
use std::path::{Component, Path, PathBuf};

/// Which credentials Clusters may name, and where they may be sent.
///
/// Whoever may declare a Cluster chooses the address that its token is sent to. So a token comes only from a place that is
/// meant for tokens of clusters, never from Pawl's other secrets, variables and files.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Allowed {
    /// Patterns of the secrets that `tokenSecret` may name, as names or ARNs; `*` is any text and `?` any character.
    pub secrets: Vec<String>,
    /// How the variables begin that `tokenEnv` may name.
    pub variables: String,
    /// The directories that token files and kubeconfigs are in.
    pub files: Vec<PathBuf>,
    /// Whether servers on this machine may be reached without TLS. No other server is, whatever this says.
    pub plain_http: bool,
    /// The endpoints of EKS clusters that are used as the Cluster gives them, without asking EKS.
    pub eks_endpoints: Vec<String>,
}

impl Default for Allowed {
    /// Secrets under `pawl/clusters/`, variables that begin with `PAWL_CLUSTER_TOKEN_`, files in `/etc/pawl/clusters`,
    /// TLS always, and the endpoints that EKS tells.
    fn default() -> Self {
        Self {
            secrets: vec!["pawl/clusters/*".to_owned()],
            variables: "PAWL_CLUSTER_TOKEN_".to_owned(),
            files: vec![PathBuf::from("/etc/pawl/clusters")],
            plain_http: false,
            eks_endpoints: Vec::new(),
        }
    }
}

/// Why a Cluster's connection is not used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// The field, such as `spec.url.tokenSecret`.
    pub field: &'static str,
    /// What is wrong and what to do.
    pub message: String,
    /// Whether no setting makes it right.
    pub always: bool,
}

impl Allowed {
    /// Everything in a connection that is refused, as far as the manifest tells: what a path leads to and what EKS says
    /// is seen only when the cluster is connected to.
    pub fn refusals(&self, connection: &Connection) -> Vec<Refusal> {
        let refusal = |field, message| Refusal { field, message, always: false };
        let mut found = Vec::new();
        match connection {
            Connection::Eks { endpoint, ca, .. } => {
                let listed = endpoint.as_ref().is_some_and(|url| self.has_eks_endpoint(url));
                if (endpoint.is_some() || ca.is_some()) && !listed {
                    let message = "is used only where EKS says the same; leave endpoint and ca out, or name the endpoint in \
                                   PAWL_CLUSTER_EKS_ENDPOINTS";
                    let field = if endpoint.is_some() { "spec.eks.endpoint" } else { "spec.eks.ca" };
                    found.push(refusal(field, message.to_owned()));
                }
                let plain = endpoint.as_ref().and_then(|url| self.plain(url));
                found.extend(plain.map(|message| refusal("spec.eks.endpoint", message)));
            }
            Connection::Kubeconfig { path, .. } => {
                found.extend(self.file(path).map(|message| refusal("spec.kubeconfig.path", message)));
            }
            Connection::Url { url, token, .. } => {
                found.extend(self.plain(url).map(|message| refusal("spec.url.url", message)));
                found.extend(self.token(token));
            }
        }
        found
    }

    /// Why a token may not come from there, if it may not.
    pub fn token(&self, token: &TokenSource) -> Option<Refusal> {
        let (field, message, always) = match token {
            TokenSource::SecretsManager(secret) => ("spec.url.tokenSecret", self.secret(secret)?, false),
            TokenSource::Env(variable) if variable.starts_with(&self.variables) => return None,
            TokenSource::Env(variable) => {
                let prefix = &self.variables;
                let message =
                    format!("{variable} is not for tokens of clusters; name one that begins with {prefix}");
                ("spec.url.tokenEnv", message, true)
            }
            TokenSource::File(path) => ("spec.url.tokenFile", self.file(path)?, false),
        };
        Some(Refusal { field, message, always })
    }

    /// Whether an endpoint of EKS is used as it is given.
    pub fn has_eks_endpoint(&self, url: &str) -> bool {
        self.eks_endpoints.iter().any(|each| is_same_url(each, url))
    }

    /// Whether a path, with every link in it followed, is in one of these directories, likewise followed.
    pub fn is_within(path: &Path, directories: &[PathBuf]) -> bool {
        let plain = path.is_absolute() && !path.components().any(|part| part == Component::ParentDir);
        plain && directories.iter().any(|directory| path.starts_with(directory) && path != directory)
    }

    fn secret(&self, secret: &str) -> Option<String> {
        if self.secrets.iter().any(|pattern| names(pattern, secret)) {
            return None;
        }
        Some(format!(
            "{secret} is not for tokens of clusters; name one that PAWL_CLUSTER_SECRETS allows ({})",
            self.secrets.join(",")
        ))
    }

    fn file(&self, path: &str) -> Option<String> {
        if Self::is_within(Path::new(path), &self.files) {
            return None;
        }
        let directories: Vec<_> = self.files.iter().map(|each| each.display().to_string()).collect();
        let directories = directories.join(":");
        Some(format!(
            "{path} is not for credentials of clusters; name a file in a directory of PAWL_CLUSTER_FILES ({directories})"
        ))
    }

    fn plain(&self, url: &str) -> Option<String> {
        let plain = url.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"));
        (plain && !self.plain_http).then(|| {
            "is not encrypted; write https, or set PAWL_CLUSTER_PLAIN_HTTP for servers on this machine"
                .to_owned()
        })
    }
}

/// Whether two URLs are the same but for case and a slash at the end.
pub fn is_same_url(a: &str, b: &str) -> bool {
    let bare = |url: &str| url.trim_end_matches('/').to_ascii_lowercase();
    let port = |url: String| {
        url.strip_suffix(":443").map(str::to_owned).filter(|_| url.starts_with("https://")).unwrap_or(url)
    };
    port(bare(a)) == port(bare(b))
}

/// Whether a pattern names a secret. A name and an ARN are compared by the name.
fn names(pattern: &str, secret: &str) -> bool {
    match (name_in_arn(pattern), name_in_arn(secret)) {
        (Some(_), Some(_)) | (None, None) => matches(pattern, secret),
        (Some(pattern), None) => [pattern, without_suffix(pattern)].iter().any(|it| matches(it, secret)),
        (None, Some(name)) => [name, without_suffix(name)].iter().any(|it| matches(pattern, it)),
    }
}

fn name_in_arn(text: &str) -> Option<&str> {
    text.starts_with("arn:").then(|| text.splitn(7, ':').nth(6)).flatten()
}

/// The name without the hyphen and six characters that Secrets Manager puts behind it in ARNs.
fn without_suffix(name: &str) -> &str {
    let at = name.len().saturating_sub(7);
    if name.as_bytes().get(at) == Some(&b'-') { &name[..at] } else { name }
}

/// As IAM reads patterns: `*` is any text, `?` any byte.
fn matches(pattern: &str, text: &str) -> bool {
    is_match(pattern, text, Some(b'?'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(url: &str, token: TokenSource) -> Connection {
        Connection::Url { url: url.to_owned(), ca: None, token }
    }

    fn fields(allowed: &Allowed, connection: &Connection) -> Vec<&'static str> {
        allowed.refusals(connection).into_iter().map(|refusal| refusal.field).collect()
    }

    #[test]
    fn tokens_come_from_where_tokens_of_clusters_are_kept() {
        let allowed = Allowed::default();
        let secret = |name: &str| TokenSource::SecretsManager(name.to_owned());
        let env = |name: &str| TokenSource::Env(name.to_owned());
        let file = |path: &str| TokenSource::File(path.to_owned());
        let arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:";
        for (token, refused) in [
            (secret("pawl/clusters/shop"), false),
            (secret(&format!("{arn}pawl/clusters/shop-AbCdEf")), false),
            (secret("pawl/prod-token"), true),
            (secret(&format!("{arn}my-application/database-AbCdEf")), true),
            (secret("other/pawl/clusters/shop"), true),
            (env("PAWL_CLUSTER_TOKEN_SHOP"), false),
            (env("PAWL_LEDGER_KEY"), true),
            (env("AWS_SECRET_ACCESS_KEY"), true),
            (file("/etc/pawl/clusters/shop.token"), false),
            (file("/etc/pawl/clusters"), true),
            (file("/etc/pawl/clusters/../ledger.key"), true),
            (file("/etc/pawl/clusters-of-others/token"), true),
            (file("/var/run/other-team.token"), true),
            (file("etc/pawl/clusters/token"), true),
        ] {
            let refusals = allowed.refusals(&url("https://shop", token.clone()));
            assert_eq!(!refusals.is_empty(), refused, "{token:?}: {refusals:?}");
        }
    }

    #[test]
    fn a_pattern_may_be_a_name_or_an_arn() {
        let arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:";
        for (pattern, secret, want) in [
            (format!("{arn}tokens/*"), "tokens/shop".to_owned(), true),
            (format!("{arn}tokens/*"), format!("{arn}tokens/shop-AbCdEf"), true),
            (format!("{arn}tokens/shop-AbCdEf"), "tokens/shop".to_owned(), true),
            (format!("{arn}tokens/shop-??????"), format!("{arn}tokens/shop-AbCdEf"), true),
            (format!("{arn}tokens/shop-??????"), "tokens/shop".to_owned(), true),
            (format!("{arn}tokens/*"), format!("{}tokens/x-AbCdEf", arn.replace("1111", "2222")), false),
            ("tokens/shop".to_owned(), format!("{arn}tokens/shop-AbCdEf"), true),
            ("tokens/shop".to_owned(), format!("{arn}tokens/shop2-AbCdEf"), false),
            ("tokens/*/x".to_owned(), "tokens/a/b/x".to_owned(), true),
            ("tokens/*/x".to_owned(), "tokens/a/b/y".to_owned(), false),
            (String::new(), "tokens/a".to_owned(), false),
        ] {
            assert_eq!(names(&pattern, &secret), want, "{pattern} {secret}");
        }
    }

    #[test]
    fn endpoints_of_eks_and_plain_http_need_the_operators_word() {
        let eks = |endpoint: Option<&str>, ca: Option<&str>| Connection::Eks {
            name: "prod".to_owned(),
            region: "eu-central-1".to_owned(),
            role: None,
            endpoint: endpoint.map(str::to_owned),
            ca: ca.map(str::to_owned),
        };
        let listed =
            Allowed { eks_endpoints: vec!["https://prod.internal".to_owned()], ..Allowed::default() };
        assert!(fields(&Allowed::default(), &eks(None, None)).is_empty());
        assert_eq!(fields(&Allowed::default(), &eks(None, Some("ca"))), ["spec.eks.ca"]);
        assert_eq!(fields(&listed, &eks(Some("https://evil"), Some("ca"))), ["spec.eks.endpoint"]);
        assert!(fields(&listed, &eks(Some("https://PROD.internal:443/"), Some("ca"))).is_empty());
        let http = url("HTTP://127.0.0.1:1", TokenSource::Env("PAWL_CLUSTER_TOKEN_A".to_owned()));
        assert_eq!(fields(&Allowed::default(), &http), ["spec.url.url"]);
        assert!(fields(&Allowed { plain_http: true, ..Allowed::default() }, &http).is_empty());
    }

    #[test]
    fn kubeconfigs_are_in_the_same_directories() {
        let kubeconfig = |path: &str| Connection::Kubeconfig { path: path.to_owned(), context: None };
        assert!(fields(&Allowed::default(), &kubeconfig("/etc/pawl/clusters/kubeconfig")).is_empty());
        assert_eq!(fields(&Allowed::default(), &kubeconfig("/opt/kube/config")), ["spec.kubeconfig.path"]);
    }
}
