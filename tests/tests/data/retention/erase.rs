//! One account: closed, restored, erased, raced, and erased again after a restored backup (security 111, 129, 130, 132; T3, T23).

use crate::retention::{
    AFTER_GRACE, CANARIES, account_of, assert_erased, assert_invariants, close, create_user_with_canaries, erased, patch,
    remaining_kinds, tick, world,
};
use dynoxide::actions::put_item::PutItemRequest;
use latchkey::domain::time::Span;
use latchkey_local::fault::{Calls, Fault, Trigger};
use latchkey_local::world::World;
use serde_json::{Value, json};
use std::time::Duration;
use tests::{AccountClient, Anonymous, Browser, Customer, invariants};

#[tokio::test]
async fn security_129_an_erasure_leaves_no_personal_data_and_a_second_run_changes_nothing() {
    let world = world().await;
    let (customer, me) = create_user_with_canaries(&world, "Ada").await;
    let account = account_of(&world, &me).await;
    close(&me).await;
    assert_eq!(me.is_alive().await, (false, false), "access ends with the first write");
    world.advance(Span::days(29));
    assert_eq!(erased(&tick(&world).await), 0, "within the grace period");
    world.advance(Span::days(2));
    assert_eq!(erased(&tick(&world).await), 1);
    assert_erased(&world, &customer, &me, &account).await;
    world.advance(Span::hours(1));
    assert_eq!(erased(&tick(&world).await), 0);
    assert_erased(&world, &customer, &me, &account).await;
}

/// Kills an erasure at every fourth of its writes, beginning with `first`, and returns how many there were.
async fn kill_at_every_fourth_write(fault: Fault, first: usize) -> usize {
    let mut points = 0;
    for write in (first..).step_by(4) {
        let world = world().await;
        let (customer, me) = create_user_with_canaries(&world, "Ada").await;
        let account = account_of(&world, &me).await;
        close(&me).await;
        world.advance(AFTER_GRACE);
        world.faults.add(Calls::Writes, Trigger::Nth(write as u64), fault);
        let ended = world.run_job_until_crash(&json!({ "job": "retention" })).await;
        world.faults.clear();
        // In every intermediate state, access is refused and no data comes back.
        assert_eq!((me.is_alive().await, patch(&me).await), ((false, false), 401), "{fault:?} at {write}");
        world.advance(Span::hours(1));
        tick(&world).await;
        assert_erased(&world, &customer, &me, &account).await;
        if ended.is_some() {
            break;
        }
        points += 1;
    }
    points
}

/// One test for each fault and each remainder: together they kill at every write, and they run in parallel.
macro_rules! security_129_t3_an_erasure_killed_at_any_write_is_completed {
    ($($name:ident: $fault:ident, $first:literal;)*) => { mod security_129_t3_an_erasure_killed_at_any_write_is_completed { $(
        #[tokio::test]
        async fn $name() {
            let points = super::kill_at_every_fourth_write(super::Fault::$fault, $first).await;
            assert!(points > 2, "{points} points");
        }
    )* } };
}
security_129_t3_an_erasure_killed_at_any_write_is_completed! {
    before_1_5_9: CrashBefore, 1;
    before_2_6_10: CrashBefore, 2;
    before_3_7_11: CrashBefore, 3;
    before_4_8_12: CrashBefore, 4;
    after_1_5_9: CrashAfter, 1;
    after_2_6_10: CrashAfter, 2;
    after_3_7_11: CrashAfter, 3;
    after_4_8_12: CrashAfter, 4;
}

#[tokio::test]
async fn security_111_a_freed_address_gets_a_new_sub_and_no_old_data() {
    let world = world().await;
    let (customer, me) = create_user_with_canaries(&world, "Ada").await;
    let former = me.tokens.id_claims()["sub"].clone();
    close(&me).await;
    world.advance(AFTER_GRACE);
    let early = Anonymous::new(&world).post_json("/v1/registrations", &customer.registration()).await;
    assert_eq!(early.status(), 202, "the same answer as for a free address");
    let mail = &world.mails_to(&customer.email).await.expect("mails")[0];
    let restores = mail.links.iter().all(|link| link.contains("/account/restore"));
    assert!(restores && !mail.links.is_empty(), "the address is not free yet, and its owner can take the account back");
    tick(&world).await;
    let heir = Customer { given_name: "Heir".to_owned(), family_name: "Heir".to_owned(), ..customer.clone() };
    let sub = heir.register(&world).await;
    assert_ne!(json!(sub), former);
    let heir = AccountClient::new(&world, &heir).await;
    let claims = heir.get("/v1/me").await.json();
    assert_eq!((&claims["given_name"], claims.get("company"), claims.get("phone_number")), (&json!("Heir"), None, None));
    assert_eq!(heir.get("/v1/me/sessions").await.json()["sessions"].as_array().map(Vec::len), Some(1));
    assert_invariants(&world).await;
}

