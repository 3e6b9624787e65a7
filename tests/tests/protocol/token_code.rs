//! `grant_type=authorization_code`: who gets tokens for a code, and how often.

use latchkey::domain::account::AccountStatus;
use latchkey::domain::time::Span;
use latchkey_local::fault::{Calls, Fault, Trigger};
use tests::oauth_client::{claims, jose_header};
use tests::{OAuthClient, SignedInUser, World};

const REFUSED: (u16, &str) = (400, "invalid_grant");

fn refusal(answer: &tests::anonymous::Answer) -> (u16, String) {
    answer.refusal()
}

#[track_caller]
fn assert_refused(answer: &tests::anonymous::Answer, expected: (u16, &str)) {
    assert_eq!(refusal(answer), (expected.0, expected.1.to_owned()), "{}", answer.text());
}

#[tokio::test]
async fn a_code_becomes_an_access_token_an_id_token_and_a_refresh_token() {
    let world = World::new().await.unwrap();
    let (person, client) = (SignedInUser::new(&world).await, OAuthClient::demo_app(&world));
    let answer = client.redeem(&person.code(&client).await).await;
    // security 24
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let tokens = answer.tokens();
    assert_eq!(tokens.json["token_type"], "Bearer");
    assert_eq!(tokens.json["expires_in"], 600);
    assert_eq!(tokens.json["scope"], "email offline_access openid profile");
    let now = world.services.clock.now().seconds();

    // security 27
    let access = tokens.access_claims();
    assert_eq!(access["iss"], world.origin());
    assert_eq!(access["aud"], world.origin());
    assert_eq!(access["sub"], person.sub());
    assert_eq!(access["client_id"], "demo-app");
    assert_eq!(access["scope"], "email offline_access openid profile");
    assert_eq!((access["iat"].as_i64(), access["exp"].as_i64()), (Some(now), Some(now + 600)));
    assert!(access["jti"].is_string());
    assert_eq!(access.get("sid"), None, "the session id is only in the ID token");

    // security 54
    let id = tokens.id_claims();
    assert_eq!(id["iss"], world.origin());
    assert_eq!(id["aud"], "demo-app");
    assert_eq!(id["sub"], person.sub());
    assert_eq!(id["nonce"], "nonce-of-the-test");
    assert_eq!(id["auth_time"], person.session.auth_time.seconds());
    assert_eq!(id["amr"], serde_json::json!(["pwd"]));
    assert_eq!(id["acr"], "urn:latchkey:acr:1");
    assert_eq!(id["sid"], person.session.id.to_string());
    assert_eq!((id["iat"].as_i64(), id["exp"].as_i64()), (Some(now), Some(now + 600)));
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, tokens.access().as_bytes());
    assert_eq!(id["at_hash"], data_encoding::BASE64URL_NOPAD.encode(&digest.as_ref()[..16]));
    assert_eq!(jose_header(tokens.access())["typ"], "at+jwt");
    assert_eq!(jose_header(tokens.json["id_token"].as_str().unwrap())["typ"], "JWT");
    assert!(tokens.refresh().len() >= 43, "security 31: at least 256 bits");
}

#[tokio::test]
async fn security_21_another_client_can_not_redeem_or_invalidate_a_code() {
    let world = World::new().await.unwrap();
    let (person, client) = (SignedInUser::new(&world).await, OAuthClient::demo_app(&world));
    let code = person.code(&client).await;
    let thief = OAuthClient { redirect_uri: client.redirect_uri.clone(), ..OAuthClient::demo_web(&world) };
    assert_refused(&thief.redeem(&code).await, REFUSED);
    assert_eq!(client.redeem(&code).await.status(), 200, "the code is still valid for its own client");
}

#[tokio::test]
async fn security_22_a_replay_is_refused_and_revokes_only_if_it_is_fully_correct() {
    let world = World::new().await.unwrap();
    let (person, client) = (SignedInUser::new(&world).await, OAuthClient::demo_app(&world));
    let code = person.code(&client).await;
    let tokens = client.redeem(&code).await.tokens();

    let other_verifier = OAuthClient { verifier: "b".repeat(43), ..client.clone() };
    let other_uri = OAuthClient { redirect_uri: format!("{}/demo/", world.origin()), ..client.clone() };
    for wrong in [&other_verifier, &other_uri] {
        assert_refused(&wrong.redeem(&code).await, REFUSED);
        assert_eq!(client.userinfo(tokens.access()).await.status(), 200, "an incorrect replay ends nothing");
    }
    assert_refused(&client.redeem(&code).await, REFUSED);
    assert_refused(&client.userinfo(tokens.access()).await, (401, "invalid_token"));
    assert_refused(&client.refresh(tokens.refresh()).await, REFUSED);
}

