//! `latchkey config plan`, `apply` and `doctor --deep` where a document ends passkeys: counted before it is applied, refused without `--accept`; and
//! where it requires a second factor.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use aws_sdk_dynamodb::types::AttributeValue;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use serde_json::{Value, json};
use std::collections::HashMap;
use tests::gateway::folder;
use tests::{Browser, Customer, Gateway, Operator, Site, passkey};

type Item = HashMap<String, AttributeValue>;

/// The state items of all accounts, by `sub`.
async fn states(tables: &aws_sdk_dynamodb::Client) -> HashMap<String, Item> {
    let all = tables.scan().table_name("identities").send().await.unwrap().items.unwrap();
    let states = all.into_iter().filter(|item| item["sk"].as_s().unwrap() == "AUTHN");
    states.map(|item| (item["sub"].as_s().unwrap().clone(), item)).collect()
}

fn key(item: &Item) -> Item {
    item.iter()
        .filter(|(name, _)| ["pk", "sk"].contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Registers a user and adds a passkey. Returns the `sub`.
async fn with_passkey(site: &Site, name: &str) -> String {
    let customer = Customer::new(name);
    let sub = customer.register(site).await;
    let mut browser = Browser::new(site);
    let page = browser.open("/account/passkeys").await;
    customer.sign_in(&mut browser, &page).await;
    passkey::add(&mut browser).await;
    sub
}

#[tokio::test(flavor = "multi_thread")]
async fn security_87_a_document_that_ends_passkeys_is_counted_and_needs_to_be_accepted() {
    let folder = folder();
    let data = folder.path().join("data");
    let gateway = Gateway::start(&data, &[]);
    let (operator, site, tables) = (Operator::new(&gateway, &data, folder.path()), Site::from(&gateway), gateway.tables(&data));
    with_passkey(&site, "Ada").await;
    let (bob, eve) = (with_passkey(&site, "Bob").await, with_passkey(&site, "Eve").await);
    Customer::registered(&site, "Fay").await;
    // Bob's passkey is his only second factor, and Eve has no password.
    let states = states(&tables).await;
    let update = tables.update_item().table_name("identities").set_key(Some(key(&states[&bob])));
    let update = update.update_expression("SET prt = :yes").expression_attribute_values(":yes", AttributeValue::Bool(true));
    update.send().await.unwrap();
    let mut password = key(&states[&eve]);
    let secrets = password["pk"].as_s().unwrap().replacen("A#", "X#", 1);
    password.insert("pk".to_owned(), AttributeValue::S(secrets));
    password.insert("sk".to_owned(), AttributeValue::S("PASSWORD".to_owned()));
    tables.delete_item().table_name("identities").set_key(Some(password)).send().await.unwrap();

    // A change of anything else reads no account.
    operator.write("blue.toml", &DEFAULT_DOCUMENT.replacen("Latchkey Demo", "Blue", 1));
    let other = operator.run(&["config", "plan", "blue.toml", "@"]);
    assert!(other.code == Some(0) && other.err.is_empty() && !other.out.contains("accounts counted"), "{other:?}");
    // The same site by its name: nothing ends.
    operator.write("same.toml", &format!("{DEFAULT_DOCUMENT}\n[passkeys]\nrp_id = \"localhost\"\n"));
    let same = operator.run(&["config", "plan", "same.toml", "@"]);
    assert!(same.code == Some(0) && same.err.is_empty() && !same.out.contains("--accept"), "{same:?}");

    for section in ["enabled = false", "rp_id = \"example.com\""] {
        operator.write("ends.toml", &format!("{DEFAULT_DOCUMENT}\n[passkeys]\n{section}\n"));
        let plan = operator.run(&["config", "plan", "ends.toml", "@", "--rate", "1000"]);
        assert!(plan.code == Some(0) && plan.err.contains("at most 1000 accounts a second"), "{plan:?}");
        for words in [
            "passkeys of localhost that sign in no more: 3",
            "accounts counted: 4; with such a passkey: 3;",
            "their only second factor): 1;",
            "opened only by a password reset by mail: 1;",
            "not counted: 0",
            "`latchkey config apply` needs --accept",
        ] {
            assert!(plan.out.contains(words), "{words}: {plan:?}");
        }
        let refused = operator.run(&["config", "apply", "ends.toml", "@", "--yes"]);
        assert!(
            refused.code == Some(1) && refused.err.contains("Nothing was written; to accept it, give --accept"),
            "{refused:?}"
        );
    }
    let plan: Value = serde_json::from_str(&operator.run_ok(&["config", "plan", "ends.toml", "@", "--json"])).unwrap();
    let counts = json!({
        "accounts": 4, "ended_passkeys": { "localhost": 3 }, "concerned": 3, "without_way_in": 1, "only_by_reset": 1, "unreadable": 0,
    });
    assert_eq!((&plan["passkeys"], &plan["in_force"]), (&counts, &json!(1)), "{plan}");

    let doctor = |more: &[&str]| -> Value {
        let report: Value = serde_json::from_str(&operator.run(&[&["doctor", "@", "--json"], more].concat()).out).unwrap();
        let findings = report["findings"].as_array().unwrap().clone();
        findings.into_iter().find(|finding| finding["what"] == "tenant default: passkeys").unwrap()
    };
    assert_eq!(doctor(&[])["verdict"], "skip", "a plain check does not read every account");
    assert_eq!(doctor(&["--deep"])["verdict"], "ok");
    let applied = operator.run_ok(&["config", "apply", "ends.toml", "@", "--yes", "--accept"]);
    assert!(applied.contains("version 2 is in force"), "{applied}");
    let found = doctor(&["--deep"]);
    assert!(
        found["verdict"] == "warn" && found["found"].as_str().unwrap().contains("of localhost that sign in no more: 3"),
        "{found}"
    );
    // Back: nothing ends, so nothing is counted.
    let back = operator.run(&["config", "rollback", "1", "@", "--yes"]);
    assert!(back.code == Some(0) && back.err.is_empty(), "{back:?}");
    assert_eq!(doctor(&["--deep"])["verdict"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn security_158_a_document_that_requires_a_second_factor_says_how_many_accounts_are_asked_for_one() {
    let folder = folder();
    let data = folder.path().join("data");
    let gateway = Gateway::start(&data, &[]);
    let (operator, site) = (Operator::new(&gateway, &data, folder.path()), Site::from(&gateway));
    with_passkey(&site, "Ada").await;
    Customer::registered(&site, "Bob").await;
    Customer::registered(&site, "Eve").await;
    let required = "second_factor = \"required\"\nsecond_factor_from = \"2099-01-31\"\nsecond_factor_grace = \"P30D\"";
    operator.write("required.toml", &format!("{DEFAULT_DOCUMENT}\n[sign_in]\n{required}\n"));
    let plan = operator.run(&["config", "plan", "required.toml", "@", "--rate", "1000"]);
    assert!(plan.code == Some(0) && plan.err.contains("at most 1000 a second"), "{plan:?}");
    for words in
        ["from 2099-01-31 users are asked for a second factor", "postpone for 30 days", "set one up: 2;", "not counted: 0"]
    {
        assert!(plan.out.contains(words), "{words}: {plan:?}");
    }
    let plan: Value = serde_json::from_str(&operator.run_ok(&["config", "plan", "required.toml", "@", "--json"])).unwrap();
    assert_eq!(plan["second_factor"], json!({ "accounts": 3, "without_factor": 2, "unreadable": 0 }), "{plan}");
    // In force already: another grace period reads no account.
    assert!(operator.run_ok(&["config", "apply", "required.toml", "@", "--yes"]).contains("version 2 is in force"));
    operator.write("longer.toml", &format!("{DEFAULT_DOCUMENT}\n[sign_in]\n{}\n", required.replace("P30D", "P60D")));
    let longer = operator.run(&["config", "plan", "longer.toml", "@"]);
    assert!(longer.code == Some(0) && longer.err.is_empty() && !longer.out.contains("accounts counted"), "{longer:?}");
    // Without its day the document is refused with the line.
    operator.write("no-day.toml", &format!("{DEFAULT_DOCUMENT}\n[sign_in]\nsecond_factor = \"required\"\n"));
    let refused = operator.run(&["config", "plan", "no-day.toml", "@"]);
    assert!(refused.code != Some(0) && refused.err.contains("sign_in.second_factor_from"), "{refused:?}");
}
