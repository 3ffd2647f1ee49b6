//! A checker that finds nothing proves nothing: each kind of error is planted into evidence that is right, and must be found.

use super::*;
use crate::world::{Form, Spec, Store, value};
use std::time::Duration;

const KEY: Key = Key { store: Store::Vault, number: 1 };
const OTHER: Key = Key { store: Store::Manager, number: 3 };

fn spec(form: Form, generation: u32) -> Spec {
    Spec { generation, reads: vec![KEY], form, interval: 2, second_name: false }
}

fn place(number: u16) -> Place {
    Place { cluster: 0, number }
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The Secret that [`spec`] makes of the `n`th value.
fn shows(form: Form, n: u32) -> Data {
    let stored = BTreeMap::from([(KEY, Some(value(KEY, n, "canary")))]);
    standing::expected(&spec(form, 1), &stored).unwrap()
}

fn sight(number: u16, seconds: u64, form: Form, n: u32) -> Sight {
    let target = spec(form, 1).target(place(number));
    Sight { at: at(seconds), target, data: Some(shows(form, n)) }
}

/// Two declarations that followed the key through three values and a rollback, and one that was deleted.
fn right() -> Evidence {
    let declared = |form| vec![Declared { from: at(0), spec: Some(spec(form, 1)) }];
    let mut gone = declared(Form::Extract);
    gone.push(Declared { from: at(5), spec: None });
    let stood = [(0, 1), (10, 2), (20, 3), (30, 2)];
    let stood = stood.map(|(from, n)| Stood { from: at(from), n }).to_vec();
    let mut seen: Vec<Sight> =
        stood.iter().map(|state| sight(0, state.from.as_secs(), Form::Whole, state.n)).collect();
    seen.extend([(1, 1), (22, 3), (33, 2)].map(|(seconds, n)| sight(1, seconds, Form::Template, n)));
    seen.push(sight(2, 1, Form::Extract, 1));
    seen.push(Sight { data: None, ..sight(2, 6, Form::Extract, 1) });
    let secrets = [(0, Form::Whole), (1, Form::Template)];
    Evidence {
        stored: BTreeMap::from([(KEY, Some(value(KEY, 2, "canary")))]),
        secrets: secrets.map(|(number, form)| (spec(form, 1).target(place(number)), shows(form, 2))).into(),
        stood: BTreeMap::from([(KEY, stood)]),
        declared: BTreeMap::from([
            (place(0), declared(Form::Whole)),
            (place(1), declared(Form::Template)),
            (place(2), gone),
        ]),
        seen,
        kept: "blue/chaos-0/d000 blue/chaos-1/d001".to_owned(),
        records: "blue/chaos-0/d000 blue/chaos-1/d001 blue/chaos-2/d002".to_owned(),
        at: at(60),
        ..Evidence::default()
    }
}

#[test]
fn nothing_is_found_where_all_is_right() {
    assert_eq!(all(&right()), []);
    let gone = |seconds| Sight { data: None, ..sight(2, seconds, Form::Extract, 1) };
    let mut under_way = right();
    under_way.seen.extend([
        sight(2, 21, Form::Extract, 3),
        gone(22),
        sight(2, 23, Form::Extract, 2),
        gone(24),
    ]);
    assert_eq!(all(&under_way), [], "deliveries under way meet a declaration that is deleted");
    let mut with_dead_job = right();
    with_dead_job.dead_jobs.push(("jobs-dead".to_owned(), "blue/chaos-0/d000".to_owned()));
    assert_eq!(all(&with_dead_job), [], "a sweep made up for it");
}

/// What is wrong, how it is planted, and what must be found.
type Case<'a> = (&'a str, &'a dyn Fn(&mut Evidence), &'a [Kind]);

