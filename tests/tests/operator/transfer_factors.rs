//! Second factors in the file of all users: an account that two factors protect at one Latchkey is protected by them at the other one.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use http::StatusCode;
use serde_json::{Value, json};
use std::path::PathBuf;
use tempfile::TempDir;
use tests::authenticator::recovery_codes;
use tests::gateway::folder;
use tests::passkey::{self, SoftwarePasskey, use_on};
use tests::{Authenticator, Browser, Customer, Gateway, Operator, Page, Site};

const EXPORT: [&str; 5] = ["people", "export", "--output", "people.jsonl", "@"];
const IMPORT: [&str; 7] = ["people", "import", "people.jsonl", "--from", "latchkey", "--yes", "@"];

struct Place {
    site: Site,
    operator: Operator,
    _gateway: Gateway,
}

fn start(folder: &TempDir, name: &str) -> Place {
    let data: PathBuf = folder.path().join(name);
    let gateway = Gateway::start(&data, &[]);
    Place { site: Site::from(&gateway), operator: Operator::new(&gateway, &data, folder.path()), _gateway: gateway }
}

/// A user with an app, recovery codes and a passkey.
struct Protected {
    customer: Customer,
    app: Authenticator,
    codes: Vec<String>,
    passkey: SoftwarePasskey,
    /// The code that was accepted last.
    last_code: String,
}

impl Protected {
    async fn at(site: &Site, name: &str) -> Self {
        let customer = Customer::registered(site, name).await;
        let mut browser = Browser::new(site);
        let page = browser.open("/account/two-step/app").await;
        customer.sign_in(&mut browser, &page).await;
        let (app, page) = Authenticator::begin(site, &mut browser).await;
        let last_code = app.code_at(site.now().await);
        let page = browser.submit(&page, "#submit", &[("code", &last_code)]).await;
        let codes = recovery_codes(&page);
        assert_eq!(codes.len(), 10, "{}", page.text());
        let passkey = passkey::add(&mut browser).await;
        Self { customer, app, codes, passkey, last_code }
    }
}

/// Where the password alone leads.
async fn password_at(site: &Site, browser: &mut Browser, customer: &Customer) -> Page {
    *browser = Browser::new(site);
    let page = browser.open("/login").await;
    customer.sign_in(browser, &page).await
}

