use super::{ApiServer, assets, files::Files, program};
use crate::{
    Error, Result,
    process::{Process, clean_command, free_port},
};
use std::{path::Path, process::Command, time::Duration};

/// What a cluster of a test has besides its administrator.
#[derive(Clone, Debug, Default)]
pub struct ApiServerBuilder {
    users: Vec<(String, Vec<String>)>,
    controllers: bool,
}

impl ApiServerBuilder {
    /// Adds a user with a token of its own, [`ApiServer::token_of`]. It may do what RBAC grants to its name and `groups`.
    #[must_use]
    pub fn user(mut self, name: &str, groups: &[&str]) -> Self {
        self.users.push((name.to_owned(), groups.iter().map(|&group| group.to_owned()).collect()));
        self
    }

    /// Runs kube-controller-manager, which not every collection of the programs has, with namespace deletion, garbage collection and default service accounts: 80 MB and a second more.
    #[must_use]
    pub fn controllers(mut self) -> Self {
        self.controllers = true;
        self
    }

    /// Starts the cluster.
    ///
    /// # Errors
    /// [`Error::Missing`] without the programs, [`Error::Start`] when one does not come up, three times.
    pub async fn start(self) -> Result<ApiServer> {
        let assets = assets()?;
        // The programs must be told their ports, so another process may take one between our choice and their use.
        for _ in 0..2 {
            match self.attempt(&assets).await {
                Err(Error::Start { .. }) => {}
                result => return result,
            }
        }
        self.attempt(&assets).await
    }

    async fn attempt(&self, assets: &Path) -> Result<ApiServer> {
        let [etcd_port, port] = [free_port()?, free_port()?];
        let url = format!("https://127.0.0.1:{port}");
        let files = Files::create(&url, &self.users)?;
        let http = client(&files.ca_pem)?;

        let etcd = Process::start("etcd", &etcd_command(assets, &files, etcd_port))?;
        // kube-apiserver waits for etcd by itself, so the two come up together.
        let mut apiserver =
            Process::start("kube-apiserver", &apiserver_command(assets, &files, etcd_port, port))?;
        apiserver
            .ready(START_LIMIT, async |_| ok(&http, &format!("{url}/readyz"), &files.admin_token).await)
            .await?;
        let mut server = ApiServer {
            url,
            http,
            assets: assets.to_owned(),
            files,
            controllers: None,
            _apiserver: apiserver,
            _etcd: etcd,
        };
        if self.controllers {
            server.start_controllers().await?;
        }
        Ok(server)
    }
}

impl ApiServer {
    async fn start_controllers(&mut self) -> Result<()> {
        let program = program(&self.assets, "kube-controller-manager")?;
        let command = controllers_command(&program, &self.files, self.minor_version().await?);
        let mut controllers = Process::start("kube-controller-manager", &command)?;
        // They have started when the account that one of them owes to the namespace `default` is there.
        let path = "/api/v1/namespaces/default/serviceaccounts/default";
        controllers.ready(START_LIMIT, async |_| self.get(path).await.ok()).await?;
        self.controllers = Some(controllers);
        Ok(())
    }
}

const START_LIMIT: Duration = Duration::from_secs(90);

fn etcd_command(assets: &Path, files: &Files, port: u16) -> Command {
    let mut command = clean_command(assets.join("etcd"));
    command.arg("--data-dir").arg(files.path("etcd")).args([
        format!("--listen-client-urls=http://127.0.0.1:{port}"),
        format!("--advertise-client-urls=http://127.0.0.1:{port}"),
        "--listen-peer-urls=http://127.0.0.1:0".to_owned(),
    ]);
    command
}

fn apiserver_command(assets: &Path, files: &Files, etcd_port: u16, port: u16) -> Command {
    let mut command = clean_command(assets.join("kube-apiserver"));
    command.args([
        format!("--etcd-servers=http://127.0.0.1:{etcd_port}"),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        files.flag("--cert-dir", "certificates"),
        files.flag("--tls-cert-file", Files::SERVER_CERTIFICATE),
        files.flag("--tls-private-key-file", Files::SERVER_KEY),
        files.flag("--client-ca-file", Files::CA),
        files.flag("--token-auth-file", Files::TOKENS),
        files.flag("--service-account-key-file", Files::ACCOUNT_PUBLIC_KEY),
        files.flag("--service-account-signing-key-file", Files::ACCOUNT_KEY),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        "--api-audiences=https://kubernetes.default.svc,sts.amazonaws.com".to_owned(),
        "--authorization-mode=RBAC".to_owned(),
        "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
        // Without nodes nobody mounts tokens; with this plugin every Pod-like write would wait for accounts.
        "--disable-admission-plugins=ServiceAccount".to_owned(),
        "--endpoint-reconciler-type=none".to_owned(),
        files.flag("--audit-policy-file", Files::AUDIT_POLICY),
        files.flag("--audit-log-path", Files::AUDIT_LOG),
    ]);
    command
}

fn controllers_command(program: &Path, files: &Files, minor_version: u32) -> Command {
    let mut command = clean_command(program);
    command.args([
        files.flag("--kubeconfig", Files::KUBECONFIG),
        files.flag("--service-account-private-key-file", Files::ACCOUNT_KEY),
        files.flag("--root-ca-file", Files::CA),
        "--leader-elect=false".to_owned(),
        "--controllers=namespace,garbagecollector,serviceaccount,serviceaccount-token,root-ca-cert-publisher"
            .to_owned(),
        // Nobody asks it anything: no listener at all.
        "--secure-port=0".to_owned(),
    ]);
    if minor_version < 24 {
        // Until then there was a second, insecure listener.
        command.arg("--port=0");
    }
    command
}

fn client(ca_pem: &str) -> Result<reqwest::Client> {
    let failed = || Error::unreachable("the HTTP client");
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([reqwest::Certificate::from_pem(ca_pem.as_bytes()).map_err(failed())?])
        // Tests have a tokio runtime each; a kept connection would die with the runtime that opened it.
        .pool_max_idle_per_host(0)
        .timeout(Duration::from_secs(30))
        .build()
        .map_err(failed())
}

async fn ok(http: &reqwest::Client, url: &str, token: &str) -> Option<()> {
    let answer = http.get(url).bearer_auth(token).send().await.ok()?;
    answer.status().is_success().then_some(())
}
