//! A selection of the recorded sequences comes out as the operator left them, or as Pawl chose.

use pawl_sequences::{Choices, Report, Sequence, lines, play};
use std::path::Path;

/// The most steps of a sequence that is played here: a step takes eight seconds, and all are played at the same time.
const STEPS: usize = 3;
/// It edits a store twice in one step. The operator, with its interval of 5 s, saw only the second edit; Pawl acts on the first
/// as well where a busy machine leaves it the time. `make sequences` plays it.
const TOO_SOON: &str = "store-001-invalid";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs KUBEBUILDER_ASSETS"]
async fn short_sequences_come_out_the_same() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let all: Vec<Sequence> = lines(&data.join("eso-2.9.jsonl.gz")).unwrap();
    assert_eq!(all.len(), 169, "the recording is whole");
    let choices = Choices::read(&data.join("choices.txt")).unwrap();
    let short =
        all.iter().filter(|each| each.is_served() && each.steps.len() <= STEPS && each.name != TOO_SOON);
    let short: Vec<Sequence> = short.cloned().collect();
    let (played, _) = play(&short, &choices).await.unwrap();
    let report = Report::of(&short, &played, &choices);
    assert!(report.undecided.is_empty(), "{}", report.text());
}