fn lines(folder: &TempDir) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.path().join("people.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn write(folder: &TempDir, lines: &[Value]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(folder.path().join("people.jsonl"), text).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn security_78_an_account_is_protected_there_by_the_factors_that_it_has_here() {
    let folder = folder();
    let (source, target) = (start(&folder, "here"), start(&folder, "there"));
    let mut ada = Protected::at(&source.site, "Ada").await;
    // A code is used up here.
    let mut browser = Browser::new(&source.site);
    let page = password_at(&source.site, &mut browser, &ada.customer).await;
    assert_eq!(page.path(), "/login/second-step");
    browser.submit(&page, "#use-recovery-code", &[("recovery_code", &ada.codes[3])]).await.expect(StatusCode::OK);

    let exported = source.operator.run(&EXPORT);
    assert_eq!(exported.code, Some(0), "{exported:?}");
    assert!(exported.out.contains("1 users, 1 with their password, 1 protected by a second factor"), "{exported:?}");
    assert!(exported.err.contains("seeds of authenticator apps"), "{exported:?}");
    let file = lines(&folder);
    let (heading, line) = (&file[0], &file[1]);
    assert_eq!((&heading["version"], &line["protected"]), (&json!(2), &json!(true)));
    assert_eq!(line["totp"]["secret"], BASE32_NOPAD.encode(ada.app.seed()));
    let codes = line["recovery_codes"]["codes"].as_array().unwrap();
    let used: Vec<usize> = (0..codes.len()).filter(|at| codes[*at]["used"] == json!(true)).collect();
    assert_eq!((codes.len(), used), (10, vec![3]));
    let stored = &line["passkeys"][0];
    assert_eq!((&stored["id"], &stored["rp_id"]), (&json!(BASE64URL_NOPAD.encode(&ada.passkey.id)), &json!("localhost")));
    let texts = format!("{}{}", exported.out, exported.err);
    assert!(!texts.contains(line["totp"]["secret"].as_str().unwrap()) && !texts.contains("example.com"), "{texts}");

    let dry = target.operator.run_ok(&[&IMPORT[..], &["--dry-run", "--require-factors"]].concat());
    assert!(
        dry.contains("1 users can be imported") && dry.contains("1 are protected by their second factor here too"),
        "{dry}"
    );
    let done = target.operator.run_ok(&IMPORT);
    assert!(done.contains("newly imported: 1"), "{done}");

    // The password alone opens nothing there. The used code and the code of the last step stay used.
    let mut browser = Browser::new(&target.site);
    let page = password_at(&target.site, &mut browser, &ada.customer).await;
    assert_eq!(page.path(), "/login/second-step", "{}", page.text());
    assert_eq!(browser.submit(&page, "#submit", &[("code", &ada.last_code)]).await.status(), 400);
    assert_eq!(browser.submit(&page, "#use-recovery-code", &[("recovery_code", &ada.codes[3])]).await.status(), 400);
    target.site.advance("PT1M30S").await;
    let code = ada.app.code_at(target.site.now().await);
    let page = browser.submit(&page, "#submit", &[("code", &code)]).await;
    assert!(page.text().contains("You are signed in"), "{}", page.text());
    // Each other way: a code that is left, and the passkey, for the page of the other origin.
    let page = password_at(&target.site, &mut browser, &ada.customer).await;
    let page = browser.submit(&page, "#use-recovery-code", &[("recovery_code", &ada.codes[4])]).await;
    assert!(page.text().contains("You are signed in"), "{}", page.text());
    ada.passkey.origin = target.site.origin().to_owned();
    let mut browser = Browser::new(&target.site);
    let page = browser.open("/login").await;
    assert_eq!(use_on(&mut browser, &page, &mut ada.passkey).await.1.status(), StatusCode::SEE_OTHER);
    let page = browser.open("/account/passkeys").await.expect(StatusCode::OK);
    assert_eq!(page.path(), "/account/passkeys", "{}", page.text());

    let again = target.operator.run_ok(&IMPORT);
    assert!(again.contains("imported before: 1") && !again.contains("newly imported"), "{again}");
}

/// A passkey is of no use at another domain. What would leave an account with its password alone is said, and refused on request.
#[tokio::test(flavor = "multi_thread")]
async fn security_78_factors_that_cannot_be_used_there_are_counted_and_can_be_required() {
    let folder = folder();
    let (source, target) = (start(&folder, "here"), start(&folder, "there"));
    let (ada, bob) = (Protected::at(&source.site, "Ada").await, Protected::at(&source.site, "Bob").await);
    assert_eq!(source.operator.run(&EXPORT).code, Some(0));
    let mut file = lines(&folder);
    let at = |file: &[Value], of: &Customer| file.iter().position(|line| line["email"] == of.email.as_str()).unwrap();
    let (adas, bobs) = (at(&file, &ada.customer), at(&file, &bob.customer));
    // Ada has nothing but a passkey of another domain, Bob has the app too.
    file[adas].as_object_mut().unwrap().retain(|name, _| name != "totp" && name != "recovery_codes");
    for line in [adas, bobs] {
        file[line]["passkeys"][0]["rp_id"] = json!("id.example.com");
    }
    write(&folder, &file);
    let strict = target.operator.run_ok(&[&IMPORT[..], &["--dry-run", "--require-factors"]].concat());
    for words in [
        "1 users can be imported",
        "skipped, their second factor cannot be used here (--require-factors): 1",
        "second factors that are not imported, passkey of id.example.com: 1",
    ] {
        assert!(strict.contains(words), "{words}: {strict}");
    }
    let dry = target.operator.run_ok(&[&IMPORT[..], &["--dry-run"]].concat());
    for words in [
        "2 users can be imported",
        "1 are protected by their second factor here too",
        "1 lose their second factor: one factor alone opens their account",
        "second factors that are not imported, passkey of id.example.com: 2",
    ] {
        assert!(dry.contains(words), "{words}: {dry}");
    }
    assert!(target.operator.run_ok(&[&IMPORT[..], &["--require-factors"]].concat()).contains("newly imported: 1"));
    let mut browser = Browser::new(&target.site);
    assert_eq!(password_at(&target.site, &mut browser, &bob.customer).await.path(), "/login/second-step");
    assert_eq!(password_at(&target.site, &mut browser, &ada.customer).await.status(), 400, "Ada is not there");
    assert_eq!(
        target.operator.run_ok(&["people", "second-step", &bob.customer.email, "@"]).lines().last(),
        Some("passkeys: 0")
    );
}

