//! `grant_type=refresh_token`: one child for each token, safe to retry, ended with its session, account and client.

use latchkey::domain::account::{AccountStatus, LinkSeed};
use latchkey::domain::time::Span;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use latchkey_local::fault::{Calls, Fault, Trigger};
use tests::anonymous::Answer;
use tests::store::put_document;
use tests::{OAuthClient, SignedInUser, Tokens, World};

#[track_caller]
fn assert_refused(answer: &Answer) {
    assert_eq!(answer.refusal(), (400, "invalid_grant".to_owned()), "{}", answer.text());
}

async fn signed_in(world: &World, client: &OAuthClient) -> (SignedInUser, Tokens) {
    let person = SignedInUser::new(world).await;
    let tokens = client.redeem(&person.code(client).await).await.tokens();
    (person, tokens)
}

#[tokio::test]
async fn a_refresh_gives_new_tokens_and_the_old_access_token_stays_valid() {
    let world = World::new().await.unwrap();
    let client = OAuthClient::demo_app(&world);
    let (person, first) = signed_in(&world, &client).await;
    world.advance(Span::minutes(5));
    let second = client.refresh(first.refresh()).await.tokens();
    assert_ne!(second.refresh(), first.refresh(), "security 31: rotated on each use");
    assert_ne!(second.access_claims()["jti"], first.access_claims()["jti"]);
    assert_eq!(second.json["scope"], first.json["scope"]);
    let id = second.id_claims();
    assert_eq!(id["sub"], person.sub());
    assert_eq!(id["auth_time"], person.session.auth_time.seconds(), "a refresh is no sign-in");
    assert_eq!(id.get("nonce"), None, "OpenID Connect Core §12.2");
    assert_eq!(client.userinfo(first.access()).await.status(), 200);
    let third = client.refresh(second.refresh()).await.tokens();
    assert_eq!(client.userinfo(third.access()).await.status(), 200);
}

#[tokio::test]
async fn security_33_a_token_gets_the_same_child_for_ten_seconds_and_then_ends_the_grant() {
    for (wait, good) in [(0, true), (5_000, true), (9_900, true), (10_000, true), (10_001, false), (60_000, false)] {
        let world = World::new().await.unwrap();
        let client = OAuthClient::demo_app(&world);
        let (_, first) = signed_in(&world, &client).await;
        let child = client.refresh(first.refresh()).await.tokens();
        world.advance(Span::millis(wait));
        let again = client.refresh(first.refresh()).await;
        if good {
            assert_eq!(again.tokens().refresh(), child.refresh(), "{wait} ms: the same child");
            assert_eq!(client.refresh(child.refresh()).await.status(), 200, "{wait} ms: the child is valid");
        } else {
            assert_refused(&again);
            assert_refused(&client.refresh(child.refresh()).await);
            assert_eq!(client.userinfo(child.access()).await.status(), 401, "{wait} ms: the whole family has ended");
        }
    }
}

#[tokio::test]
async fn security_33_a_retry_does_not_extend_the_ten_seconds() {
    let world = World::new().await.unwrap();
    let client = OAuthClient::demo_app(&world);
    let (_, first) = signed_in(&world, &client).await;
    drop(client.refresh(first.refresh()).await.tokens());
    for _ in 0..2 {
        world.advance(Span::seconds(5));
        assert_eq!(client.refresh(first.refresh()).await.status(), 200);
    }
    world.advance(Span::seconds(1));
    assert_refused(&client.refresh(first.refresh()).await);
}

#[tokio::test]
async fn security_33_a_parent_token_ends_the_grant_after_its_child_was_used() {
    let world = World::new().await.unwrap();
    let client = OAuthClient::demo_app(&world);
    let (_, first) = signed_in(&world, &client).await;
    let second = client.refresh(first.refresh()).await.tokens();
    let third = client.refresh(second.refresh()).await.tokens();
    assert_refused(&client.refresh(first.refresh()).await);
    assert_refused(&client.refresh(third.refresh()).await);
}

#[tokio::test]
async fn security_35_a_genuine_token_of_another_client_ends_the_grant() {
    let world = World::new().await.unwrap();
    let client = OAuthClient::demo_app(&world);
    let (_, tokens) = signed_in(&world, &client).await;
    assert_refused(&OAuthClient::demo_web(&world).refresh(tokens.refresh()).await);
    assert_refused(&client.refresh(tokens.refresh()).await);
}

