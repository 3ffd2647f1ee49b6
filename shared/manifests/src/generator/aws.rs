//! `spec` of an ECRAuthorizationToken and of an STSSessionToken.

use crate::provider::aws::identity;
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::generator::{AwsIdentitySpec, EcrGenerator, StsGenerator};
use pawl_domain::store::{AwsAuth, is_region};

pub(super) fn ecr(spec: &mut Fields<'_>) -> Option<EcrGenerator> {
    let public = spec.choice("scope", &[("private", false), ("public", true)]).unwrap_or_default();
    let identity = who(spec)?;
    if public && identity.region != EcrGenerator::PUBLIC_REGION {
        let message = format!("must be {} for public registries", EcrGenerator::PUBLIC_REGION);
        spec.error("region", message);
    }
    Some(EcrGenerator { identity, public })
}

pub(super) fn sts(spec: &mut Fields<'_>) -> Option<StsGenerator> {
    let identity = who(spec);
    if identity.as_ref().is_some_and(|it| matches!(it.auth, AwsAuth::ServiceAccount { .. })) {
        spec.error("auth.jwt", "gives a role, and AWS gives no session to one; write auth.secretRef");
    }
    if identity.as_ref().is_some_and(|it| it.auth == AwsAuth::Ambient) {
        spec.error(
            "auth",
            "is missing, so that Pawl's own identity would be handed out; write auth.secretRef",
        );
    }
    if identity.as_ref().is_some_and(|it| it.role.is_some()) {
        let message = "AWS gives no session to a role, so this will fail; leave it out";
        spec.notes().warning(spec.path_of("role"), message);
    }
    let parameters = spec.object("requestParameters").map(|mut fields| {
        let seconds = fields.count("sessionDuration");
        if seconds.is_some_and(|seconds| !StsGenerator::SECONDS.contains(&seconds)) {
            fields.error("sessionDuration", "must be 900 to 129600 seconds");
        }
        let text = |text: Option<&str>| text.map(str::to_owned);
        let given = (seconds, text(fields.filled("serialNumber")), text(fields.filled("tokenCode")));
        fields.close();
        given
    });
    let (seconds, serial_number, token_code) = parameters.unwrap_or_default();
    Some(StsGenerator { identity: identity?, seconds, serial_number, token_code })
}

fn who(spec: &mut Fields<'_>) -> Option<AwsIdentitySpec> {
    let region = spec.required("region", "the region, such as eu-central-1").map(str::to_owned);
    if region.as_deref().is_some_and(|region| !is_region(region)) {
        spec.error("region", "is not a region; write one such as eu-central-1");
    }
    let auth = spec.object("auth").map_or(Some(AwsAuth::Ambient), |mut auth| {
        let given = identity(&mut auth, References::Generator);
        auth.close();
        given.unwrap_or(Some(AwsAuth::Ambient))
    });
    let role = spec.filled("role").map(str::to_owned);
    Some(AwsIdentitySpec { region: region?, auth: auth?, role })
}
