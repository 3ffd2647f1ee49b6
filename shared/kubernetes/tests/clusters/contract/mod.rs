//! What the adapter promises, on the embedded API and, where `KUBEBUILDER_ASSETS` names one, on a real one: the same
//! calls, the same outcomes.

mod access;
mod eso;
mod objects;
mod targets;
mod templates;

use crate::server::Server;

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_api_keeps_the_contract() {
    let server = Server::embedded().await;
    suite(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_api_server_keeps_the_contract() {
    let Some(server) = Server::real().await else {
        println!("skipped: KUBEBUILDER_ASSETS names no Kubernetes programs");
        return;
    };
    eso::kinds_that_are_not_served_are_a_warning(&server).await;
    server.serve_eso().await;
    suite(&server).await;
}

/// Each part works in a namespace of its own.
async fn suite(server: &Server) {
    targets::are_created_and_read_back(server).await;
    targets::are_updated_on_condition(server).await;
    targets::are_replaced_in_one_request(server).await;
    targets::keep_what_others_wrote_under_merge(server).await;
    targets::have_owners(server).await;
    targets::that_are_immutable_say_so(server).await;
    targets::are_deleted_on_condition(server).await;
    targets::are_listed_without_their_data(server).await;
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
    access::tells_of_namespaces(server).await;
    eso::manifests_are_read_and_a_malformed_one_hides_nothing(server).await;
    eso::outcomes_are_published(server).await;
}