#[tokio::test]
async fn security_23_redirect_uri_and_verifier_are_those_of_the_request() {
    let world = World::new().await.unwrap();
    let (person, client) = (SignedInUser::new(&world).await, OAuthClient::demo_app(&world));
    let verifier = client.verifier.clone();
    let uri = client.redirect_uri.clone();
    let (other_uri, longer) = (format!("{uri}/"), format!("{uri}?x=1"));
    type Fields<'a> = Vec<(&'a str, &'a str)>;
    let cases: Vec<(&str, Fields<'_>, bool)> = vec![
        ("both", vec![("redirect_uri", &uri), ("code_verifier", &verifier)], true),
        ("no redirect_uri, with a challenge", vec![("code_verifier", &verifier)], true),
        ("another redirect_uri", vec![("redirect_uri", &other_uri), ("code_verifier", &verifier)], false),
        ("a longer redirect_uri", vec![("redirect_uri", &longer), ("code_verifier", &verifier)], false),
        ("no verifier", vec![("redirect_uri", &uri)], false),
        ("an empty verifier", vec![("redirect_uri", &uri), ("code_verifier", "")], false),
        (
            "another verifier",
            vec![("redirect_uri", &uri), ("code_verifier", "another-verifier-of-43-characters-or-more-012")],
            false,
        ),
    ];
    for (what, fields, good) in cases {
        let code = person.code(&client).await;
        let mut all = vec![("grant_type", "authorization_code"), ("code", code.as_str())];
        all.extend(fields);
        let answer = client.token(&all).await;
        if good {
            assert_eq!(answer.status(), 200, "{what}: {}", answer.text());
        } else {
            assert_refused(&answer, REFUSED);
        }
    }
    // A verifier for a request without a challenge: an attacker removed the challenge (RFC 9700 §4.8.2).
    let code = person.code_with(&client, |grant| grant.code.as_mut().unwrap().code_challenge = None).await;
    assert_refused(&client.redeem(&code).await, REFUSED);
}

#[tokio::test]
async fn security_13_a_code_lives_sixty_seconds() {
    let world = World::new().await.unwrap();
    let (person, client) = (SignedInUser::new(&world).await, OAuthClient::demo_app(&world));
    let (in_time, late) = (person.code(&client).await, person.code(&client).await);
    world.advance(Span::millis(59_999));
    assert_eq!(client.redeem(&in_time).await.status(), 200);
    world.advance(Span::millis(1));
    assert_refused(&client.redeem(&late).await, REFUSED);
}

#[tokio::test]
async fn security_36_a_code_ends_with_its_session_account_and_epoch() {
    let world = World::new().await.unwrap();
    let client = OAuthClient::demo_app(&world);
    let mut signed_out = SignedInUser::new(&world).await;
    let code = signed_out.code(&client).await;
    signed_out.sign_out().await;
    assert_refused(&client.redeem(&code).await, REFUSED);

    let mut disabled = SignedInUser::new(&world).await;
    let code = disabled.code(&client).await;
    let since = world.services.clock.now();
    disabled.update_authentication(|a| a.status = AccountStatus::Disabled { since }).await;
    assert_refused(&client.redeem(&code).await, REFUSED);

    let mut reset = SignedInUser::new(&world).await;
    let code = reset.code(&client).await;
    reset.update_authentication(|a| a.epoch += 1).await;
    assert_refused(&client.redeem(&code).await, REFUSED);
}

#[tokio::test]
async fn security_38_only_the_complete_code_is_accepted() {
    let world = World::new().await.unwrap();
    let (person, client) = (SignedInUser::new(&world).await, OAuthClient::demo_app(&world));
    let code = person.code(&client).await;
    for mutant in mutants(&code) {
        assert_refused(&client.redeem(&mutant).await, REFUSED);
    }
    assert_eq!(client.redeem(&code).await.status(), 200, "none of them invalidated it");
}

/// Proper prefixes and suffixes, extensions, changes of case, changes of one character.
fn mutants(token: &str) -> Vec<String> {
    let mut mutants: Vec<String> =
        (1..token.len()).step_by(7).flat_map(|i| [token[..i].to_owned(), token[i..].to_owned()]).collect();
    mutants.extend((0..token.len()).step_by(5).map(|i| {
        let other = if &token[i..=i] == "A" { "B" } else { "A" };
        format!("{}{other}{}", &token[..i], &token[i + 1..])
    }));
    mutants.extend([format!("{token}A"), format!("{token}="), format!("A{token}"), format!("{token}{token}")]);
    mutants.extend([token.to_ascii_lowercase(), token.to_ascii_uppercase(), format!(" {token}"), format!("{token}\n")]);
    mutants
}

