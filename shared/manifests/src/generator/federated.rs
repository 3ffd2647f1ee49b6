//! `spec` of a CloudsmithAccessToken and of a QuayAccessToken.

use super::server;
use crate::reader::Fields;
use crate::references::{References, ServiceAccount};
use pawl_domain::generator::{CloudsmithGenerator, QuayGenerator, ShownAccount};

pub(super) fn cloudsmith(spec: &mut Fields<'_>) -> Option<CloudsmithGenerator> {
    let url = server(spec, "apiUrl", CloudsmithGenerator::URL);
    let organization = spec.required("orgSlug", "the organization's slug").map(str::to_owned);
    let service = spec.required("serviceSlug", "the service account's slug").map(str::to_owned);
    let account = account(spec);
    Some(CloudsmithGenerator { url, organization: organization?, service: service?, account: account? })
}

pub(super) fn quay(spec: &mut Fields<'_>) -> Option<QuayGenerator> {
    // ESO takes the name of the registry with its scheme or without.
    let named = spec.filled("url").unwrap_or(QuayGenerator::URL);
    let url = if named.contains("://") { named.to_owned() } else { format!("https://{named}") };
    super::check_server(spec, "url", &url);
    let robot =
        spec.required("robotAccount", "the robot's name, such as organization+robot").map(str::to_owned);
    if robot.as_deref().is_some_and(|robot| robot.contains(':')) {
        spec.error("robotAccount", "must have no colon");
    }
    let account = account(spec);
    Some(QuayGenerator { url, robot: robot?, account: account? })
}

fn account(spec: &mut Fields<'_>) -> Option<ShownAccount> {
    let fields = spec.present("serviceAccountRef", "is missing; write the service account's name")?;
    let path = fields.path_of("audiences");
    let ServiceAccount { name, audiences, .. } = References::Generator.service_account(fields)?;
    if audiences.is_empty() {
        let message =
            "is missing; write for whom the token is made, or the cluster's own API server would take it too";
        spec.notes().error(path, message);
    }
    Some(ShownAccount { name, audiences })
}
