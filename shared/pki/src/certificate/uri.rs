//! URIs of certificates as Go's `net/url` reads and prints them: what is refused, and how escapes are written anew.

use std::net::Ipv6Addr;

/// Where an escape stands, which decides what must be escaped.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Path,
    Host,
    Zone,
    User,
    Fragment,
}

/// The URI after reading and printing it.
pub(super) fn normalised(text: &str) -> Result<String, &'static str> {
    const BROKEN: &str = "cannot parse URI";
    print(text.as_bytes()).and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(BROKEN)
}

/// Labels of visible characters between dots, none empty; a constraint may begin with a dot. Nothing at all fits too.
pub(super) fn is_domain(text: &str, constraint: bool) -> bool {
    let labels = text.strip_prefix('.').filter(|_| constraint).unwrap_or(text);
    let visible = |label: &str| !label.is_empty() && label.bytes().all(|byte| (33..=126).contains(&byte));
    text.is_empty() || labels.split('.').all(visible)
}

fn print(text: &[u8]) -> Option<Vec<u8>> {
    let (text, fragment) = cut(text, b'#');
    if text.iter().any(|byte| *byte < b' ' || *byte == 0x7F) {
        return None;
    }
    let fragment = written(fragment.unwrap_or_default(), Place::Fragment)?;
    let mut out = Vec::with_capacity(text.len());
    let (scheme, rest) = scheme(text)?;
    if let Some(scheme) = &scheme {
        out.extend_from_slice(scheme);
        out.push(b':');
    }
    let (rest, query) = cut(rest, b'?');
    match rest.strip_prefix(b"//") {
        _ if text == b"*" => out.push(b'*'),
        // Behind a scheme, what does not begin with a slash is not looked at.
        _ if scheme.is_some() && !rest.starts_with(b"/") => out.extend_from_slice(rest),
        Some(authority) if scheme.is_some() || !authority.starts_with(b"/") => {
            let end = authority.iter().position(|byte| *byte == b'/').unwrap_or(authority.len());
            let (authority, path) = authority.split_at(end);
            let authority = print_authority(scheme.as_deref().unwrap_or_default(), authority)?;
            let path = written(path, Place::Path)?;
            if !authority.is_empty() || !path.is_empty() && scheme.is_some() {
                out.extend_from_slice(b"//");
            }
            out.extend_from_slice(&[authority, path].concat());
        }
        _ if cut(rest, b'/').0.contains(&b':') => return None,
        _ => {
            let path = written(rest, Place::Path)?;
            // A colon that was escaped would make what is before it a scheme.
            if out.is_empty() && cut(&path, b'/').0.contains(&b':') {
                out.extend_from_slice(b"./");
            }
            out.extend_from_slice(&path);
        }
    }
    for (mark, part) in [(b'?', query), (b'#', Some(&*fragment).filter(|fragment| !fragment.is_empty()))] {
        if let Some(part) = part {
            out.push(mark);
            out.extend_from_slice(part);
        }
    }
    Some(out)
}

/// The scheme in lower case, if there is one, and what follows it.
fn scheme(text: &[u8]) -> Option<(Option<Vec<u8>>, &[u8])> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    match text.iter().position(|byte| !plain(*byte)) {
        Some(0) if text[0] == b':' => None,
        Some(end) if text[end] == b':' && text[0].is_ascii_alphabetic() => {
            Some((Some(text[..end].to_ascii_lowercase()), &text[end + 1..]))
        }
        _ => Some((None, text)),
    }
}

fn print_authority(scheme: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut rest = text;
    if let Some(at) = text.iter().rposition(|byte| *byte == b'@') {
        let user = &text[..at];
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte);
        if !user.iter().all(plain) {
            return None;
        }
        let (name, password) = cut(user, b':');
        out.extend(escape(&unescape(name, Place::User)?, Place::User));
        if let Some(password) = password {
            out.push(b':');
            out.extend(escape(&unescape(password, Place::User)?, Place::User));
        }
        out.push(b'@');
        rest = &text[at + 1..];
    }
    let host = host(scheme, rest)?;
    if !std::str::from_utf8(&host).is_ok_and(|host| is_domain(host, false)) {
        return None;
    }
    out.extend(escape(&host, Place::Host));
    Some(out)
}

fn host(scheme: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let is_port = |port: &[u8]| match port {
        [] => true,
        [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    match text.iter().rposition(|byte| *byte == b'[') {
        Some(0) => {
            let close = text.iter().rposition(|byte| *byte == b']')?;
            let zone = text[..close].windows(3).position(|window| window == b"%25").unwrap_or(close);
            let mut name = unescape(&text[1..zone], Place::Host)?;
            name.extend(unescape(&text[zone..close], Place::Zone)?);
            let (address, zone) = cut(&name, b'%');
            let is_address = std::str::from_utf8(address).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok());
            let port = unescape(&text[close + 1..], Place::Host)?;
            let fits = is_address && zone.is_none_or(|zone| !zone.is_empty()) && is_port(&text[close + 1..]);
            fits.then(|| [b"[", &*name, b"]", &*port].concat())
        }
        Some(_) => None,
        None => {
            // Lists of hosts with ports are no URI of the web, but of databases.
            let strict = scheme == b"http" || scheme == b"https";
            let colon = |byte: &u8| *byte == b':';
            let port = if strict { text.iter().position(colon) } else { text.iter().rposition(colon) };
            if port.is_some_and(|port| !is_port(&text[port..])) {
                return None;
            }
            unescape(text, Place::Host)
        }
    }
}

/// A path or fragment: as it stands if it is escaped rightly, else escaped anew.
fn written(text: &[u8], place: Place) -> Option<Vec<u8>> {
    let plain = unescape(text, place)?;
    let fits = |byte: &u8| b"!$&'()*+,;=:@[]%".contains(byte) || !needs_escape(*byte, place);
    Some(if text.iter().all(fits) { text.to_vec() } else { escape(&plain, place) })
}

fn needs_escape(byte: u8, place: Place) -> bool {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => false,
        _ if matches!(place, Place::Host | Place::Zone) => !b"!$&'()*+,;=:[]<>\"".contains(&byte),
        b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' => match place {
            Place::Path => byte == b'?',
            Place::User => b"@/?:".contains(&byte),
            _ => false,
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

fn unescape(text: &[u8], place: Place) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte != b'%' {
            let in_host = matches!(place, Place::Host | Place::Zone);
            if in_host && byte.is_ascii() && needs_escape(byte, place) {
                return None;
            }
            out.push(byte);
            continue;
        }
        let (digits, behind) = rest.split_first_chunk::<2>()?;
        let digits = std::str::from_utf8(digits).ok().filter(|_| digits.iter().all(u8::is_ascii_hexdigit))?;
        let value = u8::from_str_radix(digits, 16).ok()?;
        let allowed = match place {
            Place::Host => !value.is_ascii() || value == b'%',
            Place::Zone => value == b'%' || value == b' ' || !needs_escape(value, Place::Host),
            _ => true,
        };
        if !allowed {
            return None;
        }
        out.push(value);
        rest = behind;
    }
    Some(out)
}

fn cut(text: &[u8], mark: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == mark) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}
