//! The reader of routes chooses as API Gateway's documentation says.

use tests::api_gateway::{Routes, is_greedy};

fn routes() -> Routes<&'static str> {
    let keys = [
        "$default",
        "ANY /v1/{proxy+}",
        "ANY /v1/me",
        "ANY /v1/me/{proxy+}",
        "ANY /v1/me/exports",
        "ANY /v1/me/exports/{proxy+}",
        "ANY /v1/registrations/{id}/verification",
        "ANY /v1/registrations/{proxy+}",
        "ANY /t/{tenant}/v1/me",
        "ANY /t/{tenant}/v1/me/{proxy+}",
        "ANY /t/{tenant}/{page}",
        "ANY /t/{tenant}/login",
    ];
    Routes::new(keys.map(|key| (key.to_owned(), key)))
}

#[test]
fn a_full_match_wins_then_the_longest_greedy_route_then_the_default() {
    let routes = routes();
    for (path, key) in [
        ("/v1/me", "ANY /v1/me"),
        ("/v1/me/password", "ANY /v1/me/{proxy+}"),
        ("/v1/me/email/verification", "ANY /v1/me/{proxy+}"),
        ("/v1/me/exports", "ANY /v1/me/exports"),
        ("/v1/me/exports/1/document", "ANY /v1/me/exports/{proxy+}"),
        ("/v1/me/exportsandmore", "ANY /v1/me/{proxy+}"),
        ("/v1/registrations/1/verification", "ANY /v1/registrations/{id}/verification"),
        ("/v1/registrations/1/verification/more", "ANY /v1/registrations/{proxy+}"),
        ("/v1/registrations/1/resend", "ANY /v1/registrations/{proxy+}"),
        // A fixed part wins over a variable part.
        ("/t/acme/login", "ANY /t/{tenant}/login"),
        ("/t/acme/other", "ANY /t/{tenant}/{page}"),
        ("/t/acme/v1/me/password", "ANY /t/{tenant}/v1/me/{proxy+}"),
        // A greedy part is not empty, and does not match a part of a name.
        ("/v1/me/", "ANY /v1/{proxy+}"),
        ("/v1/", "$default"),
        ("/v1", "$default"),
        ("/t//v1/me", "$default"),
        ("/", "$default"),
    ] {
        assert_eq!(*routes.target(path), key, "{path}");
        assert_eq!(routes.of(path).is_none(), key == "$default", "{path}");
    }
    assert_eq!(routes.greedy("/v1/me/exports").unwrap().path, "/v1/me/{proxy+}");
    assert!(is_greedy("/a/{proxy+}") && !is_greedy("/a/{proxy}"));
}
