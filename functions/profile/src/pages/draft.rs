//! What a user typed into the profile form after the session had ended. It travels sealed in the address, through the sign-in page and back,
//! and is shown again. Nothing is saved before the user presses the button.

use axum::response::Response;
use latchkey::domain::id::AccountId;
use latchkey::domain::time::{Span, Timestamp};
use latchkey::web::{AccountPage, AccountPageError, AdmittedUser, Problem};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The parameter of the address.
const DRAFT: &str = "draft";
/// The longest sealed draft: the address of the sign-in page must fit 9 KiB with its headers.
const MAX_SEALED: usize = 5 * 1024;
/// How long a draft can be opened.
const LIFETIME: Span = Span::minutes(60);

#[derive(Serialize, Deserialize)]
struct Draft {
    /// The account of the ended session, if the browser still has its cookie.
    account: Option<AccountId>,
    at: Timestamp,
    typed: Map<String, Value>,
}

/// Sends the user to sign in, and keeps what was typed.
pub(super) fn keep(page: &AccountPage, typed: &Map<String, Value>, value: Option<&str>) -> Result<Response, AccountPageError> {
    // The session of the form is unknown, so its value cannot be checked. A form of another site is refused all the same.
    let _ = page.browser.check_kept_form(&page.handle.tenant, DRAFT, "", value)?;
    let account = page.browser.session.as_ref().map(|(session, _)| session.account);
    let draft = Draft { account, at: page.handle.now(), typed: typed.clone() };
    let plain = serde_json::to_vec(&draft).map_err(|_| Problem::internal())?;
    let sealed = page.handle.tenant.keys.locator()?.seal(DRAFT, page.browser.binding().as_bytes(), &plain)?;
    if sealed.len() > MAX_SEALED {
        return Err(AccountPageError::SignIn);
    }
    Ok(page.sign_in_to_open(&format!("/account?{DRAFT}={sealed}")))
}

/// The draft in the address, if it was typed in this browser and not for another account.
pub(super) fn open(page: &AccountPage, admitted: &AdmittedUser) -> Result<Option<Map<String, Value>>, AccountPageError> {
    let Some(sealed) = page.query.one(DRAFT)? else { return Ok(None) };
    let opened = page.handle.tenant.keys.locator()?.open(DRAFT, page.browser.binding().as_bytes(), sealed);
    let draft = opened.and_then(|plain| serde_json::from_slice::<Draft>(&plain).ok());
    let is_own = |draft: &Draft| draft.account.is_none_or(|account| account == admitted.presented.account());
    let is_fresh = |draft: &Draft| page.handle.now().since(draft.at) <= LIFETIME;
    Ok(draft.filter(|draft| is_own(draft) && is_fresh(draft)).map(|draft| draft.typed))
}
