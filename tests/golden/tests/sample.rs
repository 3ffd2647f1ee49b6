//! The recorded cases come out as the operator left them, or as Pawl chose.

use pawl_golden::{Case, Choices, Played, differences, lines, play};
use std::collections::BTreeSet;
use std::path::Path;

#[tokio::test(flavor = "multi_thread")]
async fn recorded_cases_come_out_the_same() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let cases: Vec<Case> = lines(&data.join("eso-2.9.jsonl.gz")).unwrap();
    assert_eq!(cases.len(), 797, "the recording is whole");
    let choices = Choices::read(&data.join("choices.txt")).unwrap();
    let Played { outcomes, moved } = play(&cases).await.unwrap();
    let mut used = BTreeSet::new();
    let mut undecided = Vec::new();
    for (case, outcome) in cases.iter().zip(&outcomes) {
        let found = differences(case, outcome);
        if !found.is_empty() {
            match choices.of(&case.name, &case.group, "") {
                Some(choice) => drop(used.insert(choice.subject.clone())),
                None => undecided.push(format!("{}: {}", case.name, found.join("; "))),
            }
        }
    }
    assert!(undecided.is_empty(), "{} differ:\n{}", undecided.len(), undecided.join("\n"));
    let unused: Vec<_> = choices.all().iter().filter(|choice| !used.contains(&choice.subject)).collect();
    assert!(unused.is_empty(), "choices that no case needs: {unused:?}");

    // Another Pawl takes the cluster over, as one would from ESO: not one Secret is written.
    assert_eq!(moved.changed, BTreeSet::new());
    // What would change is what the API server refused ESO as well.
    let refused = |case: &&Case| {
        case.expect.ready.as_ref().is_some_and(|ready| ready.message == "could not update secret")
    };
    let of = |case: &Case| {
        let namespace = case.external_secret["metadata"]["namespace"].as_str().unwrap();
        format!("{namespace}/{}", case.name)
    };
    let refused: BTreeSet<_> = cases.iter().filter(refused).map(of).collect();
    let would: BTreeSet<_> = moved.would_change.keys().cloned().collect();
    assert!(would.is_subset(&refused), "{:?}", would.difference(&refused));
    assert!(moved.looked_at > 700 && !would.is_empty(), "{}", moved.looked_at);
}
