//! What the contract cannot say of the table: changes too large for a transaction, damaged documents, a slow DynamoDB.

use crate::adapters::at::{config, fresh_table, moto};
use crate::adapters::cut::CutAfter;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use pawl_aws::Table;
use pawl_domain::store::Condition;
use pawl_domain::{Declaration, DeclarationId, IndexKey, Kind, Step};
use pawl_ports::{Catalogue, Error, Put, Registry, Scope};
use pawl_world::build::{id, index_keys, store_id};
use pawl_world::declaration;
use std::collections::{BTreeSet, HashMap};

/// More than one transaction takes, together with as many that go.
const MANY: usize = 70;

#[tokio::test]
async fn a_large_change_is_whole_wherever_it_is_cut() {
    let (old, new) = (many("old"), many("new"));
    let (before, after) = (document("old"), document("new"));
    for sent in 0.. {
        let table = fresh_table().await;
        assert_eq!(table.put(&before, &old, None).await.unwrap(), Put::Created);
        let done = cut_table(&table, sent).put(&after, &new, Some(&before)).await;

        let stands = table.declarations(std::slice::from_ref(&after.id)).await.unwrap();
        let is_new = stands == [after.clone()];
        assert!(is_new || stands == [before.clone()], "cut after {sent}: one of both stands");
        assert_found(&table, &old, !is_new, sent).await;
        assert_found(&table, &new, is_new, sent).await;

        let again = table.put(&after, &new, Some(&before)).await.unwrap();
        assert_eq!(again, if is_new { Put::Unchanged } else { Put::Changed }, "cut after {sent}");
        assert_found(&table, &old, false, sent).await;
        assert_found(&table, &new, true, sent).await;
        assert_eq!(entries_of(&table, "old").await, 0, "cut after {sent}: what went leaves nothing behind");
        if done.is_ok() {
            assert!(sent > 5, "a change of this size takes many requests");
            return;
        }
    }
}

#[tokio::test]
async fn of_large_changes_that_meet_one_stands_whole() {
    let table = fresh_table().await;
    let sides = ["old", "new"].map(|side| (document(side), many(side)));
    let writes = (0..8).map(|turn| {
        let (table, (declared, keys)) = (&table, &sides[turn % 2]);
        async move { put_over(table, declared, keys).await }
    });
    for result in futures::future::join_all(writes).await {
        let kind = result.map_err(|error| error.kind).err();
        assert!(matches!(kind, None | Some(Kind::Conflict)), "a loser is told so: {kind:?}");
    }
    let stands = table.declarations(&[id("blue/shop/db")]).await.unwrap();
    for (declared, keys) in &sides {
        assert_found(&table, keys, stands[0] == *declared, 0).await;
    }
    for (declared, keys) in [&sides[0], &sides[1], &sides[0]] {
        put_over(&table, declared, keys).await.unwrap();
        assert_found(&table, keys, true, 0).await;
    }
    assert_eq!(entries_of(&table, "new").await, 0, "what a loser prepared is taken over, and away");
}

/// Puts a declaration in place of what stands at this moment.
async fn put_over(table: &Table, declaration: &Declaration, keys: &BTreeSet<IndexKey>) -> Result<Put, Error> {
    let stands = table.declarations(std::slice::from_ref(&declaration.id)).await?;
    table.put(declaration, keys, stands.first()).await
}

#[tokio::test]
async fn a_large_removal_is_whole_wherever_it_is_cut() {
    let (keys, declared) = (many_more("old"), document("old"));
    for sent in 0.. {
        let table = fresh_table().await;
        table.put(&declared, &keys, None).await.unwrap();
        let done = cut_table(&table, sent).remove(&declared.id).await;

        let stands = !table.declarations(std::slice::from_ref(&declared.id)).await.unwrap().is_empty();
        assert_found(&table, &keys, stands, sent).await;
        for scope in [Scope::All, Scope::Home(declared.home.clone()), Scope::Store(store_id("aws"))] {
            assert_eq!(table.page(&scope, None, 10).await.unwrap().len(), usize::from(stands), "{scope:?}");
        }
        assert_eq!(table.remove(&declared.id).await.unwrap(), stands, "cut after {sent}");
        assert_eq!(entries_of(&table, "old").await, 0, "cut after {sent}: nothing is left behind");
        assert_eq!(table.put(&declared, &keys, None).await.unwrap(), Put::Created, "cut after {sent}");
        assert_found(&table, &keys, true, sent).await;
        if done.is_ok() {
            return;
        }
    }
}

