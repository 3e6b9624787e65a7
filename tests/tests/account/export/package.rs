//! The package: schema, escaping, locales, parts.

use crate::export::{register_user, world};
use latchkey::domain::change::{Change, Changes};
use latchkey::domain::secret::hash_secret;
use latchkey::domain::session::NewSession;
use latchkey::domain::session::Session;
use latchkey::domain::sign_in::evidence::Proofs;
use latchkey::domain::time::Span;
use latchkey::keys::SealedField;
use latchkey_local::world::World;
use serde_json::{Value, json};
use tests::export_package::{ExportFolder, ExportPackage};
use tests::{AccountClient, Anonymous};

/// Hostile profile text.
const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x>&";

#[tokio::test]
async fn the_document_follows_the_schema_that_comes_with_it() {
    let world = world().await;
    let (_, me) = register_user(&world, "Ada").await;
    me.post("/v1/me/email", &json!({ "email": "countess@example.org", "locale": "de" })).await;
    world.pump().await.expect("pumped");
    let export = me.export().await;
    let schema = export.json("schema.json");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let mut document = export.document();
    let errors: Vec<_> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert!(!document["email_change"].is_null() && document["$schema"] == "schema.json");
    // The schema can fail.
    document["sessions"][0]["secret_hash"] = json!("x");
    assert!(!validator.is_valid(&document));
}

#[tokio::test]
async fn security_110_text_of_users_is_escaped_everywhere() {
    let world = world().await;
    let (_, me) = register_user(&world, "Ada").await;
    let patched = me.patch("/v1/me", &json!({ "given_name": HOSTILE, "family_name": "=1+1" })).await;
    assert_eq!(patched.status(), 200, "{}", patched.text());
    let export = me.export().await;
    assert_eq!(export.document()["profile"]["claims"]["given_name"], HOSTILE);
    let html = export.text("export.html");
    assert!(html.contains("&lt;script&gt;alert(1)"), "{html}");
    for markup in ["<script", "<img src=x", "javascript:", " onclick", " style=\""] {
        assert!(!html.contains(markup), "{markup}");
    }
    // Even if markup got through, the page may not run or load anything.
    assert!(html.contains("default-src 'none'; style-src 'unsafe-inline'"));
    for line in export.text("history.csv").lines().skip(1) {
        assert!(line.starts_with("2026-03-01T"), "{line}");
    }
}

#[tokio::test]
async fn a_package_is_in_the_language_of_the_user() {
    let world = world().await;
    let (_, me) = register_user(&world, "Ada").await;
    let begun = me.call(http::Method::POST, "/v1/me/exports", &[("accept-language", "de-AT")], None).await;
    let id = begun.json()["export_id"].as_str().expect("an id").to_owned();
    // A later request in another language: the parts of one export still fit together.
    let export = ExportPackage::open(me.export_part(&id, 1).await.response.body().to_vec());
    let html = export.text("export.html");
    assert!(html.contains("<html lang=\"de\"") && html.contains("Womit Sie sich anmelden") && html.contains("Vorname"));
    assert!(export.text("README.txt").starts_with("Ihre Daten bei Latchkey Demo\n"));
    assert!(export.text("history.csv").contains("Das Konto wurde angelegt") || !export.text("history.csv").contains("created"));
}

#[tokio::test]
async fn the_same_data_gives_the_same_bytes_except_for_the_signature() {
    let world = world().await;
    let (_, me) = register_user(&world, "Ada").await;
    world.pump().await.expect("pumped");
    let id = me.begin_export().await;
    let read = async || ExportPackage::open(me.export_part(&id, 1).await.response.body().to_vec());
    let (one, other) = (read().await, read().await);
    assert_eq!(one.files[..6], other.files[..6]);
    assert_ne!(one.file("manifest.jws"), other.file("manifest.jws"));
    assert_eq!(one.bytes.len(), other.bytes.len());
}

