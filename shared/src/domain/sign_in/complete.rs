//! Completion: the one place that opens and renews sessions, makes devices known and resets failure windows (security 56, 64).
//!
//! The same user's live session is renewed: same `sid`, new cookie secret, and what was proven now is added. Another user's session ends, and
//! a new one opens. So does one that was never opened by a sign-in here (a token exchange).
//!
//! The event of a sign-in says whether the account knew the device: the owner is told of a new one by mail. Also if a live session is renewed there:
//! its cookie may be copied.
//!
//! Nothing opens below the level that the account needs, whatever a method or a path has decided before.

use super::assurance::Acr;
use super::attempt::NewAttempt;
use super::evidence::{Evidence, Proofs};
use super::policy::{Requirement, require};
use super::throttle::{known_device, remember, reset_window};
use crate::domain::account::AccountState;
use crate::domain::change::Change;
use crate::domain::known_device::RememberedUntil;
use crate::domain::session::{NewSession, Session};
use crate::domain::tenant::{SecondFactorPolicy, SessionPolicy};
use crate::domain::time::{Span, Timestamp};

/// How long after its creation the first device of an account is not mailed as a new one.
const FIRST_SIGN_IN_WITHIN: Span = Span::hours(1);

/// The data of a successful sign-in.
#[derive(Debug, Clone)]
pub struct NewSignIn<'a> {
    /// The session.
    pub session: NewSession,
    /// The device to remember, unless it is known already.
    pub device: u64,
    /// The live session that this browser has so far. The same account's is renewed, another account's ends. In both cases its cookie becomes
    /// worthless.
    pub replaced: Option<&'a Session>,
    /// Lifetimes.
    pub policy: &'a SessionPolicy,
    /// Whether accounts need a second factor.
    pub second_factor: SecondFactorPolicy,
    /// Whether the absolute end of a renewed session stays: only a whole sign-in moves it, and a second step alone is none.
    pub keeps_expiry: bool,
    /// The attempt that opens if a second step is due. None: where none can be due, as in a registration.
    pub attempt: Option<NewAttempt>,
    /// What it makes of a remembered device.
    pub remembering: Remembering,
}

/// What a sign-in makes of a remembered device (security 160).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remembering {
    /// It counts for nothing: the tenant document allows none, or the sign-in is for something that needs the user's factors now.
    Off,
    /// It takes the place of the second factor that the account asks for.
    Accepted,
    /// The user chose to have this device remembered until then. It is, if two factors are shown now.
    Begins(RememberedUntil),
}

impl Remembering {
    /// Whether the sign-in may rest on the device that the browser presents.
    #[must_use]
    pub fn accepts(self, account: &AccountState, device: Option<u64>, now: Timestamp) -> bool {
        self == Self::Accepted && account.remembers(device, now)
    }
}

/// A completed sign-in. The account's state is written first: parallel guesses and a changed password conflict with its version. The session
/// comes last: an attempt that meets a conflict leaves no session behind.
pub(in crate::domain) struct Completed {
    /// The account: its window is reset, and the device is known.
    pub account: AccountState,
    /// The end of a replaced session, and the session.
    pub opened: Vec<Change>,
    /// The session.
    pub session: Session,
    /// Whether the browser must remember the device.
    pub new_device: bool,
    /// Whether the device has become a remembered one.
    pub is_remembered: bool,
}

/// Completes a sign-in to this account on the device that the browser presents. `None` without evidence, with evidence of another account, or
/// with less than the account needs: then nothing may be written.
pub(in crate::domain) fn complete(
    account: &AccountState,
    device: Option<u64>,
    evidence: Vec<Evidence>,
    new: NewSignIn<'_>,
    now: Timestamp,
) -> Option<Completed> {
    let known = known_device(account, device);
    let is_first = is_first_sign_in(account, now);
    let is_accepted = new.remembering.accepts(account, device, now);
    let has_two_factors = Proofs::of(&evidence).level() >= Acr::Aal2;
    let (account, on) = match new.remembering {
        Remembering::Begins(until) if has_two_factors => (remember(account, known, new.device, until, now), None),
        Remembering::Off | Remembering::Accepted | Remembering::Begins(_) => {
            (reset_window(account, known, new.device, now), known.map(|known| known.id))
        }
    };
    let is_remembered = on.is_none() && account.remembers(Some(new.device), now);
    // Where a second factor is required, the account is protected by it from its first use on.
    let protected = account.protected || (has_two_factors && new.second_factor.is_in_force(now));
    let account = AccountState { protected, ..account };
    // Who shows a factor, or has the device on which one was shown, has not lost it.
    let account = if has_two_factors || is_accepted { account.without_removal_request() } else { account };
    let device = on.unwrap_or(new.device);
    // A device that becomes remembered has a new id, and may have been known.
    let is_mailed = known.is_none() && !is_first;
    let (opened, session) = open_if_enough(&account, evidence, NewSignIn { device, ..new }, is_accepted, is_mailed, now)?;
    Some(Completed { account, opened, session, new_device: on.is_none(), is_remembered })
}

