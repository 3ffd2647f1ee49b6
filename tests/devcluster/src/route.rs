//! From method and path to what is asked for, by the same rules as the real server's RequestInfo.

use http::Method;
use url::form_urlencoded;

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Resource(Target),
    /// Discovery, health and the like: the path itself.
    Path(String),
}

/// A request for objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) verb: &'static str,
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) resource: String,
    pub(crate) subresource: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
}

/// The parameters of a request, decoded.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(query: Option<&str>) -> Self {
        Self(form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    /// The first value of a parameter, empty when it is absent.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.0.iter().any(|(key, value)| key == name && !matches!(value.as_str(), "false" | "0"))
    }
}

/// Reads method and path.
pub(crate) fn route(method: &Method, path: &str, query: &Query) -> Route {
    let mut parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decode).collect();
    let (group, version, rest) = match parts.first().map(String::as_str) {
        Some("api") if parts.len() > 2 => (String::new(), parts[1].clone(), parts.split_off(2)),
        Some("apis") if parts.len() > 3 => (parts[1].clone(), parts[2].clone(), parts.split_off(3)),
        _ => return Route::Path(path.to_owned()),
    };
    let mut rest = rest.as_slice();
    let watch = rest.first().is_some_and(|part| part == "watch") && rest.len() > 1;
    if watch {
        rest = &rest[1..];
    }
    let mut target = Target { group, version, ..Target::default() };
    if let [first, namespace, tail @ ..] = rest
        && first == "namespaces"
    {
        target.namespace = Some(namespace.clone());
        if !matches!(tail.first().map(String::as_str), None | Some("status" | "finalize")) {
            rest = tail;
        }
    }
    target.resource = rest.first().cloned().unwrap_or_default();
    target.name = rest.get(1).cloned();
    target.subresource = rest.get(2).cloned();
    target.verb = verb(method, watch || query.flag("watch"), target.name.is_some());
    Route::Resource(target)
}

fn verb(method: &Method, watch: bool, named: bool) -> &'static str {
    match (method.as_str(), named) {
        ("GET" | "HEAD", false) if watch => "watch",
        ("GET" | "HEAD", true) => "get",
        ("GET" | "HEAD", false) => "list",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", true) => "delete",
        ("DELETE", false) => "deletecollection",
        _ => "",
    }
}

fn decode(part: &str) -> String {
    if !part.contains('%') {
        return part.to_owned();
    }
    // A plus sign means itself in a path.
    let escaped = format!("p={}", part.replace('+', "%2B"));
    form_urlencoded::parse(escaped.as_bytes()).map(|(_, value)| value.into_owned()).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(method: Method, path: &str, query: &str) -> Target {
        match route(&method, path, &Query::parse(Some(query))) {
            Route::Resource(target) => target,
            Route::Path(path) => panic!("{path} is no resource"),
        }
    }

    #[test]
    fn paths_are_read_as_the_real_server_reads_them() {
        let some = |text: &str| Some(text.to_owned());
        let list = target(Method::GET, "/api/v1/secrets", "");
        assert_eq!((list.verb, list.resource.as_str(), list.namespace), ("list", "secrets", None));

        let watch = target(Method::GET, "/api/v1/namespaces/a/secrets", "watch=1");
        assert_eq!((watch.verb, watch.namespace), ("watch", some("a")));

        let legacy = target(Method::GET, "/api/v1/watch/namespaces/a/secrets", "");
        assert_eq!((legacy.verb, legacy.resource.as_str()), ("watch", "secrets"));

        let namespace = target(Method::DELETE, "/api/v1/namespaces/a", "");
        assert_eq!((namespace.verb, namespace.resource.as_str()), ("delete", "namespaces"));
        assert_eq!((namespace.namespace, namespace.name), (some("a"), some("a")));

        let token = target(Method::POST, "/api/v1/namespaces/a/serviceaccounts/b/token", "");
        assert_eq!((token.verb, token.name, token.subresource), ("create", some("b"), some("token")));

        let status =
            target(Method::PATCH, "/apis/external-secrets.io/v1/namespaces/a/externalsecrets/b/status", "");
        assert_eq!((status.group.as_str(), status.version.as_str()), ("external-secrets.io", "v1"));
        assert_eq!((status.verb, status.subresource), ("patch", some("status")));
    }
}
