//! A session of a signed-in browser: lifetimes, epoch, and what its cookie proves (security 55–58, 64).

mod decisions;

pub(crate) use decisions::ended_grants;
pub use decisions::{end_with_grants, sign_out};

use super::account::{AccountState, Sealed};
use super::amr::Amr;
use super::id::{AccountId, SessionId};
use super::secret::SecretHash;
use super::sign_in::evidence::{Proofs, proofs_of};
use super::tenant::SessionPolicy;
use super::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The shortest interval between two writes of a session's last use: idle lifetimes are accurate to the hour, at the cost of one
/// write an hour.
pub const TOUCH_INTERVAL: Span = Span::hours(1);

/// A session. Its id is `sid` in tokens. Its cookie is a sealed locator and a secret; the hash of the secret is stored here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// `sid`; never reused.
    pub id: SessionId,
    /// The account.
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// The account's epoch when it was opened.
    #[serde(rename = "ep")]
    pub epoch: u32,
    /// The hash of the cookie's secret.
    #[serde(rename = "sh")]
    pub secret_hash: SecretHash,
    /// When it was opened.
    #[serde(rename = "cr")]
    pub created_at: Timestamp,
    /// When the user last authenticated (`auth_time`).
    #[serde(rename = "aut")]
    pub auth_time: Timestamp,
    /// The authentication methods (`amr`).
    pub amr: Vec<Amr>,
    /// What was proven. Empty: an earlier release wrote the session, or it is of a token exchange. See [`Session::proofs`].
    #[serde(rename = "ev", default, skip_serializing_if = "Proofs::is_empty")]
    pub proofs: Proofs,
    /// When it was last used; written at most once an hour.
    #[serde(rename = "use")]
    pub last_used_at: Timestamp,
    /// The absolute expiry.
    #[serde(rename = "exp")]
    pub expires_at: Timestamp,
    /// The idle expiry.
    #[serde(rename = "idl")]
    pub idle_expires_at: Timestamp,
    /// Device description and truncated network address, sealed.
    #[serde(rename = "dev", skip_serializing_if = "Option::is_none")]
    pub device: Option<Sealed>,
    /// The known device that it was opened on: its wrong passwords count in a window of its own. None: an earlier release opened it.
    #[serde(rename = "did", default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<u64>,
    /// When it was ended, if it was.
    #[serde(rename = "end", skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The version of this state.
    pub version: u64,
}

/// The data of a new session besides its account: fresh random values, and the sealed device.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Fresh: an id from before a sign-in is never promoted (security 56).
    pub id: SessionId,
    /// The hash of a fresh cookie secret.
    pub secret_hash: SecretHash,
    /// Device description and truncated network address, sealed.
    pub device: Option<Sealed>,
}

impl Session {
    /// Opens a session now, for a user who has just authenticated. Only completion does so.
    #[must_use]
    pub fn open(
        new: NewSession,
        authentication: &AccountState,
        proofs: Proofs,
        policy: &SessionPolicy,
        now: Timestamp,
    ) -> Self {
        Self {
            id: new.id,
            account: authentication.account,
            epoch: authentication.epoch,
            secret_hash: new.secret_hash,
            created_at: now,
            auth_time: proofs.auth_time(proofs.level()).unwrap_or(now),
            amr: proofs.amr(),
            proofs,
            last_used_at: now,
            expires_at: now + policy.absolute,
            idle_expires_at: now + policy.idle,
            device: new.device,
            device_id: None,
            ended_at: None,
            version: 1,
        }
    }

    /// The session on this known device.
    #[must_use]
    pub fn on_device(self, device: u64) -> Self {
        Self { device_id: Some(device), ..self }
    }

    /// The session after its user has authenticated again in this browser: the same `sid`, so that the tokens of applications stay valid, with
    /// another cookie secret and these proofs (security 56). Only completion does so.
    #[must_use]
    pub fn renew(&self, new: NewSession, state: &AccountState, proofs: Proofs, policy: &SessionPolicy, now: Timestamp) -> Self {
        let mut opened = Self::open(new, state, proofs, policy, now);
        // Those of methods that this release does not know.
        opened.amr.extend(self.amr.iter().filter(|amr| matches!(amr, Amr::Unknown(_))).cloned());
        Self { id: self.id, created_at: self.created_at, version: self.version + 1, ..opened }
    }

