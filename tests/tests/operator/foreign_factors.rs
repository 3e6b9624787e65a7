//! Second factors of other systems: who keeps an authenticator app, who loses a factor, and that no account loses it silently.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use data_encoding::BASE32_NOPAD;
use latchkey::domain::sign_in::methods::totp::current_code;
use latchkey::domain::totp::TotpSeed;
use serde_json::{Value, json};
use tests::authenticator::recovery_codes;
use tests::gateway::folder;
use tests::{Browser, Customer, Gateway, Operator, Page, Site};

const ISSUER: &str = "https://login.example.com/realms/shop";
const IMPORT: [&str; 9] = ["people", "import", "realm.json", "--from", "keycloak", "--issuer", ISSUER, "--yes", "@"];
/// A bcrypt hash of cost 4, and its password.
const BCRYPT: (&str, &str) = ("$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm", "password");
/// What Keycloak stores, and what the user's app has in base32.
const SECRET: &str = "BUhxNHRQmzVHCYXyO6sF";

fn customer(name: &str) -> Customer {
    Customer { password: BCRYPT.1.to_owned(), ..Customer::new(name) }
}

fn user(customer: &Customer, number: u32, factors: &[Value]) -> Value {
    let password = json!({
        "type": "password", "secretData": json!({ "value": BCRYPT.0 }).to_string(),
        "credentialData": json!({ "hashIterations": 4, "algorithm": "bcrypt" }).to_string(),
    });
    let credentials = [&[password], factors].concat();
    json!({
        "id": format!("00000000-0000-4000-8000-{number:012}"), "email": customer.email, "emailVerified": true, "enabled": true,
        "firstName": customer.given_name, "credentials": credentials,
    })
}

fn app(secret: &str) -> Value {
    let codes = json!({ "subType": "totp", "digits": 6, "counter": 0, "period": 30, "algorithm": "HmacSHA1" });
    json!({ "type": "otp", "secretData": json!({ "value": secret }).to_string(), "credentialData": codes.to_string() })
}

fn security_key() -> Value {
    json!({ "type": "webauthn", "secretData": "{}", "credentialData": "{}" })
}

async fn code(site: &Site, secret: &[u8]) -> String {
    current_code(&TotpSeed::from_slice(secret).unwrap(), site.now().await).expose().to_owned()
}

async fn password_at(site: &Site, browser: &mut Browser, customer: &Customer) -> Page {
    *browser = Browser::new(site);
    let page = browser.open("/login").await;
    customer.sign_in(browser, &page).await
}

fn is_signed_in(browser: &Browser) -> bool {
    browser.cookies.contains_key("lk-session")
}

