//! The page of the stores has a row for each provider, and says of a sweep what the profile says.

use super::root;
use pawl_domain::Provider;
use std::fs;

/// The README has each store once, beside what the page says of how its changes are told.
#[test]
fn the_readme_names_each_store_where_the_page_says_how_its_changes_are_told() {
    let page = fs::read_to_string(root().join("docs/stores.md")).unwrap();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let groups = [
        (
            "| at once, by the store's own events |",
            vec!["EventBridge", "a watch", "audit records", "Event Grid", "Pub/Sub", "webhooks"],
        ),
        ("| at once by an [event that you send]", vec!["the sweep"]),
        ("| when the manifest changes |", vec!["an edit of the store"]),
    ];
    let row = |start: &str| readme.lines().find(|line| line.starts_with(start)).unwrap().to_owned();
    for provider in Provider::ALL {
        for name in provider.profile().spec_names.iter().map(|each| format!("`{}`", each.name)) {
            let its = |line: &&str| line.starts_with(&format!("| {name}")) && line.matches('|').count() > 7;
            let told = page.lines().find(its).unwrap().split('|').nth(6).unwrap().trim();
            for (start, ways) in &groups {
                let is_there = row(start).contains(&name);
                let should = ways.iter().any(|way| told.starts_with(way));
                assert_eq!(
                    is_there, should,
                    "{name}, of which changes are told by {told:?}, in the row {start:?}"
                );
            }
        }
    }
}

#[test]
fn each_provider_has_its_row_with_what_a_sweep_costs() {
    let page = fs::read_to_string(root().join("docs/stores.md")).unwrap();
    let rows: Vec<Vec<&str>> =
        page.lines().map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect();
    for provider in Provider::ALL {
        let profile = provider.profile();
        let names: Vec<String> = profile.spec_names.iter().map(|each| format!("`{}`", each.name)).collect();
        // AWS is one name for several services.
        let service = format!("{provider:?}");
        let is_its = |row: &&Vec<&str>| {
            let named = names.iter().any(|name| row[0].starts_with(name.as_str()));
            named && row.len() > 5 && (!row[0].contains(',') || row[0].contains(&service))
        };
        let row =
            rows.iter().find(is_its).unwrap_or_else(|| panic!("docs/stores.md has no row for {provider}"));
        let cost = profile.capabilities.sweep_cost().to_string();
        let told = row.last().unwrap();
        assert!(told.starts_with(&cost), "{provider}: the page says {told:?}, and the profile {cost:?}");
    }
}
