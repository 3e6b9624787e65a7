//! `latchkey people export`, and `import --from latchkey`, between two local gateways: everybody takes everything along, and back.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use tempfile::TempDir;
use tests::gateway::folder;
use tests::user_pool::{CLIENT_ID, POOL_ID, document};
use tests::{Browser, Customer, Gateway, Me, OAuthClient, Operator, Site};

const EXPORT: [&str; 5] = ["people", "export", "--output", "people.jsonl", "@"];
const IMPORT: [&str; 7] = ["people", "import", "people.jsonl", "--from", "latchkey", "--yes", "@"];
const REALM: &str = "https://login.example.com/realms/shop";
const POOL: &str = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Former";
/// A bcrypt hash of cost 4, and its password.
const BCRYPT: (&str, &str) = ("$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm", "password");

/// A gateway, who operates it, and its tables. Both work in one folder of documents.
struct Desk {
    gateway: Gateway,
    site: Site,
    operator: Operator,
    tables: aws_sdk_dynamodb::Client,
    data: PathBuf,
}

fn desk(folder: &TempDir, name: &str) -> Desk {
    let data: PathBuf = folder.path().join(name);
    let gateway = Gateway::start(&data, &[]);
    let operator = Operator::of(&gateway, &data, folder.path());
    Desk { site: Site::from(&gateway), operator, tables: gateway.tables(&data), gateway, data }
}

