//! The response after a completed sign-in by any method: where the user continues, and the cookies.

use crate::pending::{InteractionResult, Pending};
use crate::respond;
use axum::response::Response;
use latchkey::domain::identifier::IdentifierHash;
use latchkey::domain::oauth::authorize::Interaction;
use latchkey::domain::requirements::are_satisfied;
use latchkey::domain::satisfied::Requirements;
use latchkey::domain::session::Session;
use latchkey::domain::time::Timestamp;
use latchkey::keys::KeyError;
use latchkey::services::Tenant;
use latchkey::web::passkey_offer;
use latchkey::web::session::NewSessionSecrets;
use latchkey::web::{Browser, Problem, TenantHandle};

/// A completed sign-in.
pub struct SignedIn<'a> {
    /// The session.
    pub session: &'a Session,
    /// The time of the first step, or of the only one.
    pub since: Timestamp,
    /// The address of the account.
    pub identifier: IdentifierHash,
    /// Whether the account does not know the device yet.
    pub new_device: bool,
    /// The requirements of the tenant document that the account satisfied last.
    pub satisfied: Option<Requirements>,
    /// Whether a passkey is offered before the user continues.
    pub offers_passkey: bool,
}

/// Whether a signed-in user confirms their identity for an account page.
#[must_use]
pub fn is_confirmation(pending: &Pending) -> bool {
    pending.hint("prompt") == Some("login")
}

/// 303 to the authorization request, with a marker that the user has signed in for it; to the account page that asked; or to what is due. If
/// nothing is due, the offer of a passkey may come first: the user is interrupted once.
///
/// # Errors
/// If sealing fails.
pub fn proceed(
    handle: &TenantHandle,
    browser: &Browser,
    pending: &Pending,
    secrets: &NewSessionSecrets,
    signed_in: &SignedIn<'_>,
) -> Result<Response, Problem> {
    let (tenant, session) = (&handle.tenant, signed_in.session);
    let is_due = !are_satisfied(signed_in.satisfied, &tenant.config.registration, handle.now());
    // Where a second factor is required, its page has passkeys, too.
    let asks_for_factor = tenant.config.sign_in.second_factor.is_in_force(handle.now());
    let offers_passkey = signed_in.offers_passkey && !is_due && !asks_for_factor;
    let location = if pending.is_request() {
        let interaction = Interaction { sid: session.id, at: handle.now(), since: signed_in.since };
        let next = if offers_passkey { passkey_offer::PATH } else { "/oauth2/authorize" };
        pending.address_at(tenant, next, InteractionResult::SignedIn, interaction)?
    } else if !is_confirmation(pending) && is_due {
        // A confirmation on an account page is no sign-in: export and deletion stay reachable.
        pending.continue_at(tenant, "/complete")
    } else if !is_confirmation(pending) && offers_passkey {
        pending.continue_at(tenant, passkey_offer::PATH)
    } else {
        pending.return_to(tenant).map_or_else(|| pending.continue_at(tenant, "/login"), str::to_owned)
    };
    let mut response = respond::see_other(&location);
    secrets.set_cookies(&mut response, handle, browser, session, signed_in.identifier, signed_in.new_device);
    Ok(browser.answer(response))
}

/// Where a user continues who signed in a moment ago, if the form comes again: the reply was lost.
///
/// # Errors
/// If sealing fails.
pub fn location_again(pending: &Pending, tenant: &Tenant, interaction: Interaction) -> Result<String, KeyError> {
    if pending.is_request() {
        return pending.address_after(tenant, InteractionResult::SignedIn, interaction);
    }
    Ok(pending.return_to(tenant).map_or_else(|| pending.continue_at(tenant, "/login"), str::to_owned))
}

/// 303 to the authorization request after a second step of a signed-in user. It is no sign-in: what was proven before stays as old as it was.
///
/// # Errors
/// If sealing fails.
pub fn proceed_after_step(
    handle: &TenantHandle,
    browser: &Browser,
    pending: &Pending,
    secrets: &NewSessionSecrets,
    signed_in: &SignedIn<'_>,
) -> Result<Response, Problem> {
    let (tenant, session) = (&handle.tenant, signed_in.session);
    let location = pending.address_with_result(tenant, InteractionResult::Stepped, session.id, handle.now())?;
    let mut response = respond::see_other(&location);
    secrets.set_cookies(&mut response, handle, browser, session, signed_in.identifier, signed_in.new_device);
    Ok(browser.answer(response))
}
