//! Connections to one server: TLS, bounds, retries.

use super::guard::{Guard, is_refused};
use super::{Call, Place, Reply, Room, Server};
use pawl_domain::grant::{Origin, Reach};
use pawl_domain::{Kind, SecretValue, Step};
use pawl_ports::Error;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Certificate, Client, Identity, Method, Response, Url, redirect};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// Bounds on time, number and size.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// How long a connection may take to come about, TLS included.
    pub connect_timeout: Duration,
    /// How long one attempt of a call may take.
    pub attempt_timeout: Duration,
    /// How long a call may take with all its attempts.
    pub deadline: Duration,
    /// How often a call is tried again.
    pub retries: u32,
    /// The pause before the first retry; each further one is twice as long, and each is lengthened by chance.
    pub first_pause: Duration,
    /// The longest pause. A server that asks for a longer one is not asked again.
    pub last_pause: Duration,
    /// How many calls one question may have on the way at a time.
    pub concurrency: usize,
    /// The longest answer that is read, in bytes.
    pub largest_answer: usize,
    /// The same of a list.
    pub largest_list: usize,
    /// The memory that large answers have together; one for the process.
    pub room: Room,
    /// The servers on other machines that the operator lets be asked without TLS.
    pub plain_http: Arc<[Origin]>,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            attempt_timeout: Duration::from_secs(10),
            deadline: Duration::from_secs(25),
            retries: 2,
            first_pause: Duration::from_millis(200),
            last_pause: Duration::from_secs(5),
            concurrency: 16,
            largest_answer: 1024 * 1024,
            largest_list: 8 * 1024 * 1024,
            room: Room::of_process(),
            plain_http: Arc::default(),
        }
    }
}

/// Certificates and keys of a connection, as PEM.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Material {
    /// The CA certificates that the server's must come from; the machine's own where there are none.
    pub ca: Option<String>,
    /// The client certificate.
    pub certificate: Option<SecretValue>,
    /// Its key.
    pub key: Option<SecretValue>,
}

/// Whether a server on another machine may be asked without TLS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PlainHttp {
    /// It may.
    Allowed,
    /// It may where the operator lists it ([`Bounds::plain_http`]).
    Listed,
    /// It may not; the operator's setting that would allow it, where there is one.
    Refused(Option<&'static str>),
}

/// One server. Redirects are followed on the server's own origin only, for tokens go with them.
#[derive(Debug)]
pub struct Link {
    pub(super) client: Client,
    base: Url,
    bounds: Bounds,
    material: Material,
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// The method.
    pub method: Method,
    /// The parts of the path behind that of the server's address. Each is encoded by itself.
    pub path: Vec<&'a str>,
    /// The query.
    pub query: Vec<(&'a str, &'a str)>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, which is JSON unless the headers say otherwise.
    pub body: Option<&'a SecretValue>,
    /// The longest answer that is read, in bytes.
    pub largest: usize,
}

/// What is asked at an address that is written out whole. The address may hold a secret, so there is no Debug.
#[derive(Clone)]
pub struct Whole<'a> {
    /// The method.
    pub method: Method,
    /// The address, which must be one of the link's own server.
    pub url: Url,
    /// The headers: all that are sent.
    pub headers: HeaderMap,
    /// The body, of whatever kind.
    pub body: Option<&'a SecretValue>,
    /// The longest answer that is read, in bytes.
    pub largest: usize,
}

/// A request with the longest answer to it that is read.
type Bounded = (reqwest::Request, usize);

/// A server may point to another path of its own.
const MOST_REDIRECTS: usize = 3;

