//! `POST /oauth2/token` (RFC 6749 §3.2).
//!
//! 1. Authenticate the client ([`ClientRequest`]).
//! 2. Check `grant_type`: it must exist, and this client must be allowed to use it.
//! 3. The grant's module loads, decides, signs and commits. Only then does it answer.

mod authorization_code;
mod client_credentials;
mod refresh_token;
mod response;
mod token_exchange;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use latchkey::domain::oauth::client::GrantType;
use latchkey::domain::oauth::error::OAuthErrorCode;
use latchkey::domain::oauth::exchange::TOKEN_EXCHANGE;
use latchkey::services::Services;
use latchkey::web::OAuthError;
use latchkey::web::client_authentication::ClientRequest;
use latchkey::web::cors::CallingClient;
use latchkey::web::funnel::{Funnel, Method, Step};
use response::TokenResponse;

pub(crate) async fn token(State(services): State<Services>, funnel: Funnel, call: ClientRequest) -> Response {
    let answer = answer(&services, &funnel, &call).await;
    (Extension(CallingClient(call.client.client_id)), answer).into_response()
}

async fn answer(services: &Services, funnel: &Funnel, call: &ClientRequest) -> Result<TokenResponse, OAuthError> {
    let grant_type = match call.params.one("grant_type")? {
        Some("authorization_code") => GrantType::AuthorizationCode,
        Some("refresh_token") => GrantType::RefreshToken,
        Some("client_credentials") => GrantType::ClientCredentials,
        Some(TOKEN_EXCHANGE) => GrantType::TokenExchange,
        Some(_) => {
            return Err(OAuthError::new(
                OAuthErrorCode::UnsupportedGrantType,
                "grant_type must be authorization_code, refresh_token, client_credentials or token-exchange by its full name (RFC 8693)",
            ));
        }
        None => return Err(OAuthError::new(OAuthErrorCode::InvalidRequest, "grant_type is missing")),
    };
    if !call.client.allows(grant_type) {
        return Err(OAuthError::new(OAuthErrorCode::UnauthorizedClient, "this client is not allowed to use this grant_type"));
    }
    match grant_type {
        GrantType::AuthorizationCode => {
            funnel.enter(Step::CodeRedeemed, Method::Code);
            authorization_code::redeem_code(services, call).await
        }
        GrantType::RefreshToken => refresh_token::rotate_token(services, call).await,
        GrantType::ClientCredentials => client_credentials::issue(services, call).await,
        GrantType::TokenExchange => token_exchange::exchange_token(services, call).await,
    }
}