/// Whether this is the first sign-in of an account that was created a moment ago: by a registration through an application, or by an import.
fn is_first_sign_in(account: &AccountState, now: Timestamp) -> bool {
    account.devices.is_empty() && account.epoch_began_at.is_none() && now.since(account.created_at) < FIRST_SIGN_IN_WITHIN
}

/// Completes the first sign-in of an account that is created with it. It has the device already, and no mail is sent about it. `None` as in
/// [`complete`].
pub(in crate::domain) fn complete_first(
    account: &AccountState,
    evidence: Vec<Evidence>,
    new: NewSignIn<'_>,
    now: Timestamp,
) -> Option<(Vec<Change>, Session)> {
    open_if_enough(account, evidence, new, false, false, now)
}

fn open_if_enough(
    account: &AccountState,
    evidence: Vec<Evidence>,
    new: NewSignIn<'_>,
    is_remembered: bool,
    is_new_device: bool,
    now: Timestamp,
) -> Option<(Vec<Change>, Session)> {
    let is_theirs = !evidence.is_empty() && evidence.iter().all(|evidence| evidence.account() == account.account);
    let is_enough = require(account, &Proofs::of(&evidence), is_remembered) == Requirement::Complete;
    (is_theirs && is_enough).then(|| open_or_renew(account, evidence, new, is_new_device, now))
}

/// The session of an application, for a user who authenticated in another system at this time. Nothing was proven here, and no browser gets it.
pub(in crate::domain) fn open_unproven(
    account: &AccountState,
    new: NewSession,
    auth_time: Timestamp,
    policy: &SessionPolicy,
    now: Timestamp,
) -> (Change, Session) {
    let session = Session { auth_time, ..Session::open(new, account, Proofs::none(), policy, now) };
    (Change::open_session(session.clone()), session)
}

/// The session of a user who has just proven a factor that is added to the account: the same `sid` and expiry, another cookie, and this evidence.
/// A copied cookie does not gain it. `None` if the session or the evidence is not the account's.
pub(in crate::domain) fn add_to_session(
    session: &Session,
    before: &AccountState,
    after: &AccountState,
    evidence: Vec<Evidence>,
    new: NewSession,
    policy: &SessionPolicy,
    now: Timestamp,
) -> Option<Session> {
    let is_theirs = session.is_live(before, now) && evidence.iter().all(|evidence| evidence.account() == before.account);
    is_theirs.then(|| {
        let renewed = session.renew(new, after, session.proofs().with(evidence), policy, now);
        Session { expires_at: session.expires_at, device_id: session.device_id, ..renewed }
    })
}

