//! `/oauth2/logout`: RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0; security 58, 62, 64).
//!
//! 1. Read the request. Errors are shown here.
//! 2. If the hint names the signed-in user, end the session at once. Otherwise ask first.
//! 3. End the session, clear its cookie, and redirect to the registered URI of the client, or show a page.
//!
//! A cross-site POST has no cookie, so it continues as GET.

use crate::pending::Pending;
use crate::{hint, respond};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, Uri};
use latchkey::domain::change::Decision;
use latchkey::domain::oauth::authorization_response::with_query;
use latchkey::domain::oauth::logout::{IdTokenHint, Logout, LogoutRequest, log_out};
use latchkey::domain::session::sign_out;
use latchkey::web::browser::FormOrigin;
use latchkey::web::extract::FormBody;
use latchkey::web::{Browser, Page, Params, Problem, TenantHandle, session};
use minijinja::context;

const PAGE: &str = "logout";

/// Ends the session, or asks first.
///
/// # Errors
/// If the store or a key fails.
pub async fn get(handle: TenantHandle, browser: Browser, uri: Uri) -> Result<Response, Problem> {
    let parameters = Params::of_query(&uri)?;
    answer(&handle, &browser, &uri, &parameters, false).await
}

/// Handles the answer of the confirmation page. Any other POST continues as GET.
///
/// # Errors
/// If the form does not belong to this browser, or the store or a key fails.
pub async fn post(handle: TenantHandle, browser: Browser, uri: Uri, FormBody(form): FormBody) -> Result<Response, Problem> {
    if form.one("confirm")?.is_none() {
        let path = respond::path(&handle.tenant, "/oauth2/logout");
        return Ok(respond::see_other(&with_query(&path, form.iter())));
    }
    let pending = Pending::find(&handle, &uri).await?;
    let origin = browser.check_kept_form(&handle.tenant, PAGE, &pending.context(), form.one("anti_forgery")?)?;
    let parameters = Params::of_query(&uri)?;
    if origin == FormOrigin::Stale {
        let mut response = answer(&handle, &browser, &uri, &parameters, false).await?;
        if response.status() == StatusCode::OK {
            *response.status_mut() = StatusCode::FORBIDDEN;
        }
        return Ok(response);
    }
    answer(&handle, &browser, &uri, &parameters, true).await
}

async fn answer(
    handle: &TenantHandle,
    browser: &Browser,
    uri: &Uri,
    parameters: &Params,
    is_confirmed: bool,
) -> Result<Response, Problem> {
    let tenant = &handle.tenant;
    let locale = browser.locale(tenant, parameters.one("ui_locales")?);
    let hint = find_hint(handle, parameters)?;
    let request = LogoutRequest {
        client_id: parameters.one("client_id")?,
        post_logout_redirect_uri: parameters.one("post_logout_redirect_uri")?,
        state: parameters.one("state")?,
        hint: hint.as_ref(),
    };
    let found = session::find(handle, browser, None).await?;
    let signed_in = found.as_ref().map(|found| found.authentication.sub);
    let logout = match log_out(&tenant.config.clients, request, signed_in) {
        Ok(logout) => logout,
        Err(refusal) => return Ok(respond::show_error(tenant, &locale, "logout-refused", &refusal.to_string())),
    };
    if logout.ask && !is_confirmed {
        return ask(handle, browser, uri, &locale, &logout).await;
    }
    end(handle, browser).await?;
    let mut response = match (logout.return_to, is_confirmed) {
        (Some(return_to), _) => respond::see_other(&with_query(return_to, request.state.map(|state| ("state", state)))),
        // After a POST, redirect to the page, so that it can be reloaded.
        (None, true) => respond::see_other(&respond::path(tenant, "/oauth2/logout")),
        (None, false) => {
            let values = context! {
                client => logout.client.map(|client| client.client_name.get(&locale)),
                client_uri => logout.client.and_then(|client| client.client_uri.as_deref()),
                sign_in => respond::path(tenant, "/login"),
            };
            Page::new(tenant, &locale, "signed_out", values).languages(uri.query().unwrap_or_default()).into_response()
        }
    };
    browser.clear_session(&mut response);
    Ok(response)
}

/// Ends the session of the browser's cookie, if it is live.
async fn end(handle: &TenantHandle, browser: &Browser) -> Result<(), Problem> {
    let decide = || async {
        Ok::<_, Problem>(match session::find(handle, browser, None).await? {
            Some(found) => sign_out(&found.session, handle.now()),
            None => Decision::unchanged(()),
        })
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

async fn ask(
    handle: &TenantHandle,
    browser: &Browser,
    uri: &Uri,
    locale: &str,
    logout: &Logout<'_>,
) -> Result<Response, Problem> {
    let tenant = &handle.tenant;
    let pending = Pending::find(handle, uri).await?;
    let values = context! {
        client => logout.client.map(|client| client.client_name.get(locale)),
        stay => logout.client.and_then(|client| client.client_uri.as_deref()),
        anti_forgery => browser.anti_forgery(tenant, PAGE, &pending.context()),
    };
    let mut page = Page::new(tenant, locale, "sign_out", values).languages(uri.query().unwrap_or_default());
    if logout.return_to.is_some() {
        page = page.ends_at_client();
    }
    Ok(browser.answer(page.into_response()))
}

fn find_hint(handle: &TenantHandle, parameters: &Params) -> Result<Option<IdTokenHint>, Problem> {
    Ok(match parameters.one("id_token_hint")? {
        Some(token) => hint::verify(&handle.tenant, token)?,
        None => None,
    })
}
