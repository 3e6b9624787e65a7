//! The operations of the token function.

use super::builder::{Caller, Operation, Tag};
use super::schemas::{integer, list, object, one_of, open_object, schema, text};
use latchkey::domain::oauth::error::OAuthErrorCode;
use latchkey::domain::oauth::exchange::{ACCESS_TOKEN_TYPE, TOKEN_EXCHANGE};
use latchkey::web::problem::ProblemKind;
use serde_json::{Value, json};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        discovery("/.well-known/openid-configuration", "readOpenIdConfiguration", "OpenID Connect Discovery."),
        discovery("/.well-known/oauth-authorization-server", "readServerMetadata", "Server metadata (RFC 8414)."),
        metadata_of_tenant(),
        keys(),
        change_password(),
        passkey_documents(),
        asset(),
        token(),
        revoke(),
        introspect(),
        userinfo(),
        userinfo_by_post(),
        health(),
        explain(),
    ]
}

fn addresses(names: &[&str]) -> impl Iterator<Item = (String, Value)> {
    names.iter().map(|name| ((*name).to_owned(), json!({ "type": "string", "format": "uri" }))).collect::<Vec<_>>().into_iter()
}

fn metadata() -> Value {
    const ADDRESSES: [&str; 8] = [
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
        "revocation_endpoint",
        "introspection_endpoint",
        "end_session_endpoint",
    ];
    const LISTS: [&str; 14] = [
        "scopes_supported",
        "response_types_supported",
        "response_modes_supported",
        "grant_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
        "token_endpoint_auth_methods_supported",
        "revocation_endpoint_auth_methods_supported",
        "introspection_endpoint_auth_methods_supported",
        "code_challenge_methods_supported",
        "prompt_values_supported",
        "acr_values_supported",
        "claims_supported",
        "ui_locales_supported",
    ];
    const FLAGS: [&str; 4] = [
        "claims_parameter_supported",
        "request_parameter_supported",
        "request_uri_parameter_supported",
        "authorization_response_iss_parameter_supported",
    ];
    let texts = json!({ "type": "array", "items": { "type": "string" }, "uniqueItems": true });
    let lists = LISTS.iter().map(|name| ((*name).to_owned(), texts.clone()));
    let flags = FLAGS.iter().map(|name| ((*name).to_owned(), json!({ "type": "boolean" })));
    let required: Vec<&str> = ADDRESSES.into_iter().chain(LISTS).chain(FLAGS).collect();
    let properties = addresses(&ADDRESSES).chain(lists).chain(flags).chain(addresses(&["op_policy_uri"]));
    json!({
        "type": "object",
        "properties": properties.collect::<serde_json::Map<_, _>>(),
        "required": required,
        "additionalProperties": false,
    })
}

/// A public document with a validator, or 304.
fn public(operation: Operation) -> Operation {
    let known = json!({ "type": "string" });
    operation
        .parameter("header", "If-None-Match", false, "The `ETag` of an earlier answer.", known)
        .header(200, "ETag", true, "Names this state of the document.")
        .header(200, "Cache-Control", true, "At most 15 minutes.")
        .empty(304, "The caller has it.")
}

fn discovery(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    public(Operation::new(Tag::Metadata, "GET", path, id, summary)).answers(200, "What is supported, and where.", metadata())
}

fn metadata_of_tenant() -> Operation {
    let path = "/.well-known/oauth-authorization-server/t/{tenant}";
    discovery(path, "readServerMetadataOfTenant", "Server metadata of a tenant (RFC 8414, section 3.1).")
        .path_parameter("tenant", "The tenant.")
        .at_origin_only()
}

fn keys() -> Operation {
    let base64url = |description: &str| json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]+$", "description": description });
    let key = |kty: &str, alg: &str, crv: Option<&str>, members: &[&str]| {
        let mut key = object([
            ("kty", json!({ "const": kty })),
            ("alg", json!({ "const": alg })),
            ("use", json!({ "const": "sig" })),
            ("kid", base64url("The thumbprint of the key (RFC 7638).")),
        ]);
        let mut required: Vec<&str> = vec!["kty", "alg", "use", "kid"];
        for member in members {
            key["properties"][member] = base64url("A public member.");
            required.push(member);
        }
        if let Some(crv) = crv {
            key["properties"]["crv"] = json!({ "const": crv });
            required.push("crv");
        }
        key["required"] = required.into();
        key
    };
    let any = json!({ "oneOf": [
        key("EC", "ES256", Some("P-256"), &["x", "y"]),
        key("OKP", "EdDSA", Some("Ed25519"), &["x"]),
        key("RSA", "RS256", None, &["n", "e"]),
    ] });
    let set =
        object([("keys", list(&any, "Keys that sign, and keys that signed what is still valid, of the algorithms in use."))]);
    public(Operation::new(Tag::Metadata, "GET", "/.well-known/jwks.json", "readKeys", "The public signing keys (RFC 7517)."))
        .answers_as(200, "The keys.", "application/jwk-set+json", json!({ "schema": set }))
}

