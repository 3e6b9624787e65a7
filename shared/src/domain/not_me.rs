//! "This wasn't me": the user disowns what happened since an event of the account's history (security 156).
//!
//! 1. It is reported on an account page, by a session with a recent sign-in of the level that the account needs, or by the link and the code
//!    of a mail about the event. The link alone changes nothing, and no report signs a user in.
//! 2. One transaction ends every session and grant, forgets the known devices, replaces the password by a random one, and makes the second
//!    factors again what they were before the event ([`super::email_undo`]). The user then sets a new password by mail.
//! 3. A session that has shown one factor proves the address before factors change. Otherwise the thief of a password could remove them.
//! 4. A mailed link is older than its use: a thief who has lost the mailbox may have kept it. So a report by mail brings back only factors that
//!    were [`SETTLED`] by then.
//! 5. Time that was disowned stays disowned: a later report from the middle of it, or an undo of a change of address in it, does not bring back
//!    what was added in it.
//! 6. If the address was changed since the event, the former address takes the account back instead: the new password would be mailed to the
//!    present one.

use super::account::{AccountState, PasswordHome};
use super::address_proof;
use super::audit::EventKind;
use super::change::{Change, Decision};
use super::credential::PasswordCredential;
use super::disowned::{before_disowned, with_disowned};
use super::email_undo::factors::{FactorsAsOf, Returning, as_of};
use super::email_undo::{StoredFactors, valid_undos};
use super::passkey::{Passkey, REMOVED_KEPT};
use super::profile::Profile;
use super::recovery_codes::RecoveryCodes;
use super::secret::PasswordHash;
use super::session::Session;
use super::sign_in::factors::Factors;
use super::time::{Span, Timestamp};
use super::totp::TotpCredential;

#[cfg(test)]
mod tests;

/// How long the link and the code of a mail work: as long as removed factors are kept.
pub const LIFETIME: Span = REMOVED_KEPT;
/// How old a removed factor must have been at the event to come back by a mailed link.
pub const SETTLED: Span = Span::days(7);
/// Whether the history offers to report this event: it shows that another person was in the account, or knows its password.
#[must_use]
pub const fn can_be_reported(kind: EventKind) -> bool {
    match kind {
        EventKind::SignedIn
        | EventKind::SecondStepFailed
        | EventKind::SecondStepsBlocked
        | EventKind::ConsentGranted
        | EventKind::PasswordReset
        | EventKind::ProfileChanged
        | EventKind::PasswordChanged
        | EventKind::EmailChangeStarted
        | EventKind::DataExported
        | EventKind::AddressProofStarted
        | EventKind::AuthenticatorAdded
        | EventKind::AuthenticatorReplaced
        | EventKind::AuthenticatorRemoved
        | EventKind::RecoveryCodesRenewed
        | EventKind::RecoveryCodeUsed
        | EventKind::RemovalCodeRequested
        | EventKind::RemovalRequested
        | EventKind::RemovalShortened
        | EventKind::LostFactorsRemoved
        | EventKind::DeviceRemembered
        | EventKind::NotMeReported
        | EventKind::PasskeyAdded
        | EventKind::PasskeyRemoved => true,
        EventKind::RegistrationStarted
        | EventKind::CodeResent
        | EventKind::FlowDisowned
        | EventKind::CodeRefused
        | EventKind::AccountCreated
        | EventKind::AccountImported
        | EventKind::SignInFailed
        | EventKind::SecondStepsUnlocked
        | EventKind::SignedOut
        | EventKind::RecoveryStarted
        | EventKind::SignInCodeStarted
        | EventKind::GrantRevoked
        | EventKind::AccessTokenRevoked
        | EventKind::RefreshReuse
        | EventKind::CodeReplayed
        | EventKind::EmailChangeRefused
        | EventKind::EmailChangeEnded
        | EventKind::EmailChanged
        | EventKind::EmailChangeUndone
        | EventKind::SessionEnded
        | EventKind::ConsentWithdrawn
        | EventKind::DeletionRequested
        | EventKind::AccountRestored
        | EventKind::AccountErased
        | EventKind::ErasureDeferred
        | EventKind::LegalHoldPlaced
        | EventKind::LegalHoldLifted
        | EventKind::NoticeMerged
        | EventKind::RolesChanged
        | EventKind::AddressProofRefused
        | EventKind::RemovalCodeRefused
        | EventKind::RemovalCancelled
        | EventKind::DevicesForgotten
        | EventKind::TermsAccepted
        | EventKind::TermsWithdrawn
        | EventKind::PasskeyRefused => false,
    }
}

/// What authorizes a report.
#[derive(Debug, Clone, Copy)]
pub enum Reporter<'a> {
    /// A session with a recent sign-in of the level that the account needs (checked by the caller at admission).
    Session(&'a Session),
    /// The link of a mail about the event. Its code was compared, or is compared before anything is written.
    Mail,
}

