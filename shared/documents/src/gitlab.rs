use pawl_domain::store::GitLabStore;

// Without its project, groups or environment a store would read other variables than were declared.
fields!(GitLabStore {
    "url" => must url,
    "access_token" => must access_token,
    "project_id" => must project_id,
    "inherit_from_groups" => must inherit_from_groups,
    "group_ids" => must group_ids,
    "environment" => must environment,
    "ca_bundle" => may ca_bundle,
    "ca_provider" => may ca_provider,
});