impl Desk {
    /// An account's state.
    async fn state(&self, sub: &str) -> HashMap<String, AttributeValue> {
        let all = self.tables.scan().table_name("identities").send().await.unwrap();
        let is_theirs = |item: &HashMap<String, AttributeValue>| {
            item["sk"].as_s().unwrap() == "AUTHN" && item["sub"].as_s().unwrap() == sub
        };
        all.items.unwrap().into_iter().find(is_theirs).unwrap()
    }
    /// Its key.
    async fn state_of(&self, sub: &str) -> HashMap<String, AttributeValue> {
        self.state(sub).await.into_iter().filter(|(name, _)| name == "pk" || name == "sk").collect()
    }
    /// Leaves an account as the import from a user pool makes one: its password is still there.
    async fn give_the_password_back(&self, sub: &str) {
        let state = self.state_of(sub).await;
        let account = state["pk"].as_s().unwrap().replacen("A#", "X#", 1);
        let key = HashMap::from([
            ("pk".to_owned(), AttributeValue::S(account)),
            ("sk".to_owned(), AttributeValue::S("PASSWORD".to_owned())),
        ]);
        self.tables.delete_item().table_name("identities").set_key(Some(key)).send().await.unwrap();
        let update = self.tables.update_item().table_name("identities").set_key(Some(state)).update_expression("SET pw = :pw");
        update.expression_attribute_values(":pw", AttributeValue::S("directory".to_owned())).send().await.unwrap();
    }
    /// Closes an account as an operator would: no command does it yet.
    async fn disable(&self, sub: &str) {
        let since = AttributeValue::N("1760000000000".to_owned());
        let status = [("is".to_owned(), AttributeValue::S("disabled".to_owned())), ("since".to_owned(), since)];
        let update = self.tables.update_item().table_name("identities").set_key(Some(self.state_of(sub).await));
        let update =
            update.update_expression("SET st = :st").expression_attribute_values(":st", AttributeValue::M(status.into()));
        update.send().await.unwrap();
    }
    /// Puts a document in force that names the pool. The gateway, which asks none, goes on with its own for a minute.
    async fn name_the_pool(&self) {
        self.gateway.put_in_force(&self.data, &document(POOL_ID, CLIENT_ID, "")).await;
    }
    async fn signs_in(&self, customer: &Customer) -> bool {
        let mut browser = Browser::new(&self.site);
        let page = browser.open("/login").await;
        customer.sign_in(&mut browser, &page).await.status() == 200
    }
    /// Somebody of another system, whose hash is not ours.
    fn bring(&self, customer: &Customer, issuer: &str, number: u32) {
        let credentials = json!([{
            "type": "password", "secretData": json!({ "value": BCRYPT.0 }).to_string(),
            "credentialData": json!({ "hashIterations": 4, "algorithm": "bcrypt" }).to_string(),
        }]);
        let user = json!({
            "id": format!("00000000-0000-4000-8000-{number:012}"), "email": customer.email, "emailVerified": true, "enabled": true,
            "firstName": customer.given_name, "credentials": credentials,
        });
        self.operator.write("realm.json", &json!({ "users": [user] }).to_string());
        let done = self.operator.done(&[
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
async fn everybody_moves_with_everything_and_back() {
    let folder = folder();
    let (here, there) = (desk(&folder, "here"), desk(&folder, "there"));
    let (ada, bob, eve, gil) = (Customer::new("Ada"), bob(), Customer::new("Eve"), Customer::new("Gil"));
    let sub = ada.register(&here.site).await;
    OAuthClient::demo_web(&here.site).tokens_for(&ada).await;
    eve.register(&here.site).await;
    let closed = gil.register(&here.site).await;
    here.bring(&bob, REALM, 2);
    here.disable(&closed).await;
    let leaves = Me::of(&here.site, &eve).await;
    assert!(leaves.delete("/v1/me").await.status() < 300);
    let me = Me::of(&here.site, &ada).await;
    let (claims, before) = (me.get("/v1/me").await.json(), me.export().await.document());

    let told = here.operator.run(&EXPORT);
    assert_eq!(told.code, Some(0), "{told:?}");
    for words in ["3 users, 3 with their password", "left out, closed by the user: 1"] {
        assert!(told.out.contains(words), "{words}: {told:?}");
    }
    assert!(told.err.lines().count() == 1 && told.err.contains("password hashes"), "{told:?}");
    let said = format!("{}{}", told.out, told.err);
    assert!(!said.contains("example.com") && !said.contains("$argon2"), "nothing of a person is shown: {said}");
    let file = folder.path().join("people.jsonl");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let exported = lines(&folder);
    assert_eq!((&exported[0]["format"], &exported[0]["issuer"]), (&json!("latchkey people"), &json!(here.gateway.origin())));
    assert_eq!(exported[4], json!({ "people": 3, "closed_by_their_person": 1, "erased": 0, "unreadable": 0 }));
    assert!(!std::fs::read_to_string(&file).unwrap().contains(&eve.email));
    let again = here.operator.run(&EXPORT);
    assert!(again.code == Some(1) && again.err.contains("never written over a file"), "{again:?}");
    assert_eq!(lines(&folder), exported, "what was there is as it was");

    let dry = there.operator.done(&[&IMPORT[..], &["--dry-run"]].concat());
    assert!(
        dry.contains("3 users can be imported") && dry.contains("1 are disabled, and stay disabled; 3 keep their sub"),
        "{dry}"
    );
    assert!(!there.signs_in(&ada).await, "nothing was written");
    let done = there.operator.done(&IMPORT);
    assert!(done.contains("newly imported: 3"), "{done}");
    let again = there.operator.done(&IMPORT);
    assert!(again.contains("imported before: 3") && !again.contains("newly imported"), "{again}");

    let me = Me::of(&there.site, &ada).await;
    assert_eq!(me.tokens.id_claims()["sub"], sub, "applications know her by the same number");
    assert_eq!(me.get("/v1/me").await.json(), claims);
    let after = me.export().await.document();
    for member in ["terms", "consents"] {
        assert_eq!(after[member], before[member], "{member}");
    }
    assert!(before["consents"].as_array().is_some_and(|consents| !consents.is_empty()), "{before}");
    assert_eq!(after["account"]["created_at"], before["account"]["created_at"]);
    assert_eq!(after["linked_identities"][0]["issuer"], here.gateway.origin());
    assert_eq!(after["linked_identities"][0]["subject"], sub.as_str());
    assert!(!there.signs_in(&gil).await, "closed stays closed");
    assert!(!there.signs_in(&eve).await, "who left did not come along");
    assert!(there.signs_in(&bob).await && here.signs_in(&bob).await);
    // The old system does not bring him over a second time.
    let realm = ["people", "import", "realm.json", "--from", "keycloak", "--issuer", REALM, "--yes", "@"];
    assert!(there.operator.done(&realm).contains("imported before: 1"));

    // And back: everybody is there already, under the account that they had, whatever their address is by now.
    std::fs::remove_file(&file).unwrap();
    assert_eq!(there.operator.run(&EXPORT).code, Some(0));
    let back = here.operator.done(&IMPORT);
    assert!(back.contains("imported before: 3") && !back.contains("newly imported"), "{back}");
}

/// security 111: by a tombstone alone, too, when nothing else is left of the account; and nobody gets another's `sub`.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_erased_stays_erased_and_nobody_has_a_sub_twice() {
    let folder = folder();
    let here = desk(&folder, "here");
    let ada = Customer::new("Ada");
    let sub = ada.register(&here.site).await;
    let fay = Customer::new("Fay").register(&here.site).await;
    assert_eq!(here.operator.run(&EXPORT).code, Some(0));
    let exported = lines(&folder);

    let state = here.state_of(&sub).await;
    let me = Me::of(&here.site, &ada).await;
    assert!(me.delete("/v1/me").await.status() < 300);
    here.site.advance("P31D").await;
    let ran = here.site.run_job(&json!({ "job": "retention" })).await;
    assert_eq!(ran["rules"]["erasure"]["erased"], 1, "{ran}");
    let told = here.operator.done(&IMPORT);
    assert!(told.contains("erased here, and stay erased: 1") && told.contains("imported before: 1"), "{told}");
    here.tables.delete_item().table_name("identities").set_key(Some(state)).send().await.unwrap();
    let told = here.operator.done(&IMPORT);
    assert!(told.contains("erased here, and stay erased: 1") && !told.contains("newly imported"), "{told}");
    assert!(!here.signs_in(&ada).await);

    let mut another = exported.iter().find(|line| line["sub"] == fay.as_str()).unwrap().clone();
    another["account"] = json!("AAAAAAAAAAAAAAAAAAAAAA");
    another["email"] = json!("another@example.com");
    write(&folder, &[exported[0].clone(), another, json!({ "people": 1 })]);
    let told = here.operator.done(&IMPORT);
    assert!(told.contains("skipped, another account here has their sub: 1") && !told.contains("newly imported"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_whole_is_refused_and_what_is_wrong_in_one_is_said_by_line() {
    let folder = folder();
    let here = desk(&folder, "here");
    let there = desk(&folder, "there");
    for name in ["Ada", "Bea"] {
        Customer::new(name).register(&here.site).await;
    }
    assert_eq!(here.operator.run(&EXPORT).code, Some(0));
    let whole = lines(&folder);
    let refused = |lines: &[Value], words: &str| {
        write(&folder, lines);
        let told = there.operator.run(&IMPORT);
        assert!(told.code == Some(1) && told.err.contains(words) && told.out.is_empty(), "{words}: {told:?}");
        assert!(!format!("{told:?}").contains("example.com"), "{told:?}");
    };
    refused(&whole[..3], "it is incomplete");
    refused(&[whole[0].clone(), whole[1].clone(), whole[3].clone()], "says 2 users, but it has 1");
    refused(&[&whole[..], &whole[1..2]].concat(), "line 5: it comes after the line that ends the file");
    refused(&whole[1..], "line 1: it is not of `latchkey people export`, version 1");
    let mut later = whole.clone();
    later[0]["version"] = json!(2);
    refused(&later, "version 1");
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
    let told = there.operator.done(&IMPORT);
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
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(!told.contains("example.com") && !told.contains("m=1,ada"), "{told}");
    write(&folder, &whole[..3]);
    let told = there.operator.done(&[&IMPORT[..], &["--incomplete"]].concat());
    assert!(told.contains("newly imported: 1") && told.contains("imported before: 1"), "{told}");
    let twice = there.operator.run(&[&IMPORT[..], &["--issuer", "https://id.example.com"]].concat());
    assert!(twice.err.contains("leave --issuer out"), "{twice:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_a_user_pool_still_has_is_said_and_comes_only_where_that_pool_is_asked() {
    let folder = folder();
    let (here, there) = (desk(&folder, "here"), desk(&folder, "there"));
    here.bring(&bob(), POOL, 2);
    let sub = "00000000-0000-4000-8000-000000000002";
    here.give_the_password_back(sub).await;
    let told = here.operator.done(&EXPORT);
    assert!(told.contains("1 users, 0 with their password"), "{told}");
    assert_eq!(lines(&folder)[1]["password"], json!({ "stays_there": true }));

    let told = there.operator.done(&IMPORT);
    assert!(told.contains("0 users can be imported") && told.contains("the tenant's document does not name: 1"), "{told}");
    there.name_the_pool().await;
    let told = there.operator.done(&IMPORT);
    assert!(
        told.contains("0 set a new one by mail, 1 still have it in the user pool") && told.contains("newly imported: 1"),
        "{told}"
    );
    assert_eq!(there.state(sub).await["pw"].as_s().unwrap(), "directory");
}
