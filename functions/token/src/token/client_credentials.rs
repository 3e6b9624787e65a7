//! `grant_type=client_credentials`: a client acts on its own behalf (RFC 6749 §4.4). Nothing is read or written.

use super::refresh_token::requested_scope;
use super::response::TokenResponse;
use latchkey::domain::oauth::client_credentials::issue_to_client;
use latchkey::services::Services;
use latchkey::web::OAuthError;
use latchkey::web::client_authentication::ClientRequest;

pub(super) async fn issue(services: &Services, call: &ClientRequest) -> Result<TokenResponse, OAuthError> {
    let (tenant, client, now) = (&call.handle.tenant, &call.client, call.handle.now());
    let scope = requested_scope(call)?;
    let resource: Vec<&str> = call.params.all("resource").collect();
    let access = issue_to_client(client, scope.as_ref(), &resource, &tenant.config.resources, tenant.config.token, now)
        .map_err(|refused| OAuthError::new(refused.code(), refused.description()))?;
    Ok(TokenResponse::for_client(tenant, client, access, services.random.jti(), now).await?)
}
