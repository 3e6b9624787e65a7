//! security 128: every stored value of a user is in their export, or is on the list in `docs/export.md` with a reason. The test
//! compares this list with the raw items of a user who used every feature.

use crate::export::{register_user, world};
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use latchkey::domain::account::{AccountState, Sealed};
use latchkey::domain::change::{Change, Changes};
use latchkey::domain::id::{AccountId, TenantId};
use latchkey::domain::passkey::CredentialHash;
use latchkey::domain::time::{Span, Timestamp};
use latchkey::keys::{DataKey, SealedField};
use latchkey::services::Tenant;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use latchkey_local::world::World;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::passkey;
use tests::user_pool::{self, CLIENT_ID, POOL_ID, PoolUser, UserPool};
use tests::{AccountClient, Anonymous, Browser, Customer, OAuthClient};

/// A row of the list: item kind, attribute, places in the export. No place means: not exported.
struct Row {
    kind: String,
    attribute: String,
    places: Vec<String>,
}

fn rows() -> Vec<Row> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/export.md");
    let page = std::fs::read_to_string(path).expect("docs/export.md");
    let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let table = page.split("| item | attribute | in the export |").nth(1).expect("the table");
    let mut rows = Vec::new();
    for line in table.lines().skip(2).take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [kind, attributes, place] = cells[..] else { panic!("{line}") };
        let places = if place.starts_with("no: ") { Vec::new() } else { quoted(place) };
        assert!(place.starts_with("no: ") || !places.is_empty(), "{line}");
        for attribute in quoted(attributes) {
            rows.push(Row { kind: kind.to_owned(), attribute, places: places.clone() });
        }
    }
    rows
}

impl Row {
    fn covers(&self, kind: &str, attribute: &str) -> bool {
        let rest = attribute.strip_prefix(self.attribute.as_str());
        (self.kind == kind || self.kind == "any")
            && (self.attribute == "*" || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '['])))
    }
}

/// Every value of an item with its path: `st.rt.gen`, `dev[].id`.
fn leaves(value: &Value, path: &str, into: &mut Vec<(String, Value)>) {
    let Some((kind, inner)) = value.as_object().and_then(|value| value.iter().next()) else { return };
    match kind.as_str() {
        "M" => {
            for (name, value) in inner.as_object().expect("a map") {
                leaves(value, &format!("{path}.{name}"), into);
            }
        }
        "L" => inner.as_array().expect("a list").iter().for_each(|value| leaves(value, &format!("{path}[]"), into)),
        _ => into.push((path.to_owned(), value.clone())),
    }
}

/// Every text, number and boolean at a place of the document: `sessions[].amr[]`.
fn values_at(document: &Value, place: &str) -> BTreeSet<String> {
    let mut found = vec![document];
    for step in place.split('.') {
        let (name, lists) = (step.trim_end_matches("[]"), step.matches("[]").count());
        found = found.into_iter().filter_map(|value| value.get(name)).collect();
        for _ in 0..lists {
            found = found.into_iter().filter_map(Value::as_array).flatten().collect();
        }
    }
    let mut texts = BTreeSet::new();
    found.into_iter().for_each(|value| words(value, &mut texts));
    texts
}

fn words(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) => drop(into.insert(value.to_string())),
        Value::String(text) => drop(into.insert(text.clone())),
        Value::Array(values) => values.iter().for_each(|value| words(value, into)),
        Value::Object(members) => members.values().for_each(|value| words(value, into)),
    }
}

