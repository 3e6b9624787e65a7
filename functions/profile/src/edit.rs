//! Edits the profile (security 108).
//!
//! 1. Load the user with profile and data key.
//! 2. Compare the expected state (`If-Match`, or the form's own) with the current one.
//! 3. Check the changes against the form's rules. Refuse fields that the user must not set.
//! 4. Seal the new claims and write them, on the condition that the version is the one read.

use crate::CommandError;
use data_encoding::BASE64URL_NOPAD;
use latchkey::digest::sha256;
use latchkey::domain::change::{Change, Decision};
use latchkey::domain::profile::{self, Claims, Edit, EditFlaw, Profile};
use latchkey::domain::time::Timestamp;
use latchkey::keys::SealedField;
use latchkey::web::{AccountCredential, Principal, PrincipalParts, Problem, TenantHandle};

/// The result of an edit.
#[derive(Debug)]
pub enum EditOutcome {
    /// The change was saved.
    Saved(ProfileView),
    /// These members are invalid.
    Flawed(Vec<(String, EditFlaw)>),
    /// The expected state is no longer the current one.
    Stale,
}

/// A profile as shown to its user.
#[derive(Debug)]
pub struct ProfileView {
    /// Every claim.
    pub claims: Claims,
    /// When the claims last changed.
    pub updated_at: Timestamp,
    /// Identifies this state of the claims: a strong validator (RFC 9110 §8.8.3), with its quotes.
    pub etag: String,
}

/// Identifies the state of the claims. They are sealed with a new nonce at every change, and only then.
fn etag(claims: &latchkey::domain::account::Sealed) -> String {
    format!("\"{}\"", BASE64URL_NOPAD.encode(&sha256(&claims.0)[..12]))
}

/// The profile of the user.
///
/// # Errors
/// If it cannot be decrypted.
pub fn shown(handle: &TenantHandle, principal: &Principal) -> Result<ProfileView, Problem> {
    let (claims, _) = principal.claims(handle)?;
    let (profile, _) = principal.profile()?;
    Ok(ProfileView { claims, updated_at: profile.updated_at, etag: etag(&profile.claims) })
}

/// Edits the profile. `expected` is the state that the edit is based on, if given (`*`: any).
///
/// # Errors
/// If the user is no longer signed in, or something failed.
pub async fn edit(
    handle: &TenantHandle,
    presented: &AccountCredential,
    edit: Edit<'_>,
    expected: Option<&str>,
) -> Result<EditOutcome, CommandError> {
    let decide = || async {
        let principal = presented.load(handle, PrincipalParts::Profile).await?.ok_or(CommandError::SignedOut)?;
        let (stored, _) = principal.profile()?;
        if expected.is_some_and(|expected| expected != "*" && expected != etag(&stored.claims)) {
            return Ok::<_, CommandError>(Decision::unchanged(EditOutcome::Stale));
        }
        let (claims, key) = principal.claims(handle)?;
        let fields = &handle.tenant.config.registration.fields;
        let edited = match profile::edit(fields, &claims, edit, handle.now()) {
            Ok(edited) => edited,
            Err(flaws) => return Ok(Decision::unchanged(EditOutcome::Flawed(flaws))),
        };
        if edited == claims {
            return Ok(Decision::unchanged(EditOutcome::Saved(shown(handle, &principal)?)));
        }
        let plain = serde_json::to_vec(&edited).map_err(|_| Problem::internal())?;
        let next = stored.with_claims(key.seal(SealedField::Profile, &plain)?, handle.now());
        Ok(saved(next, edited))
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

fn saved(profile: Profile, claims: Claims) -> Decision<EditOutcome> {
    let shown = ProfileView { claims, updated_at: profile.updated_at, etag: etag(&profile.claims) };
    Decision::one(Change::update_profile(profile), EditOutcome::Saved(shown))
}
