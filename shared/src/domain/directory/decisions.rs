//! The decisions on people who come from a former directory.

use crate::domain::account::{AccountStatus, Authentication, DataKeyState, PasswordHome, WrappedDataKey};
use crate::domain::amr::Amr;
use crate::domain::authentication::{Authenticated, NewSignIn, known_device, reset_window};
use crate::domain::change::{Change, Changes, Decision};
use crate::domain::credential::PasswordCredential;
use crate::domain::directory::{ComingPassword, ImportedAccount, NewComer};
use crate::domain::failure_window::{FailureWindow, UnknownIdentifierFailures};
use crate::domain::id::AccountId;
use crate::domain::known_device::KnownDevice;
use crate::domain::linked_identity::{ClaimedSubject, LinkedIdentity};
use crate::domain::profile::Profile;
use crate::domain::roles::Roles;
use crate::domain::secret::PasswordHash;
use crate::domain::session::Session;
use crate::domain::time::Timestamp;

/// Takes a person over who has just shown the password, and signs them in. `standing` is what stands under their subject.
pub fn take_over(
    comer: NewComer,
    standing: Option<ClaimedSubject>,
    sign_in: NewSignIn<'_>,
    now: Timestamp,
) -> Decision<Authenticated> {
    // Somebody's already, under another address by now; or of a person who was erased. Neither comes in by an old password.
    if standing.is_some() {
        return Decision::unchanged(Authenticated::Refused);
    }
    let account = imported(comer, Some(sign_in.device), now);
    let session = Session::open(sign_in.session, &account.authentication, vec![Amr::Pwd], sign_in.policy, now);
    let mut changes = Changes::one(Change::import_account(account));
    if let Some(ended) = sign_in.replaced.and_then(|replaced| replaced.end(now)) {
        changes = changes.then(Change::end_session(ended));
    }
    let changes = changes.then(Change::open_session(session.clone()));
    Decision { changes, outcome: Authenticated::SignedIn { session, new_device: true } }
}

pub(crate) fn imported(comer: NewComer, device: Option<u64>, now: Timestamp) -> ImportedAccount {
    let account = comer.account;
    let (password, password_home) = match comer.password {
        ComingPassword::Hash(hash) => {
            (Some(PasswordCredential { account, hash, changed_at: now, version: 1 }), PasswordHome::Here)
        }
        ComingPassword::StaysThere => (None, PasswordHome::Directory),
        ComingPassword::None => (None, PasswordHome::Here),
    };
    ImportedAccount {
        authentication: Authentication {
            account,
            sub: comer.sub,
            status: AccountStatus::Active,
            epoch: 1,
            epoch_began_at: None,
            identifier: comer.identifier,
            created_at: now,
            failures: FailureWindow::default(),
            devices: device.map(|id| KnownDevice { id, failures: FailureWindow::default() }).into_iter().collect(),
            password_home,
            roles: comer.roles,
            legal_hold: None,
            version: 1,
        },
        password,
        profile: Profile {
            account,
            claims: comer.claims,
            updated_at: now,
            email_change: None,
            email_undos: Vec::new(),
            version: 1,
        },
        link: LinkedIdentity { account, subject: comer.subject, named: comer.named, linked_at: now },
        data_key: WrappedDataKey { state: DataKeyState::Account, ..comer.data_key },
        flow: None,
    }
}

/// What came of bringing somebody over by an operator's hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Brought {
    /// They have an account from now on.
    Imported,
    /// They came before.
    AlreadyHere,
    /// They were erased here, and stay so.
    Erased,
    /// Somebody else has their address.
    AddressTaken,
}

/// Brings a person over whom another system exported. `standing` is what stands under their subject, read before `owner`, who has
/// their address.
pub fn bring(comer: NewComer, standing: Option<ClaimedSubject>, owner: Option<AccountId>, now: Timestamp) -> Decision<Brought> {
    match (standing, owner) {
        (Some(ClaimedSubject { account: Some(_), .. }), _) => Decision::unchanged(Brought::AlreadyHere),
        (Some(ClaimedSubject { account: None, .. }), _) => Decision::unchanged(Brought::Erased),
        (None, Some(_)) => Decision::unchanged(Brought::AddressTaken),
        (None, None) => Decision::one(Change::import_account(imported(comer, None, now)), Brought::Imported),
    }
}

/// Signs somebody in whose password the directory has just found right, and keeps its hash; roles of theirs there are given.
/// `standing` is what stands under the subject that the directory named: another's password opens nothing, whatever address it is
/// used with.
pub fn keep_password(
    authentication: &Authentication,
    standing: Option<ClaimedSubject>,
    (hash, roles): (PasswordHash, &Roles),
    device: Option<u64>,
    sign_in: NewSignIn<'_>,
    now: Timestamp,
) -> Decision<Authenticated> {
    let account = authentication.account;
    let is_theirs = standing.is_some_and(|standing| standing.account == Some(account));
    if !is_theirs || !authentication.is_active() || authentication.password_home != PasswordHome::Directory {
        return Decision::unchanged(Authenticated::Refused);
    }
    let known = known_device(authentication, device).map(|known| known.id);
    let reset = reset_window(authentication, known, sign_in.device);
    let roles = reset.roles.with(roles);
    let state = Authentication { password_home: PasswordHome::Here, roles, ..reset };
    let session = Session::open(sign_in.session, &state, vec![Amr::Pwd], sign_in.policy, now);
    let password = PasswordCredential { account, hash, changed_at: now, version: 1 };
    let mut changes = Changes::one(Change::keep_password(state, password));
    if let Some(ended) = sign_in.replaced.and_then(|replaced| replaced.end(now)) {
        changes = changes.then(Change::end_session(ended));
    }
    let changes = changes.then(Change::open_session(session.clone()));
    Decision { changes, outcome: Authenticated::SignedIn { session, new_device: known.is_none() } }
}

/// Takes a counted failure of an account back, as [`take_back`] does of nobody's.
pub fn take_back_of(counted: &Authentication, before: &Authentication) -> Decision<()> {
    Decision::one(Change::uncount_failed_sign_in(Authentication { version: counted.version + 1, ..before.clone() }), ())
}

/// Takes a counted failure back: the directory gave no verdict, so nothing was evaluated. A failure that came meanwhile stands, and
/// this one with it.
pub fn take_back(counted: &UnknownIdentifierFailures, before: Option<&UnknownIdentifierFailures>) -> Decision<()> {
    let failures = before.map_or(FailureWindow::default(), |before| before.failures);
    let restored = UnknownIdentifierFailures { failures, version: counted.version + 1, ..counted.clone() };
    Decision::one(Change::uncount_unknown_sign_in(restored), ())
}