fn change_password() -> Operation {
    let operation = Operation::new(
        Tag::Metadata,
        "GET",
        "/.well-known/change-password",
        "findPasswordPage",
        "Where a password manager changes the password (W3C).",
    );
    operation.redirects("To the page of the account that changes the password.")
}

fn passkey_documents() -> Operation {
    let uri = || json!({ "type": "string", "format": "uri" });
    let endpoints = object(["enroll", "manage"].map(|name| (name, uri())));
    let origins = object([("origins", list(&json!({ "type": "string" }), "Our own and the related ones."))]);
    let apps = object([("apps", list(&json!({ "type": "string" }), "Team and bundle of each app."))]);
    let statements = list(&json!({ "type": "object" }), "A statement for each app.");
    let any = json!({ "oneOf": [endpoints, origins, object([("webcredentials", apps)]), statements] });
    let operation =
        Operation::new(Tag::Metadata, "GET", "/.well-known/{file}", "readPasskeyDocument", "A document of passkeys.");
    public(operation)
        .path_parameter(
            "file",
            "`passkey-endpoints`: where passkeys are added and managed (W3C). `webauthn`: the origins that use the same passkeys \
             (WebAuthn 3 §5.11). `apple-app-site-association` and `assetlinks.json`: the apps that do.",
        )
        .answers(200, "The document.", any)
        .problems(&[ProblemKind::NotFound])
}

fn asset() -> Operation {
    Operation::new(Tag::Service, "GET", "/assets/{file}", "readAsset", "A file of pages. Its name has its digest.")
        .path_parameter("file", "The name, as in the page.")
        .answers_as(200, "The file.", "text/javascript", json!({}))
        .problems(&[ProblemKind::NotFound])
}

/// The members by which a client names itself in a form.
fn client_form<const N: usize>(members: [(&str, Value); N]) -> Value {
    let mut form = open_object(members, "Unknown parameters are ignored, repeated ones are refused.");
    form["properties"]["client_id"] = text("The client, unless HTTP Basic names it.");
    form["properties"]["client_secret"] = text("Of a client that is registered for `client_secret_post`.");
    form
}

/// An endpoint that authenticates clients.
fn of_client(operation: Operation) -> Operation {
    operation.caller(Caller::Client).protocol().errors(&[OAuthErrorCode::InvalidClient])
}

fn token() -> Operation {
    let grants = ["authorization_code", "refresh_token", "client_credentials", TOKEN_EXCHANGE];
    let form = client_form([
        ("grant_type", one_of(&grants, "What is presented.")),
        ("code?", text("Of `authorization_code`.")),
        ("redirect_uri?", text("As in the authorization request.")),
        ("code_verifier?", text("RFC 7636.")),
        ("refresh_token?", text("Of `refresh_token`.")),
        ("scope?", text("Narrows what was granted. Of a token exchange: `openid` if it is absent.")),
        ("resource?", text("Narrows the token to one audience (RFC 8707). Without it the audience follows from the scope.")),
        ("subject_token?", text("Of a token exchange (RFC 8693): an access token of the legacy user pool.")),
        ("subject_token_type?", one_of(&[ACCESS_TOKEN_TYPE], "Of a token exchange.")),
        ("requested_token_type?", one_of(&[ACCESS_TOKEN_TYPE], "Of a token exchange.")),
    ]);
    let tokens = object([
        ("access_token", text("A JWT (RFC 9068), valid for at most ten minutes.")),
        ("token_type", json!({ "const": "Bearer" })),
        ("expires_in", json!({ "type": "integer", "minimum": 0, "description": "In seconds." })),
        ("scope?", text("What the access token carries.")),
        ("id_token?", text("With scope `openid`.")),
        ("refresh_token?", text("Opaque. Each use replaces it; a retry within ten seconds gets the same one.")),
        ("issued_token_type?", one_of(&[ACCESS_TOKEN_TYPE], "Of a token exchange.")),
    ]);
    of_client(Operation::new(Tag::Tokens, "POST", "/oauth2/token", "issueTokens", "Issues tokens (RFC 6749, section 3.2)."))
        .takes_form(form)
        .example(&json!({
            "grant_type": "authorization_code",
            "client_id": "demo-app",
            "code": "…",
            "redirect_uri": "https://shop.example.com/callback",
            "code_verifier": "…",
        }))
        .answers(200, "The tokens.", tokens)
        .errors(&[
            OAuthErrorCode::InvalidGrant,
            OAuthErrorCode::UnauthorizedClient,
            OAuthErrorCode::UnsupportedGrantType,
            OAuthErrorCode::InvalidScope,
            OAuthErrorCode::InvalidTarget,
        ])
}