impl Link {
    /// A client for the server of this call. Certificates are read here and now, which takes a moment.
    ///
    /// # Errors
    /// `Invalid` for an address or certificates that cannot be used; `Refused` for an address out of reach.
    pub async fn open(
        call: &Call<'_>,
        material: Material,
        bounds: &Bounds,
        reach: &Reach,
        plain: PlainHttp,
    ) -> Result<Self, Error> {
        let base = base(call, reach, plain, bounds)?;
        let (made_of, times, guard) = (material.clone(), bounds.clone(), Guard::new(reach));
        // The machine's own certificates are read from files.
        let client = tokio::task::spawn_blocking(move || client(&made_of, &times, guard))
            .await
            .map_err(|error| call.error(Kind::Transient, "the client could not be made").caused_by(error))?
            .map_err(|unusable| call.error(Kind::Invalid, unusable))?;
        Ok(Self { client, base, bounds: bounds.clone(), material })
    }

    /// The link to this server: the last one, where that was made of the same, or else a new one.
    ///
    /// # Errors
    /// As for [`Link::open`], of step `Authenticate`.
    pub async fn kept(
        last: Option<&Arc<Self>>,
        server: Server<'_>,
        material: Material,
        bounds: &Bounds,
        reach: &Reach,
        plain: PlainHttp,
    ) -> Result<Arc<Self>, Error> {
        let call = Call { step: Step::Authenticate, server, action: "open", subject: "connection" };
        let is_same = |last: &&Arc<Self>| {
            last.material == material && base(&call, reach, plain, bounds).is_ok_and(|base| base == last.base)
        };
        match last.filter(is_same) {
            Some(last) => Ok(Arc::clone(last)),
            None => Self::open(&call, material, bounds, reach, plain).await.map(Arc::new),
        }
    }

    /// What the client was made of.
    pub fn material(&self) -> &Material {
        &self.material
    }

    /// The bounds of every call.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Asks, and asks again where no answer comes or `again` says of it that the same may go well in a moment. Each attempt is
    /// made anew by `ask`.
    ///
    /// # Errors
    /// When no answer came in time or whole, and those of `ask`. What the server answers is no error, whatever it says.
    pub async fn send<'a>(
        &self,
        call: &Call<'_>,
        ask: &(dyn Fn() -> Result<Ask<'a>, Error> + Sync),
        again: &(dyn Fn(&Reply) -> bool + Sync),
    ) -> Result<Reply, Error> {
        self.in_time(call, &|| self.request(call, ask()?), again).await
    }

    /// The same, of an address that is written out whole.
    ///
    /// # Errors
    /// As for [`Link::send`]; `Invalid` for an address of another server.
    pub async fn send_whole<'a>(
        &self,
        call: &Call<'_>,
        ask: &(dyn Fn() -> Result<Whole<'a>, Error> + Sync),
        again: &(dyn Fn(&Reply) -> bool + Sync),
    ) -> Result<Reply, Error> {
        self.in_time(call, &|| self.whole(call, ask()?), again).await
    }

    async fn in_time(
        &self,
        call: &Call<'_>,
        make: &(dyn Fn() -> Result<Bounded, Error> + Sync),
        again: &(dyn Fn(&Reply) -> bool + Sync),
    ) -> Result<Reply, Error> {
        tokio::time::timeout(self.bounds.deadline, self.attempts(call, make, again))
            .await
            .unwrap_or_else(|_| Err(call.out_of_time()))
    }

    async fn attempts(
        &self,
        call: &Call<'_>,
        make: &(dyn Fn() -> Result<Bounded, Error> + Sync),
        again: &(dyn Fn(&Reply) -> bool + Sync),
    ) -> Result<Reply, Error> {
        let mut pause = self.bounds.first_pause;
        for retry in 0.. {
            let answer = self.attempt(call, make()?).await?;
            let (may_pass, wait) = match &answer {
                Ok(reply) => (again(reply), reply.rest.unwrap_or(pause)),
                Err(failure) => (!is_in_vain(failure), pause),
            };
            if retry == self.bounds.retries || !may_pass || wait > self.bounds.last_pause {
                return answer.map_err(|failure| call.failed(failure));
            }
            tokio::time::sleep(wait.mul_f64(rand::random_range(1.0..1.5))).await;
            pause = (pause * 2).min(self.bounds.last_pause);
        }
        Err(call.out_of_time())
    }

