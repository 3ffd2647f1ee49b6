//! BeyondTrust Workload Credentials. Source: ESO's provider, version 2.9.

use super::{Extract, Lookup, Profile, SpecName};

pub(super) static PROFILE: Profile = Profile::of_server(
    "beyondtrust-workload-credentials",
    &[SpecName { name: "beyondtrustworkloadcredentials", capabilities: "ReadOnly", is_maintained: true }],
    Lookup::MemberWithNull,
    Extract::RawWithNull,
);
