//! One request, from HTTP to what the core works with.

use super::{
    ids,
    json::{Json, Object},
    reply::Refusal,
};
use http::{HeaderMap, Method, Uri, header};
use std::net::SocketAddr;

/// What a request wants, in the words of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Update,
    Patch,
    Read,
    List,
    Delete,
}

impl Operation {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Read => "read",
            Self::List => "list",
            Self::Delete => "delete",
        }
    }

    pub(crate) fn is_write(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Patch)
    }
}

/// A request that was understood.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) operation: Operation,
    /// The header, without slashes at its ends.
    pub(crate) namespace: String,
    /// Decoded, without `/v1/`; after the namespace is found, relative to it.
    pub(crate) path: String,
    pub(crate) data: Object,
    pub(crate) token: String,
    /// Seconds; 0 when the answer is not to be wrapped.
    pub(crate) wrap_ttl: u64,
    pub(crate) headers: HeaderMap,
    pub(crate) peer: Peer,
}

/// Who called.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// The certificate that the client showed in the TLS handshake and the authority that signed it, DER.
    pub(crate) certificates: Option<Vec<Vec<u8>>>,
}

impl Call {
    /// Reads a request below `/v1/`.
    pub(crate) fn read(
        method: &Method,
        uri: &Uri,
        headers: HeaderMap,
        body: &str,
        peer: Peer,
    ) -> Result<Self, Refusal> {
        let mut path = percent_decoded(uri.path().strip_prefix("/v1/").unwrap_or_default());
        let mut query = parsed_query(uri.query().unwrap_or_default());
        let mut operation = match method.as_str() {
            "GET" => Operation::Read,
            "LIST" => Operation::List,
            "POST" | "PUT" => Operation::Update,
            "PATCH" => Operation::Patch,
            "DELETE" => Operation::Delete,
            _ => return Err(Refusal::bare(405, None)),
        };
        if operation == Operation::Read
            && matches!(query.get("list"), Some(Json::String(truth)) if truth == "true")
        {
            operation = Operation::List;
            query.remove("list");
        }
        if operation == Operation::List && !path.ends_with('/') {
            path.push('/');
        }
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if operation == Operation::Patch {
            let kind = text(header::CONTENT_TYPE.as_str()).split(';').next().unwrap_or_default().trim();
            if kind != MERGE_PATCH {
                let complaint = format!("PATCH requires Content-Type of {MERGE_PATCH}, provided {kind}");
                return Err(Refusal::bare(415, Some(&complaint)));
            }
        }
        let data = if operation.is_write() { parsed_body(body)? } else { query };
        let bearer = text("authorization").strip_prefix("Bearer ").unwrap_or_default();
        let token = match text("x-vault-token") {
            "" => bearer,
            token => token,
        };
        let wrap_ttl = super::duration::seconds(&Json::from(text("x-vault-wrap-ttl"))).unwrap_or_default();
        Ok(Self {
            id: ids::uuid(),
            operation,
            namespace: text("x-vault-namespace").trim_matches('/').to_owned(),
            path,
            data,
            token: token.to_owned(),
            wrap_ttl,
            peer,
            headers,
        })
    }
}

const MERGE_PATCH: &str = "application/merge-patch+json";

/// A field of the body as text, empty when there is none.
pub(crate) fn field<'data>(data: &'data Object, name: &str) -> &'data str {
    data.get(name).and_then(Json::as_str).unwrap_or_default()
}

fn parsed_body(body: &str) -> Result<Object, Refusal> {
    const COMPLAINT: &str = "failed to decode JSON input: ";
    if body.trim().is_empty() {
        return Ok(Object::new());
    }
    match Json::parse(body) {
        Some(Json::Object(data)) => Ok(data),
        Some(Json::Null) => Ok(Object::new()),
        Some(other) => {
            let kind = match other {
                Json::Array(_) => "array",
                Json::String(_) => "string",
                Json::Number(_) => "number",
                _ => "bool",
            };
            let why =
                format!("json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}");
            Err(Refusal::bare(400, Some(&format!("{COMPLAINT}{why}"))))
        }
        None => Err(Refusal::bare(400, Some(&format!("{COMPLAINT}unexpected EOF")))),
    }
}

fn parsed_query(query: &str) -> Object {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| {
            (
                percent_decoded(&name.replace('+', " ")),
                Json::String(percent_decoded(&value.replace('+', " "))),
            )
        })
        .collect()
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = (byte == b'%').then(|| after.get(..2)).flatten();
        let decoded = escaped
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(decoded.unwrap_or(byte));
        rest = if decoded.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_queries_are_decoded() {
        let read = |method: &str, uri: &str| {
            let peer = Peer { address: SocketAddr::from(([127, 0, 0, 1], 1)), certificates: None };
            let method = method.parse().unwrap();
            Call::read(&method, &uri.parse().unwrap(), HeaderMap::new(), "", peer).unwrap()
        };
        let call = read("GET", "/v1/secret/data/with%20space/%C3%BC+%zz?version=2&x=a+b");
        assert_eq!(call.path, "secret/data/with space/ü+%zz");
        assert_eq!([field(&call.data, "version"), field(&call.data, "x")], ["2", "a b"]);
        for (method, uri) in
            [("LIST", "/v1/kv/app"), ("GET", "/v1/kv/app?list=true"), ("LIST", "/v1/kv/app/")]
        {
            let call = read(method, uri);
            assert_eq!((call.operation, call.path.as_str()), (Operation::List, "kv/app/"), "{method} {uri}");
            assert!(call.data.is_empty());
        }
    }
}
