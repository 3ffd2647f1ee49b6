//! The strategies that `remoteRef`, `extract` and `find` have in common.

use super::version::Version;
use crate::reader::Fields;
use pawl_domain::declaration::{Decoding, KeyConversion, NullBytes};

const CONVERSIONS: [(&str, KeyConversion); 2] =
    [("Default", KeyConversion::Default), ("Unicode", KeyConversion::Unicode)];

const DECODINGS: [(&str, Decoding); 4] = [
    ("Auto", Decoding::Auto),
    ("Base64", Decoding::Base64),
    ("Base64URL", Decoding::Base64Url),
    ("None", Decoding::None),
];

const NULL_BYTES: [(&str, NullBytes); 2] = [("Ignore", NullBytes::Ignore), ("Fail", NullBytes::Fail)];

/// What becomes of the keys and values that an entry reads.
#[derive(Clone, Copy, Default)]
pub(super) struct Strategies {
    /// `None` where the manifest names none, which v1 leaves at that.
    pub(super) conversion: Option<KeyConversion>,
    pub(super) decoding: Decoding,
    pub(super) null_bytes: NullBytes,
}

impl Strategies {
    pub(super) fn read(fields: &mut Fields<'_>, version: Version) -> Self {
        let conversion = fields.choice("conversionStrategy", &CONVERSIONS);
        let null_bytes = version.reads(fields, "nullBytePolicy");
        Self {
            conversion: match version {
                Version::V1 => conversion,
                Version::V1Beta1 => Some(conversion.unwrap_or_default()),
            },
            decoding: decoding(fields, "decodingStrategy"),
            null_bytes: if null_bytes {
                fields.choice("nullBytePolicy", &NULL_BYTES).unwrap_or_default()
            } else {
                NullBytes::default()
            },
        }
    }
}

/// A decoding strategy; absent is `None`.
pub(super) fn decoding(fields: &mut Fields<'_>, field: &'static str) -> Decoding {
    fields.choice(field, &DECODINGS).unwrap_or_default()
}
