//! What a request says about its user is never stored in clear: `login_hint` is an address, and `id_token_hint` names a user.

use http::Method;
use tests::{Anonymous, Browser, Customer, OAuthClient, World, invariants};

/// security 124: a posted request, one that a registration continues, and one that a password reset continues.
#[tokio::test]
async fn security_124_the_hints_of_a_stored_request_are_sealed_in_every_table() {
    let world = World::new().await.unwrap();
    let ada = Customer::registered(&world, "Ada").await;
    let client = OAuthClient::demo_app(&world);
    let tokens = client.tokens_for(&ada).await;
    let (hint, token) = ("canaryhint@example.com", tokens.json["id_token"].as_str().unwrap().to_owned());
    let url = client.authorize_url(&[("login_hint", hint), ("id_token_hint", &token)]);

    let query = url.split_once('?').unwrap().1.to_owned();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let posted = Anonymous::new(&world).send(Method::POST, "/oauth2/authorize", &form, query).await;
    let mut browser = Browser::new(&world);
    let page = browser.open(posted.header("location").unwrap()).await;
    assert!(page.html().contains(hint), "the stored request opens: {}", page.text());

    let link = |page: &tests::Page, path: &str| page.links().into_iter().find(|link| link.contains(path)).unwrap();
    let mut browser = Browser::new(&world);
    let page = browser.open(&url).await;
    let bob = Customer::new("Bob");
    let start = browser.open(&link(&page, "/register")).await;
    let verify = browser.submit(&start, "#submit", &bob.form_fields()).await;
    assert!(verify.has_field("code"), "{}", verify.text());
    let mut other = Browser::new(&world);
    let page = other.open(&url).await;
    let start = other.open(&link(&page, "/recover")).await;
    let reset = other.submit(&start, "#submit", &[("identifier", &ada.email)]).await;
    assert!(reset.has_field("code"), "{}", reset.text());

    world.pump().await.unwrap();
    let raw = invariants::read(&world.engine);
    let mut flows = 0;
    for item in raw.tables.values().flatten() {
        let text = item.to_string().to_lowercase();
        flows += usize::from(item["to"]["S"].is_string() || item["query"]["S"].is_string());
        let signature = token.rsplit('.').next().unwrap().to_lowercase();
        for canary in ["canaryhint", "login_hint", "id_token_hint", &signature] {
            assert!(!text.contains(canary), "{canary} in {text}");
        }
    }
    assert_eq!(flows, 5, "three requests, and two flows that name theirs");

    // The registration continues the request: it ends where the hint belongs to another user, with a question and not an error.
    let code = world.mails_to(&bob.email).await.unwrap()[0].codes[0].clone();
    let done = browser.submit(&verify, "#submit", &[("code", &code)]).await;
    assert!(done.status() < 500 && !done.has_field("code"), "{} {}", done.url, done.text());
}
