//! Changed ceremonies are refused, and a challenge works once, in its browser, for its request, for five minutes (security 80–85).

use crate::passkeys::{new_world, opens, signed_in};
use http::StatusCode;
use latchkey::domain::time::Span;
use latchkey_local::world::World;
use serde_json::json;
use tests::passkey::software::{AT, Assertion, BE, BS, SoftwarePasskey, UP, UV, map, number, text};
use tests::passkey::{Options, add, open_new, use_on};
use tests::{Browser, Page, invariants};

/// Ada's passkey and its browser, and the sign-in page of another browser.
async fn before_use(world: &World) -> (SoftwarePasskey, Browser, Browser, Page) {
    let (_, mut browser) = signed_in(world, "ada").await;
    let passkey = add(&mut browser).await;
    world.advance(Span::seconds(1));
    let mut visitor = Browser::new(world);
    let page = visitor.open("/login").await;
    (passkey, browser, visitor, page)
}

/// Each refusal leaves every table as it was.
#[tokio::test]
async fn security_80_81_83_84_85_a_changed_ceremony_is_refused_with_4xx_and_changes_nothing() {
    let world = new_world().await;
    let (_, mut browser) = signed_in(&world, "ada").await;
    let (_, mut other_browser) = signed_in(&world, "bob").await;
    let mut passkey = add(&mut browser).await;
    let others = add(&mut other_browser).await;
    let mut visitor = Browser::new(&world);
    world.advance(Span::seconds(1));
    let stored = |world: &World| serde_json::to_string(&invariants::read(&world.engine).tables).expect("JSON");
    let before = stored(&world);
    type Change = (&'static str, fn(&mut Assertion<'_>, &SoftwarePasskey));
    let changes: [Change; 24] = [
        ("origin", |a, _| drop(a.client_data.insert("origin".into(), json!("https://evil.example")))),
        ("origin without port", |a, _| drop(a.client_data.insert("origin".into(), json!("http://localhost")))),
        ("type", |a, _| drop(a.client_data.insert("type".into(), json!("webauthn.create")))),
        ("challenge", |a, _| drop(a.client_data.insert("challenge".into(), json!("AAAA")))),
        ("crossOrigin", |a, _| drop(a.client_data.insert("crossOrigin".into(), json!(true)))),
        ("topOrigin", |a, _| drop(a.client_data.insert("topOrigin".into(), json!("https://evil.example")))),
        ("no client data", |a, _| a.raw_client_data = Some(Vec::new())),
        ("rpId", |a, _| a.data.rp_id = "evil.example".into()),
        ("no UP", |a, _| a.data.flags &= !UP),
        ("no UV", |a, _| a.data.flags &= !UV),
        ("BE changes", |a, _| a.data.flags &= !(BE | BS)),
        ("BS without BE", |a, _| a.data.flags &= !BE),
        ("a credential", |a, other| {
            a.data.flags |= AT;
            a.data.id = other.id.clone();
            a.data.cose = map(&other.cose_members());
        }),
        ("extensions", |a, _| a.data.extensions = map(&[(text("x"), number(1))])),
        ("truncated", |a, _| a.raw_data = Some(vec![0; 36])),
        ("empty data", |a, _| a.raw_data = Some(Vec::new())),
        ("signature", |a, _| a.signature = Some(vec![0x30, 0])),
        ("signature of another passkey", |a, other| a.signature = Some(other.sign(b"x"))),
        ("no user handle", |a, _| a.user_handle = None),
        ("user handle of another account", |a, other| a.user_handle = Some(other.user_handle.clone())),
        ("user handle of no account", |a, _| a.user_handle = Some(vec![9; 16])),
        ("another account's passkey", |a, other| a.id = other.id.clone()),
        ("id of 1,024 bytes", |a, _| a.id = vec![1; 1024]),
        ("rawId", |a, _| a.raw_id = Some(vec![1; 16])),
    ];
    for (name, change) in changes {
        let page = visitor.open("/login").await;
        let options = Options::of(&page);
        let mut assertion = passkey.assertion(options.challenge());
        change(&mut assertion, &others);
        let fields = [("credential", assertion.json()), ("state", options.state.clone())];
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        let (_, answer) = visitor.send_by_script(&page, "credential", &fields).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{name}");
        assert!(answer.headers().get("set-cookie").is_none(), "{name}");
    }
    for credential in ["", "{}", "null", "not JSON", "\u{1F511}"] {
        let page = visitor.open("/login").await;
        let options = Options::of(&page);
        let fields = [("credential", credential), ("state", options.state.as_str())];
        let (_, answer) = visitor.send_by_script(&page, "credential", &fields).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{credential}");
    }
    assert_eq!(stored(&world), before);
    assert!(opens(&world, &mut passkey).await.is_ok());
}

