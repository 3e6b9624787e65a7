//! Decisions on users of the legacy directory.

use crate::domain::account::{AccountState, AccountStatus, DataKeyState, PasswordHome, WrappedDataKey};
use crate::domain::amr::Amr;
use crate::domain::authentication::{Authenticated, NewSignIn, known_device, reset_window};
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
use crate::domain::session::Session;
use crate::domain::time::Timestamp;

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
    let session =
        Session::open(sign_in.session, &account.authentication, vec![Amr::Pwd], sign_in.policy, now).on_device(sign_in.device);
    let mut changes = Changes::one(Change::import_account(account));
    if let Some(ended) = sign_in.replaced.and_then(|replaced| replaced.end(now)) {
        changes = changes.then(Change::end_session(ended));
    }
    let changes = changes.then(Change::open_session(session.clone()));
    Decision { changes, outcome: Authenticated::SignedIn { session, new_device: true } }
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
            devices: device.map(|id| KnownDevice { id, failures: FailureWindow::default() }).into_iter().collect(),
            password_home,
            roles: imported_user.roles,
            legal_hold: None,
            version: 1,
        },
        password,
        profile: Profile {
            account,
            claims: imported_user.claims,
            updated_at: now,
            email_change: None,
            email_undos: Vec::new(),
            email_change_starts: Vec::new(),
            spent_proof: None,
            version: 1,
        },
        link: LinkedIdentity { account, subject: imported_user.subject, named: imported_user.named, linked_at: now },
        data_key: WrappedDataKey { state: DataKeyState::Account, ..imported_user.data_key },
        flow: None,
    }
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
}

/// Imports a user from the export of another system. `claimed_subject` is the stored claim on their subject, read before `owner`, the
/// account that has their address.
pub fn import_legacy_user(
    imported_user: ImportedUser,
    claimed_subject: Option<ClaimedSubject>,
    owner: Option<AccountId>,
    now: Timestamp,
) -> Decision<ImportOutcome> {
    match (claimed_subject, owner) {
        (Some(ClaimedSubject { account: Some(_), .. }), _) => Decision::unchanged(ImportOutcome::AlreadyHere),
        (Some(ClaimedSubject { account: None, .. }), _) => Decision::unchanged(ImportOutcome::Erased),
        (None, Some(_)) => Decision::unchanged(ImportOutcome::AddressTaken),
        (None, None) => Decision::one(Change::import_account(imported(imported_user, None, now)), ImportOutcome::Imported),
    }
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
    let known = known_device(authentication, device).map(|known| known.id);
    let reset = reset_window(authentication, known, sign_in.device);
    let roles = reset.roles.with(roles);
    let state = AccountState { password_home: PasswordHome::Here, roles, ..reset };
    let session =
        Session::open(sign_in.session, &state, vec![Amr::Pwd], sign_in.policy, now).on_device(known.unwrap_or(sign_in.device));
    let password = PasswordCredential { account, hash, changed_at: now, version: 1 };
    let mut changes = Changes::one(Change::keep_password(state, password));
    if let Some(ended) = sign_in.replaced.and_then(|replaced| replaced.end(now)) {
        changes = changes.then(Change::end_session(ended));
    }
    let changes = changes.then(Change::open_session(session.clone()));
    Decision { changes, outcome: Authenticated::SignedIn { session, new_device: known.is_none() } }
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
