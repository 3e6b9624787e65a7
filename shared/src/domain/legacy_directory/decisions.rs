//! Decisions on users of the legacy directory.

use crate::domain::account::{AccountState, AccountStatus, DataKeyState, PasswordHome, Sealed, WrappedDataKey};
use crate::domain::change::{Change, Changes, Decision};
use crate::domain::credential::PasswordCredential;
use crate::domain::failure_window::{FailureWindow, UnknownIdentifierFailures};
use crate::domain::id::AccountId;
use crate::domain::known_device::KnownDevice;
use crate::domain::legacy_directory::{ImportedAccount, ImportedPassword, ImportedUser};
use crate::domain::linked_identity::{ClaimedSubject, LinkedIdentity};
use crate::domain::profile::Profile;
use crate::domain::roles::Roles;
use crate::domain::secret::PasswordHash;
use crate::domain::sign_in::complete::{Completed, NewSignIn, complete, complete_first};
use crate::domain::sign_in::factors::Factors;
use crate::domain::sign_in::methods::legacy_directory::accepted;
use crate::domain::sign_in::methods::password::Authenticated;
use crate::domain::time::Timestamp;
use crate::domain::totp::{StoredSeed, TotpCredential};

/// Imports a user who has just shown the password, and signs them in. `claimed_subject` is the stored claim on their subject.
pub fn take_over(
    imported_user: ImportedUser,
    claimed_subject: Option<ClaimedSubject>,
    sign_in: NewSignIn<'_>,
    now: Timestamp,
) -> Decision<Authenticated> {
    // The subject is claimed: by an account that has another address now, or by an erased account. An old password opens neither.
    if claimed_subject.is_some() {
        return Decision::unchanged(Authenticated::Refused);
    }
    let account = imported(imported_user, Some(sign_in.device), now);
    let evidence = vec![accepted(account.authentication.account, now)];
    let Some((opened, session)) = complete_first(&account.authentication, evidence, sign_in, now) else {
        return Decision::unchanged(Authenticated::Refused);
    };
    let changes = Changes(std::iter::once(Change::import_account(account)).chain(opened).collect());
    let outcome = Authenticated::SignedIn { session: Box::new(session), new_device: true, satisfied: None, passkeys: 0 };
    Decision { changes, outcome }
}

pub(crate) fn imported(imported_user: ImportedUser, device: Option<u64>, now: Timestamp) -> ImportedAccount {
    let account = imported_user.account;
    let (password, password_home) = match imported_user.password {
        ImportedPassword::Hash(hash) => {
            (Some(PasswordCredential { account, hash, changed_at: now, version: 1 }), PasswordHome::Here)
        }
        ImportedPassword::StaysThere => (None, PasswordHome::Directory),
        ImportedPassword::None => (None, PasswordHome::Here),
    };
    let totp = imported_user.totp.map(|seed| imported_app(account, seed, now));
    ImportedAccount {
        authentication: AccountState {
            account,
            sub: imported_user.sub,
            status: AccountStatus::Active,
            epoch: 1,
            epoch_began_at: None,
            identifier_since: None,
            identifier: imported_user.identifier,
            created_at: now,
            failures: FailureWindow::default(),
            devices: device.map(KnownDevice::new).into_iter().collect(),
            password_home,
            roles: imported_user.roles,
            legal_hold: None,
            protected: totp.is_some(),
            factors: Factors { totp: totp.as_ref().map(|_| NO_STEP), ..Factors::default() },
            satisfied: None,
            version: 1,
        },
        password,
        totp,
        profile: Profile {
            account,
            claims: imported_user.claims,
            updated_at: now,
            email_change: None,
            email_undos: Vec::new(),
            email_change_starts: Vec::new(),
            spent_proof: None,
            address_proof: None,
            disowned: Vec::new(),
            version: 1,
        },
        link: LinkedIdentity { account, subject: imported_user.subject, named: imported_user.named, linked_at: now },
        data_key: WrappedDataKey { state: DataKeyState::Account, ..imported_user.data_key },
        flow: None,
    }
}

/// The last step of an app that has shown no code here yet.
const NO_STEP: u64 = 0;

/// An authenticator app that the user set up in another system.
fn imported_app(account: AccountId, seed: Sealed, now: Timestamp) -> TotpCredential {
    let active = Some(StoredSeed { seed, added_at: now });
    TotpCredential { account, active, pending: None, removed: None, version: 1 }
}

/// The outcome of an import by an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImportOutcome {
    /// The user has an account now.
    Imported,
    /// The user was imported before.
    AlreadyHere,
    /// The user was erased here, and stays erased.
    Erased,
    /// Another account has the address.
    AddressTaken,
    /// Another account has the `sub`, or had it before its erasure.
    SubTaken,
    /// The user was imported before, and this import filled in what was empty.
    Completed,
    /// The user was imported before, with another address: nothing was filled in.
    OtherAddress,
    /// The user was imported before and has signed in since. The second factor of this import was not added.
    FactorNotAdded,
}

/// What is stored already of a user to import. The claim on the subject is read before the owner of the address.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportConflicts {
    /// The claim on the user's subject.
    pub subject: Option<ClaimedSubject>,
    /// The account that has the address.
    pub owner: Option<AccountId>,
    /// Whether another account has the `sub` that the user keeps.
    pub is_sub_taken: bool,
}