#[tokio::test]
async fn security_38_a_forged_or_truncated_token_is_refused_and_changes_nothing() {
    let world = World::new().await.unwrap();
    let client = OAuthClient::demo_app(&world);
    let (_, tokens) = signed_in(&world, &client).await;
    let token = tokens.refresh();
    let flip = |i: usize| format!("{}{}{}", &token[..i], if &token[i..=i] == "A" { "B" } else { "A" }, &token[i + 1..]);
    let mut mutants: Vec<String> = (0..token.len()).step_by(3).map(flip).collect();
    mutants.extend((1..token.len()).step_by(9).flat_map(|i| [token[..i].to_owned(), token[i..].to_owned()]));
    mutants.extend([format!("{token}A"), format!("{token}="), token.to_ascii_uppercase(), token.to_ascii_lowercase()]);
    mutants.extend([tokens.access().to_owned(), tokens.json["id_token"].as_str().unwrap().to_owned()]);
    drop(world.meter.take());
    for mutant in &mutants {
        assert_refused(&client.refresh(mutant).await);
    }
    assert!(world.meter.take().is_empty(), "no lookup");
    assert_eq!(client.refresh(token).await.status(), 200);
}

#[tokio::test]
async fn security_34_idle_and_absolute_expiry_hold_without_ttl() {
    // The shipped document: 30 days without use, 180 days in any case.
    let world = World::new().await.unwrap();
    let client = OAuthClient::demo_app(&world);
    let (_, mut tokens) = signed_in(&world, &client).await;
    world.advance(Span::days(30));
    assert_refused(&client.refresh(tokens.refresh()).await);

    (_, tokens) = signed_in(&world, &client).await;
    for _ in 0..6 {
        world.advance(Span::days(30) - Span::millis(1));
        tokens = client.refresh(tokens.refresh()).await.tokens();
    }
    let left = tokens.json["expires_in"].as_i64().unwrap();
    assert!(left < 600, "the last access token ends with its grant: {left}");
    world.advance(Span::millis(6));
    assert_refused(&client.refresh(tokens.refresh()).await);
}

#[tokio::test]
async fn security_36_a_refresh_fails_once_the_account_is_closed_or_its_password_reset() {
    let world = World::new().await.unwrap();
    let client = OAuthClient::demo_app(&world);
    let since = world.services.clock.now();
    let (mut person, tokens) = signed_in(&world, &client).await;
    person.update_authentication(|a| a.status = AccountStatus::Disabled { since }).await;
    assert_refused(&client.refresh(tokens.refresh()).await);

    let (mut person, tokens) = signed_in(&world, &client).await;
    let seed = LinkSeed { key_version: 1, bytes: [1; 16] };
    person.update_authentication(|a| a.status = AccountStatus::ErasureDue { since, due: since + Span::days(30), seed }).await;
    assert_refused(&client.refresh(tokens.refresh()).await);

    let (mut person, tokens) = signed_in(&world, &client).await;
    person.update_authentication(|a| a.epoch += 1).await;
    assert_refused(&client.refresh(tokens.refresh()).await);
    assert_eq!(client.userinfo(tokens.access()).await.status(), 401);
}

#[tokio::test]
async fn a_grant_without_offline_access_ends_with_its_session() {
    let world = World::new().await.unwrap();
    let online = OAuthClient { scope: "openid email".to_owned(), ..OAuthClient::demo_app(&world) };
    let (mut person, tokens) = signed_in(&world, &online).await;
    let tokens = online.refresh(tokens.refresh()).await.tokens();
    person.sign_out().await;
    assert_refused(&online.refresh(tokens.refresh()).await);
    assert_eq!(online.userinfo(tokens.access()).await.status(), 401);

    let offline = OAuthClient::demo_app(&world);
    let (mut person, tokens) = signed_in(&world, &offline).await;
    person.sign_out().await;
    let tokens = offline.refresh(tokens.refresh()).await.tokens();
    assert_eq!(offline.userinfo(tokens.access()).await.status(), 200);
}