/// Adds sessions with very long device names: seven of them make a package of more than four megabytes.
async fn add_large_sessions(world: &World, me: &AccountClient) {
    let tenant = world.services.tenant(&latchkey::domain::id::TenantId::default_tenant()).await.expect("a tenant");
    let sub = me.tokens.id_claims()["sub"].as_str().expect("a sub").to_owned();
    let raw = tests::invariants::read(&world.engine);
    let account = raw.tables["identities"].iter().find(|item| item["kind"]["S"] == "authentication" && item["sub"]["S"] == sub);
    let account = account.expect("the account")["acc"]["S"].as_str().expect("an id").parse().expect("an id");
    let snapshot = tenant.store.find_profile(account).await.expect("read").expect("a profile");
    let key = tenant.keys.data().expect("keys").unwrap(&snapshot.data_key).expect("a key");
    for number in 0..7 {
        let seen = json!({ "words": format!("{number}").repeat(300_000), "address": "192.0.2.0" });
        let device = key.seal(SealedField::SessionDevice, seen.to_string().as_bytes()).expect("sealed");
        let (random, policy) = (world.services.random, &tenant.config.session);
        let new = NewSession { id: random.session_id(), secret_hash: hash_secret(&random.secret()), device: Some(device) };
        let session = Session::open(new, &snapshot.authentication, Proofs::none(), policy, world.services.clock.now());
        let request = tests::store::request();
        tenant.store.commit(&Changes::one(Change::open_session(session)), &request).await.expect("committed");
    }
}

#[tokio::test]
async fn the_parts_of_a_large_package_fit_together_or_are_refused() {
    let world = world().await;
    let (customer, me) = register_user(&world, "Ada").await;
    add_large_sessions(&world, &me).await;
    world.pump().await.expect("pumped");
    let id = me.begin_export().await;
    assert_eq!(me.get(&format!("/v1/me/exports/{id}")).await.json()["parts"], 2);
    let first = me.export_part(&id, 1).await;
    assert_eq!(first.response.body().len(), 4 * 1024 * 1024);
    assert!(first.header("content-disposition").expect("a name").ends_with(".zip.001\""));
    let second = me.export_part(&id, 2).await;
    let whole = [first.response.body().as_ref(), second.response.body().as_ref()].concat();
    // Parts from different requests differ only in the signature.
    assert_eq!(me.export_part(&id, 1).await.response.body(), first.response.body());
    let export = ExportPackage::open(whole);
    assert_eq!(export.document()["sessions"].as_array().map(Vec::len), Some(8));
    let mut folder = ExportFolder::default();
    let jwks = Anonymous::new(&world).get("/.well-known/jwks.json").await;
    folder.put("jwks.json", jwks.response.body());
    folder.put("export.zip.001", first.response.body());
    folder.put("export.zip.002", second.response.body());
    let verdict = folder.verify(&["--jwks", "jwks.json", "export.zip.001", "export.zip.002"]);
    assert_eq!(verdict.code, Some(0), "{}", verdict.words);
    assert_eq!(folder.verify(&["--jwks", "jwks.json", "export.zip.002", "export.zip.001"]).code, Some(1), "in the wrong order");
    assert_eq!(folder.verify(&["--jwks", "jwks.json", "export.zip.001"]).code, Some(1), "a part is missing");
    // A change that does not make a single part stale makes several parts differ.
    let mut stranger = tests::Browser::new(&world);
    let page = stranger.open("/login").await;
    stranger.submit(&page, "#submit", &[("identifier", &customer.email), ("password", "a wrong guess")]).await;
    assert_eq!(me.export_part(&id, 2).await.refusal(), (409, "export_stale".to_owned()));
}

#[tokio::test]
async fn the_history_is_limited_and_says_so() {
    let world = world().await;
    let (_, me) = register_user(&world, "Ada").await;
    world.pump().await.expect("pumped");
    let document = me.export().await.document();
    assert_eq!(document["history"]["truncated"], false);
    let tenant = world.services.tenant(&latchkey::domain::id::TenantId::default_tenant()).await.expect("a tenant");
    let raw = tests::invariants::read(&world.engine);
    let record = raw.tables["audit"].iter().find(|record| record["acc"].is_object()).expect("a record of the account");
    let account = record["acc"]["S"].as_str().expect("an account").parse().expect("an id");
    for number in 0..1_000 {
        let mut request = tests::store::request();
        request.now = world.services.clock.now() - Span::seconds(number);
        let event = latchkey::store::audit::event_of(latchkey::domain::audit::EventKind::SignedOut, account, None, &request);
        tenant.store.put_audit(&event, Span::days(1)).await.expect("put");
    }
    let export = me.export().await;
    let history = export.document()["history"].clone();
    assert_eq!((history["records"].as_array().map(Vec::len), &history["truncated"]), (Some(1_000), &Value::Bool(true)));
    assert!(export.text("export.html").contains("There are more than 1000 records"), "the page says so too");
}
