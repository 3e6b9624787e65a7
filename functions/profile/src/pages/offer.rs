//! Pages on the way from the offer of a passkey: they return to it, and have no navigation beside them.

use axum::response::Response;
use http::StatusCode;
use latchkey::web::passkey_offer::{RETURN_PARAMETER, is_address};
use latchkey::web::{AccountPage, AccountPageError, Section};
use serde::Serialize;

/// The offer that led to this page, if one did. No other address is returned to.
pub(super) fn of(page: &AccountPage) -> Result<Option<&str>, AccountPageError> {
    let address = page.query.one(RETURN_PARAMETER)?;
    Ok(address.filter(|address| is_address(&page.handle.tenant, address)))
}

/// The page: without the layout of the account, if an offer led to it.
pub(super) fn show(
    page: &AccountPage,
    section: Section,
    template: &'static str,
    status: StatusCode,
    values: impl Serialize,
) -> Response {
    match of(page) {
        Ok(Some(_)) => page.plain(template, status, values),
        Ok(None) | Err(_) => page.show(section, template, status, values),
    }
}
