//! Client authentication at the token endpoint: which client, which grant, which method; and client credentials.
#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

use http::Method;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use tests::anonymous::Answer;
use tests::oauth_client::jose_header;
use tests::{Anonymous, OAuthClient, SignedInUser, World};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const ENDPOINTS: [&str; 3] = ["/oauth2/token", "/oauth2/revoke", "/oauth2/introspect"];

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.refusal(), (status, code.to_owned()), "{}", answer.text());
    // security 24
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

fn basic(client_id: &str, secret: &str) -> String {
    format!("Basic {}", data_encoding::BASE64.encode(format!("{client_id}:{secret}").as_bytes()))
}

/// A world with more clients than the shipped document.
async fn world() -> World {
    let clients = r#"
[[clients]]
client_id = "post"
token_endpoint_auth_method = "client_secret_post"
client_secret = "the-secret-of-post"
redirect_uris = ["https://post.example/callback"]
grant_types = ["authorization_code", "refresh_token"]
scope = "openid email"

[[clients]]
client_id = "rs256"
token_endpoint_auth_method = "none"
redirect_uris = ["https://rs256.example/callback"]
scope = "openid email"
access_token_signed_response_alg = "RS256"

[[clients]]
client_id = "eddsa"
token_endpoint_auth_method = "none"
redirect_uris = ["https://eddsa.example/callback"]
scope = "openid email"
id_token_signed_response_alg = "EdDSA"

[[clients]]
client_id = "rotating"
token_endpoint_auth_method = "client_secret_basic"
client_secret_sha256 = [
  "SHA_OLD",
  "SHA_NEW",
]
grant_types = ["client_credentials"]
scope = "orders.read"
resources = ["https://orders.example.com"]
"#;
    let sha = |text: &str| {
        data_encoding::HEXLOWER.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()).as_ref())
    };
    let clients = clients.replace("SHA_OLD", &sha("old-secret")).replace("SHA_NEW", &sha("new-secret"));
    World::builder().tenant("default", &format!("{DEFAULT_DOCUMENT}\n{clients}")).build().await.unwrap()
}

#[tokio::test]
async fn security_20_only_a_form_by_post_is_read() {
    let world = world().await;
    let api = Anonymous::new(&world);
    for endpoint in ENDPOINTS {
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
            let answer = api.send(method, endpoint, &[], "").await;
            assert_eq!(answer.status(), 405, "{endpoint}");
            assert_eq!(answer.header("allow"), Some("POST"), "{endpoint}");
        }
        let json = r#"{"grant_type":"client_credentials","client_id":"demo-app"}"#;
        assert_refused(
            &api.send(Method::POST, endpoint, &[("content-type", "application/json")], json).await,
            400,
            "invalid_request",
        );
        assert_refused(&api.send(Method::POST, endpoint, &[], "client_id=demo-app").await, 400, "invalid_request");
        // The query is ignored.
        let in_query = format!("{endpoint}?client_id=demo-app&grant_type=refresh_token&token=x");
        assert_refused(&api.send(Method::POST, &in_query, &[FORM], "").await, 400, "invalid_request");
        // security 9
        let twice = "client_id=demo-app&client_id=demo-app&token=x&grant_type=refresh_token";
        assert_refused(&api.send(Method::POST, endpoint, &[FORM], twice).await, 400, "invalid_request");
        for malformed in ["client_id=%ff", "client_id=%zz", "client_id=a%00b"] {
            assert_refused(&api.send(Method::POST, endpoint, &[FORM], malformed).await, 400, "invalid_request");
        }
    }
}

