//! The offer of a passkey between a sign-in and the application: its address, and what a browser remembers of it.
//!
//! 1. The script of a page says in a field of its form whether the device can keep a passkey. Without a script nothing is offered.
//! 2. The answer is remembered in a sealed cookie, for some months and for each account. Nothing is stored for it.

use super::account::path_of;
use super::browser::Browser;
use super::extract::{TenantHandle, is_local_path};
use super::passkey::RelyingParty;
use crate::domain::id::AccountId;
use crate::domain::time::{Span, Timestamp};
use crate::services::Tenant;
use axum::response::Response;

/// The page of the offer.
pub const PATH: &str = "/login/passkey/offer";
/// The page that asks to set up a factor, because the tenant document or the application needs one.
pub const ENROLL_PATH: &str = "/login/enroll";
/// The field of a form in which the script says that the device can keep a passkey.
pub const DEVICE_FIELD: &str = "keeps_passkeys";
/// The parameter of account pages with the page of a sign-in to return to: the offer, or the page that asks to set up a factor.
pub const RETURN_PARAMETER: &str = "offer";

/// The longest request in the address of such a page, when that travels inside the address of an account page. A longer one is stored.
pub const MAX_INSIDE_ADDRESS: usize = 1024;

/// How long a browser remembers the answer.
const ANSWER_KEPT: Span = Span::days(180);
/// The most accounts that a browser remembers.
const MAX_ANSWERS: usize = 5;

/// Whether account pages may continue at this address: the offer of this tenant, or the page that asks to set up a factor.
#[must_use]
pub fn is_address(tenant: &Tenant, address: &str) -> bool {
    let is_page = |path| {
        let rest = address.strip_prefix(&path_of(tenant, path));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('?'))
    };
    is_local_path(address) && [PATH, ENROLL_PATH].into_iter().any(is_page)
}

/// Whether this browser can be asked: the tenant has passkeys and offers them, and the user has not answered here for a while.
#[must_use]
pub fn is_open(handle: &TenantHandle, browser: &Browser, account: AccountId) -> bool {
    let was_answered = answers(browser.passkey_answers(), handle.now()).any(|(answered, _)| answered == account);
    let offers = handle.tenant.config.passkeys.offer && RelyingParty::of(&handle.tenant).is_some();
    offers && !was_answered
}

/// Remembers in this browser that the user of this account has answered.
pub fn remember_answer(handle: &TenantHandle, browser: &Browser, response: &mut Response, account: AccountId) {
    let now = handle.now();
    let others = answers(browser.passkey_answers(), now).filter(|(answered, _)| *answered != account);
    let plain: Vec<u8> = std::iter::once((account, now))
        .chain(others)
        .take(MAX_ANSWERS)
        .flat_map(|(account, at)| [account.as_bytes().as_slice(), &at.millis().to_be_bytes()].concat())
        .collect();
    browser.keep_passkey_answers(response, &handle.tenant, &plain, ANSWER_KEPT);
}

/// The answers in an opened cookie that still count, newest first.
fn answers(opened: &[u8], now: Timestamp) -> impl Iterator<Item = (AccountId, Timestamp)> {
    let read = |entry: &[u8]| {
        let (account, at) = entry.split_first_chunk::<16>()?;
        Some((AccountId::from_bytes(*account), Timestamp::from_millis(i64::from_be_bytes(at.try_into().ok()?))))
    };
    opened.chunks(24).filter_map(read).filter(move |(_, at)| *at <= now && now < *at + ANSWER_KEPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_for_its_account_and_its_time() {
        let now = Timestamp::from_seconds(1_000_000_000);
        let (ada, bob) = (AccountId::from_bytes([1; 16]), AccountId::from_bytes([2; 16]));
        let entry = |account: AccountId, at: Timestamp| [account.as_bytes().as_slice(), &at.millis().to_be_bytes()].concat();
        let cookie = [entry(ada, now - Span::days(1)), entry(bob, now - ANSWER_KEPT)].concat();
        let counting: Vec<AccountId> = answers(&cookie, now).map(|(account, _)| account).collect();
        assert_eq!(counting, [ada]);
        // One from the future, and a cut one.
        assert_eq!(answers(&entry(ada, now + Span::days(1)), now).count(), 0);
        assert_eq!(answers(&cookie[..23], now).count(), 0);
        assert_eq!(answers(b"", now).count(), 0);
    }
}
