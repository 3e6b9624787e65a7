//! `latchkey people import` against a real local gateway: who is imported, with which data, who is skipped, and that a second
//! run is safe.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use aws_lc_rs::pbkdf2;
use data_encoding::BASE64;
use serde_json::{Value, json};
use std::num::NonZeroU32;
use tempfile::TempDir;
use tests::gateway::folder;
use tests::{AccountClient, Browser, Customer, Gateway, Operator, Site};

const ISSUER: &str = "https://login.example.com/realms/shop";

fn start_gateway() -> (TempDir, Gateway, Operator) {
    let folder = folder();
    let data = folder.path().join("data");
    let gateway = Gateway::start(&data, &[]);
    let operator = Operator::new(&gateway, &data, folder.path());
    (folder, gateway, operator)
}

/// A user in Keycloak's export format.
fn keycloak(customer: &Customer, number: u32) -> Value {
    let mut hash = [0; 64];
    let iterations = NonZeroU32::new(27_500).unwrap();
    let salt = format!("salt of person {number:08}");
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, salt.as_bytes(), customer.password.as_bytes(), &mut hash);
    json!({
        "id": format!("00000000-0000-4000-8000-{number:012}"), "username": customer.email, "email": customer.email,
        "emailVerified": true, "enabled": true, "createdTimestamp": 1_600_000_000_000_u64,
        "firstName": customer.given_name, "lastName": customer.family_name,
        "attributes": { "customer_type": ["private"], "tier": ["gold"] },
        "credentials": [{
            "type": "password",
            "secretData": json!({ "value": BASE64.encode(&hash), "salt": BASE64.encode(salt.as_bytes()) }).to_string(),
            "credentialData": json!({ "hashIterations": 27_500, "algorithm": "pbkdf2-sha256" }).to_string(),
        }],
    })
}

fn export(operator: &Operator, users: &[Value]) {
    operator.write("realm.json", &json!({ "realm": "shop", "users": users }).to_string());
}

const IMPORT: [&str; 9] = ["people", "import", "realm.json", "--from", "keycloak", "--issuer", ISSUER, "--yes", "@"];

