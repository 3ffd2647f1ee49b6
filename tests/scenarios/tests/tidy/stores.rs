//! The page of the stores has a row for each provider, and says of a sweep what the profile says.

use super::root;
use pawl_domain::Provider;
use std::fs;

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