/// security 130: a write that was decided before the erasure finds its condition broken. A restoration wins until the job has taken the
/// account, and then nothing of it is erased.
#[tokio::test]
async fn security_130_a_write_that_races_the_erasure_restores_no_data() {
    let (mut restored_first, mut erased_first) = (0, 0);
    for round in 0..3 {
        let world = world().await;
        let (customer, me) = create_user_with_canaries(&world, "Ada").await;
        let account = account_of(&world, &me).await;
        close(&me).await;
        let (token, code) = restoration(&world, &customer).await;
        world.advance(AFTER_GRACE);
        world.faults.add(Calls::Reads, Trigger::Always, Fault::SlowAfter(Duration::from_millis(5)));
        let restore = Anonymous::new(&world);
        let body = json!({ "token": token, "code": code });
        let restoration = restore.post_json("/v1/me/restoration", &body);
        let (refresh, edit) = (me.client.refresh(me.tokens.refresh()), patch(&me));
        let (summary, restored) = match round {
            // The job is late.
            0 => {
                let (restored, _, _) = tokio::join!(restoration, refresh, edit);
                (tick(&world).await, restored)
            }
            // Both at the same moment.
            1 => {
                let (summary, restored, _, _) = tokio::join!(tick(&world), restoration, refresh, edit);
                (summary, restored)
            }
            // The job has taken the account.
            _ => {
                let (summary, _, _) = tokio::join!(tick(&world), refresh, edit);
                (summary, restoration.await)
            }
        };
        world.faults.clear();
        match (restored.status(), erased(&summary)) {
            (204, 0) => {
                restored_first += 1;
                let again = AccountClient::new(&world, &customer).await;
                assert_eq!(again.get("/v1/me").await.json()["company"], "canarycompany");
                assert_eq!(erased(&tick(&world).await), 0);
                assert_invariants(&world).await;
            }
            (400, 1) => {
                erased_first += 1;
                assert_erased(&world, &customer, &me, &account).await;
            }
            other => panic!("{other:?}: {}", restored.text()),
        }
    }
    assert!(restored_first > 0 && erased_first > 0, "{restored_first} and {erased_first}");
}

/// The token and the code that restore the account.
pub(super) async fn restoration(world: &World, customer: &Customer) -> (String, String) {
    let mails = world.mails_to(&customer.email).await.expect("mails");
    let mail = mails.iter().find(|mail| mail.links.iter().any(|link| link.contains("/account/restore"))).expect("a mail");
    (mail.links[0].split_once("?token=").expect("a token").1.to_owned(), mail.codes[0].clone())
}

#[tokio::test]
async fn a_closed_account_is_restored_once_by_its_own_link_and_code_until_the_job_has_taken_it() {
    let world = world().await;
    let (customer, me) = create_user_with_canaries(&world, "Ada").await;
    let (other, others) = create_user_with_canaries(&world, "Bob").await;
    close(&me).await;
    close(&others).await;
    let ((own, code), (foreign, foreign_code)) = (restoration(&world, &customer).await, restoration(&world, &other).await);
    let api = Anonymous::new(&world);
    let restore =
        async |token: &str, code: &str| api.post_json("/v1/me/restoration", &json!({ "token": token, "code": code })).await;
    for (token, code) in [
        ("", &code),
        ("x", &code),
        (&own[1..], &code),
        (&format!("{own}A"), &code),
        (&own, &String::new()),
        (&own, &foreign_code),
        (&foreign, &code),
    ] {
        assert_eq!(restore(token, code).await.refusal(), (400, "invalid_code".to_owned()), "{token} {code}");
    }
    assert_eq!(api.post_json("/v1/me/restoration", &json!({ "token": own })).await.status(), 400, "a link is not enough");
    // Days after it is due, because the job is late: neither lost nor stuck.
    world.advance(AFTER_GRACE);
    let grouped = format!("{}-{}", &code[..5], code[5..].to_lowercase());
    assert_eq!(restore(&own, &grouped).await.status(), 204);
    let again = restore(&own, &code).await;
    assert_eq!(again.refusal(), (400, "invalid_code".to_owned()), "once");
    assert!(again.text().contains("restored already"), "{}", again.text());
    let back = AccountClient::new(&world, &customer).await;
    assert_eq!(back.get("/v1/me").await.json()["company"], "canarycompany");
    assert_eq!(me.is_alive().await, (false, false), "old sessions stay signed out");
    assert_eq!(erased(&tick(&world).await), 1, "only the other account");
    assert_eq!(restore(&foreign, &foreign_code).await.status(), 400, "the job has taken it");
    let again = AccountClient::new(&world, &customer).await;
    assert_eq!(again.get("/v1/me").await.status(), 200);
    assert_invariants(&world).await;
}

