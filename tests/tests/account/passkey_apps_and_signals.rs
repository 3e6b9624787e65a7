//! Apps that use the same passkeys, and what password managers are told (security 81, 86).
#![expect(clippy::expect_used, reason = "this is test code: a broken expectation ends the test")]

use crate::passkeys::{listed_button, new_world, opens, signed_in};
use http::StatusCode;
use latchkey::domain::time::Span;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use latchkey_local::world::World;
use serde_json::{Value, json};
use tests::form::tags;
use tests::passkey::{Options, SoftwarePasskey, add, create, open_new, prove_address, use_on};
use tests::{Browser, Page};

/// The SHA-256 of a certificate, as keytool prints it, and as an Android app names it.
const CERTIFICATE: &str = "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F";
const ANDROID_ORIGIN: &str = "android:apk-key-hash:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn document() -> String {
    format!(
        "{DEFAULT_DOCUMENT}\n[passkeys]\nios_apps = [\"A1B2C3D4E5.com.example.shop\"]\n\n[[passkeys.android_apps]]\npackage = \
         \"com.example.shop\"\ncertificates = [\"{CERTIFICATE}\"]\n"
    )
}

async fn world_with_apps() -> World {
    World::builder().without_source_limits().tenant("default", &document()).build().await.expect("a world")
}

async fn well_known(world: &World, file: &str) -> Value {
    let page = Browser::new(world).open(&format!("/.well-known/{file}")).await.expect(StatusCode::OK);
    // Apple and Google read nothing of another type, and follow no redirect.
    assert_eq!(page.header("content-type"), Some("application/json"), "{file}");
    serde_json::from_str(page.html()).expect("JSON")
}

