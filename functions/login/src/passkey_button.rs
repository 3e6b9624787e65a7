//! The button of passkeys, on the sign-in page and on the page of the second step.

use crate::pending::Pending;
use latchkey::web::passkey::{RelyingParty, SCRIPT_PATH, sign_in_options};
use latchkey::web::{Browser, TenantHandle};
use minijinja::{Value, context};

/// The page that the forms of a sign-in belong to.
pub(crate) const PAGE: &str = "login";

/// What the button of passkeys needs, if the tenant has them: the same for everyone (security 86).
pub(crate) fn of(handle: &TenantHandle, browser: &Browser, pending: &Pending) -> Option<Value> {
    let tenant = &handle.tenant;
    let party = RelyingParty::of(tenant)?;
    let options = sign_in_options(handle, browser, &party, &pending.context()).ok()?;
    Some(context! {
        options => options.to_string(),
        action => pending.continue_step_at(tenant, "/login/passkey"),
        renew => pending.continue_at(tenant, "/login/passkey/options"),
        script => SCRIPT_PATH.as_str(),
        anti_forgery => browser.anti_forgery(tenant, PAGE, &pending.context()),
    })
}
