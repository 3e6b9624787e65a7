//! `/oauth2/logout`: RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0; security 58, 62, 64).
//!
//! 1. Read the request. What is wrong with it is shown here, with the question whether to sign out.
//! 2. If the hint names the signed-in user, end the session at once. Otherwise ask first.
//! 3. End the session, clear its cookie, and redirect to the registered URI of the client, or show a page.
//!
//! A cross-site POST has no cookie, so it continues as GET. An ID token must not get into the address, because addresses end up in logs and
//! histories. The address has a sealed note of what the token says instead.

use crate::pending::Pending;
use crate::{hint, respond};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, Uri};
use latchkey::domain::change::Decision;
use latchkey::domain::oauth::authorization_response::with_query;
use latchkey::domain::oauth::logout::{IdTokenHint, Logout, LogoutHint, LogoutRequest, log_out};
use latchkey::domain::session::sign_out;
use latchkey::domain::time::{Span, Timestamp};
use latchkey::locale::message;
use latchkey::web::browser::FormOrigin;
use latchkey::web::extract::FormBody;
use latchkey::web::funnel::Outcome;
use latchkey::web::{Browser, Page, Params, Problem, TenantHandle, session};
use minijinja::context;
use serde_json::{Value, json};

const PAGE: &str = "logout";

/// Ends the session, or asks first.
///
/// # Errors
/// If the store or a key fails.
pub async fn get(handle: TenantHandle, browser: Browser, uri: Uri) -> Result<Response, Problem> {
    let parameters = Params::of_query(&uri)?;
    answer(&handle, &browser, &uri, &parameters, Answer::None).await
}

/// What the user answered to the question whether to sign out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Nothing yet.
    None,
    /// Something, by a stale form.
    Stale,
    /// To sign out.
    Confirmed,
}

/// Handles the answer of the confirmation page. Any other POST continues as GET.
///
/// # Errors
/// If the form does not belong to this browser, or the store or a key fails.
pub async fn post(handle: TenantHandle, browser: Browser, uri: Uri, FormBody(form): FormBody) -> Result<Response, Problem> {
    if form.one("confirm")?.is_none() {
        let path = respond::path(&handle.tenant, "/oauth2/logout");
        let sealed = match form.one("id_token_hint")? {
            Some(token) => Some(seal_hint(&handle, token)?),
            None => None,
        };
        let parameters = form.iter().filter(|(name, _)| *name != "id_token_hint" && *name != SEALED_HINT);
        let parameters = parameters.chain(sealed.iter().map(|sealed| (SEALED_HINT, sealed.as_str())));
        return Ok(respond::see_other(&with_query(&path, parameters)));
    }
    let pending = Pending::find(&handle, &uri).await?;
    let origin = browser.check_kept_form(&handle.tenant, PAGE, &pending.context(), form.one("anti_forgery")?)?;
    let parameters = Params::of_query(&uri)?;
    if origin == FormOrigin::Stale {
        return Ok(Outcome::Expired.tag(answer(&handle, &browser, &uri, &parameters, Answer::Stale).await?));
    }
    answer(&handle, &browser, &uri, &parameters, Answer::Confirmed).await
}