#[tokio::test]
async fn a_refresh_token_or_an_access_token_is_not_accepted_as_a_code() {
    // security 48
    let world = World::new().await.unwrap();
    let (person, client) = (SignedInUser::new(&world).await, OAuthClient::demo_app(&world));
    let tokens = client.redeem(&person.code(&client).await).await.tokens();
    for token in [tokens.refresh(), tokens.access(), tokens.json["id_token"].as_str().unwrap()] {
        assert_refused(&client.redeem(token).await, REFUSED);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn security_22_of_64_parallel_redemptions_exactly_one_gets_tokens() {
    let world = World::builder().clock(latchkey::context::Clock::system()).build().await.unwrap();
    let (person, client) = (SignedInUser::new(&world).await, OAuthClient::demo_app(&world));
    let code = person.code(&client).await;
    // Slow reads make every request read before the first one writes. Otherwise there is no race.
    world.faults.add(Calls::Reads, Trigger::Always, Fault::Slow(std::time::Duration::from_millis(20)));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (client, code) = (client.clone(), code.clone());
        tasks.spawn(async move { client.redeem(&code).await });
    }
    let answers = tasks.join_all().await;
    let good: Vec<_> = answers.iter().filter(|answer| answer.status() == 200).collect();
    assert_eq!(good.len(), 1);
    for answer in answers.iter().filter(|answer| answer.status() != 200) {
        assert!(matches!(refusal(answer), (400, code) if code == "invalid_grant"), "{}", answer.text());
    }
    world.faults.clear();
    // The losers presented everything correctly: so they count as replays, and end the grant.
    let tokens = good[0].tokens();
    assert_refused(&client.refresh(tokens.refresh()).await, REFUSED);
}

#[tokio::test]
async fn security_135_a_lost_reply_is_not_a_replay() {
    for fault in [Fault::TimeoutAfter, Fault::TimeoutBefore, Fault::Throttle, Fault::Conflict, Fault::Internal] {
        let world = World::builder().clock(latchkey::context::Clock::system()).build().await.unwrap();
        let (person, client) = (SignedInUser::new(&world).await, OAuthClient::demo_app(&world));
        let code = person.code(&client).await;
        world.faults.add(Calls::Writes, Trigger::Nth(1), fault);
        let tokens = client.redeem(&code).await.tokens();
        assert_eq!(world.faults.injected(), 1, "{fault:?}");
        assert_eq!(client.refresh(tokens.refresh()).await.status(), 200, "{fault:?}");
    }
}

#[tokio::test]
async fn security_134_a_code_stays_valid_while_the_store_is_unavailable() {
    let world = World::builder().clock(latchkey::context::Clock::system()).build().await.unwrap();
    let (person, client) = (SignedInUser::new(&world).await, OAuthClient::demo_app(&world));
    let code = person.code(&client).await;
    world.faults.add(Calls::Writes, Trigger::Always, Fault::Throttle);
    let answer = client.redeem(&code).await;
    assert_eq!(refusal(&answer), (503, "temporarily_unavailable".to_owned()));
    assert!(answer.header("retry-after").is_some());
    world.faults.clear();
    assert_eq!(client.redeem(&code).await.status(), 200);
}

#[tokio::test]
async fn security_27_a_resource_is_the_audience_and_its_token_is_refused_here() {
    const ORDERS: &str = "https://orders.example.com";
    let world = World::new().await.unwrap();
    let person = SignedInUser::new(&world).await;
    let client = OAuthClient { scope: "openid email account offline_access".to_owned(), ..OAuthClient::demo_app(&world) };
    let redeem = async |code: &str, resources: &[&str]| {
        let mut fields = vec![("grant_type", "authorization_code"), ("code", code), ("code_verifier", &client.verifier)];
        fields.extend(resources.iter().map(|resource| ("resource", *resource)));
        client.token(&fields).await
    };
    let code = person.code(&client).await;
    assert_refused(&redeem(&code, &["https://unknown.example"]).await, (400, "invalid_target"));
    assert_refused(&redeem(&code, &[ORDERS, ORDERS]).await, (400, "invalid_target"));
    let tokens = redeem(&code, &[ORDERS]).await.tokens();
    assert_eq!(tokens.access_claims()["aud"], ORDERS);
    assert!(!tokens.access_claims()["scope"].as_str().unwrap().contains("account"));
    assert_refused(&client.userinfo(tokens.access()).await, (401, "invalid_token"));
    // The grant itself was not narrowed: the next token may be for the issuer.
    let refreshed = client.refresh(tokens.refresh()).await.tokens();
    assert_eq!(refreshed.access_claims()["aud"], world.origin());
    assert_eq!(claims(refreshed.access())["scope"], "account email offline_access openid");
}
