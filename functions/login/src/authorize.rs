//! `/oauth2/authorize` (RFC 6749 §4.1, OpenID Connect Core §3.1.2, RFC 9207; security 1–19).
//!
//! 1. Validate the request. Errors are shown here, or returned to the redirect URI.
//! 2. Read session, account and consent in one request.
//! 3. Decide: sign-in page, page of what is due, consent page, a code, or an error.
//! 4. Commit a code before it is sent.
//!
//! A POST request is stored and continues as GET: browsers do not send cookies with a cross-site POST.

use crate::enroll::{self, factor_rules};
use crate::pending::Pending;
use crate::{complete, hint, respond};
use axum::extract::State;
use axum::response::Response;
use http::Uri;
use latchkey::domain::id::Sub;
use latchkey::domain::oauth::authorization_request::{AuthorizationRequest, validate};
use latchkey::domain::oauth::authorization_response::with_query;
use latchkey::domain::oauth::authorize::{AccountDue, Authorized, NewCode, Policies, SignedIn, authorize};
use latchkey::domain::oauth::error::OAuthErrorCode;
use latchkey::domain::secret::hash_secret;
use latchkey::keys::KeyError;
use latchkey::keys::locator::GrantLocator;
use latchkey::services::{Services, Tenant};
use latchkey::web::extract::FormBody;
use latchkey::web::funnel::{Funnel, Method, Outcome, Step};
use latchkey::web::{Browser, Problem, TenantHandle, session, stored_request};

/// Handles the request in the query.
///
/// # Errors
/// If the store or a key fails.
pub async fn get(
    State(services): State<Services>,
    funnel: Funnel,
    handle: TenantHandle,
    browser: Browser,
    uri: Uri,
) -> Result<Response, Problem> {
    let tenant = &handle.tenant;
    let pending = Pending::find(&handle, &uri).await?;
    let locale = browser.locale(tenant, pending.hint("ui_locales"));
    let request = match pending.validate(tenant) {
        Ok(request) => request,
        Err(refusal) => return Ok(respond::refuse(tenant, &locale, &refusal)),
    };
    let expected = match find_hint(tenant, &request)? {
        Hint::Absent => None,
        Hint::Subject(sub) => Some(sub),
        // The hint is optional, so a request with an unreadable one continues as without it. Without a page there is no user to
        // ask, and whether the signed-in one is expected is unknown.
        Hint::Invalid if !request.prompt.none => None,
        Hint::Invalid => {
            let description = "id_token_hint is not an ID token for this client; sign in again";
            let answer = request.return_to.error(&tenant.issuer, OAuthErrorCode::LoginRequired, description);
            return Ok(Outcome::Refused.tag(respond::to_client(tenant, &locale, &answer)));
        }
    };
    let interactions = pending.interactions(tenant)?;
    if interactions.signed_in.or(interactions.consented).or(interactions.completed).is_some() {
        funnel.enter(Step::Authorization, Method::Interaction);
    }
    let policies = Policies { session: &tenant.config.session, token: &tenant.config.token, factors: factor_rules(tenant) };
    let (grant, secret) = (services.random.grant_id(), services.random.secret());
    let new = NewCode { grant, secret_hash: hash_secret(&secret) };
    let outcome = tenant
        .store
        .decide(&handle.request, || async {
            let found = session::find(&handle, &browser, Some(&request.client.client_id)).await?;
            let due = match &found {
                Some(found) => complete::due_of(&handle, found, interactions).await?,
                None => AccountDue::Nothing,
            };
            let signed_in = found.as_ref().map(|found| SignedIn {
                session: &found.session,
                authentication: &found.authentication,
                consent: found.consent.as_ref(),
                due,
            });
            Ok::<_, Problem>(authorize(&request, signed_in, expected, interactions, policies, new, handle.now()))
        })
        .await?;
    let response = match outcome {
        Authorized::SignIn => {
            let pending = pending.shortened(services.random, &handle).await?;
            Outcome::SignInRequired.tag(respond::see_other(&pending.continue_at(tenant, "/login")))
        }
        Authorized::StepUp { level: _ } => {
            let pending = pending.shortened(services.random, &handle).await?;
            Outcome::SignInRequired.tag(respond::see_other(&pending.continue_at(tenant, "/login/second-step")))
        }
        Authorized::Enroll(_) => {
            let pending = pending.shortened(services.random, &handle).await?;
            Outcome::EnrollmentRequired.tag(respond::see_other(&pending.continue_at(tenant, enroll::PATH)))
        }
        Authorized::AskDue => {
            let pending = pending.shortened(services.random, &handle).await?;
            Outcome::CompletionRequired.tag(respond::see_other(&pending.continue_at(tenant, "/complete")))
        }
        Authorized::AskConsent => {
            let pending = pending.shortened(services.random, &handle).await?;
            Outcome::ConsentRequired.tag(respond::see_other(&pending.continue_at(tenant, "/consent")))
        }
        Authorized::Refused { error, description } => {
            let answer = request.return_to.error(&tenant.issuer, error, description);
            Outcome::Refused.tag(respond::to_client(tenant, &locale, &answer))
        }
        Authorized::Code { account, sid } => {
            let locator = GrantLocator { account, grant, session: Some(sid), generation: 0 };
            let code = tenant.keys.locator()?.authorization_code(&locator, &secret);
            respond::to_client(tenant, &locale, &request.return_to.code(&tenant.issuer, code))
        }
    };
    Ok(response)
}

/// Stores a POST request and continues it as GET. Errors are answered at once.
///
/// # Errors
/// If the store or a key fails.
pub async fn post(
    State(services): State<Services>,
    handle: TenantHandle,
    browser: Browser,
    FormBody(form): FormBody,
) -> Result<Response, Problem> {
    let tenant = &handle.tenant;
    // Never accept our own parameters from a form: any site can send one.
    let parameters: Vec<_> = form.iter().filter(|(name, _)| !name.starts_with("lk_")).collect();
    if let Err(refusal) = validate(&tenant.config.clients, parameters.iter().copied()) {
        let locale = browser.locale(tenant, None);
        return Ok(respond::refuse(tenant, &locale, &refusal));
    }
    let query = with_query("", parameters).split_off(1);
    let stored = stored_request::store(services.random, &handle, &query).await?;
    Ok(respond::see_other(&format!("{}?{stored}", respond::path(tenant, "/oauth2/authorize"))))
}

/// The result of checking an `id_token_hint`.
enum Hint {
    Absent,
    Subject(Sub),
    /// Not our token, or made for another client.
    Invalid,
}

fn find_hint(tenant: &Tenant, request: &AuthorizationRequest<'_>) -> Result<Hint, KeyError> {
    let Some(token) = request.id_token_hint.as_deref() else { return Ok(Hint::Absent) };
    let client_id = request.client.client_id.as_str();
    let hint = hint::verify(tenant, token)?.filter(|hint| hint.audience.iter().any(|audience| audience == client_id));
    Ok(hint.map_or(Hint::Invalid, |hint| Hint::Subject(hint.sub)))
}