#[tokio::test(flavor = "multi_thread")]
async fn users_are_imported_with_their_passwords_and_a_second_run_changes_nothing() {
    let (_folder, gateway, operator) = start_gateway();
    let site = Site::from(&gateway);
    let (ada, bob, eve) = (Customer::new("Ada"), Customer::new("Bob"), Customer::new("Eve"));
    let mut without_password = keycloak(&eve, 3);
    without_password["credentials"] = json!([]);
    export(&operator, &[keycloak(&ada, 1), keycloak(&bob, 2), without_password]);

    let dry = operator.run_ok(&[&IMPORT[..], &["--dry-run"]].concat());
    assert!(dry.contains("3 users can be imported") && dry.contains("2 with their password, 1 set a new one by mail"), "{dry}");
    assert!(dry.contains("the form has no such field, tier: 3"), "{dry}");
    let wrong = Browser::new(&site);
    let before = sign_in(wrong, &ada).await;
    assert_eq!(before, 400, "a dry run writes nothing");

    let done = operator.run_ok(&[&IMPORT[..], &["--keep-sub"]].concat());
    assert!(done.contains("3 keep their sub") && done.contains("newly imported: 3"), "{done}");
    let me = AccountClient::new(&site, &ada).await;
    let claims = me.get("/v1/me").await.json();
    assert_eq!(claims["sub"], "00000000-0000-4000-8000-000000000001");
    assert_eq!((&claims["given_name"], &claims["customer_type"]), (&json!("Ada"), &json!("private")));
    let linked = me.export().await.document()["linked_identities"][0].clone();
    assert_eq!((&linked["issuer"], &linked["subject"]), (&json!(ISSUER), &claims["sub"]));
    // The second sign-in uses our own hash.
    assert_eq!(sign_in(Browser::new(&site), &ada).await, 200);
    assert_eq!(
        sign_in(Browser::new(&site), &Customer { password: "not the 9 right one".to_owned(), ..bob.clone() }).await,
        400
    );
    assert_eq!(sign_in(Browser::new(&site), &bob).await, 200);

    // A user without a password sets one by mail.
    let mut browser = Browser::new(&site);
    let page = browser.open("/recover").await;
    let page = browser.submit(&page, "#submit", &[("identifier", &eve.email)]).await;
    let code = site.mail_to(&eve.email).await.codes[0].clone();
    let page = browser.submit(&page, "#submit", &[("code", &code), ("password", "quite 8 different umbrellas")]).await;
    assert_eq!(page.status(), 200, "{}", page.text());

    // Changes in the source system do not change an imported account.
    let changed = Customer { password: "another 6 password there".to_owned(), ..ada.clone() };
    export(&operator, &[keycloak(&changed, 1), keycloak(&bob, 2), keycloak(&Customer::new("Fay"), 4)]);
    let again = operator.run_ok(&IMPORT);
    assert!(again.contains("newly imported: 1") && again.contains("imported before: 2"), "{again}");
    assert_eq!(sign_in(Browser::new(&site), &ada).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skipped_user_is_reported_by_line_and_reason_and_does_not_stop_the_import() {
    let (_folder, gateway, operator) = start_gateway();
    let site = Site::from(&gateway);
    let here = Customer::registered(&site, "Here").await;
    let with = |name: &str, number, member: &str, value: Value| {
        let mut user = keycloak(&Customer::new(name), number);
        user[member] = value;
        user
    };
    let mut weak = keycloak(&Customer::new("Weak"), 6);
    weak["credentials"][0]["credentialData"] =
        json!({ "hashIterations": 9_000_000, "algorithm": "pbkdf2-sha256" }).to_string().into();
    export(
        &operator,
        &[
            keycloak(&Customer::new("Well"), 1),
            with("Disabled", 2, "enabled", json!(false)),
            with("Unproven", 3, "emailVerified", json!(false)),
            with("Without", 4, "email", Value::Null),
            with("Odd", 5, "email", json!("not an address")),
            weak,
            keycloak(&Customer { email: here.email.clone(), ..Customer::new("Twin") }, 7),
        ],
    );
    let output = operator.run_ok(&IMPORT);
    for words in [
        "user 2: the account is disabled there",
        "user 4: there is no e-mail address",
        "user 5: the e-mail address is not usable",
        "user 6: the number of PBKDF2 iterations of the password hash is 9000000",
        "1 of them because their address was not verified there",
        "newly imported: 2",
        "another account here has their e-mail address: 1",
    ] {
        assert!(output.contains(words), "{words}: {output}");
    }
    assert!(!output.contains("example.com/") && !output.contains('@'), "the output has no personal data: {output}");
    assert_eq!(sign_in(Browser::new(&site), &Customer::new("Well")).await, 200);
    assert_eq!(sign_in(Browser::new(&site), &here).await, 200);

    for (arguments, words) in [
        (vec!["people", "import", "missing.json", "--from", "auth0", "--issuer", ISSUER, "@"], "cannot read missing.json"),
        (vec!["people", "import", "realm.json", "--from", "keycloak", "--issuer", "shop", "@"], "https://"),
        (vec!["people", "import", "realm.json", "--from", "keycloak", "--issuer", ISSUER, "@"], "nothing was changed"),
    ] {
        let refused = operator.run(&arguments);
        assert!(refused.code != Some(0) && refused.err.contains(words), "{refused:?}");
    }
}

/// A file that does not parse is not imported, and the exit code says so. The same holds for a file that changes before the
/// confirmation.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_or_changed_file_imports_no_user() {
    let (folder, gateway, operator) = start_gateway();
    let site = Site::from(&gateway);
    let (ada, bob) = (Customer::new("Ada"), Customer::new("Bob"));
    export(&operator, &[keycloak(&ada, 1), keycloak(&bob, 2)]);
    let whole = std::fs::read_to_string(folder.path().join("realm.json")).unwrap();
    operator.write("realm.json", &whole[..whole.len() - 2]);
    for more in [&["--dry-run"][..], &[]] {
        let broken = operator.run(&[&IMPORT[..], more].concat());
        assert!(broken.code == Some(1) && broken.out.is_empty(), "{broken:?}");
        assert!(broken.err.contains("realm.json: the file: it is not JSON: line 1, column "), "{broken:?}");
        assert!(broken.err.contains("; nothing was changed"), "{broken:?}");
    }

    export(&operator, &[keycloak(&ada, 1)]);
    let unconfirmed: Vec<&str> = IMPORT.into_iter().filter(|word| *word != "--yes").collect();
    let asked = operator.run_to_prompt(&unconfirmed);
    export(&operator, &[keycloak(&ada, 1), keycloak(&bob, 2)]);
    let output = asked.answer("yes");
    assert!(output.code == Some(1) && output.err.contains("realm.json changed meanwhile; run the command again"), "{output:?}");
    for customer in [&ada, &bob] {
        assert_eq!(sign_in(Browser::new(&site), customer).await, 400, "no user was imported");
    }
    let done = operator.run_ok(&IMPORT);
    assert!(done.contains("newly imported: 2"), "{done}");
}

/// What is lost is said, by kind. A user with an unverified address proves it before the first sign-in, and of two users with one address the
/// same one is imported, whatever the order of the file.
#[tokio::test(flavor = "multi_thread")]
async fn second_factors_are_counted_unverified_addresses_are_proven_and_doubles_follow_a_rule() {
    let (_folder, gateway, operator) = start_gateway();
    let site = Site::from(&gateway);
    let (ada, bob, eve) = (Customer::new("Ada"), Customer::new("Bob"), Customer::new("Eve"));
    let mut protected = keycloak(&ada, 1);
    let password = protected["credentials"][0].clone();
    let factor = |kind: &str| json!({ "type": kind, "secretData": "{}", "credentialData": "{}" });
    protected["credentials"] = json!([factor("otp"), password, factor("webauthn"), factor("webauthn"), factor("surprise")]);
    let mut unverified = keycloak(&bob, 2);
    unverified["emailVerified"] = json!(false);
    // Three users with one address: verified and older, verified and newer, unverified.
    let (mut older, mut newer, mut weak) = (keycloak(&eve, 5), keycloak(&eve, 4), keycloak(&eve, 3));
    older["createdTimestamp"] = json!(1_500_000_000_000_u64);
    newer["credentials"] = json!([]);
    weak["emailVerified"] = json!(false);
    let mut orders = [older, newer, weak];
    for turn in 0..3 {
        orders.rotate_left(1);
        export(&operator, &[&[protected.clone(), unverified.clone()], &orders[..]].concat());
        let dry = operator.run_ok(&[&IMPORT[..], &["--dry-run"]].concat());
        let winner = orders.iter().position(|user| user["id"].as_str().unwrap().ends_with("05")).unwrap() + 3;
        for number in 3..6 {
            let is_named = dry.contains(&format!("user {number}: another user of the file has the same e-mail address"));
            assert_eq!(is_named, number != winner, "turn {turn}: {dry}");
        }
        for words in [
            "3 users can be imported",
            "2 with their password, 1 set a new one by mail, 1 of them because their address was not verified there",
            "1 lose their second factor: one factor alone opens their account (--require-factors skips them)",
            "second factors that are not imported, authenticator app with an unreadable seed: 1",
            "not imported, webauthn: 2",
            "not imported, of another kind: 1",
        ] {
            assert!(dry.contains(words), "{words}: {dry}");
        }
    }
    let done = operator.run_ok(&[&IMPORT[..], &["--keep-sub"]].concat());
    assert!(done.contains("newly imported: 3"), "{done}");
    let me = AccountClient::new(&site, &eve).await.get("/v1/me").await.json();
    assert_eq!(me["sub"], "00000000-0000-4000-8000-000000000005");
    // The password of the other system opens nothing: its user never showed control of the mailbox.
    assert_eq!(sign_in(Browser::new(&site), &bob).await, 400);
    let mut browser = Browser::new(&site);
    let page = browser.open("/recover").await;
    let page = browser.submit(&page, "#submit", &[("identifier", &bob.email)]).await;
    let code = site.mail_to(&bob.email).await.codes[0].clone();
    let page = browser.submit(&page, "#submit", &[("code", &code), ("password", "quite 8 different umbrellas")]).await;
    assert_eq!(page.status(), 200, "{}", page.text());
}

/// Auth0 gives profiles and hashes in two files. Either can come first, and the second run completes the first. Its metadata fills fields by
/// the paths of the tenant document.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_completes_what_is_empty_and_a_table_maps_metadata() {
    let (folder, gateway, operator) = start_gateway();
    let site = Site::from(&gateway);
    let data = folder.path().join("data");
    let table = "[import]\nattributes = { company = \"user_metadata.work.company\" }\n";
    gateway.put_in_force(&data, &format!("{}\n{table}", latchkey_local::assemble::DEFAULT_DOCUMENT)).await;
    let people = [Customer::new("Ada"), Customer::new("Bob")];
    let hashed = |customer: &Customer| {
        let mut hash = [0; 32];
        let (iterations, salt) = (NonZeroU32::new(1_000).unwrap(), b"salt of a person");
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, salt, customer.password.as_bytes(), &mut hash);
        let encode = |bytes: &[u8]| BASE64.encode(bytes).trim_end_matches('=').to_owned();
        json!({ "algorithm": "pbkdf2", "hash": { "value": format!("$pbkdf2-sha256$i=1000${}${}", encode(salt), encode(&hash)) } })
    };
    let lines = |of: &dyn Fn(usize, &Customer) -> Value| {
        people.iter().enumerate().map(|(n, customer)| format!("{}\n", of(n, customer))).collect::<String>()
    };
    let profiles = lines(&|n, customer| {
        json!({
            "user_id": format!("auth0|{n}"), "email": customer.email, "email_verified": true, "given_name": customer.given_name,
            "family_name": customer.family_name, "user_metadata": { "work": { "company": "Engines" }, "colour": "blue" },
        })
    });
    let hashes = lines(
        &|n, customer| json!({ "user_id": format!("auth0|{n}"), "email": customer.email, "email_verified": true, "custom_password_hash": hashed(customer) }),
    );
    operator.write("profiles.json", &format!("\u{feff}{profiles}"));
    operator.write("hashes.json", &hashes);
    let import = |file: &str| operator.run_ok(&["people", "import", file, "--from", "auth0", "--issuer", ISSUER, "--yes", "@"]);
    let first = import("profiles.json");
    assert!(first.contains("newly imported: 2") && first.contains("no such field, user_metadata.colour: 2"), "{first}");
    assert!(!first.contains("user_metadata.work"), "{first}");
    assert_eq!(sign_in(Browser::new(&site), &people[0]).await, 400, "no password yet");
    // The same user with another address, which the account's owner never proved: no password of that file opens the account.
    let stranger = Customer { password: "the 7 words of a stranger".to_owned(), ..people[0].clone() };
    let moved = json!({
        "user_id": "auth0|0", "email": "stranger@example.org", "email_verified": true, "custom_password_hash": hashed(&stranger)
    });
    operator.write("moved.json", &format!("{moved}\n"));
    let conflict = import("moved.json");
    let words = "imported before, and not completed: their account here has another e-mail address: 1";
    assert!(conflict.contains(words), "{conflict}");
    for customer in [stranger.clone(), Customer { email: "stranger@example.org".to_owned(), ..stranger }] {
        assert_eq!(sign_in(Browser::new(&site), &customer).await, 400);
    }
    let second = import("hashes.json");
    assert!(second.contains("imported before, and completed now: 2"), "{second}");
    let third = import("hashes.json");
    assert!(third.contains("imported before: 2"), "{third}");
    for customer in &people {
        assert_eq!(sign_in(Browser::new(&site), customer).await, 200);
    }
    let again = import("profiles.json");
    assert!(again.contains("imported before: 2"), "a user who has signed in is left alone: {again}");
}

