//! Constraints on names, which authorities may carry: only their form is looked at.

use std::net::IpAddr;

use super::super::uri::is_domain;
use crate::der::{self, Reader};

const MALFORMED: &str = "invalid NameConstraints extension";

pub(super) fn check(mut der: Reader<'_>) -> Result<(), &'static str> {
    let mut constraints = der.sequence().filter(|_| der.is_empty()).ok_or(MALFORMED)?;
    let permitted = constraints.optional(der::explicit(0)).ok_or(MALFORMED)?.unwrap_or_default();
    let excluded = constraints.optional(der::explicit(1)).ok_or(MALFORMED)?.unwrap_or_default();
    if !constraints.is_empty() {
        return Err(MALFORMED);
    }
    if permitted.is_empty() && excluded.is_empty() {
        return Err("empty name constraints extension");
    }
    subtrees(Reader(permitted))?;
    subtrees(Reader(excluded))
}

fn subtrees(mut der: Reader<'_>) -> Result<(), &'static str> {
    while !der.is_empty() {
        let base = der.sequence().and_then(|mut subtree| subtree.next()).ok_or(MALFORMED)?;
        let text = std::str::from_utf8(base.content).ok().filter(|text| text.is_ascii());
        let fits =
            match base.tag {
                0x81 => text.is_some_and(|text| {
                    if text.contains('@') { is_mailbox(text) } else { is_domain(text, true) }
                }),
                0x82 => text.is_some_and(|text| is_domain(text, true)),
                0x86 => text.is_some_and(|text| text.parse::<IpAddr>().is_err() && is_domain(text, true)),
                0x87 => match base.content.len() {
                    8 => is_mask(&base.content[4..]),
                    32 => is_mask(&base.content[16..]),
                    _ => false,
                },
                _ => true,
            };
        if !fits {
            return Err("failed to parse a name constraint");
        }
    }
    Ok(())
}

/// Ones and then zeros.
fn is_mask(bytes: &[u8]) -> bool {
    let end = bytes.iter().position(|byte| *byte != 0xFF).unwrap_or(bytes.len());
    match &bytes[end..] {
        [] => true,
        [first, rest @ ..] => {
            first.leading_ones() + first.trailing_zeros() >= 8 && rest.iter().all(|byte| *byte == 0)
        }
    }
}

/// A mailbox of RFC 2821, without the quoted forms that Go also takes within `"`.
fn is_mailbox(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte);
    let dots = local.starts_with('.') || local.ends_with('.') || local.contains("..");
    !local.is_empty() && local.bytes().all(atom) && !dots && is_domain(domain, false)
}
