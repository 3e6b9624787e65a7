//! `latchkey people export` and `import --from latchkey` between two local gateways: every user is transferred with all data,
//! and back.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use tempfile::TempDir;
use tests::gateway::folder;
use tests::user_pool::{CLIENT_ID, POOL_ID, document};
use tests::{AccountClient, Browser, Customer, Gateway, OAuthClient, Operator, Site};

const EXPORT: [&str; 5] = ["people", "export", "--output", "people.jsonl", "@"];
const IMPORT: [&str; 7] = ["people", "import", "people.jsonl", "--from", "latchkey", "--yes", "@"];
const REALM: &str = "https://login.example.com/realms/shop";
const POOL: &str = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Former";
/// A bcrypt hash of cost 4, and its password.
const BCRYPT: (&str, &str) = ("$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm", "password");

/// A gateway, its operator and its tables. All gateways of a test share one folder of documents.
struct OperatedGateway {
    gateway: Gateway,
    site: Site,
    operator: Operator,
    tables: aws_sdk_dynamodb::Client,
    data: PathBuf,
}

fn start_gateway(folder: &TempDir, name: &str) -> OperatedGateway {
    let data: PathBuf = folder.path().join(name);
    let gateway = Gateway::start(&data, &[]);
    let operator = Operator::new(&gateway, &data, folder.path());
    OperatedGateway { site: Site::from(&gateway), operator, tables: gateway.tables(&data), gateway, data }
}

impl OperatedGateway {
    /// The authentication item of an account.
    async fn authentication_item(&self, sub: &str) -> HashMap<String, AttributeValue> {
        let all = self.tables.scan().table_name("identities").send().await.unwrap();
        let is_theirs = |item: &HashMap<String, AttributeValue>| {
            item["sk"].as_s().unwrap() == "AUTHN" && item["sub"].as_s().unwrap() == sub
        };
        all.items.unwrap().into_iter().find(is_theirs).unwrap()
    }
    /// The key of this item.
    async fn authentication_key(&self, sub: &str) -> HashMap<String, AttributeValue> {
        self.authentication_item(sub).await.into_iter().filter(|(name, _)| name == "pk" || name == "sk").collect()
    }
    /// Leaves an account as an import from a user pool does: the password is still in the pool.
    async fn leave_password_in_pool(&self, sub: &str) {
        let account_key = self.authentication_key(sub).await;
        let account = account_key["pk"].as_s().unwrap().replacen("A#", "X#", 1);
        let key = HashMap::from([
            ("pk".to_owned(), AttributeValue::S(account)),
            ("sk".to_owned(), AttributeValue::S("PASSWORD".to_owned())),
        ]);
        self.tables.delete_item().table_name("identities").set_key(Some(key)).send().await.unwrap();
        let update =
            self.tables.update_item().table_name("identities").set_key(Some(account_key)).update_expression("SET pw = :pw");
        update.expression_attribute_values(":pw", AttributeValue::S("directory".to_owned())).send().await.unwrap();
    }
    /// Disables an account directly in the tables. No command does it yet.
    async fn disable(&self, sub: &str) {
        let since = AttributeValue::N("1760000000000".to_owned());
        let status = [("is".to_owned(), AttributeValue::S("disabled".to_owned())), ("since".to_owned(), since)];
        let update = self.tables.update_item().table_name("identities").set_key(Some(self.authentication_key(sub).await));
        let update =
            update.update_expression("SET st = :st").expression_attribute_values(":st", AttributeValue::M(status.into()));
        update.send().await.unwrap();
    }
    /// Stores a document that names the pool. The gateway, which has no user pool, keeps its own document for a minute.
    async fn name_user_pool(&self) {
        self.gateway.put_in_force(&self.data, &document(POOL_ID, CLIENT_ID, "")).await;
    }
    async fn signs_in(&self, customer: &Customer) -> bool {
        let mut browser = Browser::new(&self.site);
        let page = browser.open("/login").await;
        customer.sign_in(&mut browser, &page).await.status() == 200
    }
    /// Imports a user of another system, with a bcrypt hash.
    fn import_from_realm(&self, customer: &Customer, issuer: &str, number: u32) {
        let credentials = json!([{
            "type": "password", "secretData": json!({ "value": BCRYPT.0 }).to_string(),
            "credentialData": json!({ "hashIterations": 4, "algorithm": "bcrypt" }).to_string(),
        }]);
        let user = json!({
            "id": format!("00000000-0000-4000-8000-{number:012}"), "email": customer.email, "emailVerified": true, "enabled": true,
            "firstName": customer.given_name, "credentials": credentials,
        });
        self.operator.write("realm.json", &json!({ "users": [user] }).to_string());
        let done = self.operator.run_ok(&[
            "people",
            "import",
            "realm.json",
            "--from",
            "keycloak",
            "--issuer",
            issuer,
            "--keep-sub",
            "--yes",
            "@",
        ]);
        assert!(done.contains("newly imported: 1"), "{done}");
    }
}

fn lines(folder: &TempDir) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.path().join("people.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn write(folder: &TempDir, lines: &[Value]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(folder.path().join("people.jsonl"), text).unwrap();
}

