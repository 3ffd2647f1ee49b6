//! Reads of a key whose adapter gave all its [`Parts`].

use super::extract::{object, stringified_all};
use super::keys::Data;
use super::select::Property;
use crate::parts::{OfProperty, Parts};
use crate::provider::Lookup;
use crate::secret::SecretValue;
use pawl_golang::budget::Budget;
use pawl_golang::gjson::TooComplex;
use pawl_golang::json::DecodeError;

/// What a read without a property gives; `None` where there has to be one.
pub(super) fn whole(value: &SecretValue) -> Result<Option<SecretValue>, DecodeError> {
    Parts::of_value(value).map(|parts| parts.whole)
}

/// What a read with this property gives, or without one.
pub(super) fn value(
    value: &SecretValue,
    property: Option<&Property>,
    budget: &mut Budget,
) -> Result<Option<SecretValue>, TooComplex> {
    let Ok(parts) = Parts::of_value(value) else { return Ok(None) };
    match property.filter(|_| !parts.ignores_properties) {
        None => Ok(parts.whole),
        Some(property) => named(&parts, property, budget),
    }
}

fn named(parts: &Parts, property: &Property, budget: &mut Budget) -> Result<Option<SecretValue>, TooComplex> {
    let lookup = if parts.inner_dots { Lookup::NameWithInnerDotsFirst } else { Lookup::Path };
    let found = match &parts.document {
        Some(document) => property.find(lookup, document, budget)?,
        None => None,
    };
    Ok(found.or_else(|| parts.members.get(&property.path).cloned()))
}

/// The entries that `extract` makes; `None` where the property is not there.
pub(super) fn every(
    value: &SecretValue,
    property: Option<&Property>,
    budget: &mut Budget,
) -> Result<Option<Result<Data, DecodeError>>, TooComplex> {
    let mut parts = match Parts::of_value(value) {
        Ok(parts) => parts,
        Err(error) => return Ok(Some(Err(error))),
    };
    let property = property.filter(|_| parts.of_property != OfProperty::Ignored);
    let found = match property {
        None => of_all(&mut parts),
        Some(property) => match named(&parts, property, budget)? {
            Some(found) => of_property(&parts, property, found),
            None => return Ok(None),
        },
    };
    let beside = |found: Data| parts.beside.into_iter().chain(found).collect();
    Ok(Some(found.map(beside)))
}

fn of_all(parts: &mut Parts) -> Result<Data, DecodeError> {
    match (parts.every.take(), &parts.document) {
        (Some(every), _) => Ok(every),
        (None, Some(document)) => object(document.expose()).map(stringified_all),
        (None, None) => Err(DecodeError::NotAnObject),
    }
}

fn of_property(parts: &Parts, property: &Property, found: SecretValue) -> Result<Data, DecodeError> {
    let is_object = found.expose().trim_ascii_start().starts_with(b"{");
    let members = object(found.expose()).map(stringified_all);
    match (parts.of_property, members) {
        (OfProperty::MembersOrOne, Ok(members)) if is_object => Ok(members),
        (OfProperty::MembersOrOne, _) => Ok(Data::from([(property.path.clone(), found)])),
        (_, members) => members,
    }
}
