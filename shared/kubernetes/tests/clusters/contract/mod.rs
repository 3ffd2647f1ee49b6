//! What the adapter promises, on the embedded API and, with `make kubernetes`, on a real one: the same calls, the same
//! outcomes.

mod access;
mod eso;
mod families;
mod objects;
mod pushes;
mod rights;
mod targets;
mod templates;
mod watches;

use crate::pawl::{Pawl, pawl};
use crate::server::Server;
use pawl_world::contract::clusters::{Backstage, Edit};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_api_keeps_the_contract() {
    let server = Server::embedded().await;
    suite(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs KUBEBUILDER_ASSETS"]
async fn a_real_api_server_keeps_the_contract() {
    let server = Server::real().await;
    eso::kinds_that_are_not_served_are_a_warning(&server).await;
    server.serve_eso().await;
    suite(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs KUBEBUILDER_ASSETS"]
async fn a_real_api_server_keeps_pawl_to_what_it_is_granted() {
    rights::suite(&Server::bare().await).await;
}

/// Each part works in a namespace of its own.
async fn suite(server: &Server) {
    pawl_world::contract::clusters::suite(&Stage { server, pawl: pawl(server, &server.pawl) }).await;
    targets::have_owners(server).await;
    targets::that_are_refused_are_not_quoted(server).await;
    objects::of_other_kinds_are_written_on_condition(server).await;
    objects::of_other_kinds_are_deleted_by_their_owner(server).await;
    objects::of_kinds_that_cannot_be_are_refused(server).await;
    templates::make_type_finalizers_labels_and_annotations(server).await;
    templates::cannot_change_a_type(server).await;
    templates::are_read_from_config_maps_and_secrets(server).await;
    templates::mark_what_they_fail_for(server).await;
    access::is_denied_with_the_verb_and_the_resource(server).await;
    access::survives_a_token_that_is_refused(server).await;
    access::asks_eks_once_for_the_endpoint(server).await;
    access::gives_credentials(server).await;
    access::tells_where_the_api_server_is(server).await;
    access::tells_of_namespaces(server).await;
    eso::manifests_are_read_and_a_malformed_one_hides_nothing(server).await;
    eso::generators_are_read_where_something_names_their_kind(server).await;
    eso::outcomes_are_published(server).await;
    eso::stores_are_told_how_they_were_validated(server).await;
    eso::a_status_that_somebody_else_wrote_is_read_first(server).await;
    pushes::are_read_where_they_are_carried_out(server).await;
    pushes::get_and_lose_the_finalizer(server).await;
    pushes::are_told_how_they_fare(server).await;
    pushes::push_secrets_by_name_and_by_label(server).await;
    pushes::and_their_sources_are_watched(server).await;
    families::of_cluster_external_secrets_are_read_and_written_as_seen(server).await;
    families::are_told_how_they_are(server).await;
    families::are_not_seen_without_rights(server).await;
    families::stay_within_the_namespaces_of_their_cluster(server).await;
    families::are_watched_with_their_children_and_namespaces(server).await;
    watches::tell_of_declarations_and_stores(server).await;
    watches::tell_of_generators_once_something_names_their_kind(server).await;
    watches::tell_of_managed_secrets_and_know_their_own(server).await;
}

/// The server, and the people who work there.
struct Stage<'s> {
    server: &'s Server,
    pawl: Pawl,
}

impl Backstage for Stage<'_> {
    type Clusters = Pawl;

    fn clusters(&self) -> &Pawl {
        &self.pawl
    }

    async fn namespace(&self, name: &str, (label, value): (&str, &str)) {
        let object = json!({ "metadata": { "name": name, "labels": { label: value } } });
        self.server.create("/api/v1/namespaces", object).await;
    }

    async fn edit(&self, namespace: &str, name: &str, edit: Edit<'_>) {
        let secrets = format!("/api/v1/namespaces/{namespace}/secrets");
        let patch = match edit {
            Edit::Make((key, value)) => {
                let metadata = json!({ "name": name, "labels": { "made": "by-hand" } });
                let object = json!({ "metadata": metadata, "stringData": { key: value } });
                self.server.create(&secrets, object).await;
                return;
            }
            Edit::Label(key, value) => json!({ "metadata": { "labels": { key: value } } }),
            Edit::NoAnnotations => json!({ "metadata": { "annotations": null } }),
            Edit::Freeze => json!({ "immutable": true }),
        };
        self.server.merge(&format!("{secrets}/{name}"), patch).await;
    }

    async fn config_map(&self, namespace: &str, name: &str, (key, value): (&str, &str)) {
        let object = json!({ "metadata": { "name": name }, "data": { key: value } });
        self.server.create(&format!("/api/v1/namespaces/{namespace}/configmaps"), object).await;
    }
}