#[tokio::test]
async fn security_132_a_legal_hold_keeps_an_account_until_it_is_lifted() {
    let world = world().await;
    let (customer, me) = create_user_with_canaries(&world, "Ada").await;
    let account = account_of(&world, &me).await;
    close(&me).await;
    let word = async |job: &str| world.run_job(&json!({ "job": job, "email": customer.email })).await.expect("an answer");
    assert_eq!((&word("hold").await["status"], &word("hold").await["changed"]), (&json!("held"), &json!(false)));
    for _ in 0..3 {
        world.advance(AFTER_GRACE);
        let summary = tick(&world).await;
        assert_eq!((erased(&summary), &summary["rules"]["erasure"]["deferred"]), (0, &json!(1)), "{summary}");
    }
    assert!(!remaining_kinds(&invariants::read(&world.engine), &account).contains(&"tombstone".to_owned()));
    assert_eq!(word("release").await["status"], "released");
    world.advance(AFTER_GRACE);
    assert_eq!(erased(&tick(&world).await), 1);
    assert_erased(&world, &customer, &me, &account).await;
    assert_eq!(word("hold").await["status"], "no_account");
}

/// T23: after the restore of an old backup, every account erased since then is erased again. Other accounts do not change.
#[tokio::test]
async fn security_132_t23_a_restored_backup_is_erased_again_before_it_is_served() {
    let world = world().await;
    let mut people = Vec::new();
    for n in 0..12 {
        world.advance(Span::hours(1));
        people.push(create_user_with_canaries(&world, &format!("Person{n}")).await);
    }
    let kept = create_user_with_canaries(&world, "Kept").await;
    let since = world.services.clock.now();
    let backup = invariants::read(&world.engine).tables["identities"].clone();
    for (customer, me) in &people {
        let me = AccountClient { tokens: AccountClient::new(&world, customer).await.tokens, ..me.clone() };
        close(&me).await;
    }
    world.advance(AFTER_GRACE);
    assert_eq!(erased(&tick(&world).await), 12);
    // One of the freed addresses belongs to another user now.
    let heir = Customer { given_name: "Heir".to_owned(), ..people[0].0.clone() };
    heir.register(&world).await;
    let present = invariants::read(&world.engine).tables["identities"].clone();
    let put = |item: &Value| {
        let request: PutItemRequest =
            serde_json::from_value(json!({ "TableName": "identities", "Item": item })).expect("a request");
        world.engine.database().put_item(request).expect("restored");
    };
    // The restored backup, together with later registrations.
    backup.iter().for_each(&put);
    present.iter().filter(|item| item["kind"]["S"] == "identifier" || item["kind"]["S"] == "job").for_each(&put);
    let since = since.to_string();
    let replay = json!({ "job": "replay_erasures", "since": since });
    let summary = world.run_job(&replay).await.expect("a summary");
    assert_eq!(erased(&summary), 12, "{summary}");
    let again = world.run_job(&replay).await.expect("a summary");
    assert_eq!(erased(&again), 0, "{again}");
    let mut found = 0;
    for item in &invariants::read(&world.engine).tables["identities"] {
        let text = item.to_string().to_lowercase();
        found += usize::from(CANARIES.iter().any(|canary| text.contains(canary)));
    }
    assert_eq!(found, 0, "canaries");
    for (customer, me) in &people {
        assert_eq!(me.is_alive().await, (false, false), "{}", customer.email);
    }
    assert_eq!(AccountClient::new(&world, &heir).await.get("/v1/me").await.json()["given_name"], "Heir");
    assert_eq!(AccountClient::new(&world, &kept.0).await.get("/v1/me").await.status(), 200);
}