#[tokio::test]
async fn security_25_every_failed_client_authentication_gets_the_same_answer() {
    let world = world().await;
    let api = Anonymous::new(&world);
    let wrong = basic("demo-web", "wrong-secret");
    let unknown = basic("unknown", "demo-web-secret");
    for endpoint in ENDPOINTS {
        let send = async |authorization: &str| {
            api.send(Method::POST, endpoint, &[FORM, ("authorization", authorization)], "grant_type=refresh_token&token=x")
                .await
        };
        let (wrong, unknown) = (send(&wrong).await, send(&unknown).await);
        for answer in [&wrong, &unknown] {
            assert_refused(answer, 401, "invalid_client");
            assert!(answer.header("www-authenticate").unwrap().starts_with("Basic "), "{endpoint}");
        }
        assert_eq!(wrong.text(), unknown.text());
        let by_body = async |body: &str| api.send(Method::POST, endpoint, &[FORM], body.to_owned()).await;
        let answers = [
            by_body("token=x&client_id=post&client_secret=wrong").await,
            by_body("token=x&client_id=unknown&client_secret=wrong").await,
            by_body("token=x&client_id=unknown").await,
            by_body("token=x&client_id=demo-web").await,
        ];
        for answer in &answers {
            assert_refused(answer, 401, "invalid_client");
            assert_eq!(answer.header("www-authenticate"), None, "{endpoint}");
            assert_eq!(answer.text(), wrong.text(), "{endpoint}");
        }
    }
}

#[tokio::test]
async fn security_39_a_client_authenticates_only_with_its_registered_method() {
    let world = world().await;
    let api = Anonymous::new(&world);
    let token = async |authorization: Option<String>, body: &str| {
        let mut headers = vec![FORM];
        if let Some(authorization) = &authorization {
            headers.push(("authorization", authorization));
        }
        api.send(Method::POST, "/oauth2/token", &headers, format!("grant_type=refresh_token&refresh_token=x&{body}")).await
    };
    // `invalid_grant`: the authentication succeeded.
    assert_refused(&token(Some(basic("demo-web", "demo-web-secret")), "").await, 400, "invalid_grant");
    assert_refused(&token(Some(basic("demo%2Dweb", "demo%2dweb-secret")), "").await, 400, "invalid_grant");
    assert_refused(&token(None, "client_id=post&client_secret=the-secret-of-post").await, 400, "invalid_grant");
    assert_refused(&token(None, "client_id=demo-app").await, 400, "invalid_grant");

    assert_refused(&token(None, "client_id=demo-web&client_secret=demo-web-secret").await, 401, "invalid_client");
    assert_refused(&token(Some(basic("post", "the-secret-of-post")), "").await, 401, "invalid_client");
    assert_refused(&token(Some(basic("demo-app", "x")), "").await, 401, "invalid_client");
    assert_refused(&token(None, "client_id=demo-app&client_secret=x").await, 401, "invalid_client");
    let both = token(Some(basic("demo-web", "demo-web-secret")), "client_id=demo-web&client_secret=demo-web-secret").await;
    assert_refused(&both, 400, "invalid_request");
}

/// Every method at every endpoint with every kind of client: one of nine combinations is accepted, and two methods at once are
/// refused.
#[tokio::test]
async fn security_39_no_endpoint_accepts_another_method_or_two_at_once() {
    let world = world().await;
    let api = Anonymous::new(&world);
    let clients = [("demo-web", "demo-web-secret"), ("post", "the-secret-of-post"), ("demo-app", "a-made-up-secret")];
    let ask = async |endpoint: &str, authorization: &[String], body: &str| {
        let mut headers = vec![FORM];
        headers.extend(authorization.iter().map(|value| ("authorization", value.as_str())));
        // The tokens do not exist. So an authenticated client gets a refusal of the token, or 200.
        let body = format!("grant_type=refresh_token&refresh_token=x&token=x&{body}");
        api.send(Method::POST, endpoint, &headers, body).await
    };
    for endpoint in ENDPOINTS {
        for (registered, (client_id, secret)) in clients.into_iter().enumerate() {
            let by_body = format!("client_id={client_id}&client_secret={secret}");
            let assertion =
                "client_assertion=x&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
            let methods = [
                (vec![basic(client_id, secret)], String::new()),
                (vec![], by_body.clone()),
                (vec![], format!("client_id={client_id}")),
            ];
            for (used, (authorization, body)) in methods.into_iter().enumerate() {
                let answer = ask(endpoint, &authorization, &body).await;
                let what = format!("{client_id} by method {used} at {endpoint}: {}", answer.text());
                match (used == registered, endpoint) {
                    (false, _) => assert_refused(&answer, 401, "invalid_client"),
                    (true, "/oauth2/token") => assert_refused(&answer, 400, "invalid_grant"),
                    // A public client can't introspect: it can't authenticate.
                    (true, "/oauth2/introspect") if registered == 2 => assert_eq!(answer.status() / 100, 4, "{what}"),
                    (true, _) => assert_eq!(answer.status(), 200, "{what}"),
                }
            }
            for (authorization, body) in [
                (vec![basic(client_id, secret)], by_body.clone()),
                (vec![basic(client_id, secret)], format!("client_secret={secret}")),
                (vec![basic(client_id, secret)], assertion.to_owned()),
                (vec![basic(client_id, secret), basic(client_id, secret)], String::new()),
                (vec![], format!("{by_body}&{assertion}")),
            ] {
                assert_refused(&ask(endpoint, &authorization, &body).await, 400, "invalid_request");
            }
            // API Gateway joins repeated headers. The result is not a valid Basic header.
            let joined = format!("{0},{0}", basic(client_id, secret));
            assert_refused(&ask(endpoint, &[joined], "").await, 401, "invalid_client");
        }
        // Form-encoded inside Basic (RFC 6749 §2.3.1).
        assert_ne!(ask(endpoint, &[basic("demo%2Dweb", "demo%2dweb%2Dsecret")], "").await.status(), 401, "{endpoint}");
        assert_eq!(ask(endpoint, &[basic("demo-web", "demo-web-secret%")], "").await.status(), 401, "{endpoint}");
        assert_eq!(ask(endpoint, &[basic("demo-web", "demo+web-secret")], "").await.status(), 401, "{endpoint}");
    }
}

