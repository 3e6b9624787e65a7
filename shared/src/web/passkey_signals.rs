//! What a page tells the browser's password manager about passkeys (WebAuthn 3 §5.1.10): it hides what no longer works, and shows the present
//! name of the account. The script passes it on. A browser without these calls ignores it.
//!
//! 1. A passkey is called unknown only if a consistent read found its account here, and neither the passkey nor the claim of its id. One that was
//!    removed a few days ago is still claimed: an undo can put it back.
//! 2. The list of accepted passkeys is complete, and has removed ones for as long as an undo can put them back.

use super::passkey::RelyingParty;
use crate::domain::id::AccountId;
use crate::domain::passkey::Passkey;
use data_encoding::BASE64URL_NOPAD;
use serde_json::json;

/// The passkey with this id is unknown here.
#[must_use]
pub fn unknown(party: &RelyingParty, credential: &[u8]) -> String {
    json!({ "signalUnknownCredential": { "rpId": party.id, "credentialId": BASE64URL_NOPAD.encode(credential) } }).to_string()
}

/// All passkeys of the account, removed ones that are kept included.
#[must_use]
pub fn all_accepted(party: &RelyingParty, account: AccountId, stored: &[Passkey]) -> String {
    let ids: Vec<String> = stored.iter().map(|passkey| BASE64URL_NOPAD.encode(&passkey.credential_id)).collect();
    let user = BASE64URL_NOPAD.encode(account.as_bytes());
    json!({ "signalAllAcceptedCredentials": { "rpId": party.id, "userId": user, "allAcceptedCredentialIds": ids } }).to_string()
}

/// The present address and name of the account.
#[must_use]
pub fn user_details(party: &RelyingParty, account: AccountId, name: &str, display_name: &str) -> String {
    let user = BASE64URL_NOPAD.encode(account.as_bytes());
    let details = json!({ "rpId": party.id, "userId": user, "name": name, "displayName": display_name });
    json!({ "signalCurrentUserDetails": details }).to_string()
}
