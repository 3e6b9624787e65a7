//! Pages on the way from a page of a sign-in, such as the offer of a passkey: they return to it, and have no navigation beside them.

use axum::response::Response;
use http::StatusCode;
use latchkey::domain::oauth::authorization_response::with_query;
use latchkey::web::account::see_other;
use latchkey::web::passkey_offer::{RETURN_PARAMETER, is_address};
use latchkey::web::{AccountPage, AccountPageError, Section};
use serde::Serialize;

/// The page of a sign-in that led to this page, if one did. No other address is returned to.
pub(super) fn of(page: &AccountPage) -> Result<Option<&str>, AccountPageError> {
    let address = page.query.one(RETURN_PARAMETER)?;
    Ok(address.filter(|address| is_address(&page.handle.tenant, address)))
}

/// The address of a further page of the account on the way: it returns to the same page of a sign-in.
pub(super) fn along(page: &AccountPage, address: &str) -> Result<String, AccountPageError> {
    Ok(with_query(address, of(page)?.map(|back| (RETURN_PARAMETER, back))))
}

/// Where the way ends: at the page of a sign-in, or at this page of the account.
pub(super) fn end(page: &AccountPage, path: &str) -> Result<String, AccountPageError> {
    Ok(of(page)?.map_or_else(|| page.path(path), str::to_owned))
}

/// To the end of the way. The page of the account shows this result.
pub(super) fn done(page: &AccountPage, path: &str, result: &str) -> Result<Response, AccountPageError> {
    Ok(match of(page)? {
        Some(address) => page.browser.answer(see_other(address)),
        None => page.see_done(path, result),
    })
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