/// Replaces the accounts by those of a backup. The other tables stay as they are.
pub(super) fn restore_backup(world: &World, backup: &[Value]) {
    let database = world.engine.database();
    for item in &invariants::read(&world.engine).tables["identities"] {
        let request = json!({ "TableName": "identities", "Key": { "pk": item["pk"], "sk": item["sk"] } });
        database.delete_item(serde_json::from_value(request).expect("a request")).expect("removed");
    }
    for item in backup {
        let request: PutItemRequest =
            serde_json::from_value(json!({ "TableName": "identities", "Item": item })).expect("a request");
        database.put_item(request).expect("restored");
    }
}

/// The status of an account in the table.
fn status(world: &World, account: &str) -> String {
    let items = invariants::read(&world.engine).tables["identities"].clone();
    let state =
        items.iter().find(|item| item["kind"]["S"] == "authentication" && item["pk"]["S"].to_string().contains(account));
    state.expect("the account")["st"]["M"]["is"]["S"].as_str().expect("a status").to_owned()
}

/// T23: a restored backup forgets neither a deletion that was requested after it nor a restoration. The newest of an account counts,
/// the mailed link still works, and a second replay changes nothing.
#[tokio::test]
async fn security_132_t23_requests_and_restorations_survive_a_restored_backup() {
    let world = world().await;
    let api = Anonymous::new(&world);
    let restore = async |(token, code): &(String, String)| {
        api.post_json("/v1/me/restoration", &json!({ "token": token, "code": code })).await.status()
    };
    let mut people = Vec::new();
    for name in ["Requests", "Restores", "Repeats", "Restored", "Stays"] {
        let (customer, me) = create_user_with_canaries(&world, name).await;
        let account = account_of(&world, &me).await;
        people.push((customer, me, account));
    }
    let [requests, restores, repeats, restored, stays] = &people[..] else { panic!("five people") };
    close(&restores.1).await;
    close(&repeats.1).await;
    let first = restoration(&world, &restores.0).await;
    world.advance(Span::days(1));
    let since = world.services.clock.now();
    let backup = invariants::read(&world.engine).tables["identities"].clone();

    world.advance(Span::days(1));
    let again = async |customer: &Customer| close(&AccountClient::new(&world, customer).await).await;
    again(&requests.0).await;
    assert_eq!(restore(&first).await, 204);
    assert_eq!(restore(&restoration(&world, &repeats.0).await).await, 204);
    again(&restored.0).await;
    world.advance(Span::days(1));
    again(&repeats.0).await;
    assert_eq!(restore(&restoration(&world, &restored.0).await).await, 204);
    let expected = ["erasure_due", "active", "erasure_due", "active", "active"];
    let now = || people.iter().map(|(_, _, account)| status(&world, account)).collect::<Vec<_>>();
    assert_eq!(now(), expected);
    assert_invariants(&world).await;

    restore_backup(&world, &backup);
    assert_eq!(now(), ["active", "erasure_due", "erasure_due", "active", "active"], "the backup");
    let replay = json!({ "job": "replay_erasures", "since": since.to_string() });
    let summary = world.run_job(&replay).await.expect("a summary");
    let counts = &summary["rules"]["erasure"];
    assert_eq!((&counts["closed"], &counts["restored"], &counts["stuck"]), (&json!(2), &json!(2), &json!(0)), "{summary}");
    assert_eq!(now(), expected);
    let again = world.run_job(&replay).await.expect("a summary");
    assert!(again["rules"]["erasure"].get("closed").is_none(), "{again}");
    assert_eq!(now(), expected);
    assert_eq!(invariants::scan_tables(&invariants::read(&world.engine)), Vec::<String>::new());

    // The mailed link restores the account, and what is not restored is erased when it is due.
    let mails = world.mails_to(&repeats.0.email).await.expect("mails");
    let mut codes = Vec::new();
    for mail in mails.iter().filter(|mail| mail.links.iter().any(|link| link.contains("/account/restore"))) {
        let token = mail.links[0].split_once("?token=").expect("a token").1.to_owned();
        codes.push(restore(&(token, mail.codes[0].clone())).await);
    }
    codes.sort_unstable();
    assert_eq!(codes, [204, 400], "only the link of the newest request");
    world.advance(AFTER_GRACE);
    assert_eq!(erased(&tick(&world).await), 1);
    assert_eq!(remaining_kinds(&invariants::read(&world.engine), &requests.2), ["authentication", "tombstone"]);
    for (customer, ..) in [restores, repeats, restored, stays] {
        assert_eq!(AccountClient::new(&world, customer).await.get("/v1/me").await.status(), 200, "{}", customer.email);
    }
}

