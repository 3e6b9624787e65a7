//! The user name on the page for a new password, so that a password manager stores the password with it.
//!
//! The flow has no address. The typed one travels sealed in the address of the page, for this browser only. The mailed link proves the
//! mailbox, so its page shows the stored address.

use crate::consent::find_email_of;
use crate::pending::USERNAME;
use latchkey::domain::flow::Flow;
use latchkey::keys::KeyError;
use latchkey::web::{Browser, Problem, TenantHandle};

/// The value of the parameter with the typed address.
pub(crate) fn seal(handle: &TenantHandle, browser: &Browser, typed: &str) -> Result<String, KeyError> {
    handle.tenant.keys.locator()?.seal(USERNAME, browser.binding().as_bytes(), typed.as_bytes())
}

/// The address that was typed in this browser.
pub(crate) fn open(handle: &TenantHandle, browser: &Browser, sealed: Option<&str>) -> Result<Option<String>, Problem> {
    let Some(sealed) = sealed else { return Ok(None) };
    let opened = handle.tenant.keys.locator()?.open(USERNAME, browser.binding().as_bytes(), sealed);
    Ok(opened.and_then(|plain| String::from_utf8(plain).ok()))
}

/// The stored address of the account that the flow is about.
pub(crate) async fn find_stored(handle: &TenantHandle, flow: &Flow) -> Result<Option<String>, Problem> {
    let Some(account) = handle.tenant.store.find_account(&flow.identifier).await? else { return Ok(None) };
    find_email_of(handle, account).await
}
