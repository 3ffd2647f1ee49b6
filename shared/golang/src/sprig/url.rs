//! URLs to dicts and back, as `net/url` reads and writes them.

use super::Row;
use super::args::{Text, dict, find, text};
use crate::value::Type::{Dict, Str};
use crate::value::{FuncError, Map, Value};

pub(super) const TABLE: &[Row] = &[
    Row("urlParse", &[Str], None, |a| {
        let url = Url::parse(text(a, 0))
            .map_err(|reason| FuncError::new(format!("unable to parse url: {reason}")))?;
        Ok(url.to_dict())
    }),
    Row("urlJoin", &[Dict], None, |a| join(&dict(a, 0))),
];

/// Where an escape stands, which decides what must be escaped.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Path,
    Host,
    Zone,
    User,
    Fragment,
}

#[derive(Default)]
struct Url {
    scheme: Vec<u8>,
    opaque: Vec<u8>,
    user: Option<(Vec<u8>, Option<Vec<u8>>)>,
    host: Vec<u8>,
    path: Vec<u8>,
    query: Vec<u8>,
    fragment: Vec<u8>,
}

impl Url {
    fn parse(text: &[u8]) -> Result<Self, &'static str> {
        let mut url = Self::default();
        let (rest, fragment) = cut(text, b'#');
        if rest.iter().any(|byte| *byte < b' ' || *byte == 0x7f) {
            return Err("invalid control character in URL");
        }
        url.fragment = unescape(fragment.unwrap_or_default(), Place::Fragment)?;
        if rest == b"*" {
            url.path = rest.to_vec();
            return Ok(url);
        }
        let rest = url.take_scheme(rest)?;
        let (rest, query) = cut(rest, b'?');
        url.query = query.unwrap_or_default().to_vec();
        if !rest.starts_with(b"/") {
            if !url.scheme.is_empty() {
                url.opaque = rest.to_vec();
                return Ok(url);
            }
            if cut(rest, b'/').0.contains(&b':') {
                return Err("first path segment in URL cannot contain colon");
            }
        }
        let mut path = rest;
        if (!url.scheme.is_empty() || !rest.starts_with(b"///")) && rest.starts_with(b"//") {
            let authority = &rest[2..];
            let end = authority.iter().position(|byte| *byte == b'/').unwrap_or(authority.len());
            url.take_authority(&authority[..end])?;
            path = &authority[end..];
        }
        url.path = unescape(path, Place::Path)?;
        Ok(url)
    }

    fn take_scheme<'t>(&mut self, text: &'t [u8]) -> Result<&'t [u8], &'static str> {
        for (index, byte) in text.iter().enumerate() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' => {}
                b'0'..=b'9' | b'+' | b'-' | b'.' if index > 0 => {}
                b':' if index == 0 => return Err("missing protocol scheme"),
                b':' => {
                    self.scheme = text[..index].to_ascii_lowercase();
                    return Ok(&text[index + 1..]);
                }
                _ => break,
            }
        }
        Ok(text)
    }

    fn take_authority(&mut self, authority: &[u8]) -> Result<(), &'static str> {
        let Some(at) = authority.iter().rposition(|byte| *byte == b'@') else {
            self.host = host(authority)?;
            return Ok(());
        };
        self.host = host(&authority[at + 1..])?;
        let user = &authority[..at];
        if !user.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte)) {
            return Err("invalid userinfo");
        }
        let (name, password) = cut(user, b':');
        let password = password.map(|password| unescape(password, Place::User)).transpose()?;
        self.user = Some((unescape(name, Place::User)?, password));
        Ok(())
    }

    fn to_dict(&self) -> Value {
        let user = self.user.as_ref().map_or(Vec::new(), user_text);
        Value::dict(
            [
                ("scheme", &self.scheme),
                ("host", &self.host),
                ("hostname", &hostname(&self.host).to_vec()),
                ("path", &self.path),
                ("query", &self.query),
                ("opaque", &self.opaque),
                ("fragment", &self.fragment),
                ("userinfo", &user),
            ]
            .map(|(name, part)| (name, Value::from(part.as_slice()))),
        )
    }
}