/// An account that exists gains no factor silently, a passkey belongs to one account, and a file of the former version is imported.
#[tokio::test(flavor = "multi_thread")]
async fn security_82_an_existing_account_gains_nothing_and_a_passkey_has_one_account() {
    let folder = folder();
    let (source, target) = (start(&folder, "here"), start(&folder, "there"));
    let ada = Protected::at(&source.site, "Ada").await;
    Customer::registered(&source.site, "Bob").await;
    assert_eq!(source.operator.run(&EXPORT).code, Some(0));
    let whole = lines(&folder);
    let adas = if whole[1]["email"] == ada.customer.email.as_str() { 1 } else { 2 };

    // As the former release wrote it.
    let mut former = vec![whole[0].clone(), whole[adas].clone(), json!({ "people": 1 })];
    former[0]["version"] = json!(1);
    former[1]
        .as_object_mut()
        .unwrap()
        .retain(|name, _| !["protected", "totp", "recovery_codes", "passkeys"].contains(&&**name));
    write(&folder, &former);
    let strict = target.operator.run(&[&IMPORT[..], &["--require-factors"]].concat());
    assert!(strict.code == Some(1) && strict.err.contains("version 1 does not tell"), "{strict:?}");
    let done = target.operator.run_ok(&IMPORT);
    assert!(done.contains("the file is of version 1: second factors") && done.contains("newly imported: 1"), "{done}");

    // Bob's line gets Ada's passkey.
    let mut file = whole.clone();
    file[3 - adas]["passkeys"] = whole[adas]["passkeys"].clone();
    write(&folder, &file);
    let done = target.operator.run_ok(&IMPORT);
    assert!(
        done.contains("imported before, and not protected here: their second factors of the file were not added: 1"),
        "{done}"
    );
    assert!(done.contains("newly imported: 1"), "the passkey is free there: {done}");
    let mut browser = Browser::new(&target.site);
    let page = password_at(&target.site, &mut browser, &ada.customer).await;
    assert!(page.text().contains("You are signed in"), "{}", page.text());
    let third = start(&folder, "third");
    let done = third.operator.run_ok(&IMPORT);
    assert!(done.contains("newly imported: 1") && done.contains("another account here has one of their passkeys: 1"), "{done}");

    // Each member is checked, and no message shows a secret.
    let with = |member: &str, change: &dyn Fn(&mut Value)| {
        let mut line = whole[adas].clone();
        change(&mut line[member]);
        line
    };
    let wrong = [
        with("totp", &|totp| totp["secret"] = json!("GEZDGNBV")),
        with("totp", &|totp| totp["pin"] = json!("1234")),
        with("recovery_codes", &|codes| codes["codes"][0]["sha256"] = json!("AAAA")),
        with("passkeys", &|passkeys| passkeys[0]["public_key"] = json!("AAAA")),
        with("passkeys", &|passkeys| passkeys[0]["counter"] = json!(-1)),
        with("passkeys", &|passkeys| *passkeys = json!([passkeys[0], passkeys[0]])),
        with("protected", &|protected| *protected = json!("yes")),
    ];
    write(&folder, &[&whole[..1], &wrong[..], &[json!({ "people": wrong.len() })]].concat());
    let refused = start(&folder, "fourth").operator.run_ok(&[&IMPORT[..], &["--dry-run"]].concat());
    for words in [
        "0 users can be imported",
        "line 2: its totp.secret is not 10 to 64 bytes of base32",
        "line 3: it has an unknown member: pin",
        "line 4: its recovery_codes.codes.sha256 is not 32 bytes of base64url",
        "line 5: its passkeys.public_key is not a COSE key",
        "line 6: its passkeys.counter is not",
        "line 7: its passkeys is not each different",
        "line 8: its protected is not true or false",
    ] {
        assert!(refused.contains(words), "{words}: {refused}");
    }
    assert!(!refused.contains("GEZDGNBV") && !refused.contains("1234"), "{refused}");
}