#[tokio::test]
async fn a_document_of_another_layout_is_passed_over_and_named() {
    let table = fresh_table().await;
    let keys = index_keys(["app/db"]);
    let ids: Vec<DeclarationId> = ["blue/shop/a", "blue/shop/b", "blue/shop/c"].map(id).to_vec();
    for id in &ids {
        table.put(&declaration(&id.to_string()).reads("app/db").build(), &keys, None).await.unwrap();
    }
    damage(&table, "blue!shop!b", "layout", AttributeValue::N("2".into())).await;
    let found: Vec<_> = table.declarations(&ids).await.unwrap().into_iter().map(|found| found.id).collect();
    assert_eq!(found, [ids[0].clone(), ids[2].clone()]);
    let told: Vec<String> = table.unreadable().await.unwrap().iter().map(ToString::to_string).collect();
    let want = "declaration blue/shop/b cannot be read: its layout is 2, not 1; \
                apply its manifest again, or remove it with pawl delete";
    assert_eq!(told, [want]);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_nothing_is_written() {
    let table = fresh_table().await;
    let large = declaration("blue/shop/db").reads("app/db").annotation("note", &"n".repeat(400_000)).build();
    let error = table.put(&large, &index_keys(["app/db"]), None).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Lookup, Kind::Invalid));
    assert!(error.message().contains("blue/shop/db") && error.message().contains("split"), "{error}");
    let (name, value) = ("k".to_owned(), "v".repeat(400_000));
    let store: pawl_domain::Store = pawl_world::secrets_manager("large").into();
    let condition = Condition { namespaces: BTreeSet::from([value.clone()]), ..Condition::default() };
    let error =
        table.put_store(&pawl_domain::Store { conditions: vec![condition], ..store }).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Lookup, Kind::Invalid));
    assert!(error.message().contains("ClusterSecretStore large has 400"), "{error}");
    let error =
        table.put_cluster(&pawl_world::cluster("large").label(&name, &value).build()).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Lookup, Kind::Invalid));
    assert!(error.message().contains("cluster large has 400"), "{error}");
    let keys: Vec<String> = (0..1_000).map(|index| format!("{}{index}", "k".repeat(500))).collect();
    let broad =
        table.put(&document("old"), &index_keys(keys.iter().map(String::as_str)), None).await.unwrap_err();
    assert_eq!(broad.kind, Kind::Invalid, "{broad}");
    assert_eq!(items(&table).await, [], "nothing stands");
}

#[tokio::test]
async fn a_key_with_more_entries_than_one_answer_holds_is_read_to_its_end() {
    let table = fresh_table().await;
    let long = "n".repeat(200);
    let ids: Vec<DeclarationId> =
        (0..6_000).map(|index| id(&format!("blue/shop/{long}-{index:05}"))).collect();
    let client = Client::new(&config(moto().await.endpoint()));
    for chunk in ids.chunks(25) {
        let put = |id: &DeclarationId| {
            let text = |text: &str| AttributeValue::S(text.to_owned());
            let put = PutRequest::builder()
                .item("pk", text("key#secrets-manager/eu-central-1/hot"))
                .item("sk", text(&id.to_string().replace('/', "!")));
            WriteRequest::builder().put_request(put.build().unwrap()).build()
        };
        let requests = chunk.iter().map(put).collect();
        client.batch_write_item().request_items(table.name(), requests).send().await.unwrap();
    }
    assert_eq!(table.candidates(&index_keys(["hot"])).await.unwrap(), ids);
}

fn many(name: &str) -> BTreeSet<IndexKey> {
    let names: Vec<String> = (0..MANY).map(|index| format!("{name}/{index}")).collect();
    index_keys(names.iter().map(String::as_str))
}

fn many_more(name: &str) -> BTreeSet<IndexKey> {
    let names: Vec<String> = (0..2 * MANY).map(|index| format!("{name}/{index}")).collect();
    index_keys(names.iter().map(String::as_str))
}

fn document(note: &str) -> Declaration {
    declaration("blue/shop/db").reads("app/db").annotation("note", note).build()
}

/// The same table for somebody who dies after so many requests.
fn cut_table(table: &Table, sent: usize) -> Table {
    let client =
        Client::from_conf(table.client().config().to_builder().interceptor(CutAfter::new(sent)).build());
    Table::with_client(client, table.name())
}

async fn assert_found(table: &Table, keys: &BTreeSet<IndexKey>, want: bool, sent: usize) {
    // Some of each batch in which entries are written.
    for key in keys.iter().step_by(9) {
        let found = table.candidates(&BTreeSet::from([key.clone()])).await.unwrap();
        assert_eq!(!found.is_empty(), want, "cut after {sent}: {key}");
    }
}

/// How many items there are under index keys that start so.
async fn entries_of(table: &Table, name: &str) -> usize {
    let prefix = format!("key#secrets-manager/eu-central-1/{name}/");
    items(table).await.iter().filter(|item| item["pk"].as_s().unwrap().starts_with(&prefix)).count()
}

/// Everything in the table: what no code of Pawl's may ask for.
pub(crate) async fn items(table: &Table) -> Vec<HashMap<String, AttributeValue>> {
    table
        .client()
        .scan()
        .table_name(table.name())
        .into_paginator()
        .items()
        .send()
        .collect::<Result<_, _>>()
        .await
        .unwrap()
}

pub(crate) async fn damage(table: &Table, sk: &str, attribute: &str, value: AttributeValue) {
    for mut item in items(table).await {
        if item.contains_key("doc") && item["sk"].as_s().unwrap() == sk {
            item.insert(attribute.to_owned(), value.clone());
            table.client().put_item().table_name(table.name()).set_item(Some(item)).send().await.unwrap();
        }
    }
}