fn join(parts: &Map) -> Result<Value, FuncError> {
    let part = |name: &str| match parts.get(name.as_bytes()) {
        None => Ok(Vec::new()),
        Some(Value::Str(text)) => Ok(text.to_vec()),
        Some(other) => Err(FuncError::new(format!(
            "unable to parse {name} key, must be of type string, but {} found",
            other.kind().name()
        ))),
    };
    let (scheme, host, path) = (part("scheme")?, part("host")?, part("path")?);
    let (query, opaque, fragment, userinfo) =
        (part("query")?, part("opaque")?, part("fragment")?, part("userinfo")?);
    let mut user = None;
    if !userinfo.is_empty() {
        let url = Url::parse(&[b"proto://", userinfo.as_slice(), b"@host"].concat());
        user =
            url.map_err(|reason| FuncError::new(format!("unable to parse userinfo in dict: {reason}")))?.user;
    }
    let mut out = Text::default();
    if !scheme.is_empty() {
        out.push(&scheme);
        out.push(b":");
    }
    if opaque.is_empty() {
        let authority = !scheme.is_empty() || !host.is_empty() || user.is_some();
        if authority && (!host.is_empty() || !path.is_empty() || user.is_some()) {
            out.push(b"//");
        }
        if let Some(user) = &user {
            out.push(&user_text(user));
            out.push(b"@");
        }
        out.push(&escape(&host, Place::Host));
        let path = if path == b"*" { path } else { escape(&path, Place::Path) };
        if !path.is_empty() && !path.starts_with(b"/") && !host.is_empty() {
            out.push(b"/");
        }
        if !authority && cut(&path, b'/').0.contains(&b':') {
            out.push(b"./");
        }
        out.push(&path);
    } else {
        out.push(&opaque);
    }
    for (mark, part) in [(b"?", query), (b"#", escape(&fragment, Place::Fragment))] {
        if !part.is_empty() {
            out.push(mark);
            out.push(&part);
        }
    }
    out.finish()
}

fn cut(text: &[u8], mark: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == mark) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

fn user_text((name, password): &(Vec<u8>, Option<Vec<u8>>)) -> Vec<u8> {
    let mut text = escape(name, Place::User);
    if let Some(password) = password {
        text.push(b':');
        text.extend(escape(password, Place::User));
    }
    text
}

fn host(text: &[u8]) -> Result<Vec<u8>, &'static str> {
    let port_fits =
        |port: &[u8]| port.is_empty() || port[0] == b':' && port[1..].iter().all(u8::is_ascii_digit);
    if text.starts_with(b"[") {
        let close = text.iter().rposition(|byte| *byte == b']').ok_or("missing ']' in host")?;
        if !port_fits(&text[close + 1..]) {
            return Err("invalid port after host");
        }
        if let Some(zone) = find(&text[..close], b"%25") {
            let mut host = unescape(&text[..zone], Place::Host)?;
            host.extend(unescape(&text[zone..close], Place::Zone)?);
            host.extend(unescape(&text[close..], Place::Host)?);
            return Ok(host);
        }
        let address = std::str::from_utf8(&text[1..close]).ok();
        if address.is_none_or(|address| address.parse::<std::net::Ipv6Addr>().is_err()) {
            return Err("invalid host");
        }
    } else if let Some(colon) = text.iter().position(|byte| *byte == b':')
        && !port_fits(&text[colon..])
    {
        return Err("invalid port after host");
    }
    unescape(text, Place::Host)
}

/// The host without its port and brackets.
fn hostname(host: &[u8]) -> &[u8] {
    let without_port = match host.iter().rposition(|byte| *byte == b':') {
        Some(colon) if host[colon + 1..].iter().all(u8::is_ascii_digit) => &host[..colon],
        _ => host,
    };
    without_port.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(without_port)
}

fn needs_escape(byte: u8, place: Place) -> bool {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => false,
        _ if matches!(place, Place::Host | Place::Zone) && b"!$&'()*+,;=:[]<>\"".contains(&byte) => false,
        b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' => match place {
            Place::Path => byte == b'?',
            Place::User => b"@/?:".contains(&byte),
            Place::Fragment => false,
            Place::Host | Place::Zone => true,
        },
        _ => !(place == Place::Fragment && b"!()*".contains(&byte)),
    }
}

fn escape(text: &[u8], place: Place) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if needs_escape(*byte, place) {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        } else {
            out.push(*byte);
        }
    }
    out
}

fn unescape(text: &[u8], place: Place) -> Result<Vec<u8>, &'static str> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        if byte != b'%' {
            if matches!(place, Place::Host | Place::Zone) && byte < 0x80 && needs_escape(byte, place) {
                return Err("invalid character in host name");
            }
            out.push(byte);
            at += 1;
            continue;
        }
        let digits = text.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let value =
            digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).ok_or("invalid URL escape")?;
        if place == Place::Host && value < 0x80 && value != b'%' {
            return Err("invalid URL escape");
        }
        if place == Place::Zone && value != b'%' && value != b' ' && needs_escape(value, Place::Host) {
            return Err("invalid URL escape");
        }
        out.push(value);
        at += 3;
    }
    Ok(out)
}
