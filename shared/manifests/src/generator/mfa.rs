//! `spec` of an MFA.

use crate::reader::{Fields, shortened};
use crate::references::References;
use jiff::Timestamp;
use pawl_domain::generator::MfaGenerator;

pub(super) fn read(spec: &mut Fields<'_>) -> Option<MfaGenerator> {
    let seed = References::Generator.required(spec, "secret");
    // ESO counts 0 as absent.
    let length = spec.count("length").filter(|length| *length > 0).unwrap_or(MfaGenerator::LENGTH);
    if length > MfaGenerator::LONGEST {
        spec.error("length", format!("a code has no more than {} digits", MfaGenerator::LONGEST));
    }
    let period = spec.count("timePeriod").filter(|period| *period > 0).unwrap_or(MfaGenerator::PERIOD);
    if let Some(algorithm) = spec.filled("algorithm").filter(|name| !name.eq_ignore_ascii_case("sha1")) {
        let message =
            format!("{:?} has no effect: codes are made with SHA-1, as ESO makes them", shortened(algorithm));
        spec.notes().warning(spec.path_of("algorithm"), message);
    }
    let when = spec.filled("when").and_then(|text| {
        let when = text.parse::<Timestamp>();
        when.map_err(|_| spec.error("when", "is no moment; write it as 2006-01-02T15:04:05Z")).ok()
    });
    Some(MfaGenerator { seed: seed?, length, period, when })
}
