//! The demo storefront: a public OAuth client (code with PKCE, RFC 6749 and 7636; OpenID Connect) that works without JavaScript.
//!
//! 1. `POST /demo/sign-in` stores `state`, `nonce` and `code_verifier`, and redirects the visitor to the authorization endpoint.
//! 2. `GET /demo/callback` compares `state` and `iss` (RFC 9207), redeems the code, and checks the ID token's claims.
//! 3. `GET /demo/` shows the claims; `POST /demo/refresh` rotates the refresh token; `POST /demo/sign-out` also ends the Latchkey session
//!    (RP-Initiated Logout).
//!
//! It calls the token endpoint through the functions' routes in this process. Otherwise it is an ordinary client.

use super::state::{PageError, Pages};
use super::visitor::{Pending, Tokens, Visitor, VisitorState};
use super::{Peer, html};
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use data_encoding::BASE64URL_NOPAD;
use http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use latchkey::context::Deadline;
use latchkey::digest::sha256;
use latchkey::domain::id::TenantId;
use latchkey::locale;
use latchkey::web::{Host, Problem, QueryParams};
use minijinja::context;
use minijinja::value::{Serde, Value as View};
use serde_json::Value;
use std::collections::BTreeMap;
use tower::ServiceExt as _;
use url::form_urlencoded::Serializer;

const CLIENT: &str = "demo-app";
const SCOPE: &str = "openid profile email phone offline_access";

/// `GET /demo/`: the shop page, with the signed-in user.
pub(super) async fn shop(
    State(pages): State<Pages>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    mut visitor: Visitor,
) -> Result<Response, PageError> {
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let offered: Vec<String> = locale::available().map(str::to_owned).collect();
    let notice = visitor.state.notice.take();
    if notice.is_some() {
        visitor.save(&pages).await?;
    }
    let now = pages.services.clock.now();
    let tokens = visitor.state.tokens.as_ref();
    let userinfo = match tokens {
        Some(tokens) => userinfo(&pages, &peer, &tokens.access_token).await,
        None => None,
    };
    let page = html::page(
        "shop.html",
        &context! {
            locale => locale::negotiate(&offered, None, accepted),
            notice,
            signed_in => tokens.is_some(),
            minutes => tokens.map(|tokens| (tokens.expires_at - now.millis()).max(0).div_euclid(60_000)),
            refreshed => tokens.map(|tokens| tokens.refreshed),
            userinfo => userinfo.as_ref().map(rows),
            id_claims => tokens.and_then(|tokens| claims(&tokens.id_token)).as_ref().map(rows),
            access_claims => tokens.and_then(|tokens| claims(&tokens.access_token)).as_ref().map(rows),
            name => userinfo.as_ref().and_then(|claims| claims.get("given_name").or_else(|| claims.get("email"))).and_then(Value::as_str),
        },
    )?;
    Ok(visitor.answer(&pages, page))
}

/// `POST /demo/sign-in`: redirects to the authorization endpoint.
pub(super) async fn sign_in(State(pages): State<Pages>, mut visitor: Visitor) -> Result<Response, PageError> {
    let random = || BASE64URL_NOPAD.encode(&pages.services.random.bytes::<32>());
    let pending = Pending { state: random(), nonce: random(), code_verifier: random() };
    let challenge = BASE64URL_NOPAD.encode(&sha256(pending.code_verifier.as_bytes()));
    let query = Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", CLIENT)
        .append_pair("redirect_uri", &redirect_uri(&pages))
        .append_pair("scope", SCOPE)
        .append_pair("state", &pending.state)
        .append_pair("nonce", &pending.nonce)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256")
        .finish();
    visitor.state.pending = Some(pending);
    visitor.save(&pages).await?;
    Ok(visitor.answer(&pages, Redirect::to(&format!("/oauth2/authorize?{query}")).into_response()))
}

/// `GET /demo/callback`: the authorization response.
pub(super) async fn callback(
    State(pages): State<Pages>,
    Extension(peer): Extension<Peer>,
    mut visitor: Visitor,
    QueryParams(query): QueryParams,
) -> Result<Response, PageError> {
    let one = |name| query.one(name).map_err(Problem::from);
    let (state, issuer, code, error) = (one("state")?, one("iss")?, one("code")?, one("error")?);
    let pending = visitor.state.pending.take();
    let fitting =
        pending.filter(|pending| Some(pending.state.as_str()) == state && issuer == Some(own_issuer(&pages).as_str()));
    let outcome = match (fitting, code, error) {
        // An unsolicited response: the code of another user must not sign this visitor in (RFC 6749 §10.12).
        (None, _, _) => Err("demo-notice-unexpected"),
        (Some(_), _, Some("access_denied")) => Err("demo-notice-denied"),
        (Some(_), None, _) | (Some(_), _, Some(_)) => Err("demo-notice-failed"),
        (Some(pending), Some(code), None) => redeem(&pages, &peer, &pending, code).await,
    };
    match outcome {
        Ok(tokens) => {
            visitor.renew(&pages).await?;
            visitor.state = VisitorState { tokens: Some(tokens), ..VisitorState::default() };
        }
        Err(notice) => visitor.state.notice = Some(notice.to_owned()),
    }
    visitor.save(&pages).await?;
    Ok(visitor.answer(&pages, Redirect::to("/demo/").into_response()))
}