/// An account with a user who disowns what happened since an event.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The account.
    pub account: &'a AccountState,
    /// Its profile.
    pub profile: &'a Profile,
    /// Its password, if it has one.
    pub password: Option<&'a PasswordCredential>,
    /// Its second factors.
    pub factors: StoredFactors<'a>,
    /// When the event happened.
    pub since: Timestamp,
    /// What authorizes the report.
    pub by: Reporter<'a>,
}

/// The outcome of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reported {
    /// The account is secured.
    Done,
    /// It was done before.
    AlreadyDone,
    /// The address was changed since the event: the former address takes the account back.
    AddressChanged,
    /// The session must prove the address first, because factors change.
    NeedsAddressProof,
    /// The link has expired, or the account is not open.
    Over,
}

/// The items of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct SecuredAccount {
    /// The account, in its next epoch.
    pub account: AccountState,
    /// Its profile.
    pub profile: Profile,
    /// Its password, now a random one. None: it had none.
    pub password: Option<PasswordCredential>,
    /// Its authenticator app, if it changes.
    pub totp: Option<TotpCredential>,
    /// Its recovery codes, if they change.
    pub codes: Option<RecoveryCodes>,
    /// Its passkeys that change.
    pub passkeys: Vec<Passkey>,
}

/// What a report would do now: [`Reported::Done`] if it can be made.
#[must_use]
pub fn outlook(report: &Report<'_>, now: Timestamp) -> Reported {
    assess(report, now).map_or_else(|outcome| outcome, |_| Reported::Done)
}

/// Makes the report. `unknown` is the hash of a random password.
pub fn report(report: &Report<'_>, unknown: PasswordHash, now: Timestamp) -> Decision<Reported> {
    let Report { account, profile, since, .. } = *report;
    let before = match assess(report, now) {
        Ok(before) => before,
        Err(outcome) => return Decision::unchanged(outcome),
    };
    let (protected, factors) = match &before {
        // Wrong codes stay counted: a thief of the mailbox gets no further tries by a report.
        Some(before) => (before.protected, Factors { failures: account.factors.failures, ..before.factors }),
        None => (account.protected, account.factors),
    };
    let next = AccountState {
        protected,
        factors,
        devices: Vec::new(),
        password_home: PasswordHome::Here,
        ..account.in_next_epoch(now)
    };
    let disowned = with_disowned(&profile.disowned, since, now);
    let profile = Profile { email_change: None, disowned, version: profile.version + 1, ..profile.clone() };
    let password = report.password.map(|password| PasswordCredential {
        hash: unknown,
        changed_at: now,
        version: password.version + 1,
        ..password.clone()
    });
    let (totp, codes, passkeys) = before.map_or_else(Default::default, |before| (before.totp, before.codes, before.passkeys));
    let secured = SecuredAccount { account: next, profile, password, totp, codes, passkeys };
    Decision::one(Change::report_not_me(secured), Reported::Done)
}

/// The factors as they were before the event, if some changed since.
fn assess(report: &Report<'_>, now: Timestamp) -> Result<Option<FactorsAsOf>, Reported> {
    let Report { account, profile, factors, since, by, .. } = *report;
    if !account.is_active() || since > now {
        return Err(Reported::Over);
    }
    let is_disowned = profile.disowned.iter().any(|time| time.contains(since));
    let returning = match by {
        Reporter::Session(_) => Returning::Every,
        Reporter::Mail if is_disowned => return Err(Reported::AlreadyDone),
        Reporter::Mail if now >= since + LIFETIME => return Err(Reported::Over),
        Reporter::Mail => Returning::AddedUntil(settled_at(profile, since)),
    };
    if valid_undos(account, profile, now).any(|undo| undo.changed_at >= since) {
        return Err(Reported::AddressChanged);
    }
    let before = as_of(before_disowned(&profile.disowned, since), account, factors, returning, now);
    if !before.differs_from(factors.totp) {
        return if is_disowned { Err(Reported::AlreadyDone) } else { Ok(None) };
    }
    match by {
        // The mailbox alone does not open an account that has been protected for a while: the factors stay.
        Reporter::Mail if account.protected && !before.protected && was_protected(factors, settled_at(profile, since), now) => {
            Ok(None)
        }
        Reporter::Session(session) if address_proof::is_needed(account, profile, session, now) => {
            Err(Reported::NeedsAddressProof)
        }
        Reporter::Session(_) | Reporter::Mail => Ok(Some(before)),
    }
}

/// Factors that were added later than this do not come back by a mailed link. The mail about a report brings back nothing of the time that the
/// report has disowned.
fn settled_at(profile: &Profile, since: Timestamp) -> Timestamp {
    profile.disowned.iter().find(|time| time.to == since).map_or(since, |time| time.from) - SETTLED
}

/// Whether an app or recovery codes protected the account at this time, as far as the stored ones tell.
fn was_protected(stored: StoredFactors<'_>, at: Timestamp, now: Timestamp) -> bool {
    let seeds = stored
        .totp
        .into_iter()
        .flat_map(|totp| totp.active.iter().chain(totp.removed(now).map(|removed| &removed.stored)).map(|seed| seed.added_at));
    seeds.chain(stored.codes.map(|codes| codes.created_at)).any(|added_at| added_at <= at)
}
