//! Chains of certificates: their order, their parts, and the names that the first one stands for.
//!
//! Who signed whom is told by the identifiers of keys alone, as ESO does. No signature is checked: the order of a chain
//! says nothing about trust.

use crate::certificate::Certificate;
use crate::{Error, check_size, pem};

/// A part of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The certificate that signed no other one, unless it signed itself.
    Leaf,
    /// All between the leaf and the first one that signed itself.
    Intermediate,
    /// The last certificate, if it signed itself.
    Root,
}

impl Part {
    /// What `filterCertChain` calls it; ESO gives an empty text for every other word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "leaf" => Some(Self::Leaf),
            "intermediate" => Some(Self::Intermediate),
            "root" => Some(Self::Root),
            _ => None,
        }
    }
}

/// One part of a chain that is given in any order, as PEM; empty if the chain has no such part.
///
/// With no part, only whether the chain can be ordered matters.
///
/// # Errors
/// [`Error::Certificate`] if a block of whatever label is no certificate; [`Error::Disjunct`], [`Error::NoLeaf`] and
/// [`Error::Circle`] if the certificates are not one chain; [`Error::TooLarge`].
pub fn filter(part: Option<Part>, text: &[u8]) -> Result<Vec<u8>, Error> {
    check_size("the chain of certificates", text)?;
    let blocks: Vec<_> = pem::blocks(text).collect();
    let certificates =
        blocks.iter().map(|block| Certificate::parse(&block.content)).collect::<Result<Vec<_>, _>>()?;
    let mut ordered = order(&certificates)?.into_iter();
    let wanted: Vec<&Certificate<'_>> = match part {
        None => Vec::new(),
        Some(Part::Leaf) => ordered.next().filter(|first| !first.signed_itself()).into_iter().collect(),
        Some(Part::Intermediate) => ordered.skip(1).take_while(|each| !each.signed_itself()).collect(),
        Some(Part::Root) => ordered.last().filter(|last| last.signed_itself()).into_iter().collect(),
    };
    Ok(written(wanted.into_iter().map(|certificate| certificate.raw)))
}

/// DNS names, then IP addresses, e-mail addresses and URIs that the first certificate stands for.
///
/// # Errors
/// [`Error::NoPem`] without a PEM block, [`Error::Certificate`] if the first one is no certificate, [`Error::TooLarge`].
pub fn alternative_names(text: &[u8]) -> Result<Vec<String>, Error> {
    check_size("the certificate", text)?;
    let (block, _) = pem::decode(pem::from_first_begin(text)).ok_or(Error::NoPem)?;
    Ok(Certificate::parse(&block.content)?.alternative_names)
}

/// From the leaf to the root. A certificate that is nobody's signer and is not reached from the leaf is an error.
pub(crate) fn order<'c, 'a>(certificates: &'c [Certificate<'a>]) -> Result<Vec<&'c Certificate<'a>>, Error> {
    let signer = |index: usize| {
        // Without identifiers two certificates are equal to each other, as in ESO.
        let wanted = certificates[index].authority_key.unwrap_or_default();
        certificates
            .iter()
            .enumerate()
            .position(|(other, each)| other != index && each.subject_key.unwrap_or_default() == wanted)
    };
    let signers: Vec<Option<usize>> = (0..certificates.len()).map(signer).collect();
    let mut leaves = (0..certificates.len()).filter(|index| !signers.contains(&Some(*index)));
    let leaf = leaves.next();
    if leaves.next().is_some() {
        return Err(Error::Disjunct);
    }
    let mut next = Some(leaf.ok_or(Error::NoLeaf)?);
    let mut path = Vec::new();
    while let Some(index) = next {
        if path.len() == certificates.len() {
            return Err(Error::Circle);
        }
        path.push(index);
        next = signers[index];
    }
    Ok(path.into_iter().map(|index| &certificates[index]).collect())
}

/// Certificates as PEM, one after another.
pub(crate) fn written<'a>(certificates: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    certificates.flat_map(|raw| pem::encode("CERTIFICATE", raw).to_vec()).collect()
}
