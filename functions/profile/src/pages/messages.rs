//! Messages of the account pages.

use latchkey::domain::time::Timestamp;
use latchkey::locale::{self, FluentValue};
use latchkey::web::{AccountPage, Problem};

/// The result of the previous page's form, in words. The address names it. Only known names are shown, and only those that this browser
/// made: another person's link must not claim that something was done.
pub(super) fn done_message(page: &AccountPage, names: &[&'static str]) -> Result<Option<String>, Problem> {
    let named = page.own_done()?;
    let name = names.iter().find(|name| named == Some(**name));
    Ok(name.map(|name| page_message(page, &format!("account-done-{name}"))))
}

/// A message in the language of the page.
pub(super) fn page_message(page: &AccountPage, id: &str) -> String {
    locale::message(&page.locale, id, [])
}

/// Why no code is mailed to an address that was changed a moment ago.
pub(super) fn changed_address(page: &AccountPage, until: Timestamp) -> String {
    let date = FluentValue::from(locale::date(&page.locale, until));
    locale::message(&page.locale, "confirm-address-changed", [("date", date)])
}
