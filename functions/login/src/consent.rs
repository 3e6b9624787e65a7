//! `/consent`: the user allows a client (security 17, 18).
//!
//! 1. Require a live session and a valid request. Otherwise go back to the authorization endpoint.
//! 2. The form is bound to this browser, this request and this session: no other user can submit it.
//! 3. Allowed: store the consent and return to the request with a sealed marker. Denied: return `access_denied` to the client.

use crate::pending::{InteractionResult, Pending};
use crate::respond;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, Uri};
use latchkey::domain::change::Decision;
use latchkey::domain::consent;
use latchkey::domain::id::{AccountId, SessionId};
use latchkey::domain::oauth::authorization_request::AuthorizationRequest;
use latchkey::domain::oauth::error::OAuthErrorCode;
use latchkey::domain::profile::Claims;
use latchkey::keys::SealedField;
use latchkey::locale::message;
use latchkey::store::session::SessionSnapshot;
use latchkey::web::browser::FormOrigin;
use latchkey::web::extract::FormBody;
use latchkey::web::funnel::Outcome;
use latchkey::web::{Browser, Page, Problem, TenantHandle, session};
use minijinja::context;

const PAGE: &str = "consent";

/// Shows what the client requests.
///
/// # Errors
/// If the store or a key fails.
pub async fn get(handle: TenantHandle, browser: Browser, uri: Uri) -> Result<Response, Problem> {
    let tenant = &handle.tenant;
    let pending = Pending::find(&handle, &uri).await?;
    let locale = browser.locale(tenant, pending.hint("ui_locales"));
    let request = match pending.validate(tenant) {
        Ok(request) => request,
        Err(refusal) => return Ok(respond::refuse(tenant, &locale, &refusal)),
    };
    let Some(found) = session::find(&handle, &browser, None).await? else {
        return Ok(respond::see_other(&pending.continue_at(tenant, "/oauth2/authorize")));
    };
    let view =
        View { handle: &handle, browser: &browser, pending: &pending, request: &request, found: &found, locale: &locale };
    view.show(&uri, StatusCode::OK).await
}

/// The page.
struct View<'a> {
    handle: &'a TenantHandle,
    browser: &'a Browser,
    pending: &'a Pending,
    request: &'a AuthorizationRequest<'a>,
    found: &'a SessionSnapshot,
    locale: &'a str,
}

impl View<'_> {
    /// With status 403 it says that the form was stale.
    async fn show(&self, uri: &Uri, status: StatusCode) -> Result<Response, Problem> {
        let tenant = &self.handle.tenant;
        let notice = (status == StatusCode::FORBIDDEN).then(|| message(self.locale, "form-stale", []));
        let values = context! {
            client => self.request.client.client_name.get(self.locale),
            client_uri => self.request.client.client_uri.clone(),
            email => find_email(self.handle, self.found).await?,
            scopes => shown_scopes(self.request),
            switch => self.pending.switch_user(tenant),
            notice,
            anti_forgery => self.browser.anti_forgery(tenant, PAGE, &context_of(self.pending, self.found.session.id)),
        };
        let page = Page::new(tenant, self.locale, "consent", values).status(status).ends_at_client();
        Ok(self.browser.answer(page.languages(uri.query().unwrap_or_default()).into_response()))
    }
}

/// Handles the user's decision.
///
/// # Errors
/// If the form does not belong to this browser and session, or the store or a key fails.
pub async fn post(handle: TenantHandle, browser: Browser, uri: Uri, FormBody(form): FormBody) -> Result<Response, Problem> {
    let tenant = &handle.tenant;
    let pending = Pending::find(&handle, &uri).await?;
    let locale = browser.locale(tenant, pending.hint("ui_locales"));
    let request = match pending.validate(tenant) {
        Ok(request) => request,
        Err(refusal) => return Ok(respond::refuse(tenant, &locale, &refusal)),
    };
    let client_id = &request.client.client_id;
    let Some(found) = session::find(&handle, &browser, Some(client_id)).await? else {
        return Ok(Outcome::Expired.tag(respond::see_other(&pending.continue_at(tenant, "/oauth2/authorize"))));
    };
    let (account, sid) = (found.session.account, found.session.id);
    let origin = browser.check_kept_form(tenant, PAGE, &context_of(&pending, sid), form.one("anti_forgery")?)?;
    if origin == FormOrigin::Stale {
        let view =
            View { handle: &handle, browser: &browser, pending: &pending, request: &request, found: &found, locale: &locale };
        return Ok(Outcome::Expired.tag(view.show(&uri, StatusCode::FORBIDDEN).await?));
    }
    if form.one("decision")? != Some("allow") {
        let answer = request.return_to.error(&tenant.issuer, OAuthErrorCode::AccessDenied, "the user did not give consent");
        return Ok(Outcome::Denied.tag(respond::to_client(tenant, &locale, &answer)));
    }
    tenant
        .store
        .decide(&handle.request, || async {
            Ok::<_, Problem>(match session::find(&handle, &browser, Some(client_id)).await? {
                Some(found) => consent::give(found.consent.as_ref(), account, client_id, &request.scope, handle.now()),
                // The session has ended meanwhile. The request then leads to the sign-in page.
                None => Decision::unchanged(()),
            })
        })
        .await?;
    Ok(respond::see_other(&pending.address_with_result(tenant, InteractionResult::Consented, sid, handle.now())?))
}

/// The context that the form is bound to.
fn context_of(pending: &Pending, sid: SessionId) -> String {
    format!("{}\n{sid}", pending.context())
}

/// The scope tokens, those with a description first. `openid` is left out: it only means that the user is recognized, which the page itself
/// says.
fn shown_scopes(request: &AuthorizationRequest<'_>) -> Vec<String> {
    const KNOWN: [&str; 6] = ["profile", "email", "phone", "address", "offline_access", "account"];
    let known = KNOWN.into_iter().filter(|token| request.scope.contains(token));
    let others = request.scope.iter().filter(|token| *token != "openid" && !KNOWN.contains(token));
    known.chain(others).map(str::to_owned).collect()
}

/// The address of the signed-in account, so that the user does not give consent with the wrong account by mistake.
pub(crate) async fn find_email(handle: &TenantHandle, found: &SessionSnapshot) -> Result<Option<String>, Problem> {
    find_email_of(handle, found.session.account).await
}

/// The stored address of an account.
pub(crate) async fn find_email_of(handle: &TenantHandle, account: AccountId) -> Result<Option<String>, Problem> {
    let Some(snapshot) = handle.tenant.store.find_profile(account).await? else { return Ok(None) };
    let key = handle.tenant.keys.data()?.unwrap(&snapshot.data_key)?;
    let claims = key.open(SealedField::Profile, &snapshot.profile.claims)?;
    let claims: Claims = serde_json::from_slice(&claims).map_err(|_| Problem::internal())?;
    Ok(claims.0.get("email").and_then(|email| email.as_str()).map(str::to_owned))
}