#[tokio::test]
async fn security_80_a_challenge_works_once_for_five_minutes_in_its_browser_for_its_request() {
    let world = new_world().await;
    let (mut passkey, mut browser, mut visitor, page) = before_use(&world).await;
    let options = Options::of(&page);
    let json = passkey.assertion(options.challenge()).json();
    let fields = [("credential", json.as_str()), ("state", options.state.as_str())];
    // In another browser, and for another request.
    let mut foreign = Browser::new(&world);
    let foreign_page = foreign.open("/login").await;
    assert_eq!(foreign.send_by_script(&foreign_page, "credential", &fields).await.1.status(), StatusCode::CONFLICT);
    let other_page = visitor.open("/login?return_to=/account/security").await;
    assert_eq!(visitor.send_by_script(&other_page, "credential", &fields).await.1.status(), StatusCode::CONFLICT);
    // A challenge of a creation.
    let creation = Options::of(&open_new(&mut browser).await);
    let of_creation = [("credential", json.as_str()), ("state", creation.state.as_str())];
    assert_eq!(visitor.send_by_script(&page, "credential", &of_creation).await.1.status(), StatusCode::CONFLICT);
    // Once.
    assert_eq!(visitor.send_by_script(&page, "credential", &fields).await.1.status(), StatusCode::SEE_OTHER);
    assert_eq!(visitor.send_by_script(&page, "credential", &fields).await.1.status(), StatusCode::CONFLICT);
    // An older one ends with it: two pages were open.
    world.advance(Span::seconds(1));
    let mut tabs = Browser::new(&world);
    let old = tabs.open("/login").await;
    world.advance(Span::seconds(1));
    let new = tabs.open("/login").await;
    assert_eq!(use_on(&mut tabs, &new, &mut passkey).await.1.status(), StatusCode::SEE_OTHER);
    let stale = use_on(&mut tabs, &old, &mut passkey).await;
    assert_eq!(stale.1.status(), StatusCode::CONFLICT);
    // Five minutes.
    world.advance(Span::seconds(1));
    let mut slow = Browser::new(&world);
    let page = slow.open("/login").await;
    world.advance(Span::minutes(5));
    assert_eq!(use_on(&mut slow, &page, &mut passkey).await.1.status(), StatusCode::SEE_OTHER);
    let mut slower = Browser::new(&world);
    let page = slower.open("/login").await;
    world.advance(Span::seconds(301));
    let late = use_on(&mut slower, &page, &mut passkey).await;
    let late = slower.follow_answer(late).await;
    assert!(late.status() == 409 && late.text().contains("took too long"), "{}", late.text());
    // The script gets new options without a read.
    drop(world.meter.take());
    let renewed = slower.open("/login/passkey/options").await.expect(StatusCode::OK);
    assert_eq!(world.meter.take().len(), 0);
    let options = Options::read(renewed.html());
    let json = passkey.assertion(options.challenge()).json();
    let fields = [("credential", json.as_str()), ("state", options.state.as_str())];
    assert_eq!(slower.send_by_script(&late, "credential", &fields).await.1.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn security_80_of_64_uses_of_one_challenge_exactly_one_signs_in() {
    let world = new_world().await;
    let (mut passkey, _, visitor, page) = before_use(&world).await;
    let options = Options::of(&page);
    let json = passkey.assertion(options.challenge()).json();
    let state = options.state;
    let tries = (0..64).map(|_| {
        let (mut visitor, page, json, state) = (visitor.clone(), page.clone(), json.clone(), state.clone());
        tokio::spawn(async move {
            let fields = [("credential", json.as_str()), ("state", state.as_str())];
            visitor.send_by_script(&page, "credential", &fields).await.1.status()
        })
    });
    let mut signed_in = 0;
    for attempt in tries.collect::<Vec<_>>() {
        let status = attempt.await.expect("a try");
        assert!(!status.is_server_error() || status == StatusCode::SERVICE_UNAVAILABLE, "{status}");
        signed_in += usize::from(status == StatusCode::SEE_OTHER);
    }
    assert_eq!(signed_in, 1);
}