fn bob() -> Customer {
    Customer { password: BCRYPT.1.to_owned(), ..Customer::new("Bob") }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_transferred_with_all_data_and_back() {
    let folder = folder();
    let (source, target) = (start_gateway(&folder, "here"), start_gateway(&folder, "there"));
    let (ada, bob, eve, gil) = (Customer::new("Ada"), bob(), Customer::new("Eve"), Customer::new("Gil"));
    let sub = ada.register(&source.site).await;
    OAuthClient::demo_web(&source.site).tokens_for(&ada).await;
    eve.register(&source.site).await;
    let closed = gil.register(&source.site).await;
    source.import_from_realm(&bob, REALM, 2);
    source.disable(&closed).await;
    let leaves = AccountClient::new(&source.site, &eve).await;
    assert!(leaves.delete("/v1/me").await.status() < 300);
    let me = AccountClient::new(&source.site, &ada).await;
    let (claims, before) = (me.get("/v1/me").await.json(), me.export().await.document());

    let output = source.operator.run(&EXPORT);
    assert_eq!(output.code, Some(0), "{output:?}");
    for words in ["3 users, 3 with their password", "left out, closed by the user: 1"] {
        assert!(output.out.contains(words), "{words}: {output:?}");
    }
    assert!(output.err.lines().count() == 1 && output.err.contains("password hashes"), "{output:?}");
    let printed = format!("{}{}", output.out, output.err);
    assert!(!printed.contains("example.com") && !printed.contains("$argon2"), "the output has no personal data: {printed}");
    let file = folder.path().join("people.jsonl");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let exported = lines(&folder);
    assert_eq!((&exported[0]["format"], &exported[0]["issuer"]), (&json!("latchkey people"), &json!(source.gateway.origin())));
    assert_eq!(exported[4], json!({ "people": 3, "closed_by_their_person": 1, "erased": 0, "unreadable": 0 }));
    assert!(!std::fs::read_to_string(&file).unwrap().contains(&eve.email));
    let again = source.operator.run(&EXPORT);
    assert!(again.code == Some(1) && again.err.contains("never written over a file"), "{again:?}");
    assert_eq!(lines(&folder), exported, "the file has not changed");

    let dry = target.operator.run_ok(&[&IMPORT[..], &["--dry-run"]].concat());
    assert!(
        dry.contains("3 users can be imported") && dry.contains("1 are disabled, and stay disabled; 3 keep their sub"),
        "{dry}"
    );
    assert!(!target.signs_in(&ada).await, "a dry run writes nothing");
    let done = target.operator.run_ok(&IMPORT);
    assert!(done.contains("newly imported: 3"), "{done}");
    let again = target.operator.run_ok(&IMPORT);
    assert!(again.contains("imported before: 3") && !again.contains("newly imported"), "{again}");

    let me = AccountClient::new(&target.site, &ada).await;
    assert_eq!(me.tokens.id_claims()["sub"], sub, "the `sub` is the same");
    assert_eq!(me.get("/v1/me").await.json(), claims);
    let after = me.export().await.document();
    for member in ["terms", "consents"] {
        assert_eq!(after[member], before[member], "{member}");
    }
    assert!(before["consents"].as_array().is_some_and(|consents| !consents.is_empty()), "{before}");
    assert_eq!(after["account"]["created_at"], before["account"]["created_at"]);
    assert_eq!(after["linked_identities"][0]["issuer"], source.gateway.origin());
    assert_eq!(after["linked_identities"][0]["subject"], sub.as_str());
    assert!(!target.signs_in(&gil).await, "a disabled account stays disabled");
    assert!(!target.signs_in(&eve).await, "a closed account is not exported");
    assert!(target.signs_in(&bob).await && source.signs_in(&bob).await);
    // A second import from the old system does not import him again.
    let realm = ["people", "import", "realm.json", "--from", "keycloak", "--issuer", REALM, "--yes", "@"];
    assert!(target.operator.run_ok(&realm).contains("imported before: 1"));

    // And back: every user already has an account here, also with a changed address.
    std::fs::remove_file(&file).unwrap();
    assert_eq!(target.operator.run(&EXPORT).code, Some(0));
    let back = source.operator.run_ok(&IMPORT);
    assert!(back.contains("imported before: 3") && !back.contains("newly imported"), "{back}");
}

/// security 111: a tombstone alone is enough, without any other item of the account. And no `sub` is used twice.
#[tokio::test(flavor = "multi_thread")]
async fn an_erased_user_stays_erased_and_no_sub_is_used_twice() {
    let folder = folder();
    let source = start_gateway(&folder, "here");
    let ada = Customer::new("Ada");
    let sub = ada.register(&source.site).await;
    let fay = Customer::new("Fay").register(&source.site).await;
    assert_eq!(source.operator.run(&EXPORT).code, Some(0));
    let exported = lines(&folder);

    let key = source.authentication_key(&sub).await;
    let me = AccountClient::new(&source.site, &ada).await;
    assert!(me.delete("/v1/me").await.status() < 300);
    source.site.advance("P31D").await;
    let ran = source.site.run_job(&json!({ "job": "retention" })).await;
    assert_eq!(ran["rules"]["erasure"]["erased"], 1, "{ran}");
    let output = source.operator.run_ok(&IMPORT);
    assert!(output.contains("erased here, and stay erased: 1") && output.contains("imported before: 1"), "{output}");
    source.tables.delete_item().table_name("identities").set_key(Some(key)).send().await.unwrap();
    let output = source.operator.run_ok(&IMPORT);
    assert!(output.contains("erased here, and stay erased: 1") && !output.contains("newly imported"), "{output}");
    assert!(!source.signs_in(&ada).await);

    let mut another = exported.iter().find(|line| line["sub"] == fay.as_str()).unwrap().clone();
    another["account"] = json!("AAAAAAAAAAAAAAAAAAAAAA");
    another["email"] = json!("another@example.com");
    write(&folder, &[exported[0].clone(), another, json!({ "people": 1 })]);
    let output = source.operator.run_ok(&IMPORT);
    assert!(
        output.contains("skipped, another account here has their sub: 1") && !output.contains("newly imported"),
        "{output}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_file_is_refused_and_errors_are_reported_by_line() {
    let folder = folder();
    let source = start_gateway(&folder, "here");
    let target = start_gateway(&folder, "there");
    for name in ["Ada", "Bea"] {
        Customer::new(name).register(&source.site).await;
    }
    assert_eq!(source.operator.run(&EXPORT).code, Some(0));
    let whole = lines(&folder);
    let refused = |lines: &[Value], words: &str| {
        write(&folder, lines);
        let output = target.operator.run(&IMPORT);
        assert!(output.code == Some(1) && output.err.contains(words) && output.out.is_empty(), "{words}: {output:?}");
        assert!(!format!("{output:?}").contains("example.com"), "{output:?}");
    };
    refused(&whole[..3], "it is incomplete");
    refused(&[whole[0].clone(), whole[1].clone(), whole[3].clone()], "says 2 users, but it has 1");
    refused(&[&whole[..], &whole[1..2]].concat(), "line 5: it comes after the line that ends the file");
    refused(&whole[1..], "line 1: it is not of `latchkey people export`, version 1");
    let mut later = whole.clone();
    later[0]["version"] = json!(3);
    refused(&later, "version 1 or 2");
    refused(&[], "the file: it is not of");

    let with = |member: &str, value: Value| {
        let mut line = whole[1].clone();
        line[member] = value;
        line
    };
    let wrong = [
        with("email", json!("ada at example.com")),
        with("secret", json!("ada@example.com")),
        with("password", json!({ "hash": "$argon2id$v=19$m=1,ada", "changed_at": "2026-01-01T00:00:00Z" })),
        with("password", json!({ "stays_there": true })),
        with("sub", json!("ada")),
        with("consents", json!([{ "client_id": "shop" }])),
        whole[2].clone(),
        whole[2].clone(),
    ];
    write(&folder, &[&whole[..1], &wrong[..], &[json!({ "people": 8 })]].concat());
    let output = target.operator.run_ok(&IMPORT);
    for words in [
        "1 users can be imported",
        "line 2: its email is not an e-mail address",
        "line 3: it has an unknown member: secret",
        "line 4: ",
        "user 4: the password is still in a user pool that the tenant's document does not name",
        "line 6: its sub is not 22 characters",
        "line 7: its scope is not given",
        "user 8: its sub is also in an earlier line",
        "newly imported: 1",
    ] {
        assert!(output.contains(words), "{words}: {output}");
    }
    assert!(!output.contains("example.com") && !output.contains("m=1,ada"), "{output}");
    write(&folder, &whole[..3]);
    let output = target.operator.run_ok(&[&IMPORT[..], &["--incomplete"]].concat());
    assert!(output.contains("newly imported: 1") && output.contains("imported before: 1"), "{output}");
    let twice = target.operator.run(&[&IMPORT[..], &["--issuer", "https://id.example.com"]].concat());
    assert!(twice.err.contains("leave --issuer out"), "{twice:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_in_a_user_pool_is_reported_and_needs_the_same_pool_at_the_target() {
    let folder = folder();
    let (source, target) = (start_gateway(&folder, "here"), start_gateway(&folder, "there"));
    source.import_from_realm(&bob(), POOL, 2);
    let sub = "00000000-0000-4000-8000-000000000002";
    source.leave_password_in_pool(sub).await;
    let output = source.operator.run_ok(&EXPORT);
    assert!(output.contains("1 users, 0 with their password"), "{output}");
    assert_eq!(lines(&folder)[1]["password"], json!({ "stays_there": true }));

    let output = target.operator.run_ok(&IMPORT);
    assert!(
        output.contains("0 users can be imported") && output.contains("the tenant's document does not name: 1"),
        "{output}"
    );
    target.name_user_pool().await;
    let output = target.operator.run_ok(&IMPORT);
    assert!(
        output.contains("0 set a new one by mail, 1 still have it in the user pool") && output.contains("newly imported: 1"),
        "{output}"
    );
    assert_eq!(target.authentication_item(sub).await["pw"].as_s().unwrap(), "directory");
}
