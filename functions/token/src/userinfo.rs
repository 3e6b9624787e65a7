//! `GET`, `POST /userinfo` (OpenID Connect Core §5.3): the claims that the access token's scope allows.
//!
//! The token is in the header, or in the body of a POST. It is ignored in the query, because queries end up in logs (security 29).

use crate::profile::open_profile;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json, RequestExt as _};
use http::HeaderMap;
use latchkey::domain::oauth::error::OAuthErrorCode;
use latchkey::domain::oauth::scope::OPENID;
use latchkey::domain::oauth::user_claims::{StoredClaims, userinfo};
use latchkey::web::bearer::{Bearer, header_token};
use latchkey::web::cors::CallingClient;
use latchkey::web::{FormBody, OAuthError, TenantHandle};
use serde_json::{Map, Value};

pub(crate) async fn by_header(handle: TenantHandle, headers: HeaderMap) -> Response {
    match header_token(&headers) {
        Ok(Some(token)) => answer(&handle, token).await,
        Ok(None) => OAuthError::no_credentials().into_response(),
        Err(error) => error.into_response(),
    }
}

pub(crate) async fn by_header_or_body(handle: TenantHandle, headers: HeaderMap, request: Request) -> Response {
    // Without a form there is no token in the body (RFC 6750 §2.2).
    let form = request.extract::<FormBody, _>().await.ok();
    let in_body = match form.as_ref().map(|FormBody(params)| params.one("access_token")).transpose() {
        Ok(in_body) => in_body.flatten(),
        Err(error) => return OAuthError::from(error).into_response(),
    };
    match (header_token(&headers), in_body) {
        (Ok(Some(_)), Some(_)) => {
            OAuthError::bearer(OAuthErrorCode::InvalidRequest, "The access token must be sent in one place only")
                .into_response()
        }
        (Ok(Some(token)), None) | (Ok(None), Some(token)) => answer(&handle, token).await,
        (Ok(None), None) => OAuthError::no_credentials().into_response(),
        (Err(error), _) => error.into_response(),
    }
}

async fn answer(handle: &TenantHandle, token: &str) -> Response {
    match Bearer::admit(&handle.tenant, token, OPENID, true, handle.now()).await {
        Ok(bearer) => {
            let answer = claims(handle, &bearer).map(Json);
            (Extension(CallingClient(bearer.claims.client_id)), answer).into_response()
        }
        Err(error) => error.into_response(),
    }
}

fn claims(handle: &TenantHandle, bearer: &Bearer) -> Result<Map<String, Value>, OAuthError> {
    const GONE: OAuthError = OAuthError::bearer(OAuthErrorCode::InvalidToken, "The account is gone");
    let (Some(profile), Some(data_key)) = (&bearer.snapshot.profile, &bearer.snapshot.data_key) else { return Err(GONE) };
    let tenant = &handle.tenant;
    let claims = open_profile(tenant, profile, data_key)?;
    let stored = StoredClaims { claims: &claims, fields: &tenant.config.registration.fields, updated_at: profile.updated_at };
    Ok(userinfo(&bearer.claims.sub, stored, &bearer.scope(tenant)))
}
