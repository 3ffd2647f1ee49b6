//! Every alarm on Pawl's own numbers fires when it should and is silent when all is well: what the functions really
//! write as metrics, at their schedule, put through CloudWatch's rules as `template.yaml` sets them.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

mod cloudwatch;
mod told;

use cloudwatch::{Datapoint, Template};
use metrics_cloudwatch_embedded::{Builder, Collector};
use pawl_domain::Kind;
use pawl_pipeline::sweep::SweepReport;
use pawl_pipeline::{Promise, Settings};
use pawl_world::{Fault, Point, cluster, declaration};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use told::{Told, nothing_watched, out_of_reach};

const DAY: u64 = 24 * 3600;
/// The intervals that the template lets choose from, in minutes.
const INTERVALS: [u64; 7] = [1, 2, 5, 10, 15, 30, 60];

/// What one call of a function wrote: the values of each metric without dimensions.
type Written = BTreeMap<String, Vec<f64>>;

/// One story, for the recorder of metrics is the process's.
#[tokio::test(start_paused = true)]
async fn alarms_fire_when_they_should_and_only_then() {
    let collector = Builder::new().cloudwatch_namespace("Pawl").init().unwrap();
    let told = Told::with(Settings { pushes: true, ..Settings::default() });
    told.world.add_cluster(cluster("blue").indexed());
    told.world.declare(declaration("blue/shop/db").reads("app/db"));
    told.hear_of(&told.world.rotate("app/db", told.value(1))).await;
    written(collector);

    let well = [sweep(&told, collector).await, index(&told, collector).await];
    for (name, of) in [
        ("SweepSilentAlarm", 0),
        ("StoresNotSweptAlarm", 0),
        ("IndexSilentAlarm", 1),
        ("ClustersNotIndexedAlarm", 1),
        ("FoldersNotIndexedAlarm", 1),
    ] {
        silent(name, &well[of]);
    }
    for name in ["OverdueAlarm", "FailingAlarm"] {
        silent(name, &well[0]);
    }

    // A sweep that fails, or does not end, writes no count, however often the schedule calls.
    told.world.inject(Fault::fail(Kind::Throttled).at(Point::Lookup));
    assert!(pawl_sweep::handle(&told.pipeline, Default::default()).await.is_err());
    assert!(pawl_index::handle(&told.pipeline, &nothing_watched(), Default::default()).await.is_err());
    let nothing = without_gauges(written(collector));
    told.world.mend_all();
    fires("SweepSilentAlarm", &nothing, 4 * 3600);
    fires("IndexSilentAlarm", &nothing, 4 * 3600);

    told.world.inject(Fault::fail(Kind::Transient).at(Point::Listing));
    told.world.advance(Duration::from_secs(7200));
    let unlisted = sweep(&told, collector).await;
    told.world.mend_all();
    assert_eq!(unlisted["pawl_stores_not_swept"], [1.0]);
    fires("StoresNotSweptAlarm", &unlisted, 4 * 3600);

    told.world.inject(Fault::down("blue"));
    let unread = index(&told, collector).await;
    told.world.mend_all();
    assert_eq!(unread["pawl_clusters_not_indexed"], [1.0]);
    fires("ClustersNotIndexedAlarm", &unread, 4 * 3600);

    pawl_index::handle(&told.pipeline, &out_of_reach(), Default::default()).await.unwrap();
    let unread = written(collector);
    assert_eq!(unread["pawl_folders_not_indexed"], [1.0]);
    fires("FoldersNotIndexedAlarm", &unread, 4 * 3600);

    let passed = push(&told, collector).await;
    silent("PushSilentAlarm", &passed);
    silent("PushesFailingAlarm", &passed);
    told.world.inject(Fault::fail(Kind::Throttled).at(Point::Lookup));
    assert!(pawl_push::handle(&told.pipeline, Default::default()).await.is_err());
    fires("PushSilentAlarm", &without_gauges(written(collector)), 4 * 3600);
    told.world.mend_all();
    told.world.declare_push(pawl_world::push("blue/shop/push").writes("pw", "app/pw")).await;
    let failed = push(&told, collector).await;
    assert_eq!(failed["pawl_pushes_failing"], [1.0], "there is no Secret to push");
    fires("PushesFailingAlarm", &failed, 8 * 3600);

    let promise = Promise { failing: 11, set_aside: 0, overdue: 1, oldest_overdue: Duration::from_secs(90) };
    pawl_runtime::measure::swept(&SweepReport { promise, ..SweepReport::default() });
    let broken = written(collector);
    assert_eq!(broken["pawl_oldest_overdue_seconds"], [90.0]);
    fires("OverdueAlarm", &broken, 4 * 3600);
    fires("FailingAlarm", &broken, 4 * 3600);
    // CodeDeploy leads back to the former version on these, so they fire while the new one has a tenth of the calls.
    let template = template(1);
    let canary = template.default_of("Deployment");
    let minutes = canary.strip_prefix("Canary10Percent").and_then(|it| it.strip_suffix("Minutes")).unwrap();
    for name in ["FailingAlarm", "OverdueAlarm"] {
        let alarm = template.alarm(name);
        let fired = alarm.fires(&series(&broken, &alarm.metric, 1), DAY).unwrap();
        assert!(fired <= minutes.parse::<u64>().unwrap() * 60, "{name}: {fired} s, {canary}");
    }
    let promise = Promise { failing: 10, ..Promise::default() };
    pawl_runtime::measure::swept(&SweepReport { promise, ..SweepReport::default() });
    silent("FailingAlarm", &written(collector));

    let change = told.world.rotate("app/db", told.value(2));
    told.hear_of(&change).await;
    let quick = written(collector);
    silent("LatencyAlarm", &quick);
    let change = told.world.rotate("app/db", told.value(3));
    told.world.advance(Duration::from_secs(61));
    told.hear_of(&change).await;
    let slow = written(collector);
    assert!(slow["pawl_event_to_written_seconds"][0] >= 61.0, "{slow:?}");
    // Two slow changes within two hours: few change more often than once an hour.
    fires("LatencyAlarm", &slow, 2 * 3600);
    told.end();
}