#[tokio::test]
async fn security_81_the_files_of_apple_and_google_name_the_apps_of_the_document() {
    let world = world_with_apps().await;
    let apps = json!({ "webcredentials": { "apps": ["A1B2C3D4E5.com.example.shop"] } });
    assert_eq!(well_known(&world, "apple-app-site-association").await, apps);
    let statements = json!([{
        "relation": ["delegate_permission/common.get_login_creds", "delegate_permission/common.handle_all_urls"],
        "target": {
            "namespace": "android_app",
            "package_name": "com.example.shop",
            "sha256_cert_fingerprints": [CERTIFICATE],
        },
    }]);
    assert_eq!(well_known(&world, "assetlinks.json").await, statements);
    // A browser uses no passkey for an app: its origin is not in the list of sites.
    let origins = well_known(&world, "webauthn").await;
    assert_eq!(origins, json!({ "origins": ["http://localhost:8080", "https://localhost"] }));
    let without = new_world().await;
    for file in ["apple-app-site-association", "assetlinks.json", "security.txt"] {
        Browser::new(&without).open(&format!("/.well-known/{file}")).await.expect(StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn security_81_a_passkey_of_an_app_signs_in_only_if_the_document_names_the_app() {
    for (world, is_named) in [(world_with_apps().await, true), (new_world().await, false)] {
        let (_, mut browser) = signed_in(&world, "ada").await;
        let mut passkey = add(&mut browser).await;
        for origin in [ANDROID_ORIGIN, "https://localhost"] {
            origin.clone_into(&mut passkey.origin);
            assert_eq!(opens(&world, &mut passkey).await.is_ok(), is_named, "{origin}, named: {is_named}");
        }
        // Another certificate, the same one in another spelling, and the site of another app.
        let other = ANDROID_ORIGIN.replace("AAEC", "BAEC");
        for origin in [other.as_str(), &ANDROID_ORIGIN.to_lowercase(), "https://localhost/", "ios:com.example.shop"] {
            origin.clone_into(&mut passkey.origin);
            assert!(opens(&world, &mut passkey).await.is_err(), "{origin}");
        }
    }
}

/// What the script of this page tells the browser.
fn signals(page: &Page) -> Option<Value> {
    let tag = tags(page.html()).into_iter().find(|tag| tag.get("data-passkey-signals").is_some())?;
    serde_json::from_str(tag.get("data-passkey-signals")?).ok()
}

fn encoded(bytes: &[u8]) -> String {
    data_encoding::BASE64URL_NOPAD.encode(bytes)
}

#[tokio::test]
async fn only_a_passkey_that_its_account_never_had_is_called_unknown() {
    let world = new_world().await;
    let (_, mut browser) = signed_in(&world, "ada").await;
    let mut passkey = add(&mut browser).await;
    let of = |handle: &[u8]| SoftwarePasskey::es256(&passkey.rp_id, &passkey.origin, handle);
    let mut never_added = of(&passkey.user_handle);
    let page = opens(&world, &mut never_added).await.err().expect("refused");
    let told = json!({ "signalUnknownCredential": { "rpId": passkey.rp_id, "credentialId": encoded(&never_added.id) } });
    assert_eq!(signals(&page), Some(told));
    // An account that is not here may be at another tenant of the same site.
    let page = opens(&world, &mut of(&[7; 16])).await.err().expect("refused");
    assert_eq!(signals(&page), None);
    // One of another account.
    let (_, mut other) = signed_in(&world, "bob").await;
    let mut others = add(&mut other).await;
    others.user_handle.clone_from(&passkey.user_handle);
    let page = opens(&world, &mut others).await.err().expect("refused");
    assert_eq!(signals(&page), None);
    // A wrong signature says nothing about the passkey.
    let mut forged = of(&passkey.user_handle);
    forged.id.clone_from(&passkey.id);
    let page = opens(&world, &mut forged).await.err().expect("refused");
    assert_eq!(signals(&page), None);
    // A removed one can come back by an undo.
    world.advance(Span::seconds(1));
    let listed = browser.open("/account/passkeys").await;
    let asked = browser.submit(&listed, &listed_button(&listed), &[]).await;
    let listed = prove_address(&mut browser, asked).await;
    let page = browser.submit(&listed, &listed_button(&listed), &[]).await;
    let all = json!({ "signalAllAcceptedCredentials": {
        "rpId": passkey.rp_id,
        "userId": encoded(&passkey.user_handle),
        "allAcceptedCredentialIds": [encoded(&passkey.id)],
    } });
    assert_eq!(signals(&page), Some(all), "kept for an undo");
    let page = opens(&world, &mut passkey).await.err().expect("refused");
    assert_eq!(signals(&page), None);
}

#[tokio::test]
async fn the_list_of_passkeys_is_told_after_a_change_and_the_address_after_its_change() {
    let world = new_world().await;
    let (user, mut browser) = signed_in(&world, "ada").await;
    let page = open_new(&mut browser).await;
    let options = Options::of(&page);
    let passkey = create(&browser, &options);
    let json = passkey.creation(options.challenge()).json();
    let fields = [("credential", json.as_str()), ("state", options.state.as_str())];
    let sent = browser.send_by_script(&page, "credential", &fields).await;
    let page = browser.follow_answer(sent).await;
    let told = signals(&page).expect("signals");
    assert_eq!(told["signalAllAcceptedCredentials"]["allAcceptedCredentialIds"], json!([encoded(&passkey.id)]));
    // Only right after a change, and only in the browser that made it.
    assert_eq!(signals(&browser.open("/account/passkeys").await), None);
    assert_eq!(signals(&browser.open("/account/passkeys?done=passkey-added&check=AAAA").await), None);
    let profile = browser.open("/account").await;
    assert_eq!(signals(&profile), None);
    let page = browser.submit(&profile, "#submit", &[("given_name", "Augusta")]).await;
    let details = signals(&page).expect("signals");
    let details = &details["signalCurrentUserDetails"];
    assert_eq!(details["name"], json!(user.email));
    assert_eq!(details["userId"], json!(encoded(&passkey.user_handle)));
    // A user without passkeys.
    let (_, mut other) = signed_in(&world, "bob").await;
    let profile = other.open("/account").await;
    assert_eq!(signals(&other.submit(&profile, "#submit", &[("given_name", "Rob")]).await), None);
}

#[tokio::test]
async fn security_82_the_id_of_another_accounts_passkey_is_refused_at_once() {
    let world = new_world().await;
    let (_, mut browser) = signed_in(&world, "ada").await;
    let (_, mut other) = signed_in(&world, "bob").await;
    let mut passkey = add(&mut browser).await;
    let page = open_new(&mut other).await;
    let options = Options::of(&page);
    let json = passkey.creation(options.challenge()).json();
    let fields = [("credential", json.as_str()), ("state", options.state.as_str())];
    let (_, answer) = other.send_by_script(&page, "credential", &fields).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!(other.open("/account/passkeys").await.html().matches("id=\"remove-").count(), 0);
    world.advance(Span::seconds(1));
    let mut visitor = Browser::new(&world);
    let page = visitor.open("/login").await;
    assert_eq!(use_on(&mut visitor, &page, &mut passkey).await.1.status(), StatusCode::SEE_OTHER);
}