/// Two persons never share a `sub`, whatever systems they come from: the claim of a `sub` holds it, and a file that has one id
/// twice says which user is left out. Neither is reported as imported before.
#[tokio::test(flavor = "multi_thread")]
async fn security_111_a_kept_sub_has_one_account_across_issuers_and_within_a_file() {
    const OTHER_ISSUER: &str = "https://login.example.com/realms/other";
    let (_folder, gateway, operator) = start_gateway();
    let site = Site::from(&gateway);
    let (ada, bob, eve, fay) = (Customer::new("Ada"), Customer::new("Bob"), Customer::new("Eve"), Customer::new("Fay"));
    let keep = [&IMPORT[..], &["--keep-sub"]].concat();
    let other: Vec<&str> = keep.iter().map(|word| if *word == ISSUER { OTHER_ISSUER } else { word }).collect();
    // The second user with an id is not imported, and keeps no other user from the address: Bob is the newer one of two.
    let mut double = keycloak(&Customer { email: bob.email.clone(), ..eve.clone() }, 1);
    double["createdTimestamp"] = json!(1_500_000_000_000_u64);
    export(&operator, &[keycloak(&ada, 1), keycloak(&bob, 2), double]);
    for run in [&keep[..], &[&keep[..], &["--dry-run"]].concat()] {
        let done = operator.run_ok(run);
        assert!(done.contains("user 3: an earlier user of the file has the same id"), "{done}");
        assert!(done.contains("2 users can be imported"), "{done}");
    }
    assert_eq!(sign_in(Browser::new(&site), &eve).await, 400, "the second user with the id is not imported");

    // The same id of another system is another person: without --keep-sub that user gets a `sub` of our own.
    export(&operator, &[keycloak(&eve, 1), keycloak(&fay, 4)]);
    for expected in ["newly imported: 1", "imported before: 1"] {
        let done = operator.run_ok(&other);
        assert!(done.contains(expected) && done.contains("skipped, another account here has their sub: 1"), "{done}");
    }
    assert_eq!(sign_in(Browser::new(&site), &eve).await, 400);
    let without: Vec<&str> = IMPORT.into_iter().map(|word| if word == ISSUER { OTHER_ISSUER } else { word }).collect();
    let done = operator.run_ok(&without);
    assert!(done.contains("newly imported: 1"), "{done}");
    let mut subs = Vec::new();
    for customer in [&ada, &bob, &eve, &fay] {
        let me = AccountClient::new(&site, customer).await.get("/v1/me").await.json();
        subs.push(me["sub"].as_str().unwrap().to_owned());
    }
    subs.sort();
    subs.dedup();
    assert_eq!(subs.len(), 4, "{subs:?}");
}

async fn sign_in(mut browser: Browser, customer: &Customer) -> u16 {
    let page = browser.open("/login").await;
    customer.sign_in(&mut browser, &page).await.status()
}
