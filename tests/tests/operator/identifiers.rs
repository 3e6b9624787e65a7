//! `latchkey identifiers` against a real local gateway: begin, status, reclaim with its progress, and a drop that waits until nothing is left.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use latchkey::context::Clock;
use latchkey::domain::time::Span;
use serde_json::json;
use tests::gateway::folder;
use tests::{Anonymous, Browser, Customer, Gateway, Operator, Site};

/// Makes the second version of the identifier key older, as if time had passed.
async fn made_ago(tables: &Client, age: Span) {
    let items = tables.scan().table_name("identities").send().await.unwrap().items.unwrap();
    let is_second = |slot: &str| slot.contains("identifier") && slot.ends_with('2');
    let key = items.iter().find(|item| item["kind"].as_s().unwrap() == "key" && is_second(item["sk"].as_s().unwrap())).unwrap();
    let made = tables.update_item().table_name("identities").key("pk", key["pk"].clone()).key("sk", key["sk"].clone());
    let made = made.update_expression("SET #state.created_at = :at").expression_attribute_names("#state", "state");
    let at = AttributeValue::N((Clock::system().now() - age).millis().to_string());
    made.expression_attribute_values(":at", at).send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_rotates_the_identifier_key_and_drops_the_earlier_version_only_when_nothing_is_left() {
    let folder = folder();
    let data = folder.path().join("data");
    let gateway = Gateway::start(&data, &[]);
    let operator = Operator::new(&gateway, &data, folder.path());
    let (site, api, tables) = (Site::from(&gateway), Anonymous::new(&gateway), gateway.tables(&data));
    let customers = [Customer::registered(&site, "Ada").await, Customer::registered(&site, "Bob").await];
    let refused = |words: &[&str], part: &str| {
        let refused = operator.run(words);
        assert!(refused.code == Some(1) && refused.err.contains(part), "{words:?}: {refused:?}");
    };
    let reload = async || {
        let moved = api.post_json("/dev/clock", &json!({ "advance": "PT61S" })).await;
        assert!(moved.status() < 300, "{}", moved.text());
    };
    let all_sign_in = async || {
        for customer in &customers {
            let mut browser = Browser::new(&site);
            let page = browser.open("/login").await;
            assert_eq!(customer.sign_in(&mut browser, &page).await.status(), 200, "{}", customer.email);
        }
    };

    let status = operator.run_ok(&["identifiers", "status", "@"]);
    assert!(status.lines().count() == 1 && status.contains("version 1") && status.contains("live"), "{status}");
    for step in ["reclaim", "drop"] {
        refused(&["identifiers", step, "@"], "only one version is live");
    }
    refused(&["identifiers", "begin", "@"], "--yes");
    let no = operator.run_to_prompt(&["identifiers", "begin", "@"]).answer("no");
    assert!(no.code == Some(1) && no.out.contains("Do not begin while an earlier release"), "{no:?}");
    let begun = operator.run_ok(&["identifiers", "begin", "--yes", "@"]);
    assert!(begun.contains("version 2 is made") && begun.contains("in 7 minutes"), "{begun}");
    refused(&["identifiers", "begin", "--yes", "@"], "a rotation has begun already");
    // Each account, and its claim.
    let status = operator.run_ok(&["identifiers", "status", "@"]);
    assert!(status.contains("version 2") && status.contains("stored under version 1: 4"), "{status}");
    refused(&["identifiers", "reclaim", "@"], "not every instance uses version 2 yet");
    refused(&["identifiers", "drop", "--yes", "@"], "counters of the day may still be stored under version 1");
    reload().await;
    all_sign_in().await;

    // A day later the drop is refused while items are left.
    made_ago(&tables, Span::hours(26)).await;
    reload().await;
    refused(&["identifiers", "drop", "--yes", "@"], "4 items are stored under version 1: run latchkey identifiers reclaim");
    let reclaimed = operator.run(&["identifiers", "reclaim", "--rate", "5000", "@"]);
    assert_eq!(reclaimed.code, Some(0), "{reclaimed:?}");
    for words in ["moved: 2", "stored under version 1: 0", "the earlier version can be dropped"] {
        assert!(reclaimed.out.contains(words), "{words}: {reclaimed:?}");
    }
    assert!(!reclaimed.out.contains('@') && !reclaimed.out.contains("failed"), "{reclaimed:?}");
    let again = operator.run_ok(&["identifiers", "reclaim", "@"]);
    assert!(again.contains("moved: 0") && again.contains("stored under version 1: 0"), "{again}");
    all_sign_in().await;

    let no = operator.run_to_prompt(&["identifiers", "drop", "@"]).answer("no");
    assert!(no.code == Some(1) && no.out.contains("Nothing is stored under version 1"), "{no:?}");
    let dropped = operator.run_ok(&["identifiers", "drop", "--yes", "@"]);
    assert!(dropped.contains("version 1 is dropped"), "{dropped}");
    let status = operator.run_ok(&["identifiers", "status", "@"]);
    assert!(status.contains("dropped since") && !status.contains("stored under"), "{status}");
    refused(&["identifiers", "drop", "--yes", "@"], "only one version is live");
    reload().await;
    all_sign_in().await;
    let fay = Customer::registered(&site, "Fay").await;
    let mut browser = Browser::new(&site);
    let page = browser.open("/login").await;
    assert_eq!(fay.sign_in(&mut browser, &page).await.status(), 200);
}