/// The expected values in the export: for a plain value one of the first set, for a sealed value all of them.
fn expected(kind: &str, path: &str, value: &Value, key: &DataKey) -> Vec<BTreeSet<String>> {
    let one = |texts: &[String]| vec![texts.iter().cloned().collect()];
    if let Some(flag) = value["BOOL"].as_bool() {
        return one(&[flag.to_string()]);
    }
    let binary = || BASE64.decode(value["B"].as_str().unwrap_or_default().as_bytes()).expect("base64");
    match (kind, path) {
        ("passkey", "cid") => return one(&[CredentialHash::of(&binary()).to_string()]),
        ("passkey", "aag") => return [HEXLOWER.encode(&binary()), "Samsung Pass".to_owned()].map(|text| [text].into()).into(),
        ("passkey", "tr") => return ["hybrid", "internal"].map(|text| [text.to_owned()].into()).into(),
        _ => {}
    }
    if let Some(number) = value["N"].as_str() {
        let moment = number.parse().map(|millis| Timestamp::from_millis(millis).to_string()).unwrap_or_default();
        let hexadecimal = number.parse::<u64>().map(|id| format!("{id:016x}")).unwrap_or_default();
        return one(&[number.to_owned(), moment, hexadecimal]);
    }
    if let Some(text) = value["S"].as_str() {
        return one(&[text.to_owned()]);
    }
    let sealed = Sealed(BASE64.decode(value["B"].as_str().unwrap_or_default().as_bytes()).expect("base64"));
    let field = match (kind, path) {
        ("profile", "cl") => SealedField::Profile,
        ("profile", "chg.to") => SealedField::PendingEmail,
        ("profile", "und[].to") => SealedField::FormerEmail,
        ("session", "dev") => SealedField::SessionDevice,
        ("linked_identity", "nm") => SealedField::LinkedIdentity,
        ("passkey", "nm") => SealedField::PasskeyName,
        _ => panic!("{kind} {path}: {value}"),
    };
    let plain = key.open(field, &sealed).expect("it opens");
    let mut texts = BTreeSet::new();
    match serde_json::from_slice(&plain) {
        Ok(opened) => words(&opened, &mut texts),
        Err(_) => drop(texts.insert(String::from_utf8(plain).expect("UTF-8"))),
    }
    texts.into_iter().map(|text| BTreeSet::from([text])).collect()
}

async fn change(world: &World, tenant: &Tenant, change: Change) {
    let mut request = tests::store::request();
    request.now = world.services.clock.now();
    tenant.store.commit(&Changes::one(change), &request).await.expect("committed");
}

async fn account_of(world: &World, tenant: &Tenant, me: &AccountClient) -> (AccountId, AccountState, DataKey) {
    let sub = me.get("/v1/me").await.json()["sub"].as_str().expect("a sub").to_owned();
    let raw = tests::invariants::read(&world.engine);
    let item = raw.tables["identities"].iter().find(|item| item["kind"]["S"] == "authentication" && item["sub"]["S"] == sub);
    let account = item.expect("the account")["acc"]["S"].as_str().expect("an id").parse().expect("an id");
    let snapshot = tenant.store.find_profile(account).await.expect("read").expect("a profile");
    let key = tenant.keys.data().expect("keys").unwrap(&snapshot.data_key).expect("a key");
    (account, snapshot.authentication, key)
}

async fn guess(browser: &mut Browser, email: &str) {
    let page = browser.open("/login").await;
    browser.submit(&page, "#submit", &[("identifier", email), ("password", "a wrong guess")]).await;
}

