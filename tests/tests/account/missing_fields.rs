//! A required field that is new, or missing on an imported user, prevents no other change of the profile (security 152).
#![expect(clippy::expect_used, reason = "a broken expectation ends the test")]

use http::StatusCode;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use serde_json::{Value, json};
use tests::store::put_document;
use tests::{AccountClient, Browser, Customer, World};

/// The shipped document, with a required field that no existing user has.
fn with_nickname() -> String {
    let field = "[[registration.fields]]\nname = \"nickname\"\nrequired = true\nlabel = \"Nickname\"\n\n[[registration.terms]]";
    DEFAULT_DOCUMENT.replacen("[[registration.terms]]", field, 1)
}

async fn subscribed() -> (World, Customer, AccountClient) {
    let world = World::new().await.expect("a world");
    let ada = Customer::registered(&world, "Ada").await;
    let me = AccountClient::new(&world, &ada).await;
    assert_eq!(me.patch("/v1/me", &json!({ "newsletter": true })).await.status(), 200);
    put_document(&world, &with_nickname()).await;
    (world, ada, me)
}

#[tokio::test]
async fn a_patch_withdraws_the_newsletter_of_a_user_without_a_new_required_field() {
    let (_, _, me) = subscribed().await;
    let withdrawn = me.patch("/v1/me", &json!({ "newsletter": false })).await;
    assert_eq!((withdrawn.status(), &withdrawn.json()["newsletter"]), (200, &json!(false)), "{}", withdrawn.text());
    // What is sent is validated: the new field, and a required one that would be removed.
    let pointer = |refused: &Value| refused["errors"][0]["pointer"].clone();
    for (sent, at) in [
        (json!({ "nickname": "" }), "/nickname"),
        (json!({ "nickname": 7 }), "/nickname"),
        (json!({ "family_name": null }), "/family_name"),
        (json!({ "newsletter": "no" }), "/newsletter"),
        (json!({ "customer_type": "business" }), "/company"),
    ] {
        let refused = me.patch("/v1/me", &sent).await;
        assert_eq!((refused.status(), pointer(&refused.json())), (400, json!(at)), "{sent}: {}", refused.text());
    }
    assert_eq!(me.patch("/v1/me", &json!({ "nickname": "Countess" })).await.json()["nickname"], "Countess");
}

#[tokio::test]
async fn the_account_page_withdraws_the_newsletter_of_a_user_without_a_new_required_field() {
    let (world, ada, me) = subscribed().await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/account").await;
    let login = ada.sign_in(&mut browser, &page).await;
    let page = if login.path() == "/account" { login } else { browser.open("/account").await };
    // The browser must send the form: the field is shown as missing, and not demanded by the browser.
    assert!(page.text().contains("still missing"), "{}", page.text());
    let input = page.html().split('<').find(|tag| tag.contains("id=\"nickname\"")).expect("the input").to_owned();
    assert!(!input.contains(" required"), "{input}");
    let family = page.html().split('<').find(|tag| tag.contains("id=\"family_name\"")).expect("the input").to_owned();
    assert!(family.contains(" required"), "{family}");
    // The box is unticked, so a browser sends nothing for it.
    let (path, form) = ("/account", page.form("#submit"));
    let sent: Vec<_> = form.fields.iter().filter(|(name, _)| name != "newsletter").collect();
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(sent.iter().map(|(n, v)| (n, v))).finish();
    let saved = browser.request(http::Method::POST, &format!("{}{path}", world.origin()), Some(&page.url), body).await;
    assert_eq!(saved.status(), StatusCode::SEE_OTHER);
    assert_eq!(me.get("/v1/me").await.json()["newsletter"], json!(false));
    // A required field that has a value cannot be emptied.
    let page = browser.open("/account").await;
    let refused = browser.submit(&page, "#submit", &[("family_name", "")]).await;
    assert_eq!(refused.status(), 400, "{}", refused.text());
}
