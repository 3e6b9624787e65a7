//! Editing the profile (security 108).
//!
//! 1. Who acts is loaded with profile and data key.
//! 2. A state that was named (`If-Match`, the form's own) must be the present one.
//! 3. The edit is judged by the form's rules; what is not the person's to set is refused.
//! 4. The new claims are sealed and written over the very version that was read.

use crate::NotDone;
use data_encoding::BASE64URL_NOPAD;
use latchkey::domain::change::{Change, Decision};
use latchkey::domain::profile::{self, Claims, Edit, EditFlaw, Profile};
use latchkey::domain::time::Timestamp;
use latchkey::keys::SealedField;
use latchkey::keys::digest::sha256;
use latchkey::web::{Presented, Principal, Problem, TenantHandle, With};

/// What came of an edit.
#[derive(Debug)]
pub enum Edited {
    /// It stands.
    Saved(Shown),
    /// These members can't be accepted.
    Flawed(Vec<(String, EditFlaw)>),
    /// The state that was named is no longer the present one.
    Stale,
}

/// A profile as its person sees it.
#[derive(Debug)]
pub struct Shown {
    /// Every claim.
    pub claims: Claims,
    /// When they last changed.
    pub updated_at: Timestamp,
    /// Names this very state of the claims: a strong validator (RFC 9110 §8.8.3), with its quotes.
    pub etag: String,
}

/// Names the state of the claims: they are sealed under a fresh nonce whenever they change, and only then.
fn etag(claims: &latchkey::domain::account::Sealed) -> String {
    format!("\"{}\"", BASE64URL_NOPAD.encode(&sha256(&claims.0)[..12]))
}

/// The profile of whoever acts.
///
/// # Errors
/// When it does not open.
pub fn shown(handle: &TenantHandle, principal: &Principal) -> Result<Shown, Problem> {
    let (claims, _) = principal.claims(handle)?;
    let (profile, _) = principal.profile()?;
    Ok(Shown { claims, updated_at: profile.updated_at, etag: etag(&profile.claims) })
}

/// Edits the profile. `expected` is the state that the edit was made from, if it names one (`*`: any).
///
/// # Errors
/// When nobody is signed in any more, or something failed.
pub async fn edit(
    handle: &TenantHandle,
    presented: &Presented,
    edit: Edit<'_>,
    expected: Option<&str>,
) -> Result<Edited, NotDone> {
    let decide = || async {
        let principal = presented.load(handle, With::Profile).await?.ok_or(NotDone::SignedOut)?;
        let (stored, _) = principal.profile()?;
        if expected.is_some_and(|expected| expected != "*" && expected != etag(&stored.claims)) {
            return Ok::<_, NotDone>(Decision::unchanged(Edited::Stale));
        }
        let (claims, key) = principal.claims(handle)?;
        let fields = &handle.tenant.config.registration.fields;
        let edited = match profile::edit(fields, &claims, edit, handle.now()) {
            Ok(edited) => edited,
            Err(flaws) => return Ok(Decision::unchanged(Edited::Flawed(flaws))),
        };
        if edited == claims {
            return Ok(Decision::unchanged(Edited::Saved(shown(handle, &principal)?)));
        }
        let plain = serde_json::to_vec(&edited).map_err(|_| Problem::internal())?;
        let next = stored.with_claims(key.seal(SealedField::Profile, &plain)?, handle.now());
        Ok(saved(next, edited))
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

fn saved(profile: Profile, claims: Claims) -> Decision<Edited> {
    let shown = Shown { claims, updated_at: profile.updated_at, etag: etag(&profile.claims) };
    Decision::one(Change::update_profile(profile), Edited::Saved(shown))
}