async fn answer(
    handle: &TenantHandle,
    browser: &Browser,
    uri: &Uri,
    parameters: &Params,
    given: Answer,
) -> Result<Response, Problem> {
    let tenant = &handle.tenant;
    let locale = browser.locale(tenant, parameters.one("ui_locales")?);
    let hint = find_hint(handle, parameters)?;
    let request = LogoutRequest {
        client_id: parameters.one("client_id")?,
        post_logout_redirect_uri: parameters.one("post_logout_redirect_uri")?,
        state: parameters.one("state")?,
        hint: hint.as_logout_hint(),
    };
    let found = session::find(handle, browser, None).await?;
    let signed_in = found.as_ref().map(|found| found.authentication.sub);
    let logout = log_out(&tenant.config.clients, request, signed_in);
    if let Some(flaw) = logout.flaw {
        tracing::info!(%flaw, "sign-out request with a flaw");
    }
    let is_confirmed = given == Answer::Confirmed;
    // A stale form ends no session that was signed in. Without one, there is nothing to ask.
    if (logout.ask && !is_confirmed) || (given == Answer::Stale && signed_in.is_some()) {
        return ask(handle, browser, uri, &locale, &logout, given == Answer::Stale).await;
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
                flaw => logout.flaw.map(|flaw| flaw.to_string()),
            };
            let page = Page::new(tenant, &locale, "signed_out", values).status(status(&logout));
            page.languages(uri.query().unwrap_or_default()).into_response()
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
    is_stale: bool,
) -> Result<Response, Problem> {
    let tenant = &handle.tenant;
    let pending = Pending::find(handle, uri).await?;
    let values = context! {
        client => logout.client.map(|client| client.client_name.get(locale)),
        stay => logout.client.and_then(|client| client.client_uri.as_deref()),
        account => respond::path(tenant, "/account"),
        flaw => logout.flaw.map(|flaw| flaw.to_string()),
        notice => is_stale.then(|| message(locale, "form-stale", [])),
        anti_forgery => browser.anti_forgery(tenant, PAGE, &pending.context()),
    };
    let status = if is_stale { StatusCode::FORBIDDEN } else { status(logout) };
    let mut page = Page::new(tenant, locale, "sign_out", values).status(status).languages(uri.query().unwrap_or_default());
    if logout.return_to.is_some() {
        page = page.ends_at_client();
    }
    Ok(browser.answer(page.into_response()))
}

fn status(logout: &Logout<'_>) -> StatusCode {
    if logout.flaw.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK }
}

/// The parameter with the sealed content of a hint that was sent by POST.
const SEALED_HINT: &str = "lk_hint";
/// How long the GET may follow the POST, with the time that a user takes to answer the question.
const SEALED_LIFETIME: Span = Span::minutes(10);

/// The hint of a request.
enum FoundHint {
    Absent,
    Unreadable,
    Verified(IdTokenHint),
}

impl FoundHint {
    fn as_logout_hint(&self) -> LogoutHint<'_> {
        match self {
            Self::Absent => LogoutHint::Absent,
            Self::Unreadable => LogoutHint::Unreadable,
            Self::Verified(hint) => LogoutHint::Verified(hint),
        }
    }
}

fn find_hint(handle: &TenantHandle, parameters: &Params) -> Result<FoundHint, Problem> {
    let hint = match (parameters.one("id_token_hint")?, parameters.one(SEALED_HINT)?) {
        (Some(token), _) => hint::verify(&handle.tenant, token)?,
        (None, Some(sealed)) => open_hint(handle, sealed)?,
        (None, None) => return Ok(FoundHint::Absent),
    };
    Ok(hint.map_or(FoundHint::Unreadable, FoundHint::Verified))
}

/// Seals what a hint says, and the time. A hint that can not be read becomes a value that does not open.
fn seal_hint(handle: &TenantHandle, token: &str) -> Result<String, Problem> {
    let Some(IdTokenHint { sub, audience }) = hint::verify(&handle.tenant, token)? else { return Ok("unreadable".to_owned()) };
    let note = json!({ "sub": sub.to_string(), "aud": audience, "at": handle.now().millis() });
    Ok(handle.tenant.keys.locator()?.seal(SEALED_HINT, b"", note.to_string().as_bytes())?)
}

fn open_hint(handle: &TenantHandle, sealed: &str) -> Result<Option<IdTokenHint>, Problem> {
    let opened = handle.tenant.keys.locator()?.open(SEALED_HINT, b"", sealed);
    Ok(opened.and_then(|plain| read_note(&plain, handle.now())))
}

fn read_note(plain: &[u8], now: Timestamp) -> Option<IdTokenHint> {
    let note: Value = serde_json::from_slice(plain).ok()?;
    let at = Timestamp::from_millis(note.get("at")?.as_i64()?);
    let audience = note.get("aud")?.as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let hint = IdTokenHint { sub: note.get("sub")?.as_str()?.parse().ok()?, audience };
    (now.since(at) <= SEALED_LIFETIME).then_some(hint)
}
