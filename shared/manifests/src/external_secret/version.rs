//! The versions of ESO's ExternalSecret: one schema, of which the older version lacks a few fields.

use crate::reader::Fields;

/// The version that an ExternalSecret is written in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Version {
    V1,
    V1Beta1,
}

impl Version {
    /// Whether a field that only v1 has is to be read. In v1beta1 an API server drops it, so it is noted and left out.
    pub(super) fn reads(self, fields: &mut Fields<'_>, field: &'static str) -> bool {
        match self {
            Self::V1 => true,
            Self::V1Beta1 => {
                if fields.has(field) {
                    let message =
                        "has no effect in v1beta1, which lacks it; write apiVersion: external-secrets.io/v1";
                    fields.notes().warning(fields.path_of(field), message);
                }
                false
            }
        }
    }
}
