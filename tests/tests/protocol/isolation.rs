//! Isolation of users: alternating requests on one warm instance, forged page tokens, encrypted tokens.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use http::Method;
use latchkey_local::fault::{Calls, Fault, Trigger};
use latchkey_local::world::World;
use std::collections::BTreeMap;
use tests::command::Command;
use tests::{AccountClient, Anonymous, Browser, Customer, OAuthClient};

/// Two users on one warm instance.
struct TwoUsers {
    world: World,
    people: Vec<(Customer, AccountClient)>,
}

impl TwoUsers {
    async fn new() -> Self {
        let world = World::builder().without_source_limits().build().await.unwrap();
        let mut people = Vec::new();
        for name in ["Ada", "Grace"] {
            let customer = Customer::registered(&world, name).await;
            let me = AccountClient::new(&world, &customer).await;
            people.push((customer, me));
        }
        Self { world, people }
    }

    /// One user sends a request. The answer must be about this user. Returns the status.
    async fn ask(&self, number: usize, path: &str) -> u16 {
        let (customer, me) = &self.people[number % 2];
        let answer = me.get(path).await;
        let (mine, other) = (&customer.email, &self.people[(number + 1) % 2].0.email);
        assert!(!answer.text().contains(other.as_str()), "{}", answer.text());
        assert_eq!(answer.text().contains(mine.as_str()), answer.status() == 200, "{}", answer.text());
        assert_eq!(answer.header("cache-control"), Some("no-store"), "security 118");
        answer.status()
    }

    /// Both users send alternating requests, this many in total. Returns the statuses.
    async fn alternate(&self, requests: usize) -> BTreeMap<u16, usize> {
        let mut statuses = BTreeMap::new();
        for number in 0..requests / 2 {
            let (first, second) = if number % 4 < 2 { ("/userinfo", "/v1/me") } else { ("/v1/me", "/userinfo") };
            let (first, second) = tokio::join!(self.ask(number, first), self.ask(number + 1, second));
            for status in [first, second] {
                *statuses.entry(status).or_default() += 1;
            }
        }
        statuses
    }
}

/// security 142, T19: two users alternate on one warm instance, 10,000 requests. Each answer is about the caller. One read in a
/// hundred panics: its request gets a 500 without details, and other requests are not affected.
#[tokio::test]
async fn security_142_t19_users_of_one_warm_instance_never_see_each_other_or_a_panic() {
    let two = TwoUsers::new().await;
    two.world.faults.add(Calls::Any, Trigger::Chance(0.01), Fault::Panic);
    let statuses = two.alternate(10_000).await;
    let panics = usize::try_from(two.world.faults.injected()).unwrap();
    assert!((50..200).contains(&panics), "{panics} panics");
    assert_eq!(statuses, BTreeMap::from([(200, 10_000 - panics), (500, panics)]));

    // Writes too, and at each call: a panic leaves no lock, no permit and no half-made state.
    for command in Command::ALL {
        two.world.faults.clear();
        for call in 1..=3 {
            let mut ready = command.prepare(&two.world, &format!("{command:?}{call}")).await;
            two.world.faults.add(Calls::Any, Trigger::Nth(call), Fault::Panic);
            let before = two.world.faults.injected();
            let outcome = ready.run().await;
            let struck = two.world.faults.injected() > before;
            two.world.faults.clear();
            assert!(!outcome.words.contains("hunter2"), "{command:?}: {}", outcome.words);
            assert!(outcome.expected != struck, "{command:?} at {call}: {}", outcome.words);
            // A panicking call applied nothing, or an earlier write of it is found on the next try.
            let again = ready.run().await;
            assert!(!again.words.starts_with('5'), "{command:?} at {call}: {}", again.words);
        }
    }
    assert_eq!(two.alternate(100).await, BTreeMap::from([(200, 100)]));
    two.world.pump().await.unwrap();
    tests::invariants::assert_hold(&two.world.engine);
}

/// security 124: values in pages are sealed with a key of this tenant. A forged, truncated or foreign value
/// is refused.
#[tokio::test]
async fn security_124_page_tokens_are_sealed_and_bound() {
    let (world, other) = (World::new().await.unwrap(), World::new().await.unwrap());
    let form = [
        ("response_type", "code"),
        ("client_id", "demo-app"),
        ("redirect_uri", "http://localhost:8080/demo/callback"),
        ("scope", "openid"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ];
    let stored = Anonymous::new(&world).post_form("/oauth2/authorize", &form).await;
    assert_eq!(stored.status(), 303, "{}", stored.text());
    let address = stored.header("location").unwrap().to_owned();
    assert!(Browser::new(&world).open(&address).await.has_field("password"), "the sign-in page");
    let path = &address[address.find("/oauth2").unwrap()..];
    for hostile in [path[..path.len() - 1].to_owned(), format!("{path}A"), path.replace("lk_stored=", "lk_stored=AAAA")] {
        let page = Browser::new(&world).open(&hostile).await;
        assert!(!page.has_field("password") && (400..500).contains(&page.status()), "{hostile}: {}", page.status());
    }
    // Another installation has other keys: no secret is built in.
    let page = Browser::new(&other).open(path).await;
    assert!(!page.has_field("password") && (400..500).contains(&page.status()), "{}", page.status());
}

/// security 50: encrypted tokens are not supported: a token of five parts is refused, with any header.
#[tokio::test]
async fn security_50_an_encrypted_token_is_refused() {
    let world = World::new().await.unwrap();
    let client = OAuthClient::demo_app(&world);
    let customer = Customer::registered(&world, "Ada").await;
    let tokens = client.tokens_for(&customer).await;
    let parts: Vec<&str> = tokens.access().split('.').collect();
    let encode = |text: &str| data_encoding::BASE64URL_NOPAD.encode(text.as_bytes());
    for header in [
        r#"{"alg":"dir","enc":"A256GCM","zip":"DEF"}"#,
        r#"{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2c":2147483647,"p2s":"AAAAAAAA"}"#,
        r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#,
    ] {
        for token in [
            format!("{}.{}.{}.{}.{}", encode(header), parts[1], parts[1], parts[1], parts[2]),
            format!("{}.{}.{}", encode(header), parts[1], parts[2]),
        ] {
            assert_eq!(client.userinfo(&token).await.status(), 401, "{header}");
            assert_eq!(client.introspect(&token).await.status() / 100, 4, "a public client introspects nothing");
            let hint = format!("{}&id_token_hint={token}", client.authorize_url(&[("prompt", "none")]));
            let page = Browser::new(&world).open(&hint).await;
            assert!(page.query("code").is_none(), "{header}");
        }
    }
    let answer = Anonymous::new(&world).send(Method::GET, "/userinfo", &[("authorization", "Bearer ....")], "").await;
    assert_eq!(answer.status(), 401);
}
