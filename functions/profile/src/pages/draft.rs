//! What a user typed into a form after the session had ended. It travels sealed in the address, through the sign-in page and back, and is
//! shown again. Nothing is saved before the user presses the button. If it is too long to travel, the page says that it is lost.

use axum::response::Response;
use latchkey::domain::id::AccountId;
use latchkey::domain::time::{Span, Timestamp};
use latchkey::web::browser::ANTI_FORGERY_FIELD;
use latchkey::web::{AccountPage, AccountPageError, AdmittedUser, Params, Problem};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The parameter of the address.
const DRAFT: &str = "draft";
/// The result that a page shows instead of a draft that was too long.
const LOST: &str = "draft-lost";
/// The longest sealed draft: the address of the sign-in page must fit 9 KiB with its headers.
const MAX_SEALED: usize = 5 * 1024;
/// How long a draft can be opened.
const LIFETIME: Span = Span::minutes(60);

/// The draft of a page.
pub(super) enum Draft {
    /// None was kept.
    None,
    /// What was typed.
    Typed(Map<String, Value>),
    /// It was too long to be kept.
    Lost,
}

/// What to keep.
pub(super) struct Keep {
    /// The page of the form.
    pub(super) path: &'static str,
    /// The typed values; no password and no code.
    pub(super) typed: Map<String, Value>,
    /// Whether the user is signed in, and must confirm it.
    pub(super) confirms: bool,
}

#[derive(Serialize, Deserialize)]
struct StoredDraft {
    /// The account of the ended session, if the browser still has its cookie.
    account: Option<AccountId>,
    at: Timestamp,
    typed: Map<String, Value>,
}

/// Sends the user to sign in, and keeps what was typed.
pub(super) fn keep(page: &AccountPage, keep: Keep, form: &Params) -> Result<Response, AccountPageError> {
    // The session of the form is unknown, so its value cannot be checked. A form of another site is refused all the same.
    let _ = page.browser.check_kept_form(&page.handle.tenant, DRAFT, "", form.one(ANTI_FORGERY_FIELD)?)?;
    let Keep { path, typed, confirms } = keep;
    let account = page.browser.session.as_ref().map(|(session, _)| session.account);
    let draft = StoredDraft { account, at: page.handle.now(), typed };
    let plain = serde_json::to_vec(&draft).map_err(|_| Problem::internal())?;
    let sealed = page.handle.tenant.keys.locator()?.seal(DRAFT, &context(page, path), &plain)?;
    let target = if sealed.len() > MAX_SEALED {
        format!("{path}?done={LOST}&check={}", page.result_value(LOST))
    } else {
        format!("{path}?{DRAFT}={sealed}")
    };
    Ok(page.sign_in_to_open(&target, confirms))
}

/// The draft in the address, if it was typed in this browser, on this page, and not for another account.
pub(super) fn open(page: &AccountPage, path: &str, admitted: &AdmittedUser) -> Result<Draft, AccountPageError> {
    if page.own_done()? == Some(LOST) {
        return Ok(Draft::Lost);
    }
    let Some(sealed) = page.query.one(DRAFT)? else { return Ok(Draft::None) };
    let opened = page.handle.tenant.keys.locator()?.open(DRAFT, &context(page, path), sealed);
    let draft = opened.and_then(|plain| serde_json::from_slice::<StoredDraft>(&plain).ok());
    let is_own = |draft: &StoredDraft| draft.account.is_none_or(|account| account == admitted.presented.account());
    let is_fresh = |draft: &StoredDraft| page.handle.now().since(draft.at) <= LIFETIME;
    Ok(match draft.filter(|draft| is_own(draft) && is_fresh(draft)) {
        Some(draft) => Draft::Typed(draft.typed),
        None => Draft::None,
    })
}

/// What a draft is bound to: the browser and the page.
fn context(page: &AccountPage, path: &str) -> Vec<u8> {
    let binding = page.browser.binding();
    // Drafts of the release before are of the profile page, and have no path.
    let path = if path == "/account" { "" } else { path };
    [binding.as_bytes().as_slice(), path.as_bytes()].concat()
}
