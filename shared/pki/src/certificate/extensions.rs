//! Extensions of certificates: what chains and names need is kept, the form of all that Go reads is checked.

mod constraints;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::uri;
use crate::der::{self, Reader};
use crate::oid;

#[derive(Default)]
pub(super) struct Extensions<'a> {
    pub(super) authority_key: Option<&'a [u8]>,
    pub(super) subject_key: Option<&'a [u8]>,
    pub(super) alternative_names: Vec<String>,
}

impl<'a> Extensions<'a> {
    pub(super) fn read(&mut self, oid: &[u8], critical: bool, value: &'a [u8]) -> Result<(), &'static str> {
        let mut der = Reader(value);
        match oid {
            [0x55, 0x1D, 14] if critical => return Err("subject key identifier incorrectly marked critical"),
            [0x55, 0x1D, 14] => {
                self.subject_key = Some(der.take(der::OCTET_STRING).ok_or("invalid subject key identifier")?);
            }
            [0x55, 0x1D, 15] => drop(der.bit_string().ok_or("invalid key usage")?),
            [0x55, 0x1D, 17] => self.alternative_names = alternative_names(der)?,
            [0x55, 0x1D, 19] => basic_constraints(der).ok_or("invalid basic constraints")?,
            [0x55, 0x1D, 30] => constraints::check(der)?,
            [0x55, 0x1D, 31] => revocation_lists(der).ok_or("invalid CRL distribution points")?,
            [0x55, 0x1D, 32] => policies(der).ok_or("invalid certificate policies")?,
            [0x55, 0x1D, 33] => policy_mappings(der).ok_or("invalid policy mappings extension")?,
            [0x55, 0x1D, 35] if critical => {
                return Err("authority key identifier incorrectly marked critical");
            }
            [0x55, 0x1D, 35] => {
                let mut identifier = der.sequence().ok_or("invalid authority key identifier")?;
                let key = identifier.optional(der::context(0));
                self.authority_key = key.ok_or("invalid authority key identifier")?;
            }
            [0x55, 0x1D, 36] => policy_constraints(der).ok_or("invalid policy constraints extension")?,
            [0x55, 0x1D, 37] => extended_usages(der).ok_or("invalid extended key usages")?,
            [0x55, 0x1D, 54] => drop(der.small().ok_or("invalid inhibit any policy extension")?),
            oid::AUTHORITY_INFORMATION_ACCESS if critical => {
                return Err("authority info access incorrectly marked critical");
            }
            oid::AUTHORITY_INFORMATION_ACCESS => {
                information_access(der).ok_or("invalid authority info access")?
            }
            _ => {}
        }
        Ok(())
    }
}

fn alternative_names(mut der: Reader<'_>) -> Result<Vec<String>, &'static str> {
    let (mut hosts, mut addresses, mut mails, mut uris) = (vec![], vec![], vec![], vec![]);
    let mut names = der.sequence().ok_or("invalid subject alternative names")?;
    while !names.is_empty() {
        let name = names.next().ok_or("invalid subject alternative name")?;
        let text = std::str::from_utf8(name.content).ok().filter(|text| text.is_ascii());
        match name.tag {
            0x81 => mails.push(text.ok_or("SAN rfc822Name is malformed")?.to_owned()),
            0x82 => hosts.push(text.ok_or("SAN dNSName is malformed")?.to_owned()),
            0x86 => uris.push(uri::normalised(text.ok_or("SAN uniformResourceIdentifier is malformed")?)?),
            0x87 => addresses.push(address(name.content).ok_or("cannot parse IP address")?.to_string()),
            _ => {}
        }
    }
    Ok([hosts, addresses, mails, uris].concat())
}

/// As Go prints it: an IPv4 address in the form of IPv6 is an IPv4 address.
fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(four).into());
    }
    Some(IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)).to_canonical())
}

fn basic_constraints(mut der: Reader<'_>) -> Option<()> {
    let mut constraints = der.sequence()?;
    if constraints.starts_with(der::BOOLEAN) {
        constraints.boolean()?;
    }
    if constraints.starts_with(der::INTEGER) {
        constraints.small().filter(|length| *length >= 0)?;
    }
    Some(())
}

fn revocation_lists(mut der: Reader<'_>) -> Option<()> {
    let mut points = der.sequence()?;
    while !points.is_empty() {
        let Some(name) = points.sequence()?.optional(der::explicit(0))? else { continue };
        let mut names = Reader(Reader(name).take(der::explicit(0))?);
        while names.starts_with(der::context(6)) {
            names.take(der::context(6))?;
        }
    }
    Some(())
}

fn policies(mut der: Reader<'_>) -> Option<()> {
    let mut policies = der.sequence()?;
    let mut seen = BTreeSet::new();
    while !policies.is_empty() {
        let oid = policies.sequence()?.take(der::OID)?;
        if !is_oid(oid) || !seen.insert(oid) {
            return None;
        }
    }
    Some(())
}

/// An object identifier whose numbers may be of any size.
fn is_oid(bytes: &[u8]) -> bool {
    let starts = std::iter::once(true).chain(bytes.iter().map(|byte| byte & 0x80 == 0));
    bytes.last().is_some_and(|last| last & 0x80 == 0)
        && !bytes.iter().zip(starts).any(|(byte, start)| start && *byte == 0x80)
}

fn policy_mappings(mut der: Reader<'_>) -> Option<()> {
    let mut mappings = der.sequence()?;
    while !mappings.is_empty() {
        let mut pair = mappings.sequence()?;
        pair.take(der::OID)?;
        pair.take(der::OID)?;
    }
    Some(())
}

fn policy_constraints(mut der: Reader<'_>) -> Option<()> {
    let mut constraints = der.sequence()?;
    for number in [0, 1] {
        if let Some(bytes) = constraints.optional(der::context(number))? {
            let integer = der::value(der::INTEGER, &[bytes]);
            Reader(&integer).small()?;
        }
    }
    Some(())
}

fn extended_usages(mut der: Reader<'_>) -> Option<()> {
    let mut usages = der.sequence()?;
    while !usages.is_empty() {
        usages.oid()?;
    }
    Some(())
}

fn information_access(mut der: Reader<'_>) -> Option<()> {
    let mut entries = der.sequence()?;
    while !entries.is_empty() {
        let mut entry = entries.sequence()?;
        entry.oid()?;
        entry.optional(der::context(6))?;
    }
    Some(())
}
