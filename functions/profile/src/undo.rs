//! Undoes a change of address, authorized by the link and the code that were mailed to the former address (security 94, 95).
//!
//! 1. The link names the account and one of its former addresses. It alone changes nothing.
//! 2. The code is compared. A wrong one changes nothing. It is not counted: the link has 256 bits, and the code 50.
//! 3. The new password is checked and hashed.
//! 4. One transaction returns the address, opens the account if it is closed, and ends everything that came after the change.

use crate::CommandError;
use crate::email::{fresh_seed, open_address, seal_with_address, unreadable};
use crate::password;
use latchkey::domain::account::{AccountState, AccountStatus};
use latchkey::domain::change::Decision;
use latchkey::domain::credential::PasswordFlaw;
use latchkey::domain::email_undo::{self, AddressOwner, NewUndo, StoredFactors, Undone};
use latchkey::domain::id::AccountId;
use latchkey::domain::profile::{Claims, EmailUndo, Profile};
use latchkey::domain::secret::SecretText;
use latchkey::domain::time::Timestamp;
use latchkey::keys::account_link::PresentedLink;
use latchkey::keys::password::HashMemo;
use latchkey::keys::{AccountLink, DataKey, SealedField};
use latchkey::services::Services;
use latchkey::store::principal::{PrincipalQuery, PrincipalSnapshot};
use latchkey::web::TenantHandle;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the page of a link shows.
#[derive(Debug)]
pub enum LinkState {
    /// The form.
    Open {
        /// The former address.
        former: String,
        /// Whether another account has the address now. It is erased at this time if the user goes on.
        newer_until: Option<Timestamp>,
    },
    /// The mail of the link has no code: it was sent by an earlier release.
    WithoutCode {
        /// The former address.
        former: String,
    },
    /// The undo is done.
    Done {
        /// The address that the link restored.
        former: String,
    },
    /// An operator has disabled the account.
    Disabled,
    /// The link has expired, or an older address took the account back.
    Over,
}

/// The input of the form.
#[derive(Debug)]
pub struct UndoInput {
    /// The token of the link.
    pub token: SecretText,
    /// The code from the mail, as typed.
    pub code: SecretText,
    /// The new password.
    pub password: SecretText,
    /// Whether the user confirmed that a newer account of the address is closed.
    pub closes_newer: bool,
}

/// The result of the form.
#[derive(Debug)]
pub enum UndoOutcome {
    /// The address is in force again: now, or by an earlier use of the same link.
    Done,
    /// It is not the code of this link.
    WrongCode,
    /// The new password is not acceptable.
    Flawed(PasswordFlaw),
    /// Another account has the address. The user must confirm that it is closed.
    NewerAccount,
    /// Another account has the address, and an operator disabled it.
    AddressTaken,
    /// The link is over.
    Over,
}

/// The account of a link and the right that the link names.
struct Linked {
    link: PresentedLink,
    snapshot: PrincipalSnapshot,
}

impl Linked {
    async fn load(handle: &TenantHandle, token: &SecretText, second_factors: bool) -> Result<Option<Self>, CommandError> {
        let Some(link) = handle.tenant.keys.open_account_link(AccountLink::EmailUndo, token)? else { return Ok(None) };
        let query =
            PrincipalQuery { account: link.account, session: None, grant: None, profile: true, password: true, second_factors };
        let found = handle.tenant.store.find_principal(query).await?;
        Ok(found.map(|snapshot| Self { link, snapshot }))
    }
    /// The profile, its right that the link names, and the data key. `None` if the right was removed or the account erased.
    fn right(&self, handle: &TenantHandle) -> Result<Option<(&Profile, &EmailUndo, DataKey)>, CommandError> {
        let (Some(profile), Some(wrapped)) = (&self.snapshot.profile, &self.snapshot.data_key) else { return Ok(None) };
        let proof = handle.tenant.keys.proof()?;
        let fits = |undo: &&EmailUndo| proof.matches_account_link(&self.link, &undo.seed).unwrap_or(false);
        let Some(undo) = profile.email_undos.iter().find(fits) else { return Ok(None) };
        Ok(Some((profile, undo, handle.tenant.keys.data()?.unwrap(wrapped)?)))
    }
    fn account(&self) -> &AccountState {
        &self.snapshot.authentication
    }
}

/// The account of an undo link. The link is not compared with it.
///
/// # Errors
/// If a key fails.
pub fn account_of(handle: &TenantHandle, token: &SecretText) -> Result<Option<AccountId>, CommandError> {
    Ok(handle.tenant.keys.open_account_link(AccountLink::EmailUndo, token)?.map(|link| link.account))
}