    /// An answer, or why none came.
    async fn attempt(
        &self,
        call: &Call<'_>,
        (request, largest): Bounded,
    ) -> Result<Result<Reply, reqwest::Error>, Error> {
        match self.client.execute(request).await {
            Ok(response) => self.read(call, response, largest).await,
            Err(failure) => Ok(Err(failure)),
        }
    }

    /// The whole answer, or why it broke off.
    pub(super) async fn read(
        &self,
        call: &Call<'_>,
        mut response: Response,
        largest: usize,
    ) -> Result<Result<Reply, reqwest::Error>, Error> {
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let rest = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
        let whole = announced.map_or(largest, |length| length.min(largest));
        let (mut body, mut place) = (Zeroizing::new(Vec::new()), Place::default());
        loop {
            match response.chunk().await {
                Ok(None) => break,
                Ok(Some(chunk)) if body.len() + chunk.len() <= largest => {
                    self.bounds.room.admit(&mut place, body.len() + chunk.len(), whole).await;
                    append(&mut body, &chunk, whole);
                }
                // The rest is not read: the connection ends with the response.
                Ok(Some(_)) => {
                    let what = format!("the answer is longer than {largest} bytes");
                    return Err(call.error(Kind::Invalid, what));
                }
                Err(failure) => return Ok(Err(failure)),
            }
        }
        place.keep(body.capacity());
        Ok(Ok(Reply { status, headers, body, rest: rest.map(Duration::from_secs), place }))
    }

    fn whole(&self, call: &Call<'_>, ask: Whole<'_>) -> Result<Bounded, Error> {
        let is_own = ask.url.origin() == self.base.origin();
        if !is_own || !ask.url.username().is_empty() || ask.url.password().is_some() {
            let field = call.server.field;
            let what = format_args!("the address leads to another server; correct the store's {field}");
            return Err(call.error(Kind::Invalid, what));
        }
        let mut request = self.client.request(ask.method, ask.url).headers(ask.headers);
        if let Some(body) = ask.body {
            request = request.body(body.expose().to_vec());
        }
        let request = request.build().map_err(|failure| call.failed(failure))?;
        Ok((request, ask.largest))
    }

    pub(super) fn request(&self, call: &Call<'_>, ask: Ask<'_>) -> Result<Bounded, Error> {
        if ask.path.iter().any(|part| matches!(*part, "." | ".." | "")) {
            return Err(call.error(Kind::Invalid, "a part of the path is empty, . or ..; write the path out"));
        }
        let mut url = self.base.clone();
        match url.path_segments_mut() {
            Ok(mut path) => _ = path.pop_if_empty().extend(&ask.path),
            Err(()) => return Err(call.error(Kind::Invalid, "the store's server is no address")),
        }
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&ask.query);
        }
        let (mut headers, mut request) = (ask.headers, self.client.request(ask.method, url));
        if let Some(body) = ask.body {
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
            request = request.body(body.expose().to_vec());
        }
        let request = request.headers(headers).build().map_err(|failure| call.failed(failure))?;
        Ok((request, ask.largest))
    }
}

/// Whether there is no use in making the same request again here: it fails in the same way for ever, or the server left it
/// unanswered. The job queue and the next sweep ask such a server again; what waits here holds up others.
fn is_in_vain(failure: &reqwest::Error) -> bool {
    failure.is_timeout() || failure.is_builder() || failure.is_redirect() || is_refused(failure)
}

/// Puts bytes behind others, which are `whole` in the end at most. What is too small to hold both is wiped before it is given up.
pub(super) fn append(body: &mut Zeroizing<Vec<u8>>, chunk: &[u8], whole: usize) {
    let needed = body.len() + chunk.len();
    if needed > body.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity((body.capacity() * 2).min(whole).max(needed)));
        larger.extend_from_slice(body);
        *body = larger;
    }
    body.extend_from_slice(chunk);
}