#[test]
fn every_planted_error_is_found() {
    let first = spec(Form::Whole, 1).target(place(0));
    let plant = |change: &dyn Fn(&mut Evidence)| {
        let mut evidence = right();
        change(&mut evidence);
        all(&evidence)
    };
    let found = |findings: &[Finding]| findings.iter().map(|finding| finding.kind).collect::<Vec<_>>();
    let cases: [Case<'_>; 18] = [
        ("stale", &|it| drop(it.secrets.insert(first.clone(), shows(Form::Whole, 1))), &[Kind::Wrong]),
        ("missing", &|it| drop(it.secrets.remove(&first)), &[Kind::Wrong]),
        (
            "a field too many",
            &|it| drop(it.secrets.get_mut(&first).unwrap().insert("own".into(), String::new())),
            &[Kind::Wrong],
        ),
        ("reverted", &|it| it.seen.insert(3, sight(0, 25, Form::Whole, 1)), &[Kind::WentBack]),
        ("reverted after the rollback", &|it| it.seen.push(sight(0, 40, Form::Whole, 3)), &[Kind::WentBack]),
        (
            "reverted after somebody deleted it",
            &|it| {
                it.seen.insert(3, Sight { data: None, ..sight(0, 24, Form::Whole, 1) });
                it.seen.insert(4, sight(0, 25, Form::Whole, 1));
            },
            &[Kind::WentBack],
        ),
        ("from the future", &|it| it.seen.insert(1, sight(0, 5, Form::Whole, 2)), &[Kind::Impossible]),
        ("never in the store", &|it| it.seen.push(sight(0, 50, Form::Whole, 9)), &[Kind::Impossible]),
        ("an older manifest", &older_manifest, &[Kind::WentBack]),
        (
            "a Secret left over",
            &|it| drop(it.secrets.insert(spec(Form::Extract, 1).target(place(2)), Data::new())),
            &[Kind::LeftOver],
        ),
        ("a record left over", &|it| it.kept.push_str(" blue/chaos-2/d002"), &[Kind::LeftOver]),
        ("a tombstone that stays", &|it| it.at = at(3600), &[Kind::LeftOver]),
        ("a job left", &|it| it.left_jobs.push(("jobs".into(), "{}".into())), &[Kind::Job]),
        (
            "a dead job without its work",
            &|it| {
                it.dead_jobs.push(("jobs-dead".into(), "blue/chaos-0/d000".into()));
                it.secrets.remove(&first);
            },
            &[Kind::Wrong, Kind::Job],
        ),
        (
            "a job that waits and its work is not done",
            &|it| {
                it.waiting_jobs.push(("jobs".into(), "blue/chaos-0/d000".into()));
                it.secrets.remove(&first);
            },
            &[Kind::Wrong, Kind::Job],
        ),
        ("leaked", &|it| it.leaks.push("the log".into()), &[Kind::Leak]),
        (
            "a log that lies",
            &|it| drop(it.stored.insert(KEY, Some(value(KEY, 3, "x")))),
            &[Kind::Wrong, Kind::Wrong, Kind::Proof],
        ),
        ("nothing is kept", &|it| it.kept.clear(), &[Kind::Proof]),
    ];
    for (case, change, expected) in cases {
        let findings = plant(change);
        assert_eq!(found(&findings), expected, "{case}: {findings:?}");
        assert!(findings.iter().all(|finding| !finding.to_string().contains("canary")), "{case}");
    }
}

/// The declaration read another key first, was edited, and shows the first key again.
fn older_manifest(evidence: &mut Evidence) {
    let before = Spec { reads: vec![OTHER], ..spec(Form::Whole, 1) };
    let declared = evidence.declared.get_mut(&place(0)).unwrap();
    declared.insert(0, Declared { from: at(0), spec: Some(before) });
    evidence.stored.insert(OTHER, Some(value(OTHER, 1, "canary")));
    evidence.stood.insert(OTHER, vec![Stood { from: at(0), n: 1 }]);
    let data = Data::from([("f0".to_owned(), value(OTHER, 1, "canary"))]);
    let target = spec(Form::Whole, 1).target(place(0));
    evidence.seen.insert(0, Sight { at: at(0), target: target.clone(), data: Some(data.clone()) });
    evidence.seen.insert(3, Sight { at: at(15), target, data: Some(data) });
}