#[tokio::test]
async fn security_41_two_secrets_are_valid_during_a_rotation() {
    let world = world().await;
    for (secret, status) in [("old-secret", 200), ("new-secret", 200), ("older-secret", 401)] {
        let client = OAuthClient {
            client_id: "rotating".to_owned(),
            secret: Some(secret.to_owned()),
            ..OAuthClient::demo_service(&world)
        };
        assert_eq!(client.client_credentials().await.status(), status, "{secret}");
    }
}

#[tokio::test]
async fn security_26_a_client_uses_only_its_own_grant_types() {
    let world = world().await;
    let service = OAuthClient::demo_service(&world);
    let app = OAuthClient::demo_app(&world);
    for unknown in ["password", "implicit", "urn:ietf:params:oauth:grant-type:device_code", "Authorization_code", "x"] {
        let fields = [("grant_type", unknown), ("username", "a"), ("password", "b")];
        assert_refused(&app.token(&fields).await, 400, "unsupported_grant_type");
    }
    assert_refused(&app.token(&[]).await, 400, "invalid_request");
    assert_refused(&app.client_credentials().await, 400, "unauthorized_client");
    assert_refused(&service.redeem("x").await, 400, "unauthorized_client");
    assert_refused(&service.refresh("x").await, 400, "unauthorized_client");
    assert_refused(&app.token(&[("grant_type", "authorization_code")]).await, 400, "invalid_request");
    assert_refused(&app.token(&[("grant_type", "refresh_token")]).await, 400, "invalid_request");
}

#[tokio::test]
async fn security_26_client_credentials_give_no_user_data() {
    let world = world().await;
    let service = OAuthClient::demo_service(&world);
    let tokens = service.client_credentials().await.tokens();
    // From here on document and keys are cached.
    drop(world.meter.take());
    assert_eq!(tokens.json["scope"], "orders.read orders.write");
    assert_eq!(tokens.json.get("refresh_token"), None);
    assert_eq!(tokens.json.get("id_token"), None);
    let claims = tokens.access_claims();
    assert_eq!(claims["sub"], "demo-service");
    assert_eq!(claims["aud"], "https://orders.example.com", "the audience follows from the scope (RFC 9068 section 3)");
    for absent in ["lk", "auth_time", "acr", "amr", "sid"] {
        assert_eq!(claims.get(absent), None, "{absent}");
    }
    assert!(claims["sub"].as_str().unwrap().parse::<latchkey::domain::id::Sub>().is_err(), "not a user's sub");

    let ask = async |fields: &[(&str, &str)]| {
        let mut all = vec![("grant_type", "client_credentials")];
        all.extend(fields);
        service.token(&all).await
    };
    assert_eq!(ask(&[("scope", "orders.read")]).await.tokens().json["scope"], "orders.read");
    for scope in ["openid", "account", "offline_access", "orders.read admin"] {
        assert_refused(&ask(&[("scope", scope)]).await, 400, "invalid_scope");
    }
    assert_refused(&ask(&[("scope", "a\u{e4}")]).await, 400, "invalid_scope");
    let narrowed = ask(&[("resource", "https://orders.example.com")]).await.tokens();
    assert_eq!(narrowed.access_claims()["aud"], "https://orders.example.com");
    assert_refused(&ask(&[("resource", "https://other.example.com")]).await, 400, "invalid_target");
    assert!(world.meter.take().is_empty(), "no read and no write");
    // security 29
    assert_eq!(service.userinfo(tokens.access()).await.refusal(), (401, "invalid_token".to_owned()));
}

