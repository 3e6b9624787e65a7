//! What a sign-in makes of a remembered device (security 160).

use crate::pending::Pending;
use crate::signed_in::is_confirmation;
use latchkey::domain::known_device::RememberedUntil;
use latchkey::domain::oauth::authorization_request::AuthorizationRequest;
use latchkey::domain::sign_in::complete::Remembering;
use latchkey::services::Tenant;
use latchkey::web::{Params, Problem, TenantHandle};

/// The field of the choice on the page of the second step.
pub(crate) const FIELD: &str = "remember_device";

/// For a first step. A device counts for nothing where the user confirms a change on an account page, or the client asks for the user now: the
/// device says nothing about who uses it.
pub(crate) fn of_first_step(tenant: &Tenant, pending: &Pending, request: Option<&AuthorizationRequest<'_>>) -> Remembering {
    let is_allowed = tenant.config.sign_in.remember_device.is_some();
    let is_accepted = match request {
        Some(request) => request.accepts_remembered_device(),
        None => !is_confirmation(pending),
    };
    if is_allowed && is_accepted { Remembering::Accepted } else { Remembering::Off }
}

/// For a second step: what the user chose.
pub(crate) fn of_second_step(handle: &TenantHandle, form: &Params) -> Result<Remembering, Problem> {
    let is_chosen = form.one(FIELD)? == Some("true");
    let span = handle.tenant.config.sign_in.remember_device.filter(|_| is_chosen);
    Ok(span.map_or(Remembering::Off, |span| Remembering::Begins(RememberedUntil::after(span, handle.now()))))
}