#[tokio::test(flavor = "multi_thread")]
async fn security_78_a_user_of_keycloak_keeps_the_app_and_losses_are_counted_and_can_be_refused() {
    let folder = folder();
    let data = folder.path().join("data");
    let gateway = Gateway::start(&data, &[]);
    let (operator, site) = (Operator::new(&gateway, &data, folder.path()), Site::from(&gateway));
    let (ada, bob, eve, fay) = (customer("Ada"), customer("Bob"), customer("Eve"), customer("Fay"));
    let mut unverified = user(&fay, 4, &[app("the secret of a trap")]);
    unverified["emailVerified"] = json!(false);
    let users =
        [user(&ada, 1, &[app(SECRET), security_key()]), user(&bob, 2, &[security_key()]), user(&eve, 3, &[]), unverified];
    operator.write("realm.json", &json!({ "users": users }).to_string());

    let dry = operator.run_ok(&[&IMPORT[..], &["--dry-run"]].concat());
    for words in [
        "4 users can be imported",
        "1 are protected by their second factor here too",
        "2 lose their second factor: one factor alone opens their account (--require-factors skips them)",
        "second factors that are not imported, webauthn: 2",
        "second factors that are not imported, authenticator app of an unverified address: 1",
    ] {
        assert!(dry.contains(words), "{words}: {dry}");
    }
    let strict = operator.run_ok(&[&IMPORT[..], &["--require-factors"]].concat());
    for words in [
        "2 users can be imported",
        "skipped, their second factor cannot be used here (--require-factors): 2",
        "user 2: their second factor cannot be used here",
        "newly imported: 2",
    ] {
        assert!(strict.contains(words), "{words}: {strict}");
    }
    let mut browser = Browser::new(&site);
    assert_eq!(password_at(&site, &mut browser, &bob).await.status(), 400, "he would be opened by his password alone");
    password_at(&site, &mut browser, &eve).await;
    assert!(is_signed_in(&browser), "she never had a second factor");

    // The password alone opens nothing. The code of the app from before does, once.
    let page = password_at(&site, &mut browser, &ada).await;
    assert_eq!(page.path(), "/login/second-step", "{}", page.text());
    assert_eq!(browser.submit(&page, "#submit", &[("code", "000000")]).await.status(), 400);
    let right = code(&site, SECRET.as_bytes()).await;
    let page = browser.submit(&page, "#submit", &[("code", &right)]).await;
    assert!(is_signed_in(&browser), "{}", page.text());
    // She has no recovery codes yet, and can make some.
    let page = browser.open("/account/two-step").await;
    assert!(page.links().iter().any(|link| link.ends_with("/account/two-step/codes")), "{}: {}", page.url, page.text());
    let page = browser.open("/account/two-step/codes").await;
    let page = browser.submit(&page, "#submit", &[]).await;
    assert_eq!(recovery_codes(&page).len(), 10, "{}: {}", page.url, page.text());
    let mut other = Browser::new(&site);
    let page = password_at(&site, &mut other, &ada).await;
    assert_eq!(other.submit(&page, "#submit", &[("code", &right)]).await.status(), 400, "it works once");

    // Without the flag the operator has read what is lost. The trap of the unverified address does not keep its owner out.
    let rest = operator.run_ok(&IMPORT);
    assert!(rest.contains("newly imported: 2") && rest.contains("imported before: 2"), "{rest}");
    password_at(&site, &mut browser, &bob).await;
    assert!(is_signed_in(&browser));
    let mut browser = Browser::new(&site);
    let page = browser.open("/recover").await;
    let page = browser.submit(&page, "#submit", &[("identifier", &fay.email)]).await;
    let mailed = site.mail_to(&fay.email).await.codes[0].clone();
    let page = browser.submit(&page, "#submit", &[("code", &mailed), ("password", "quite 8 different umbrellas")]).await;
    assert!(page.status() == 200 && page.path() != "/login/second-step", "{}", page.text());
}

/// Auth0's factors come in a file of their own kind. A second run adds the app to a user who has not signed in yet, and to no other one.
#[tokio::test(flavor = "multi_thread")]
async fn security_78_a_second_run_adds_the_app_before_the_first_sign_in_and_says_where_it_is_too_late() {
    let folder = folder();
    let data = folder.path().join("data");
    let gateway = Gateway::start(&data, &[]);
    let (operator, site) = (Operator::new(&gateway, &data, folder.path()), Site::from(&gateway));
    let people = [customer("Ada"), customer("Bob")];
    let secret = b"1234567890";
    let file = |more: &dyn Fn() -> Value| {
        let line = |(number, customer): (usize, &Customer)| {
            let mut line = json!({ "user_id": format!("auth0|{number}"), "email": customer.email, "email_verified": true });
            line.as_object_mut().unwrap().extend(more().as_object().unwrap().clone());
            format!("{line}\n")
        };
        people.iter().enumerate().map(line).collect::<String>()
    };
    operator.write("hashes.json", &file(&|| json!({ "passwordHash": BCRYPT.0 })));
    operator
        .write("factors.json", &file(&|| json!({ "mfa_factors": [{ "totp": { "secret": BASE32_NOPAD.encode(secret) } }] })));
    let import = |file: &str| operator.run_ok(&["people", "import", file, "--from", "auth0", "--issuer", ISSUER, "--yes", "@"]);
    assert!(import("hashes.json").contains("newly imported: 2"));
    let mut browser = Browser::new(&site);
    password_at(&site, &mut browser, &people[1]).await;
    assert!(is_signed_in(&browser));
    let second = import("factors.json");
    assert!(second.contains("imported before, and completed now: 1"), "{second}");
    assert!(second.contains("their second factor was not added: they have signed in here since: 1"), "{second}");
    password_at(&site, &mut browser, &people[1]).await;
    assert!(is_signed_in(&browser), "nothing changed for him");
    let page = password_at(&site, &mut browser, &people[0]).await;
    assert_eq!(page.path(), "/login/second-step", "{}", page.text());
    let page = browser.submit(&page, "#submit", &[("code", &code(&site, secret).await)]).await;
    assert!(is_signed_in(&browser), "{}", page.text());
    assert!(import("factors.json").contains("imported before: 1"));
}