fn base(call: &Call<'_>, reach: &Reach, plain: PlainHttp, bounds: &Bounds) -> Result<Url, Error> {
    let field = call.server.field;
    let url = Url::parse(call.server.address.trim()).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or_else(|| {
        let what = format_args!(
            "the store's {field} is no address; write one such as https://store.example.com:8200"
        );
        call.error(Kind::Invalid, what)
    })?;
    if !url.username().is_empty() || url.password().is_some() {
        let what = format_args!("the store's {field} holds a password; prove identities with auth");
        return Err(call.error(Kind::Invalid, what));
    }
    let origin = Origin::of(url.as_str());
    // An address is no name that would be resolved, so nothing that dials looks at it again.
    if origin.as_ref().and_then(|at| at.address).is_some_and(|address| !reach.admits(address)) {
        return Err(call.refused_address());
    }
    let is_allowed = match plain {
        PlainHttp::Allowed => true,
        PlainHttp::Listed => origin.is_some_and(|origin| bounds.plain_http.contains(&origin)),
        PlainHttp::Refused(_) => false,
    };
    if url.scheme() == "http" && !is_loopback(&url) && !is_allowed {
        let or = match plain {
            PlainHttp::Refused(Some(name)) => format!(", or let the operator set {name}=true"),
            PlainHttp::Listed => {
                ", or let the operator list the server in PAWL_PLAIN_HTTP_SERVERS".to_owned()
            }
            PlainHttp::Refused(None) | PlainHttp::Allowed => String::new(),
        };
        let what = format_args!(
            "the store's {field} is asked without TLS, so that others on the way can read tokens and secrets; write \
             https{or}"
        );
        return Err(call.error(Kind::Invalid, what));
    }
    Ok(url)
}

/// Whether an address is this machine's own.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// A header's value.
///
/// # Errors
/// `Invalid` when no header may hold it; `what` says what it is.
pub fn text(value: &str, what: &str, call: &Call<'_>) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(value)
        .map_err(|_| call.error(Kind::Invalid, format_args!("{what} has characters that no header may hold")))
}

/// A header's value that proves an identity, which Debug does not show.
///
/// # Errors
/// `Invalid` when no header may hold it.
pub fn sealed(token: &SecretValue, call: &Call<'_>) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_bytes(token.expose()).map_err(|_| {
        let what = "the token has characters that no header may hold; check for a line break at its end";
        call.error(Kind::Invalid, what)
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// # Errors
/// What is wrong with the material, in words.
fn client(material: &Material, bounds: &Bounds, guard: Option<Guard>) -> Result<Client, &'static str> {
    let mut builder = Client::builder()
        .connect_timeout(bounds.connect_timeout)
        .timeout(bounds.attempt_timeout)
        .redirect(redirect::Policy::custom(follow));
    if let Some(guard) = guard {
        builder = builder.dns_resolver(guard);
    }
    if let Some(ca) = &material.ca {
        let certificates = Certificate::from_pem_bundle(ca.as_bytes()).unwrap_or_default();
        if certificates.is_empty() {
            return Err("the CA certificates are not PEM; correct caBundle or caProvider");
        }
        builder = builder.tls_certs_only(certificates);
    }
    if let (Some(certificate), Some(key)) = (&material.certificate, &material.key) {
        let pem = [certificate.expose(), b"\n", key.expose()].concat();
        let identity =
            Identity::from_pem(&pem).map_err(|_| "the client certificate or its key is not PEM")?;
        builder = builder.identity(identity);
    }
    builder
        .build()
        .map_err(|_| "the certificates are not usable; check caBundle, caProvider and the client certificate")
}

/// The token and the store's headers go with the request, so never to another host, port or scheme.
fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let here = attempt.previous().first().map(Url::origin);
    match here == Some(attempt.url().origin()) {
        false => attempt.stop(),
        true if attempt.previous().len() > MOST_REDIRECTS => attempt.error("too many redirects"),
        true => attempt.follow(),
    }
}
