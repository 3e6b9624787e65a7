//! The real binary over restarts and `kill -9`: acknowledged data is kept, and no repair is needed.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use latchkey_local::engine::Engine;
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use tests::gateway::folder;
use tests::{Anonymous, Browser, Customer, Gateway, OAuthClient, Tokens, invariants};

/// The issuer contains the port, so a restart uses the same one.
fn start_again(data: &Path, port: u16) -> Gateway {
    Gateway::start_with(&["--port", &port.to_string(), "--data", data.to_str().unwrap()])
}

/// Signs in as a browser does. Takes the code from the URL of the demo's callback, without opening it.
async fn tokens(gateway: &Gateway, browser: &mut Browser, customer: &Customer) -> Tokens {
    let app = OAuthClient::demo_app(gateway);
    let callback = app.sign_in(browser, customer).await;
    app.redeem(&callback.query("code").unwrap()).await.tokens()
}

#[tokio::test]
async fn security_37_a_restart_keeps_accounts_sessions_tokens_mails_the_clock_and_revocations() {
    let folder = folder();
    let data = folder.path().join("data");
    let mut gateway = Gateway::start(&data, &[]);
    let port = gateway.port();
    let ada = Customer::registered(&gateway, "Ada").await;
    let mut browser = Browser::new(&gateway);
    let first = tokens(&gateway, &mut browser, &ada).await;
    let app = OAuthClient::demo_app(&gateway);
    let mut living = app.refresh(first.refresh()).await.tokens();
    let revoked = tokens(&gateway, &mut Browser::new(&gateway), &ada).await;
    assert_eq!(app.revoke(revoked.refresh()).await.status(), 200);
    let api = Anonymous::new(&gateway);
    api.post_json("/dev/clock", &json!({ "advance": "P2D" })).await;
    let keys = api.get("/.well-known/jwks.json").await.json();
    // The code of the registration, and the second browser.
    gateway.site().mail_number(&ada.email, 2).await;
    let mails = gateway.site().mails_to(&ada.email).await;

    for kill in [false, true] {
        if kill {
            gateway.kill();
        } else {
            assert_eq!(gateway.stop().status, Some(0));
        }
        gateway = start_again(&data, port);
        let ahead = api.post_json("/dev/clock", &json!({ "advance": "PT0S" })).await.json();
        assert_eq!(ahead["ahead_seconds"], 2 * 86_400);
        assert_eq!(api.get("/.well-known/jwks.json").await.json(), keys);
        let kept = gateway.site().mails_to(&ada.email).await;
        assert!(mails.iter().all(|mail| kept.iter().any(|other| other.text == mail.text)), "{kept:?}");
        assert_eq!(app.refresh(revoked.refresh()).await.refusal(), (400, "invalid_grant".to_owned()));
        living = app.refresh(living.refresh()).await.tokens();
        // The session still works: the page does not ask for a password.
        let silent = browser.open(&app.authorize_url(&[("prompt", "none")])).await;
        assert!(silent.query("code").is_some(), "{}", silent.url);
        // A new session works too.
        tokens(&gateway, &mut Browser::new(&gateway), &ada).await;
    }
    // Reuse is detected across restarts: a token of an earlier process ends the family.
    assert_eq!(app.refresh(first.refresh()).await.refusal(), (400, "invalid_grant".to_owned()));
    assert_eq!(app.refresh(living.refresh()).await.refusal(), (400, "invalid_grant".to_owned()));
}

/// Loops in CI. `LOOPS=500 cargo test -p tests --test local gateway_restart` runs longer.
const LOOPS: Option<&str> = option_env!("LOOPS");

#[tokio::test(flavor = "multi_thread")]
async fn t3_kill_9_at_any_moment_loses_no_acknowledged_data() {
    let folder = folder();
    let data = folder.path().join("data");
    let mut gateway = Gateway::start(&data, &[]);
    let port = gateway.port();
    let mut acknowledged = vec![Customer::registered(&gateway, "Before").await];
    for number in 0..LOOPS.and_then(|loops| loops.parse().ok()).unwrap_or(6_u64) {
        let site = gateway.site();
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        let work = tokio::spawn(async move {
            let users = (0..4).map(|one| {
                let (site, sender) = (site.clone(), sender.clone());
                async move {
                    let customer = Customer::new(&format!("N{number}x{one}"));
                    customer.register(site).await;
                    // The 201 was received: from here on the account must not be lost.
                    let _ = sender.send(customer);
                }
            });
            let tasks: Vec<_> = users.map(tokio::spawn).collect();
            for task in tasks {
                let _ = task.await;
            }
        });
        // A different moment in each loop, over the time that the work takes.
        tokio::time::sleep(Duration::from_millis(30 + number * 131 % 700)).await;
        gateway.kill();
        let _ = work.await;
        while let Ok(customer) = receiver.try_recv() {
            acknowledged.push(customer);
        }
        gateway = start_again(&data, port);
        if let Some(last) = acknowledged.last() {
            tokens(&gateway, &mut Browser::new(&gateway), last).await;
        }
    }
    for customer in &acknowledged {
        tokens(&gateway, &mut Browser::new(&gateway), customer).await;
    }
    // The stream is read to its end before the tables are checked.
    gateway.site().mails_to("unknown@example.com").await;
    assert_eq!(gateway.stop().status, Some(0));
    invariants::assert_hold(&Engine::file(&data.join("tables.sqlite")).unwrap());
}
