//! Each fault has its documented effect, as seen through the SDK.
use super::*;
use crate::engine::{Engine, client, test_table};
use aws_sdk_dynamodb::types::AttributeValue;

async fn setup() -> (Faults, aws_sdk_dynamodb::Client, aws_sdk_dynamodb::Client) {
    let engine = Engine::memory().unwrap();
    let faults = Faults::seeded(1);
    let direct = client(engine.connector());
    test_table(&direct).await;
    (faults.clone(), client(faults.around(engine.connector())), direct)
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

async fn stored(client: &aws_sdk_dynamodb::Client, pk: &str) -> bool {
    client.get_item().table_name("test").key("pk", text(pk)).send().await.unwrap().item().is_some()
}

#[tokio::test]
async fn one_throttle_is_retried_by_the_sdk_and_a_lasting_one_is_not_hidden() {
    let (faults, client, _) = setup().await;
    let put = || client.put_item().table_name("test").item("pk", text("a")).send();
    faults.add(Calls::Writes, Trigger::Nth(1), Fault::Throttle);
    put().await.unwrap();
    faults.add(Calls::Writes, Trigger::Always, Fault::Throttle);
    assert!(put().await.unwrap_err().into_service_error().is_provisioned_throughput_exceeded_exception());
    assert_eq!(faults.injected(), 4);
}

#[tokio::test]
async fn a_timeout_before_applies_nothing_and_a_timeout_after_applies_once_more_than_told() {
    let (faults, client, direct) = setup().await;
    for (fault, applied) in [(Fault::TimeoutBefore, false), (Fault::TimeoutAfter, true)] {
        let key = format!("{fault:?}");
        faults.clear();
        faults.add(Calls::Writes, Trigger::Always, fault);
        assert!(client.put_item().table_name("test").item("pk", text(&key)).send().await.is_err());
        assert_eq!(stored(&direct, &key).await, applied, "{key}");
    }
}

#[tokio::test]
async fn a_conflict_has_a_reason_for_each_item_of_the_transaction() {
    use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException;
    use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
    let (faults, client, direct) = setup().await;
    faults.add(Calls::Named("TransactWriteItems"), Trigger::Always, Fault::Conflict);
    let put = |pk| {
        let put = Put::builder().table_name("test").item("pk", text(pk)).build().unwrap();
        TransactWriteItem::builder().put(put).build()
    };
    let error = client.transact_write_items().transact_items(put("a")).transact_items(put("b")).send().await.unwrap_err();
    let TransactionCanceledException(cancelled) = error.into_service_error() else { panic!("not a cancellation") };
    let codes: Vec<_> = cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code()).collect();
    assert_eq!(codes, ["TransactionConflict", "None"]);
    assert!(!stored(&direct, "a").await);
}

#[tokio::test]
async fn a_partial_batch_names_what_it_left_out() {
    use aws_sdk_dynamodb::types::KeysAndAttributes;
    let (faults, client, direct) = setup().await;
    for pk in ["a", "b", "c"] {
        direct.put_item().table_name("test").item("pk", text(pk)).send().await.unwrap();
    }
    faults.add(Calls::Reads, Trigger::Nth(1), Fault::Partial);
    let keys = ["a", "b", "c"].map(|pk| std::collections::HashMap::from([("pk".to_owned(), text(pk))]));
    let wanted = KeysAndAttributes::builder().set_keys(Some(keys.into())).build().unwrap();
    let answer = client.batch_get_item().request_items("test", wanted).send().await.unwrap();
    let (read, left) = (answer.responses().unwrap()["test"].len(), answer.unprocessed_keys().unwrap()["test"].keys().len());
    assert_eq!((read, left), (1, 2));
}

#[tokio::test]
async fn a_crash_never_answers_and_says_that_it_struck() {
    let (faults, client, direct) = setup().await;
    faults.add(Calls::Writes, Trigger::Nth(1), Fault::CrashAfter);
    tokio::select! {
        answer = client.put_item().table_name("test").item("pk", text("a")).send() => panic!("{answer:?}"),
        () = faults.crashed() => {}
    }
    assert!(stored(&direct, "a").await);
}

#[test]
fn the_same_seed_gives_the_same_chances() {
    let strikes = |seed| {
        let faults = Faults::seeded(seed);
        faults.add(Calls::Any, Trigger::Chance(0.3), Fault::Throttle);
        (0..1000).map(|_| faults.strike("PutItem").is_some()).collect::<Vec<_>>()
    };
    assert_eq!(strikes(7), strikes(7));
    assert_ne!(strikes(7), strikes(8));
    let share = strikes(7).into_iter().filter(|struck| *struck).count();
    assert!((250..350).contains(&share), "{share}");
}