#[test]
fn every_alarm_of_pawls_own_numbers_is_calculated_and_none_of_a_schedule_waits_for_errors() {
    let template = template(1);
    let own = template.alarms().into_iter().filter(|name| {
        !["EventsDeadAlarm", "JobsDeadAlarm", "UndeliveredAlarm", "EventsWaitAlarm", "FunctionErrorsAlarm"]
            .contains(name)
            && !name.ends_with("VersionAlarm")
    });
    let calculated = [
        "SweepSilentAlarm",
        "IndexSilentAlarm",
        "PushSilentAlarm",
        "OverdueAlarm",
        "FailingAlarm",
        "PushesFailingAlarm",
        "StoresNotSweptAlarm",
        "ClustersNotIndexedAlarm",
        "FoldersNotIndexedAlarm",
        "LatencyAlarm",
    ];
    assert_eq!(own.collect::<Vec<_>>(), calculated, "calculate a new one in the story above");
    // A sum has no value where one of its metrics has none, which is nearly always.
    let told = ["sync", "deliver", "vault", "intake"].map(|metric| format!("FILL({metric}, 0)"));
    assert!(template.says(&format!("Expression: \"{}\"", told.join(" + "))));
    let versions = ["SyncVersionAlarm", "DeliverVersionAlarm", "SweepVersionAlarm", "IndexVersionAlarm"];
    for name in ["EventsDeadAlarm", "JobsDeadAlarm", "UndeliveredAlarm"].into_iter().chain(versions) {
        let depth = template.alarm(name);
        let one: Vec<Datapoint> = (0..10).map(|minute| (minute * 60, 1.0)).collect();
        assert!(depth.fires(&one, 600).is_some(), "{name}");
        assert_eq!(
            depth.fires(&one.iter().map(|(at, _)| (*at, 0.0)).collect::<Vec<_>>(), 600),
            None,
            "{name}"
        );
    }
}