/// Creates a user who uses every feature, with unique values. Returns the client with the last tokens.
async fn create_busy_user(world: &World, tenant: &Tenant) -> AccountClient {
    let later = || world.advance(Span::seconds(1));
    let customer = Customer::new("Canarybird");
    let mut form = customer.registration();
    form["profile"] = json!({
        "given_name": "Canarybird", "family_name": "Quillfeather", "phone_number": "+4930987654321", "customer_type": "business",
        "company": "Difference Engines Ltd", "vat_number": "DE987654321", "newsletter": true, "birthdate": "1985-12-10",
    });
    let api = Anonymous::new(world);
    let started = api.post_json("/v1/registrations", &form).await;
    assert_eq!(started.status(), 202, "{}", started.text());
    let id = started.json()["registration_id"].as_str().expect("an id").to_owned();
    let code = world.mails_to(&customer.email).await.expect("mails").remove(0).codes.remove(0);
    later();
    let proven = api.post_json(&format!("/v1/registrations/{id}/verification"), &json!({ "code": code })).await;
    assert_eq!(proven.status(), 201, "{}", proven.text());
    later();
    let mut browser = Browser::new(world);
    let web = OAuthClient::demo_web(world);
    let callback = web.sign_in(&mut browser, &customer).await;
    let tokens = web.redeem(&callback.query("code").expect("a code")).await.tokens();
    later();
    web.revoke(tokens.access()).await;
    // One passkey that was used, and one that was removed.
    let mut passkey = passkey::add_beside(&mut browser, |passkey| passkey.aaguid = *b"SAMSUNG\0\0\0\0\0\0\0\0\0").await;
    later();
    let removed = passkey::add_beside(&mut browser, |passkey| passkey.aaguid = *b"SAMSUNG\0\0\0\0\0\0\0\0\0").await;
    later();
    let mut touched = Browser::new(world);
    let page = touched.open("/login").await;
    assert_eq!(passkey::use_on(&mut touched, &page, &mut passkey).await.1.status(), 303);
    let page = browser.open("/account/passkeys").await;
    browser.submit(&page, &format!("#remove-{}", CredentialHash::of(&removed.id)), &[]).await;
    later();
    // The browser's device, then an unknown device.
    let mut known = browser.clone();
    known.cookies.retain(|name, _| !name.contains("session"));
    guess(&mut known, &customer.email).await;
    later();
    // A grant revoked by the client, one with an unredeemed code, one for a resource.
    let app = OAuthClient::demo_app(world);
    let ended = app.tokens_for(&customer).await;
    app.revoke(ended.refresh()).await;
    later();
    let narrow = app.authorize_url(&[("resource", "https://orders.example.com")]);
    browser.open(&narrow).await;
    later();
    web.sign_in(&mut Browser::new(world), &customer).await;
    later();
    let me = AccountClient::new(world, &customer).await;
    let sid = me.get("/v1/me/sessions").await.json()["sessions"].as_array().expect("sessions").clone();
    let other = sid.iter().find(|session| session["current"] == false).expect("another session")["sid"].clone();
    later();
    me.delete(&format!("/v1/me/sessions/{}", other.as_str().expect("a sid"))).await;
    // One verified change of address, and one pending change with a wrong code.
    me.post("/v1/me/email", &json!({ "email": "canary-second@example.org", "locale": "de" })).await;
    let code = world.mails_to("canary-second@example.org").await.expect("mails").remove(0).codes.remove(0);
    later();
    assert_eq!(me.post("/v1/me/email/verification", &json!({ "code": code })).await.status(), 200);
    later();
    me.post("/v1/me/email", &json!({ "email": "canary-third@example.net", "locale": "en" })).await;
    me.post("/v1/me/email/verification", &json!({ "code": "0000000000" })).await;
    later();
    me.delete("/v1/me/consents/demo-web").await;
    let accepted = me.post("/v1/me/terms/offers", &json!({ "version": "7", "locale": "de" })).await;
    assert_eq!(accepted.status(), 204, "{}", accepted.text());
    later();
    assert_eq!(me.delete("/v1/me/terms/offers").await.status(), 204);
    let (_, authentication, _) = account_of(world, tenant, &me).await;
    let held =
        AccountState { legal_hold: Some(world.services.clock.now()), version: authentication.version + 1, ..authentication };
    change(world, tenant, Change::place_legal_hold(held)).await;
    guess(&mut Browser::new(world), "canary-second@example.org").await;
    guess(&mut Browser::new(world), "unknown@example.org").await;
    later();
    let tokens = me.client.refresh(me.tokens.refresh()).await.tokens();
    later();
    AccountClient { tokens, ..me }
}

/// A user who registers on the pages and goes on to an application in the same session.
async fn create_user_on_pages(world: &World) -> AccountClient {
    let (customer, mut browser) = (Customer::new("Newcomer"), Browser::new(world));
    let page = browser.open("/register").await;
    let page = browser.submit(&page, "#submit", &customer.form_fields()).await;
    let code = world.mails_to(&customer.email).await.expect("mails").remove(0).codes.remove(0);
    browser.submit(&page, "#submit", &[("code", &code)]).await;
    let client = AccountClient::client(world);
    let mut page = browser.open(&client.authorize_url(&[])).await;
    if page.has_button("#allow") {
        page = browser.submit(&page, "#allow", &[]).await;
    }
    let tokens = client.redeem(&page.query("code").expect("a code")).await.tokens();
    AccountClient { client, tokens }
}