fn open_or_renew(
    account: &AccountState,
    evidence: Vec<Evidence>,
    new: NewSignIn<'_>,
    is_new_device: bool,
    now: Timestamp,
) -> (Vec<Change>, Session) {
    let NewSignIn { session, device, replaced, policy, second_factor: _, keeps_expiry, attempt: _, remembering: _ } = new;
    if let Some(own) = replaced.filter(|own| own.is_live(account, now) && !own.proofs().is_empty()) {
        let proofs = own.proofs().with(evidence);
        let renewed = own.renew(session, account, proofs, policy, now).on_device(device);
        let expires_at = if keeps_expiry { own.expires_at } else { renewed.expires_at };
        let session = Session { expires_at, ..renewed };
        let renew = if is_new_device { Change::renew_session_on_new_device } else { Change::renew_session };
        return (vec![renew(session.clone())], session);
    }
    let session = Session::open(session, account, Proofs::none().with(evidence), policy, now).on_device(device);
    let open = if is_new_device { Change::open_session_on_new_device } else { Change::open_session };
    let ended = replaced.and_then(|replaced| replaced.end(now)).map(Change::end_session);
    (ended.into_iter().chain([open(session.clone())]).collect(), session)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{AccountId, SessionId};
    use crate::domain::known_device::KnownDevice;
    use crate::domain::secret::SecretHash;
    use crate::domain::sign_in::method::Method;
    use crate::domain::sign_in::methods::password::tests::authentication;

    #[test]
    fn security_54_without_evidence_or_with_that_of_another_account_nothing_opens() {
        let (now, policy) =
            (Timestamp::from_seconds(1_000_000), SessionPolicy { idle: Span::days(1), absolute: Span::days(30) });
        let account = authentication();
        let of = |account| Evidence::new(account, Method::Password, now);
        let complete = |evidence: Vec<Evidence>| {
            let session =
                NewSession { id: SessionId::from_bytes([1; 16]), secret_hash: SecretHash::from_bytes([1; 32]), device: None };
            complete(
                &account,
                None,
                evidence,
                NewSignIn {
                    session,
                    device: 1,
                    replaced: None,
                    policy: &policy,
                    second_factor: SecondFactorPolicy::Optional,
                    keeps_expiry: false,
                    attempt: None,
                    remembering: Remembering::Off,
                },
                now,
            )
        };
        let foreign = AccountId::from_bytes([9; 16]);
        assert!(complete(vec![of(account.account)]).is_some());
        for evidence in [vec![], vec![of(foreign)], vec![of(account.account), of(foreign)]] {
            assert!(complete(evidence).is_none());
        }
    }

    /// The event of a sign-in says whether its device is new. The first device of a new account is not: its user has just registered.
    #[test]
    fn security_156_a_sign_in_says_whether_the_account_knew_the_device() {
        let policy = SessionPolicy { idle: Span::days(1), absolute: Span::days(30) };
        let device = KnownDevice::new(7);
        let known = AccountState { devices: vec![device], ..authentication() };
        let created = known.created_at;
        let none = AccountState { devices: Vec::new(), epoch_began_at: None, ..known.clone() };
        let forgotten = AccountState { epoch_began_at: Some(created), ..none.clone() };
        let minutes = Span::minutes;
        for (what, account, presented, after, is_new) in [
            ("a known device", &known, Some(device.id), minutes(1), false),
            ("no device", &known, None, minutes(1), true),
            ("a device of another account", &known, Some(device.id + 1), minutes(1), true),
            ("the first device of a new account", &none, None, minutes(59), false),
            ("the first device of an account that was created before", &none, None, minutes(60), true),
            ("devices were forgotten", &forgotten, None, minutes(1), true),
        ] {
            let now = created + after;
            let complete = |replaced: Option<&Session>| {
                let session = NewSession {
                    id: SessionId::from_bytes([1; 16]),
                    secret_hash: SecretHash::from_bytes([1; 32]),
                    device: None,
                };
                let second_factor = SecondFactorPolicy::default();
                let new = NewSignIn {
                    session,
                    device: 1,
                    replaced,
                    policy: &policy,
                    second_factor,
                    keeps_expiry: false,
                    attempt: None,
                    remembering: Remembering::Off,
                };
                complete(account, presented, vec![Evidence::new(account.account, Method::Password, now)], new, now).unwrap()
            };
            let opened = complete(None);
            let renewed = complete(Some(&opened.session));
            for changes in [&opened.opened, &renewed.opened] {
                let [change] = changes.as_slice() else { panic!("{what}") };
                assert_eq!(change.event().map(|event| event.is_new_device), Some(is_new), "{what}");
            }
        }
    }

    #[test]
    fn security_54_nothing_opens_below_the_level_that_the_account_needs() {
        let (now, policy) =
            (Timestamp::from_seconds(1_000_000), SessionPolicy { idle: Span::days(1), absolute: Span::days(30) });
        let account = AccountState { protected: true, ..authentication() };
        let complete = |methods: &[Method]| {
            let session =
                NewSession { id: SessionId::from_bytes([1; 16]), secret_hash: SecretHash::from_bytes([1; 32]), device: None };
            let evidence = methods.iter().map(|method| Evidence::new(account.account, method.clone(), now)).collect();
            complete_first(
                &account,
                evidence,
                NewSignIn {
                    session,
                    device: 1,
                    replaced: None,
                    policy: &policy,
                    second_factor: SecondFactorPolicy::Optional,
                    keeps_expiry: false,
                    attempt: None,
                    remembering: Remembering::Off,
                },
                now,
            )
        };
        for too_little in [&[Method::Password][..], &[Method::MailCode], &[Method::Password, Method::MailCode], &[Method::Totp]]
        {
            assert!(complete(too_little).is_none(), "{too_little:?}");
        }
        let enough =
            [&[Method::Password, Method::Totp][..], &[Method::MailCode, Method::RecoveryCode], &[Method::SyncedPasskey]];
        for enough in enough {
            assert!(complete(enough).is_some(), "{enough:?}");
        }
    }
}
