//! A new password, by somebody who knows the old one (security 59, 70).
//!
//! 1. The person signed in during the last five minutes (judged where the call is admitted), and types the present password.
//! 2. A wrong one counts as a failed sign-in, in the same window: this is no way around the limit of guesses.
//! 3. The right one replaces password and epoch in one transaction. What was presented is restamped; all else is of an epoch that
//!    has passed.

use super::account::Authentication;
use super::authentication::{Subject, count_failure};
use super::change::{Change, Decision};
use super::credential::PasswordCredential;
use super::oauth::grant::Grant;
use super::secret::PasswordHash;
use super::session::Session;
use super::time::{Span, Timestamp};

/// What stays signed in: what the call was made with.
#[derive(Debug, Clone, Copy)]
pub struct Presenting<'a> {
    /// The session, if it lives.
    pub session: Option<&'a Session>,
    /// The grant.
    pub grant: Option<&'a Grant>,
}

/// The account and its password, with the known device that the browser names.
#[derive(Debug, Clone, Copy)]
pub struct Holder<'a> {
    /// The account.
    pub authentication: &'a Authentication,
    /// Its password, if it has one.
    pub password: Option<&'a PasswordCredential>,
    /// The device.
    pub device: Option<u64>,
}

impl<'a> Holder<'a> {
    /// As a sign-in sees it: the same window, the same work.
    #[must_use]
    pub fn subject(&self) -> Subject<'a> {
        Subject::Known { authentication: self.authentication, password: self.password, device: self.device }
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordChanged {
    /// The new password is in force.
    Changed,
    /// The present password is wrong.
    WrongPassword,
    /// Nothing was evaluated.
    Blocked {
        /// When to try again.
        retry_after: Span,
    },
}

/// Decides on a new password. `hash` is the new one's, made only when the present one fits.
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
    fn security_59_what_was_presented_lives_on_and_all_else_is_of_a_past_epoch() {
        let (account, password, session, grant) = (authentication(), password(), session(), active(Span::ZERO));
        let holder = Holder { authentication: &account, password: Some(&password), device: None };
        let presenting = Presenting { session: Some(&session), grant: Some(&grant) };
        let decision = change_password(holder, presenting, Some(new_hash()), NOW);
        assert_eq!(decision.outcome, PasswordChanged::Changed);
        let [change] = decision.changes.all();
        let (after, new): (Authentication, PasswordCredential) = (change.first(), change.first());
        let (kept, kept_grant): (Session, Grant) = (change.first(), change.first());
        let expected = Change::change_password(after.clone(), new.clone(), Some(kept.clone()), Some(kept_grant.clone()));
        assert_eq!(*change, expected);
        assert_eq!((after.epoch, after.version), (account.epoch + 1, account.version + 1));
        assert_eq!((new.version, new.changed_at), (5, NOW));
        assert!(kept.is_live(&after, NOW) && !session.is_live(&after, NOW), "another session would be dead");
        assert!(kept_grant.check_live(&after, Some(&kept), NOW).is_ok());
        assert!(grant.check_live(&after, Some(&kept), NOW).is_err(), "another grant would be dead");
    }

    #[test]
    fn security_70_a_wrong_present_password_counts_in_the_window_of_sign_ins() {
        let mut account = authentication();
        let password = password();
        let nobody = Presenting { session: None, grant: None };
        for _ in 0..crate::domain::failure_window::FREE_FAILURES {
            let holder = Holder { authentication: &account, password: Some(&password), device: None };
            let decision = change_password(holder, nobody, None, NOW);
            assert_eq!(decision.outcome, PasswordChanged::WrongPassword);
            let counted = decision.changes.0.first().expect("a change").made_by(Change::count_failed_sign_in);
            account = counted;
        }
        let holder = Holder { authentication: &account, password: Some(&password), device: None };
        let blocked = change_password(holder, nobody, Some(new_hash()), NOW);
        assert!(matches!(blocked.outcome, PasswordChanged::Blocked { .. }) && blocked.changes.is_empty());
    }
}