#[tokio::test]
async fn each_client_gets_its_registered_signature_algorithms() {
    let world = world().await;
    let person = SignedInUser::new(&world).await;
    for (client_id, id_token_alg, access_token_alg) in
        [("demo-app", "ES256", "ES256"), ("rs256", "RS256", "RS256"), ("eddsa", "EdDSA", "ES256")]
    {
        let client =
            OAuthClient { client_id: client_id.to_owned(), scope: "openid email".to_owned(), ..OAuthClient::demo_app(&world) };
        let tokens = client.redeem(&person.code(&client).await).await.tokens();
        let id_token = tokens.json["id_token"].as_str().unwrap();
        assert_eq!(jose_header(id_token)["alg"], id_token_alg, "{client_id}");
        assert_eq!(jose_header(tokens.access())["alg"], access_token_alg, "{client_id}");
        for token in [id_token, tokens.access()] {
            tests::jwks::verify(&Anonymous::new(&world), token).await;
        }
        // OpenID Connect Core §3.1.3.6: `at_hash` uses the hash of the ID token's algorithm. Ed25519 uses SHA-512.
        let digest = if id_token_alg == "EdDSA" { &aws_lc_rs::digest::SHA512 } else { &aws_lc_rs::digest::SHA256 };
        let digest = aws_lc_rs::digest::digest(digest, tokens.access().as_bytes());
        let half = data_encoding::BASE64URL_NOPAD.encode(&digest.as_ref()[..digest.as_ref().len() / 2]);
        assert_eq!(tokens.id_claims()["at_hash"], half, "{client_id}");
    }
}

#[tokio::test]
async fn security_119_a_browser_reads_answers_only_from_the_clients_own_origin() {
    let world = world().await;
    let api = Anonymous::new(&world);
    let own = world.origin().to_owned();
    let body = "grant_type=refresh_token&refresh_token=x&client_id=demo-app";
    for (origin, allowed) in [(own.as_str(), true), ("http://localhost:3000", false), ("https://evil.example", false)] {
        for endpoint in ["/oauth2/token", "/oauth2/revoke"] {
            let answer = api.send(Method::POST, endpoint, &[FORM, ("origin", origin)], body).await;
            let expected = allowed.then_some(origin);
            assert_eq!(answer.header("access-control-allow-origin"), expected, "{endpoint} {origin}");
            assert_eq!(answer.header("access-control-allow-credentials"), None);
        }
        let answer = api.send(Method::POST, "/oauth2/introspect", &[FORM, ("origin", origin)], body).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "servers only");
    }
}

/// RFC 6749 §2.3.1 lets a client omit an empty secret, and some libraries send HTTP Basic for every client.
#[tokio::test]
async fn http_basic_with_an_empty_secret_is_a_public_client() {
    let world = world().await;
    let api = Anonymous::new(&world);
    let body = "grant_type=refresh_token&refresh_token=x";
    let send = async |client_id: &str| {
        api.send(Method::POST, "/oauth2/token", &[FORM, ("authorization", &basic(client_id, ""))], body).await
    };
    assert_refused(&send("demo-app").await, 400, "invalid_grant");
    assert_refused(&send("demo-web").await, 401, "invalid_client");
}
