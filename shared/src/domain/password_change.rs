//! Change of the password by a user who knows the old one (security 59, 70).
//!
//! 1. The user signed in during the last five minutes (checked by the caller at admission), and types the current password.
//! 2. A wrong one counts as a failed sign-in, in the same window: this path does not bypass the limit of guesses.
//! 3. The right one replaces password and epoch in one transaction. The presented session and grant get the new epoch; all others
//!    keep the past epoch and end.

use super::account::AccountState;
use super::change::{Change, Decision};
use super::credential::PasswordCredential;
use super::oauth::grant::Grant;
use super::secret::PasswordHash;
use super::session::Session;
use super::sign_in::methods::password::Subject;
use super::sign_in::throttle::count_failure;
use super::time::{Span, Timestamp};

/// The session and the grant of the call. They stay signed in.
#[derive(Debug, Clone, Copy)]
pub struct Presenting<'a> {
    /// The session, if it is live.
    pub session: Option<&'a Session>,
    /// The grant.
    pub grant: Option<&'a Grant>,
}

/// The account and its password, with the known device that the browser presents.
#[derive(Debug, Clone, Copy)]
pub struct Holder<'a> {
    /// The account.
    pub authentication: &'a AccountState,
    /// Its password, if it has one.
    pub password: Option<&'a PasswordCredential>,
    /// The device.
    pub device: Option<u64>,
}

impl<'a> Holder<'a> {
    /// The subject of a sign-in: the same window, the same work.
    #[must_use]
    pub fn subject(&self) -> Subject<'a> {
        Subject::Known { authentication: self.authentication, password: self.password, device: self.device }
    }
}

/// The outcome of a password change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordChanged {
    /// The new password is in force.
    Changed,
    /// The current password is wrong.
    WrongPassword,
    /// Nothing was evaluated.
    Blocked {
        /// When to try again.
        retry_after: Span,
    },
}

/// Decides on a new password. `hash` is the hash of the new password, made only if the current one matches.
pub fn change_password(
    holder: Holder<'_>,
    presenting: Presenting<'_>,
    hash: Option<PasswordHash>,
    now: Timestamp,
) -> Decision<PasswordChanged> {
    let Holder { authentication, password, device } = holder;
    if let Some(retry_after) = holder.subject().blocked_for(now) {
        return Decision::unchanged(PasswordChanged::Blocked { retry_after });
    }
    let (Some(hash), Some(password)) = (hash, password) else {
        let counted = count_failure(authentication, device, now);
        return Decision::one(Change::count_failed_sign_in(counted), PasswordChanged::WrongPassword);
    };
    let authentication = authentication.with_new_password(now);
    let epoch = authentication.epoch;
    let password = PasswordCredential { hash, changed_at: now, version: password.version + 1, ..password.clone() };
    let session = presenting.session.map(|session| Session { epoch, version: session.version + 1, ..session.clone() });
    let grant = presenting.grant.map(|grant| Grant { epoch, version: grant.version + 1, ..grant.clone() });
    let change = Change::change_password(authentication, password, session, grant);
    Decision::one(change, PasswordChanged::Changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::oauth::fixture::{NOW, active, authentication, session};

    fn password() -> PasswordCredential {
        let hash: PasswordHash = serde_json::from_str("\"$argon2id$old\"").unwrap();
        PasswordCredential { account: authentication().account, hash, changed_at: NOW - Span::days(3), version: 4 }
    }
    fn new_hash() -> PasswordHash {
        serde_json::from_str("\"$argon2id$new\"").unwrap()
    }

    #[test]
    fn security_59_the_presented_session_and_grant_live_on_and_all_others_end() {
        let (account, password, session, grant) = (authentication(), password(), session(), active(Span::ZERO));
        let holder = Holder { authentication: &account, password: Some(&password), device: None };
        let presenting = Presenting { session: Some(&session), grant: Some(&grant) };
        let decision = change_password(holder, presenting, Some(new_hash()), NOW);
        assert_eq!(decision.outcome, PasswordChanged::Changed);
        let [change] = decision.changes.all();
        let (after, new): (AccountState, PasswordCredential) = (change.first(), change.first());
        let (kept, kept_grant): (Session, Grant) = (change.first(), change.first());
        let expected = Change::change_password(after.clone(), new.clone(), Some(kept.clone()), Some(kept_grant.clone()));
        assert_eq!(*change, expected);
        assert_eq!((after.epoch, after.version), (account.epoch + 1, account.version + 1));
        assert_eq!((new.version, new.changed_at), (5, NOW));
        assert!(kept.is_live(&after, NOW) && !session.is_live(&after, NOW), "any other session is dead");
        assert!(kept_grant.check_live(&after, Some(&kept), NOW).is_ok());
        assert!(grant.check_live(&after, Some(&kept), NOW).is_err(), "any other grant is dead");
    }

    #[test]
    fn security_70_a_wrong_current_password_counts_in_the_sign_in_window() {
        let mut account = authentication();
        let password = password();
        let unauthenticated = Presenting { session: None, grant: None };
        for _ in 0..crate::domain::failure_window::FREE_FAILURES {
            let holder = Holder { authentication: &account, password: Some(&password), device: None };
            let decision = change_password(holder, unauthenticated, None, NOW);
            assert_eq!(decision.outcome, PasswordChanged::WrongPassword);
            let counted = decision.changes.0.first().expect("a change").made_by(Change::count_failed_sign_in);
            account = counted;
        }
        let holder = Holder { authentication: &account, password: Some(&password), device: None };
        let blocked = change_password(holder, unauthenticated, Some(new_hash()), NOW);
        assert!(matches!(blocked.outcome, PasswordChanged::Blocked { .. }) && blocked.changes.is_empty());
    }
}