#[tokio::test]
async fn security_35_a_refresh_may_narrow_the_scope_and_never_widens_it() {
    let world = World::new().await.unwrap();
    let client = OAuthClient::demo_app(&world);
    let (_, tokens) = signed_in(&world, &client).await;
    let refresh = async |token: &str, scope: &str| {
        client.token(&[("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)]).await
    };
    for wider in ["openid phone", "openid account", "admin"] {
        let answer = refresh(tokens.refresh(), wider).await;
        assert_eq!(answer.refusal(), (400, "invalid_scope".to_owned()), "{wider}");
    }
    let narrowed = refresh(tokens.refresh(), "openid").await.tokens();
    assert_eq!(narrowed.json["scope"], "openid");
    assert_eq!(narrowed.access_claims()["scope"], "openid");
    let claims = client.userinfo(narrowed.access()).await.json();
    assert_eq!(claims.get("email"), None);
    let whole = client.refresh(narrowed.refresh()).await.tokens();
    assert_eq!(whole.json["scope"], "email offline_access openid profile");
}

/// The shipped document with a replaced part, which must exist.
fn document(from: &str, to: &str) -> String {
    assert!(DEFAULT_DOCUMENT.contains(from), "{from}");
    DEFAULT_DOCUMENT.replacen(from, to, 1)
}

/// The shipped document without the refresh grant of `demo-app` (and without its offline grants, which need it).
fn without_refresh() -> String {
    document(r#"grant_types = ["authorization_code", "refresh_token"]"#, r#"grant_types = ["authorization_code"]"#).replacen(
        "address offline_access account",
        "address account",
        1,
    )
}

#[tokio::test]
async fn security_36_a_permission_removed_from_a_client_is_removed_from_its_grants() {
    const SCOPE: &str = r#"scope = "openid profile email phone address offline_access account""#;
    let cases = [
        ("offline_access", document(SCOPE, r#"scope = "openid profile email""#), (400, "invalid_grant")),
        ("every scope", document(SCOPE, r#"scope = "phone""#), (400, "invalid_grant")),
        ("the grant type", without_refresh(), (400, "unauthorized_client")),
    ];
    for (what, after, (status, code)) in cases {
        let world = World::new().await.unwrap();
        let client = OAuthClient::demo_app(&world);
        let (_, tokens) = signed_in(&world, &client).await;
        put_document(&world, &after).await;
        assert_eq!(client.refresh(tokens.refresh()).await.refusal(), (status, code.to_owned()), "{what}");
    }
    let world = World::new().await.unwrap();
    let client = OAuthClient::demo_app(&world);
    let (_, tokens) = signed_in(&world, &client).await;
    put_document(&world, &document(SCOPE, r#"scope = "openid offline_access""#)).await;
    let tokens = client.refresh(tokens.refresh()).await.tokens();
    assert_eq!(tokens.json["scope"], "offline_access openid", "the remaining scope is still granted");
}

/// An access token lives ten minutes longer at resource servers that verify it offline, and not at ours.
#[tokio::test]
async fn security_36_what_is_removed_from_a_client_ends_at_our_own_endpoints_at_once() {
    const SCOPE: &str = r#"scope = "openid profile email phone address offline_access account""#;
    let gone = document(r#"client_id = "demo-app""#, r#"client_id = "another-app""#);
    let unscoped = document(SCOPE, r#"scope = "openid offline_access""#);
    let world = World::new().await.unwrap();
    let client = OAuthClient { scope: "openid email account offline_access".to_owned(), ..OAuthClient::demo_app(&world) };
    let (_, tokens) = signed_in(&world, &client).await;
    let me = async || client.api.get_as("/v1/me", tokens.access()).await;
    assert_eq!((me().await.status(), client.userinfo(tokens.access()).await.status()), (200, 200));
    put_document(&world, &unscoped).await;
    assert_eq!(me().await.status(), 403, "no longer allowed to act on the account");
    let userinfo = client.userinfo(tokens.access()).await;
    assert_eq!((userinfo.status(), userinfo.json().get("email")), (200, None), "no longer allowed to read the address");
    put_document(&world, &gone).await;
    assert_eq!(me().await.status(), 401);
    assert_eq!(client.userinfo(tokens.access()).await.refusal(), (401, "invalid_token".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn security_32_of_64_parallel_presentations_every_answer_carries_the_same_child() {
    let world = World::builder().clock(latchkey::context::Clock::system()).build().await.unwrap();
    let client = OAuthClient::demo_app(&world);
    for presentations in [2, 8, 64] {
        let (_, tokens) = signed_in(&world, &client).await;
        // Slow reads make every request read before the first one writes.
        world.faults.add(Calls::Reads, Trigger::Always, Fault::Slow(std::time::Duration::from_millis(20)));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..presentations {
            let (client, token) = (client.clone(), tokens.refresh().to_owned());
            tasks.spawn(async move { client.refresh(&token).await });
        }
        let answers = tasks.join_all().await;
        world.faults.clear();
        let children: std::collections::BTreeSet<String> =
            answers.iter().map(|answer| answer.tokens().refresh().to_owned()).collect();
        assert_eq!(children.len(), 1, "{presentations} presentations");
        for child in children {
            assert_eq!(client.refresh(&child).await.status(), 200);
        }
    }
}

#[tokio::test]
async fn security_135_a_lost_reply_is_not_a_reuse() {
    for fault in [Fault::TimeoutAfter, Fault::TimeoutBefore, Fault::Throttle, Fault::Conflict, Fault::Internal] {
        let world = World::builder().clock(latchkey::context::Clock::system()).build().await.unwrap();
        let client = OAuthClient::demo_app(&world);
        let (_, tokens) = signed_in(&world, &client).await;
        world.faults.add(Calls::Writes, Trigger::Nth(1), fault);
        let tokens = client.refresh(tokens.refresh()).await.tokens();
        assert_eq!(world.faults.injected(), 1, "{fault:?}");
        assert_eq!(client.refresh(tokens.refresh()).await.status(), 200, "{fault:?}");
    }
}

#[tokio::test]
async fn a_token_can_be_retried_after_all_replies_were_lost() {
    // fault T4: every request was applied and every reply lost. The caller saw 503 and presents the same token again.
    let world = World::builder().clock(latchkey::context::Clock::system()).build().await.unwrap();
    let client = OAuthClient::demo_app(&world);
    let (_, tokens) = signed_in(&world, &client).await;
    world.faults.add(Calls::Writes, Trigger::Always, Fault::TimeoutAfter);
    let answer = client.refresh(tokens.refresh()).await;
    assert_eq!(answer.refusal(), (503, "temporarily_unavailable".to_owned()));
    world.faults.clear();
    let tokens = client.refresh(tokens.refresh()).await.tokens();
    assert_eq!(client.refresh(tokens.refresh()).await.status(), 200);
}

#[tokio::test]
async fn security_37_reuse_is_detected_by_another_instance() {
    let vault = latchkey::keys::KeyVault::ephemeral();
    let first = World::builder().vault(vault.clone()).build().await.unwrap();
    let client = OAuthClient::demo_app(&first);
    let (_, old) = signed_in(&first, &client).await;
    let live = client.refresh(old.refresh()).await.tokens();
    first.advance(Span::seconds(11));
    let clock = first.services.clock.clone();
    let second = World::builder().vault(vault).engine(first.engine.clone()).clock(clock).build().await.unwrap();
    assert_refused(&OAuthClient::demo_app(&second).refresh(old.refresh()).await);
    assert_refused(&client.refresh(live.refresh()).await);
}

#[tokio::test]
async fn a_client_without_the_refresh_grant_gets_no_refresh_token() {
    let world = World::builder().tenant("default", &without_refresh()).build().await.unwrap();
    let client = OAuthClient { scope: "openid email".to_owned(), ..OAuthClient::demo_app(&world) };
    let (_, tokens) = signed_in(&world, &client).await;
    assert_eq!(tokens.json.get("refresh_token"), None);
    assert_eq!(client.userinfo(tokens.access()).await.status(), 200);
    world.advance(Span::minutes(10));
    assert_eq!(client.userinfo(tokens.access()).await.status(), 401);
}

#[tokio::test]
async fn security_33_reuse_is_audited() {
    let world = World::new().await.unwrap();
    let client = OAuthClient::demo_app(&world);
    let (_, first) = signed_in(&world, &client).await;
    drop(client.refresh(first.refresh()).await.tokens());
    world.advance(Span::seconds(11));
    assert_refused(&client.refresh(first.refresh()).await);
    world.pump().await.unwrap();
    let tables = latchkey_local::engine::client(world.engine.connector());
    let audit = tables.scan().table_name("audit").send().await.unwrap();
    assert_eq!(audit.items().iter().filter(|item| format!("{item:?}").contains("refresh_reuse")).count(), 1);
}