/// Imports a user from the export of another system.
pub fn import_legacy_user(imported_user: ImportedUser, found: ImportConflicts, now: Timestamp) -> Decision<ImportOutcome> {
    match (found.subject, found.owner) {
        (Some(ClaimedSubject { account: Some(_), .. }), _) => Decision::unchanged(ImportOutcome::AlreadyHere),
        (Some(ClaimedSubject { account: None, .. }), _) => Decision::unchanged(ImportOutcome::Erased),
        (None, Some(_)) => Decision::unchanged(ImportOutcome::AddressTaken),
        (None, None) if found.is_sub_taken => Decision::unchanged(ImportOutcome::SubTaken),
        (None, None) => Decision::one(Change::import_account(imported(imported_user, None, now)), ImportOutcome::Imported),
    }
}

/// What another import of an imported user has.
#[derive(Debug, Clone)]
pub struct Completion {
    /// Whether the account has the address of this import, under any version of the identifier key. The password of another address
    /// opens nothing here: that address was never proven to be the account's.
    pub has_same_address: bool,
    /// The hash of the password.
    pub password: Option<PasswordHash>,
    /// The completed claims, if any was missing.
    pub claims: Option<Sealed>,
    /// The sealed seed of an authenticator app.
    pub totp: Option<Sealed>,
}

/// Fills in what an earlier import left empty: the password, claims, and the authenticator app. Only while the user has not signed in here: what the user
/// changed or removed since stays so.
pub fn complete_import(
    state: &AccountState,
    profile: &Profile,
    has_password: bool,
    completion: Completion,
    now: Timestamp,
) -> Decision<ImportOutcome> {
    let is_untouched = state.is_active()
        && state.devices.is_empty()
        && state.epoch == 1
        && state.password_home == PasswordHome::Here
        && profile.email_undos.is_empty();
    let account = state.account;
    let Completion { has_same_address, password, claims, totp } = completion;
    let totp = totp.filter(|_| !state.protected && state.factors.is_empty());
    if !is_untouched && totp.is_some() {
        return Decision::unchanged(ImportOutcome::FactorNotAdded);
    }
    let password =
        password.filter(|_| !has_password).map(|hash| PasswordCredential { account, hash, changed_at: now, version: 1 });
    if !is_untouched || (password.is_none() && claims.is_none() && totp.is_none()) {
        return Decision::unchanged(ImportOutcome::AlreadyHere);
    }
    if !has_same_address {
        return Decision::unchanged(ImportOutcome::OtherAddress);
    }
    let mut state = AccountState { version: state.version + 1, ..state.clone() };
    let totp = totp.map(|seed| imported_app(account, seed, now));
    if totp.is_some() {
        state.protected = true;
        state.factors.totp = Some(NO_STEP);
    }
    let profile = claims.map(|claims| profile.with_claims(claims, now));
    Decision::one(Change::complete_import(state, password, profile, totp), ImportOutcome::Completed)
}

/// Signs in a user, after the legacy directory has accepted the password. Stores the hash of that password, and grants the roles
/// of the user's groups. `claimed_subject` is the stored claim on the subject that the directory named: the password of another account
/// opens nothing, whatever address it is used with.
pub fn keep_password(
    authentication: &AccountState,
    claimed_subject: Option<ClaimedSubject>,
    (hash, roles): (PasswordHash, &Roles),
    device: Option<u64>,
    sign_in: NewSignIn<'_>,
    now: Timestamp,
) -> Decision<Authenticated> {
    let account = authentication.account;
    let is_theirs = claimed_subject.is_some_and(|claimed_subject| claimed_subject.account == Some(account));
    if !is_theirs || !authentication.is_active() || authentication.password_home != PasswordHome::Directory {
        return Decision::unchanged(Authenticated::Refused);
    }
    let completed = complete(authentication, device, vec![accepted(account, now)], sign_in, now);
    let Some(Completed { account: reset, opened, session, new_device, .. }) = completed else {
        return Decision::unchanged(Authenticated::Refused);
    };
    let roles = reset.roles.with(roles);
    let state = AccountState { password_home: PasswordHome::Here, roles, ..reset };
    let (satisfied, passkeys) = (state.satisfied, state.factors.passkeys);
    let password = PasswordCredential { account, hash, changed_at: now, version: 1 };
    let first = Change::keep_password(state, password);
    let changes = Changes(std::iter::once(first).chain(opened).collect());
    Decision { changes, outcome: Authenticated::SignedIn { session: Box::new(session), new_device, satisfied, passkeys } }
}

/// Undoes a counted failure of an account, as [`undo_unknown_failure`] does for an unknown identifier.
pub fn undo_failure(counted: &AccountState, before: &AccountState) -> Decision<()> {
    Decision::one(Change::uncount_failed_sign_in(AccountState { version: counted.version + 1, ..before.clone() }), ())
}

/// Undoes a counted failure: the directory gave no verdict, so nothing was evaluated. If another failure was counted meanwhile,
/// both stay counted.
pub fn undo_unknown_failure(counted: &UnknownIdentifierFailures, before: Option<&UnknownIdentifierFailures>) -> Decision<()> {
    let failures = before.map_or(FailureWindow::default(), |before| before.failures);
    let restored = UnknownIdentifierFailures { failures, version: counted.version + 1, ..counted.clone() };
    Decision::one(Change::uncount_unknown_sign_in(restored), ())
}
