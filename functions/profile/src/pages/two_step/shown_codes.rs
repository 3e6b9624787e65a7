//! New recovery codes on their way to the page that shows them. Only their hashes are stored, so they travel in its address, sealed for this
//! browser and account. They are shown until the user has typed one of them, for at most fifteen minutes.

use super::CODES;
use latchkey::domain::id::AccountId;
use latchkey::domain::recovery_codes::RecoveryCodes;
use latchkey::domain::secret::SecretText;
use latchkey::domain::time::{Span, Timestamp};
use latchkey::web::{AccountPage, AccountPageError, AdmittedUser, Problem};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The parameter of the address, and the field of the form.
pub(super) const PARAMETER: &str = "codes";
const LABEL: &str = "recovery codes";
const LIFETIME: Span = Span::minutes(15);

#[derive(Serialize, Deserialize)]
struct Sealed {
    at: Timestamp,
    codes: Vec<String>,
}

/// The address of the page that shows these codes.
pub(super) fn address(page: &AccountPage, account: AccountId, codes: &[SecretText]) -> Result<String, AccountPageError> {
    let codes = codes.iter().map(|code| code.expose().to_owned()).collect();
    let sealed = Sealed { at: page.handle.now(), codes };
    let plain = Zeroizing::new(serde_json::to_vec(&sealed).map_err(|_| Problem::internal())?);
    let sealed = page.handle.tenant.keys.locator()?.seal(LABEL, &context(page, account), &plain)?;
    Ok(format!("{CODES}?{PARAMETER}={sealed}"))
}

/// The codes of this value, if this browser may still show them: they are the account's present ones, and were not kept yet.
pub(super) fn open(
    page: &AccountPage,
    admitted: &AdmittedUser,
    value: Option<&str>,
) -> Result<Option<Vec<String>>, AccountPageError> {
    let stored = admitted.principal.snapshot.recovery_codes.as_ref();
    let (Some(value), Some(stored)) = (value, stored.filter(|codes| !codes.are_kept)) else { return Ok(None) };
    let context = context(page, admitted.presented.account());
    let opened = page.handle.tenant.keys.locator()?.open(LABEL, &context, value).map(Zeroizing::new);
    let sealed = opened.and_then(|plain| serde_json::from_slice::<Sealed>(&plain).ok());
    let is_fresh = |sealed: &Sealed| page.handle.now().since(sealed.at) <= LIFETIME;
    Ok(sealed.filter(|sealed| is_fresh(sealed) && are_of(stored, sealed)).map(|sealed| sealed.codes))
}

/// Whether these codes were not replaced since.
fn are_of(stored: &RecoveryCodes, sealed: &Sealed) -> bool {
    sealed.codes.iter().any(|code| stored.find(&SecretText::from(code.as_str())).is_some())
}

fn context(page: &AccountPage, account: AccountId) -> Vec<u8> {
    [page.browser.binding().as_bytes().as_slice(), account.as_bytes()].concat()
}