    /// What was proven in this session.
    #[must_use]
    pub fn proofs(&self) -> Cow<'_, Proofs> {
        proofs_of(&self.proofs, &self.amr, self.auth_time)
    }

    /// Whether the session is live: not ended, neither of its two expiries reached, and of the account's current epoch.
    #[must_use]
    pub fn is_live(&self, authentication: &AccountState, now: Timestamp) -> bool {
        self.ended_at.is_none()
            && now < self.expires_at
            && now < self.idle_expires_at
            && self.account == authentication.account
            && self.epoch == authentication.epoch
            && authentication.is_active()
    }

    /// Whether this secret is that of the session's cookie. A locator alone is not enough.
    #[must_use]
    pub fn is_presented_by(&self, secret_hash: &SecretHash) -> bool {
        self.secret_hash == *secret_hash
    }

    /// The session with its last use set to now, if that is due for a write.
    #[must_use]
    pub fn touch(&self, policy: &SessionPolicy, now: Timestamp) -> Option<Self> {
        (now.since(self.last_used_at) >= TOUCH_INTERVAL).then(|| Self {
            last_used_at: now,
            idle_expires_at: now + policy.idle,
            version: self.version + 1,
            ..self.clone()
        })
    }

    /// The session as ended now; `None` if it had ended before.
    #[must_use]
    pub fn end(&self, now: Timestamp) -> Option<Self> {
        self.ended_at.is_none().then(|| Self { ended_at: Some(now), version: self.version + 1, ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::{AccountStatus, LinkSeed};
    use crate::domain::change::Change;
    use crate::domain::change::MAX_ENDED_GRANTS;
    use crate::domain::oauth::grant::Grant;
    use crate::domain::oauth::grant::RevocationReason;
    use crate::domain::sign_in::methods::password::tests::authentication;

    const POLICY: SessionPolicy = SessionPolicy { idle: Span::days(1), absolute: Span::days(30) };
    const T0: Timestamp = Timestamp::from_seconds(1_000_000);

    fn session() -> Session {
        let new = NewSession { id: SessionId::from_bytes([7; 16]), secret_hash: SecretHash::from_bytes([8; 32]), device: None };
        Session::open(new, &authentication(), Proofs::of_earlier(&[Amr::Pwd], T0), &POLICY, T0)
    }

    #[test]
    fn security_57_a_session_lives_until_the_earlier_of_its_two_expiries() {
        let session = session();
        let live = |session: &Session, after: Span| session.is_live(&authentication(), T0 + after);
        assert!(live(&session, Span::days(1) - Span::millis(1)));
        assert!(!live(&session, Span::days(1)));
        // Used every 23 hours, it still expires after 30 days.
        let mut used = session;
        let mut at = T0;
        while live(&used, at.since(T0)) {
            used = used.touch(&POLICY, at).unwrap_or(used);
            at = at + Span::hours(23);
        }
        assert!(at.since(T0) >= Span::days(30) && at.since(T0) < Span::days(31), "{:?}", at.since(T0));
    }

    #[test]
    fn security_58_59_an_ended_session_or_another_epoch_or_status_is_dead() {
        let session = session();
        assert!(!session.end(T0).unwrap().is_live(&authentication(), T0));
        let raised = AccountState { epoch: authentication().epoch + 1, ..authentication() };
        assert!(!session.is_live(&raised, T0));
        for status in [
            AccountStatus::Disabled { since: T0 },
            AccountStatus::ErasureDue { since: T0, due: T0, seed: LinkSeed { key_version: 1, bytes: [1; 16] } },
        ] {
            assert!(!session.is_live(&AccountState { status, ..authentication() }, T0));
        }
        let other = AccountState { account: AccountId::from_bytes([9; 16]), ..authentication() };
        assert!(!session.is_live(&other, T0));
    }

    #[test]
    fn security_56_64_a_renewed_session_keeps_its_sid_and_nothing_that_was_proven_before() {
        let before = session();
        let at = T0 + Span::hours(5);
        let new =
            NewSession { id: SessionId::from_bytes([9; 16]), secret_hash: SecretHash::from_bytes([10; 32]), device: None };
        let renewed = before.renew(new, &authentication(), Proofs::of_earlier(&[Amr::Pwd], at), &POLICY, at);
        assert_eq!((renewed.id, renewed.created_at, renewed.version), (before.id, T0, 2));
        assert_eq!((renewed.auth_time, renewed.expires_at), (at, at + POLICY.absolute));
        assert!(!renewed.is_presented_by(&before.secret_hash), "the old cookie is dead");
        assert!(renewed.is_presented_by(&SecretHash::from_bytes([10; 32])));
    }

    #[test]
    fn use_is_written_at_most_once_an_hour() {
        let session = session();
        assert_eq!(session.touch(&POLICY, T0 + Span::minutes(59)), None);
        let touched = session.touch(&POLICY, T0 + Span::hours(1)).unwrap();
        assert_eq!(touched.idle_expires_at, T0 + Span::hours(25));
        assert_eq!((touched.version, touched.expires_at), (2, session.expires_at));
    }

    #[test]
    fn security_59_ending_a_session_ends_its_offline_grants_and_no_others() {
        use crate::domain::oauth::fixture::{NOW, active, scope, session};
        let offline = Grant { scope: scope("openid offline_access"), ..active(Span::ZERO) };
        let online = Grant { scope: scope("openid"), ..active(Span::ZERO) };
        let other_session = Grant { sid: SessionId::from_bytes([99; 16]), ..offline.clone() };
        let revoked = offline.revoked(RevocationReason::ClientRequest, NOW);
        let decision = end_with_grants(&session(), &[offline.clone(), online, other_session, revoked], NOW);
        let [change] = decision.changes.all();
        let (ended, grants) = (change.first::<Session>(), change.written().cloned().collect::<Vec<Grant>>());
        assert_eq!(*change, Change::end_session_and_grants(ended.clone(), grants.clone()));
        assert!(ended.ended_at.is_some() && grants.len() == 1 && grants[0].version == offline.version + 1);
        // A grant that was created a moment ago is ended by a second pass.
        let again = end_with_grants(&ended, std::slice::from_ref(&offline), NOW);
        again.changes.only(Change::revoke_grant);
        assert!(end_with_grants(&ended, &[], NOW).changes.is_empty());
        let many: Vec<Grant> = (0..150).map(|_| offline.clone()).collect();
        let decision = end_with_grants(&session(), &many, NOW);
        let change = decision.changes.0.last().expect("a change");
        let grants: Vec<Grant> = change.written().cloned().collect();
        assert_eq!(*change, Change::end_session_and_grants(change.first(), grants.clone()));
        assert_eq!((grants.len(), decision.changes.0.len()), (MAX_ENDED_GRANTS, 150 - MAX_ENDED_GRANTS + 1));
    }

    #[test]
    fn signing_out_twice_writes_once() {
        let session = session();
        let ended = session.end(T0).unwrap();
        sign_out(&session, T0).changes.only(Change::end_session);
        assert!(sign_out(&ended, T0).changes.is_empty());
    }
}