/// A restoration and a replay of the same account at the same moment: one of them decides first, and the other one sees it.
#[tokio::test]
async fn security_132_a_restoration_that_races_a_replay_is_never_undone() {
    let world = world().await;
    let (customer, me) = create_user_with_canaries(&world, "Ada").await;
    let account = account_of(&world, &me).await;
    close(&me).await;
    let first = restoration(&world, &customer).await;
    world.advance(Span::hours(1));
    let since = world.services.clock.now();
    let backup = invariants::read(&world.engine).tables["identities"].clone();
    world.advance(Span::days(1));
    let restore = async |(token, code): &(String, String)| {
        Anonymous::new(&world).post_json("/v1/me/restoration", &json!({ "token": token, "code": code })).await.status()
    };
    assert_eq!(restore(&first).await, 204);
    world.advance(Span::days(1));
    close(&AccountClient::new(&world, &customer).await).await;
    world.advance(Span::days(1));
    let keys = invariants::read(&world.engine).tables["keys"].clone();
    let replay = json!({ "job": "replay_erasures", "since": since.to_string() });
    let mut seen = std::collections::BTreeSet::new();
    for round in 0..16_u64 {
        restore_backup(&world, &backup);
        for item in &invariants::read(&world.engine).tables["keys"] {
            let request = json!({ "TableName": "keys", "Key": { "pk": item["pk"], "sk": item["sk"] } });
            world.engine.database().delete_item(serde_json::from_value(request).expect("a request")).expect("removed");
        }
        for item in &keys {
            let request = json!({ "TableName": "keys", "Item": item });
            world.engine.database().put_item(serde_json::from_value(request).expect("a request")).expect("restored");
        }
        world.faults.add(Calls::Reads, Trigger::Nth(1 + round), Fault::SlowAfter(Duration::from_millis(30)));
        let wait = async { tokio::time::sleep(Duration::from_millis(round * 2)).await };
        let (summary, answer) = tokio::join!(
            async {
                wait.await;
                world.run_job(&replay).await.expect("a summary")
            },
            restore(&first)
        );
        world.faults.clear();
        assert_eq!(summary["rules"]["erasure"]["stuck"], 0, "{summary}");
        let status = status(&world, &account);
        // Either the user was first, and stays, or the replay was, and the link of the earlier request is over.
        let expected = if answer == 204 { "active" } else { "erasure_due" };
        assert!(status == expected && [204, 400].contains(&answer), "round {round}: {answer}, {status}");
        let once_more = world.run_job(&replay).await.expect("a summary");
        assert_eq!(once_more["rules"]["erasure"]["skipped"], once_more["rules"]["erasure"]["due"], "{once_more}");
        assert_eq!(invariants::scan_tables(&invariants::read(&world.engine)), Vec::<String>::new());
        seen.insert(answer);
    }
    assert!(!seen.is_empty());
}

/// What was counted for the address before it had an account is its keyed hash: the erasure removes it, too.
#[tokio::test]
async fn security_129_no_keyed_hash_of_an_erased_address_is_left() {
    let world = world().await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/login").await;
    let early = [("identifier", "canaryaddress.ada@example.com"), ("password", "typed before there was an account")];
    browser.submit(&page, "#submit", &early).await;
    let (_, me) = create_user_with_canaries(&world, "Ada").await;
    let counted = |raw: &invariants::RawData| {
        raw.tables["identities"].iter().filter(|item| item["kind"]["S"] == "unknown_failures").count()
    };
    assert_eq!(counted(&invariants::read(&world.engine)), 1);
    close(&me).await;
    world.advance(AFTER_GRACE);
    assert_eq!(erased(&tick(&world).await), 1);
    let raw = invariants::read(&world.engine);
    assert_eq!(counted(&raw), 0);
    assert!(!raw.tables["identities"].iter().any(|item| item["kind"]["S"] == "identifier"));
    assert_invariants(&world).await;
}