fn revoke() -> Operation {
    let form = client_form([
        ("token", text("An access or refresh token of this client.")),
        ("token_type_hint?", text("Not needed: the two kinds can't be taken for one another.")),
    ]);
    of_client(Operation::new(Tag::Tokens, "POST", "/oauth2/revoke", "revokeToken", "Revokes a token (RFC 7009)."))
        .takes_form(form)
        .empty(200, "The token is worth nothing; also for a token that never was.")
}

fn introspect() -> Operation {
    let form = client_form([
        ("token", text("An access or refresh token of this client, or an access token for a resource server that it is.")),
        ("token_type_hint?", text("Not needed: the two kinds can't be taken for one another.")),
    ]);
    let active = object([
        ("active", json!({ "const": true })),
        ("scope", text("What the token carries.")),
        ("client_id", text("The client.")),
        ("token_type?", json!({ "const": "Bearer", "description": "Of an access token." })),
        ("exp", integer("When it expires, in seconds since 1970 (UTC).")),
        ("iat", integer("When it was issued.")),
        ("sub", text("The account, or the client itself.")),
        ("aud", text("The audience.")),
        ("iss", text("The issuer.")),
        ("jti?", text("The id of an access token.")),
        ("auth_time?", integer("When the user signed in.")),
        ("acr?", schema("AuthenticationContext")),
        ("roles?", list(&text("A role."), "The user's roles.")),
    ]);
    let answer = json!({ "oneOf": [object([("active", json!({ "const": false }))]), active] });
    of_client(Operation::new(
        Tag::Tokens,
        "POST",
        "/oauth2/introspect",
        "introspectToken",
        "Says what a token is worth (RFC 7662).",
    ))
    .describe("Only for clients with a secret, and only about their own tokens and those for a resource server that the client is: any other token is not active.")
    .takes_form(form)
    .answers(200, "Active with its claims, or not active.", answer)
}

fn of_bearer(operation: Operation) -> Operation {
    operation
        .caller(Caller::Token("openid"))
        .describe("What the scope of the access token gives.")
        .answers(200, "The claims.", schema("Claims"))
        .protocol()
        .errors(&[OAuthErrorCode::InvalidToken, OAuthErrorCode::InsufficientScope])
}

fn userinfo() -> Operation {
    of_bearer(Operation::new(
        Tag::Tokens,
        "GET",
        "/userinfo",
        "readUserinfo",
        "The claims of the user (OpenID Connect Core, section 5.3).",
    ))
}

fn userinfo_by_post() -> Operation {
    let form = open_object([("access_token?", text("The access token, unless the header has it."))], "RFC 6750, section 2.2.");
    of_bearer(Operation::new(Tag::Tokens, "POST", "/userinfo", "readUserinfoByPost", "The same by POST.")).takes_as(
        &["application/x-www-form-urlencoded"],
        form,
        false,
    )
}

fn health() -> Operation {
    let answer = object([("status", json!({ "const": "ok" }))]);
    Operation::without_tenant(Tag::Service, "/healthz", "checkHealth", "Says that the process answers.")
        .describe("Nothing behind it is asked.")
        .answers(200, "It does.", answer)
}

fn explain() -> Operation {
    let operation = Operation::new(Tag::Service, "GET", "/problems/{code}", "explainProblem", "Explains a problem code.");
    operation.path_parameter("code", "The `code` of a problem.").page(200, "The page that the `type` of a problem names.")
}
