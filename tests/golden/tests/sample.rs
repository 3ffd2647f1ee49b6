//! The recorded cases come out as the operator left them, or as Pawl chose.

use pawl_golden::{Case, Choices, differences, play, read};
use std::path::Path;

#[tokio::test(flavor = "multi_thread")]
async fn recorded_cases_come_out_the_same() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let cases = read(&data.join("eso-2.9.jsonl.gz")).unwrap();
    assert_eq!(cases.len(), 797, "the recording is whole");
    let choices = Choices::parse(&std::fs::read_to_string(data.join("choices.txt")).unwrap()).unwrap();
    let outcomes = play(&cases).await.unwrap();
    let mut differing: Vec<&Case> = Vec::new();
    let mut undecided = Vec::new();
    for (case, outcome) in cases.iter().zip(&outcomes) {
        let found = differences(case, outcome);
        if !found.is_empty() {
            differing.push(case);
            if choices.reason(case).is_none() {
                undecided.push(format!("{}: {}", case.name, found.join("; ")));
            }
        }
    }
    assert!(undecided.is_empty(), "{} differ:\n{}", undecided.len(), undecided.join("\n"));
    assert_eq!(choices.unused(&differing), Vec::<&str>::new(), "choices that no case needs");
}
