//! Redirect URIs that are almost registered (security 1).

use std::collections::BTreeSet;
use tests::{Browser, OAuthClient};

/// Every way in which other servers have confused two URIs, at every place of the URI.
fn mutants(uri: &str) -> BTreeSet<String> {
    let mut mutants = BTreeSet::new();
    let inserted = [
        "/",
        "/.",
        "/..",
        "..;/",
        "%2e",
        "%2f",
        "%252f",
        "\\",
        "%5c",
        "@",
        "@evil.example",
        ":",
        "#",
        "?",
        ";",
        "&",
        "+",
        "%20",
        "%09",
        "*",
        "é",
    ];
    for (at, _) in uri.char_indices().chain([(uri.len(), ' ')]) {
        for text in inserted {
            mutants.insert(format!("{}{text}{}", &uri[..at], &uri[at..]));
        }
    }
    for (at, character) in uri.char_indices() {
        let rest = &uri[at + character.len_utf8()..];
        mutants.insert(format!("{}{rest}", &uri[..at]));
        mutants.insert(format!("{}%{:02x}{rest}", &uri[..at], u32::from(character)));
        mutants.insert(format!("{}{}{rest}", &uri[..at], character.to_ascii_uppercase()));
    }
    for whole in [
        "http://localhost:3000/callback?code=x",
        "http://localhost:3000/callback/../callback",
        "http://localhost:3001/callback",
        "http://localhost/callback",
        "https://localhost:3000/callback",
        "http://localhost.evil.example:3000/callback",
        "http://user@localhost:3000/callback",
        "http://127.0.0.1:3000/callback",
        "http://[::1]:3000/callback",
        "http://xn--localhost:3000/callback",
        "http://ⓛocalhost:3000/callback",
        "//localhost:3000/callback",
        "/callback",
        "callback",
        "javascript://localhost:3000/callback",
        "data:text/html,http://localhost:3000/callback",
    ] {
        mutants.insert(whole.to_owned());
    }
    mutants.remove(uri);
    mutants
}

#[tokio::test]
async fn security_1_no_mutant_of_a_redirect_uri_is_accepted() {
    let world = crate::login::world().await;
    let mut browser = Browser::new(&world);
    let client = OAuthClient::demo_web(&world);
    let mutants = mutants(&client.redirect_uri);
    assert!(mutants.len() >= 300, "{} mutants", mutants.len());
    for mutant in mutants {
        let client = crate::login::client_with(client.clone(), |client| mutant.clone_into(&mut client.redirect_uri));
        let answer = browser.request(http::Method::GET, &client.authorize_url(&[]), None, "").await;
        assert_eq!((answer.status().as_u16(), answer.headers().get("location")), (400, None), "{mutant}");
    }
    // The registered one is accepted.
    let answer = browser.request(http::Method::GET, &client.authorize_url(&[("prompt", "none")]), None, "").await;
    assert_eq!(answer.status().as_u16(), 303);
}
