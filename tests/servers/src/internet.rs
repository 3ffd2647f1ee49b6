//! Hosts of vendors on this machine: a proxy for HTTPS that leads to doubles, with certificates of an authority of its own.
//!
//! A program that finds the proxy in `HTTPS_PROXY` and the authority in `SSL_CERT_FILE` asks for the vendors' own addresses, and
//! nothing in it need know of a double.

use crate::{Error, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// The longest head of a request that is read, in bytes.
const LONGEST: usize = 8 * 1024;

/// The proxy. Dropping it closes its port and its connections.
#[derive(Debug)]
pub struct Internet {
    address: String,
    ca_pem: String,
    task: JoinHandle<()>,
}

struct Site {
    acceptor: TlsAcceptor,
    /// From the names of hosts to where their doubles listen.
    hosts: BTreeMap<String, String>,
}

impl Internet {
    /// Starts to answer for these hosts, each with the double at this address (`http://127.0.0.1:<port>`). Every other host
    /// is refused: nothing leaves the machine.
    ///
    /// # Errors
    /// When no port can be listened on, or no certificate be made.
    pub async fn start(hosts: &[(&str, &str)]) -> Result<Self> {
        let failed = || Error::io("listening");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed())?;
        let address = format!("http://{}", listener.local_addr().map_err(failed())?);
        let names = hosts.iter().map(|&(host, _)| host.to_owned()).collect();
        let (acceptor, ca_pem) = identity(names)?;
        let at = |address: &str| address.trim_start_matches("http://").to_owned();
        let hosts = hosts.iter().map(|&(host, double)| (host.to_owned(), at(double))).collect();
        let task = tokio::spawn(accept(listener, Arc::new(Site { acceptor, hosts })));
        Ok(Self { address, ca_pem, task })
    }

    /// For `HTTPS_PROXY`.
    pub fn proxy(&self) -> &str {
        &self.address
    }

    /// For `SSL_CERT_FILE`.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }
}

impl Drop for Internet {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn identity(names: Vec<String>) -> Result<(TlsAcceptor, String)> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    params.distinguished_name.push(DnType::CommonName, "authority of the doubles");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.signed_by(&key, &authority)?;
    let failed = |error: rustls::Error| Error::io("cannot set up TLS")(io::Error::other(error));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .map_err(failed)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((TlsAcceptor::from(Arc::new(config)), authority.pem()))
}

async fn accept(listener: TcpListener, site: Arc<Site>) {
    // Ends with this task, and its connections with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                let site = Arc::clone(&site);
                // What breaks off, whoever asked sees.
                connections.spawn(async move { drop(serve(stream, &site).await) });
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(mut client: TcpStream, site: &Site) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        // Byte by byte: what stands behind the head belongs to TLS.
        if head.len() > LONGEST {
            return Ok(());
        }
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head);
    let host = head.strip_prefix("CONNECT ").and_then(|rest| rest.split_once(":443 ")).map(|(host, _)| host);
    let Some(double) = host.and_then(|host| site.hosts.get(host)) else {
        return client.write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n").await;
    };
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    let mut client = site.acceptor.accept(client).await?;
    let mut double = TcpStream::connect(double).await?;
    copy_bidirectional(&mut client, &mut double).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azurekv::AzureKv;

    #[tokio::test]
    async fn hosts_are_answered_for_and_no_others() {
        let vault = AzureKv::start().await.unwrap();
        let internet = Internet::start(&[("team.vault.azure.net", vault.address())]).await.unwrap();
        let proxy = reqwest::Proxy::https(internet.proxy()).unwrap();
        let authority = reqwest::Certificate::from_pem(internet.ca_pem().as_bytes()).unwrap();
        let client = reqwest::Client::builder().proxy(proxy).tls_certs_only([authority]).build().unwrap();
        let answer = client.get("https://team.vault.azure.net/secrets?api-version=7.4").send().await.unwrap();
        assert_eq!(answer.status(), 401, "it asks who we are");
        assert_eq!(vault.asked(), ["GET /secrets?api-version=7.4"]);
        client.get("https://other.vault.azure.net/secrets").send().await.unwrap_err();
        let strangers = reqwest::Client::builder().proxy(reqwest::Proxy::https(internet.proxy()).unwrap());
        let strangers = strangers.build().unwrap();
        strangers.get("https://team.vault.azure.net/secrets").send().await.unwrap_err();
    }
}