#[test]
fn queues_that_wait_and_functions_that_fail_are_told_and_a_single_failure_is_not() {
    let template = template(1);
    // The age of the oldest message, as SQS tells it each minute.
    let waits = template.alarm("EventsWaitAlarm");
    let age =
        |most: u64| (0..60).map(|minute| (minute * 60, (minute * 60).min(most) as f64)).collect::<Vec<_>>();
    assert!(waits.fires(&age(3600), 3600).is_some_and(|at| at <= 15 * 60), "{waits:?}");
    assert_eq!(waits.fires(&age(300), 3600), None, "{waits:?}");

    // One function fails at each message that comes again, the others rest and have no datapoint.
    let errors = template.alarm("FunctionErrorsAlarm");
    let failing: Vec<Datapoint> = [10, 20, 50, 120, 330, 700].map(|at| (at, 1.0)).into();
    assert!(errors.fires(&failing, 3600).is_some_and(|at| at <= 15 * 60), "{errors:?}");
    assert_eq!(errors.fires(&[(10, 1.0)], 3600), None, "what fails once comes again: {errors:?}");
}

async fn sweep(told: &Told, collector: &Collector) -> Written {
    pawl_sweep::handle(&told.pipeline, Default::default()).await.unwrap();
    written(collector)
}

async fn push(told: &Told, collector: &Collector) -> Written {
    pawl_push::handle(&told.pipeline, Default::default()).await.unwrap();
    written(collector)
}

async fn index(told: &Told, collector: &Collector) -> Written {
    pawl_index::handle(&told.pipeline, &nothing_watched(), Default::default()).await.unwrap();
    written(collector)
}

/// What the functions write at the end of a call, in CloudWatch's embedded metric format.
fn written(collector: &Collector) -> Written {
    let mut lines = Vec::new();
    collector.flush(&mut lines).unwrap();
    let mut all = Written::new();
    for line in String::from_utf8(lines).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let set = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(set["Namespace"], "Pawl");
        if set["Dimensions"][0].as_array().is_some_and(|dimensions| !dimensions.is_empty()) {
            continue;
        }
        for metric in set["Metrics"].as_array().unwrap() {
            let name = metric["Name"].as_str().unwrap();
            let values = match &line[name] {
                Value::Array(values) => values.iter().filter_map(Value::as_f64).collect(),
                value => vec![value.as_f64().unwrap()],
            };
            all.insert(name.to_owned(), values);
        }
    }
    all
}

/// Without what a gauge still shows of an earlier call.
fn without_gauges(mut written: Written) -> Written {
    written.retain(|name, _| name.ends_with("_total"));
    written
}

fn template(interval: u64) -> Template {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml");
    let interval = interval.to_string();
    let parameters = [
        ("SweepInterval", interval.clone()),
        ("IndexInterval", interval.clone()),
        ("PushInterval", interval),
    ];
    Template::new(std::fs::read_to_string(path).unwrap(), &parameters)
}

/// The datapoints of calls at every interval, none of them in the same second of its minute.
fn series(written: &Written, metric: &str, interval: u64) -> Vec<Datapoint> {
    let values = written.get(metric).cloned().unwrap_or_default();
    let times = (0..DAY / (interval * 60)).map(|call| call * interval * 60 + call * 7 % 60);
    times.flat_map(|at| values.iter().map(move |value| (at, *value))).collect()
}

fn fires(name: &str, written: &Written, within: u64) {
    for interval in INTERVALS {
        let alarm = template(interval).alarm(name);
        let datapoints = series(written, &alarm.metric, interval);
        let fired = alarm.fires(&datapoints, DAY);
        assert!(fired.is_some_and(|at| at <= within), "{name} every {interval} min: {fired:?} {alarm:?}");
    }
}

fn silent(name: &str, written: &Written) {
    for interval in INTERVALS {
        let alarm = template(interval).alarm(name);
        let datapoints = series(written, &alarm.metric, interval);
        assert!(!datapoints.is_empty(), "{name}: {} was not written: {written:?}", alarm.metric);
        assert_eq!(alarm.fires(&datapoints, DAY), None, "{name} every {interval} min: {alarm:?}");
    }
}