/// Compares the stored items of one user with their export. Records the rows that it used, and returns the faults.
async fn compare(
    world: &World,
    tenant: &Tenant,
    me: &AccountClient,
    rows: &[Row],
    met: &mut BTreeSet<(String, String)>,
) -> Vec<String> {
    world.pump().await.expect("pumped");
    let (account, _, key) = account_of(world, tenant, me).await;
    let export = me.export().await;
    let document = export.document();
    let raw = tests::invariants::read(&world.engine);
    let mut wrong = Vec::new();
    for item in raw.tables.values().flatten() {
        let kind = item["kind"]["S"].as_str().expect("a kind");
        let is_theirs = item["pk"]["S"].as_str().is_some_and(|pk| pk.ends_with(&format!("#{account}")));
        let mut values = Vec::new();
        item.as_object().expect("an item").iter().for_each(|(name, value)| leaves(value, name, &mut values));
        for (path, value) in values {
            let Some(row) = rows.iter().find(|row| row.covers(kind, &path)) else {
                wrong.push(format!("docs/export.md says nothing of {kind} `{path}`"));
                continue;
            };
            if !is_theirs {
                continue;
            }
            met.insert((row.kind.clone(), row.attribute.clone()));
            if row.places.is_empty() {
                if contains_secret(&export.bytes, &value) {
                    wrong.push(format!("{kind} `{path}` is not to be exported: {value}"));
                }
                continue;
            }
            let found: BTreeSet<String> = row.places.iter().flat_map(|place| values_at(&document, place)).collect();
            let missing: Vec<_> =
                expected(kind, &path, &value, &key).into_iter().filter(|any| any.is_disjoint(&found)).collect();
            if !missing.is_empty() {
                wrong.push(format!("{kind} `{path}` is not found at {:?}: {missing:?}", row.places));
            }
        }
    }
    wrong
}

#[tokio::test]
async fn security_128_every_stored_value_is_exported_or_listed_with_a_reason() {
    let field =
        "[[registration.fields]]\nname = \"birthdate\"\ntype = \"date\"\nlabel = \"Birthday\"\n\n[[registration.terms]]";
    let offers = "[[registration.terms]]\ndocument = \"offers\"\nversion = \"7\"\nrequired = false\nurl = \"https://example.com/offers\"\n";
    let document = DEFAULT_DOCUMENT.replacen("[[registration.terms]]", field, 1) + offers + "text = \"Offers once a month.\"\n";
    let world = World::builder().tenant("default", &document).build().await.expect("a world");
    let tenant = world.services.tenant(&TenantId::default_tenant()).await.expect("a tenant");
    let (rows, mut met) = (rows(), BTreeSet::new());
    let me = create_busy_user(&world, &tenant).await;
    let mut wrong = compare(&world, &tenant, &me, &rows, &mut met).await;
    let registered = create_user_on_pages(&world).await;
    wrong.extend(compare(&world, &tenant, &registered, &rows, &mut met).await);
    // Another user was imported from another system.
    let comes = Customer::new("Wanderer");
    let pool = UserPool::default();
    pool.put(PoolUser::confirmed(&comes.email, &comes.password, "8f14e45f-ceea-467f-a3c1-0d2a4d6f1b7e"));
    let document = user_pool::document(POOL_ID, CLIENT_ID, "");
    let world =
        World::builder().tenant("default", &document).legacy_directory(pool.legacy_directory()).build().await.expect("a world");
    let tenant = world.services.tenant(&TenantId::default_tenant()).await.expect("a tenant");
    let me = AccountClient::new(&world, &comes).await;
    wrong.extend(compare(&world, &tenant, &me, &rows, &mut met).await);
    for row in rows.iter().filter(|row| !row.places.is_empty()) {
        if !met.contains(&(row.kind.clone(), row.attribute.clone())) {
            wrong.push(format!("this test creates no {} `{}`: add one", row.kind, row.attribute));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether a package contains the bytes of a secret, in any usual encoding.
fn contains_secret(package: &[u8], value: &Value) -> bool {
    let Some(bytes) = value["B"].as_str().and_then(|text| BASE64.decode(text.as_bytes()).ok()) else { return false };
    let spellings = [BASE64.encode(&bytes), BASE64URL_NOPAD.encode(&bytes), HEXLOWER.encode(&bytes), HEXUPPER.encode(&bytes)];
    let texts = spellings.iter().map(String::as_bytes).chain([bytes.as_slice()]);
    texts.into_iter().any(|text| text.len() >= 8 && package.windows(text.len()).any(|window| window == text))
}

#[tokio::test]
async fn security_128_an_export_has_no_secret_and_no_data_of_other_users() {
    let world = world().await;
    let (ada, me) = register_user(&world, "Ada").await;
    let (bob, bobs) = register_user(&world, "Bartholomew").await;
    world.pump().await.expect("pumped");
    let export = me.export().await;
    let others = [
        bob.email.as_str(),
        "Bartholomew",
        bobs.tokens.id_claims()["sub"].as_str().expect("a sub"),
        ada.password.as_str(),
        me.tokens.access(),
        me.tokens.refresh(),
        "$argon2id$",
    ]
    .map(str::to_owned);
    for word in others {
        assert!(!export.bytes.windows(word.len()).any(|window| window == word.as_bytes()), "{word}");
    }
    assert!(export.text("export.json").contains(&ada.email));
}