/// What the page of this link shows.
///
/// # Errors
/// If something failed.
pub async fn link_state(handle: &TenantHandle, token: &SecretText) -> Result<LinkState, CommandError> {
    let Some(linked) = Linked::load(handle, token, false).await? else { return Ok(LinkState::Over) };
    let Some((_, undo, key)) = linked.right(handle)? else { return Ok(LinkState::Over) };
    let former = open_address(&key, SealedField::FormerEmail, &undo.address)?;
    if matches!(linked.account().status, AccountStatus::Disabled { .. }) {
        return Ok(LinkState::Disabled);
    }
    if undo.used_at.is_some() {
        return Ok(LinkState::Done { former });
    }
    if !email_undo::is_valid(linked.account().status, undo, handle.now()) {
        return Ok(LinkState::Over);
    }
    if !undo.has_code {
        return Ok(LinkState::WithoutCode { former });
    }
    let owner = handle.tenant.store.find_account(&undo.identifier).await?;
    let has_newer = owner.is_some_and(|owner| owner != linked.account().account);
    let newer_until = has_newer.then(|| handle.now() + handle.tenant.config.retention.erasure_grace);
    Ok(LinkState::Open { former, newer_until })
}

/// Undoes the change.
///
/// # Errors
/// If something failed.
pub async fn undo(services: &Services, handle: &TenantHandle, input: &UndoInput) -> Result<UndoOutcome, CommandError> {
    let unmailed_seed = fresh_seed(services, handle)?;
    let grace = handle.tenant.config.retention.erasure_grace;
    let (hash, first) = (HashMemo::default(), AtomicBool::new(true));
    let decide = || async {
        let unchanged = |outcome| Ok::<_, CommandError>(Decision::unchanged(outcome));
        let Some(linked) = Linked::load(handle, &input.token, true).await? else { return unchanged(UndoOutcome::Over) };
        let Some((profile, undo, key)) = linked.right(handle)? else { return unchanged(UndoOutcome::Over) };
        let account = linked.account();
        if undo.used_at.is_some() {
            return unchanged(UndoOutcome::Done);
        }
        if !email_undo::is_valid(account.status, undo, handle.now()) {
            return unchanged(UndoOutcome::Over);
        }
        let proof = handle.tenant.keys.proof()?;
        if !proof.matches_account_code(AccountLink::EmailUndo, account.account, &undo.seed, &input.code)? {
            return unchanged(UndoOutcome::WrongCode);
        }
        let former = open_address(&key, SealedField::FormerEmail, &undo.address)?;
        let plain = key.open(SealedField::Profile, &profile.claims)?;
        let claims: Claims = serde_json::from_slice(&plain).map_err(|_| unreadable())?;
        if let Err(flaw) = password::check(handle, &input.password, &claims) {
            return unchanged(UndoOutcome::Flawed(flaw));
        }
        // Without a confirmation, the transaction finds out whether another account has the address.
        let looks_up = input.closes_newer || !first.swap(false, Ordering::Relaxed);
        let owner = if looks_up { handle.tenant.store.find_account(&undo.identifier).await? } else { None };
        let other = owner.filter(|owner| *owner != account.account);
        let state = match other {
            Some(other) => handle.tenant.store.find_authentication(other).await?,
            None => None,
        };
        let current =
            if looks_up { handle.tenant.store.find_account(&account.identifier).await? } else { Some(account.account) };
        let is_current = handle.tenant.keys.identifier()?.is_same(&undo.identifier, &account.identifier);
        let owner = match (owner, other) {
            (_, Some(account)) => AddressOwner::Other { account, state: state.as_ref(), is_confirmed: input.closes_newer },
            (Some(_), None) => AddressOwner::Own,
            (None, None) if is_current => AddressOwner::Own,
            (None, None) => AddressOwner::None,
        };
        let passkeys = handle.tenant.store.find_passkeys(account.account).await?;
        let new = NewUndo {
            authentication: account,
            profile,
            undo,
            claims: seal_with_address(&key, claims, &former)?,
            password: linked.snapshot.password.as_ref(),
            factors: StoredFactors {
                totp: linked.snapshot.totp.as_ref(),
                codes: linked.snapshot.recovery_codes.as_ref(),
                passkeys: &passkeys,
            },
            new_password: hash.get_or_compute((), services.hasher.hash(&input.password)).await?,
            owner,
            has_current_claim: current == Some(account.account),
            unmailed_seed,
            grace,
        };
        let Decision { changes, outcome } = email_undo::undo(new, handle.now());
        let outcome = match outcome {
            Undone::Restored | Undone::AlreadyDone => UndoOutcome::Done,
            Undone::NewerAccount => UndoOutcome::NewerAccount,
            Undone::AddressTaken => UndoOutcome::AddressTaken,
            Undone::Over => UndoOutcome::Over,
        };
        Ok(Decision { changes, outcome })
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

/// Mails the code of a link that an earlier release mailed without one. Only once: after that, the mail with the code is the one to use.
///
/// # Errors
/// If something failed.
pub async fn request_code(handle: &TenantHandle, token: &SecretText) -> Result<bool, CommandError> {
    let decide = || async {
        let Some(linked) = Linked::load(handle, token, false).await? else {
            return Ok::<_, CommandError>(Decision::unchanged(false));
        };
        Ok(match linked.right(handle)? {
            Some((profile, undo, _)) => email_undo::request_code(linked.account().status, profile, undo, handle.now()),
            None => Decision::unchanged(false),
        })
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}