/// `POST /demo/refresh`: refreshes the tokens.
pub(super) async fn refresh(
    State(pages): State<Pages>,
    Extension(peer): Extension<Peer>,
    mut visitor: Visitor,
) -> Result<Response, PageError> {
    if let Some(Tokens { refresh_token: Some(refresh_token), id_token, refreshed, .. }) = visitor.state.tokens.clone() {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", &refresh_token)];
        match token(&pages, &peer, &fields).await.and_then(|answer| read_tokens(&pages, &answer)) {
            Some(new) => {
                // A refresh response may omit the ID token (OpenID Connect Core §12.2).
                let id_token = if new.id_token.is_empty() { id_token } else { new.id_token };
                visitor.state.tokens = Some(Tokens { id_token, refreshed: refreshed + 1, ..new });
            }
            None => visitor.state = VisitorState { notice: Some("demo-notice-refresh".to_owned()), ..VisitorState::default() },
        }
        visitor.save(&pages).await?;
    }
    Ok(visitor.answer(&pages, Redirect::to("/demo/").into_response()))
}

/// `POST /demo/sign-out`: signs out here and at Latchkey.
pub(super) async fn sign_out(State(pages): State<Pages>, mut visitor: Visitor) -> Result<Response, PageError> {
    let Some(tokens) = visitor.state.tokens.take() else { return Ok(Redirect::to("/demo/").into_response()) };
    visitor.renew(&pages).await?;
    let query = Serializer::new(String::new())
        .append_pair("id_token_hint", &tokens.id_token)
        .append_pair("client_id", CLIENT)
        .append_pair("post_logout_redirect_uri", &format!("{}/demo/", pages.services.origin.as_str()))
        .finish();
    Ok(visitor.answer(&pages, Redirect::to(&format!("/oauth2/logout?{query}")).into_response()))
}

fn redirect_uri(pages: &Pages) -> String {
    format!("{}/demo/callback", pages.services.origin.as_str())
}

fn own_issuer(pages: &Pages) -> String {
    pages.services.origin.issuer(&TenantId::default_tenant())
}

async fn redeem(pages: &Pages, peer: &Peer, pending: &Pending, code: &str) -> Result<Tokens, &'static str> {
    let redirect_uri = redirect_uri(pages);
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri.as_str()),
        ("code_verifier", pending.code_verifier.as_str()),
    ];
    let answer = token(pages, peer, &fields).await;
    let tokens = answer.and_then(|answer| read_tokens(pages, &answer)).ok_or("demo-notice-failed")?;
    // OpenID Connect Core §3.1.3.7. The signature is not checked: the token came directly from the token endpoint (item 6).
    let claims = claims(&tokens.id_token).ok_or("demo-notice-failed")?;
    let is = |name: &str, value: &str| claims.get(name).and_then(Value::as_str) == Some(value);
    let fits = is("iss", &own_issuer(pages)) && is("aud", CLIENT) && is("nonce", &pending.nonce);
    if fits { Ok(tokens) } else { Err("demo-notice-unexpected") }
}

fn read_tokens(pages: &Pages, answer: &Value) -> Option<Tokens> {
    let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
    let seconds = answer.get("expires_in").and_then(Value::as_i64)?;
    Some(Tokens {
        access_token: text("access_token")?,
        id_token: text("id_token").unwrap_or_default(),
        refresh_token: text("refresh_token"),
        expires_at: pages.services.clock.now().millis() + seconds * 1000,
        refreshed: 0,
    })
}

/// Calls the token endpoint. `None` for any error, which the functions log.
async fn token(pages: &Pages, peer: &Peer, fields: &[(&str, &str)]) -> Option<Value> {
    let body = Serializer::new(String::new()).extend_pairs(fields).append_pair("client_id", CLIENT).finish();
    let request = Request::post("/oauth2/token").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    call(pages, peer, request.body(Body::from(body)).ok()?).await
}

async fn userinfo(pages: &Pages, peer: &Peer, access_token: &str) -> Option<Value> {
    let request = Request::get("/userinfo").header(AUTHORIZATION, format!("Bearer {access_token}"));
    call(pages, peer, request.body(Body::empty()).ok()?).await
}

async fn call(pages: &Pages, peer: &Peer, mut request: Request<Body>) -> Option<Value> {
    let request_id = crate::world::request_id(pages.services.random)?;
    request.extensions_mut().insert(Host {
        request_id,
        client_address: Some(peer.address.ip()),
        deadline: Deadline::default(),
    });
    let response = match pages.functions.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    if response.status() != StatusCode::OK {
        return None;
    }
    let body = response.into_body().collect().await.ok()?.to_bytes();
    serde_json::from_slice(&body).ok()
}

/// The claims of a JWT.
fn claims(jwt: &str) -> Option<Value> {
    let payload = BASE64URL_NOPAD.decode(jwt.split('.').nth(1)?.as_bytes()).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// Claims as rows for a page: names in order, values as text.
fn rows(claims: &Value) -> View {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let rows: BTreeMap<&String, String> =
        claims.as_object().into_iter().flatten().map(|(name, value)| (name, text(value))).collect();
    View::from(Serde(&rows))
}
