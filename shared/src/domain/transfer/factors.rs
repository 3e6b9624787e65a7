//! Second factors and passkeys of a transferred account.

use crate::domain::id::AccountId;
use crate::domain::passkey::Passkey;
use crate::domain::passkey::decisions::NewPasskey;
use crate::domain::recovery_codes::RecoveryCodes;
use crate::domain::secret::SecretHash;
use crate::domain::sign_in::factors::Factors;
use crate::domain::time::Timestamp;
use crate::domain::totp::{StoredSeed, TotpCredential};

/// The second factors and passkeys of an account, as far as they can be used at the receiving tenant.
#[derive(Debug, Clone, Default)]
pub struct TransferredFactors {
    /// Whether one factor was not enough to sign in.
    pub protected: bool,
    /// The authenticator app.
    pub totp: Option<TransferredTotp>,
    /// The recovery codes.
    pub recovery_codes: Option<TransferredCodes>,
    /// The passkeys, all of the relying party id of the receiving tenant.
    pub passkeys: Vec<TransferredPasskey>,
}

/// An authenticator app.
#[derive(Debug, Clone)]
pub struct TransferredTotp {
    /// Its seed, sealed for the receiving account.
    pub seed: StoredSeed,
    /// The time step of the last code that was accepted. It, and earlier ones, are accepted nowhere.
    pub last_step: u64,
}

/// Recovery codes.
#[derive(Debug, Clone)]
pub struct TransferredCodes {
    /// The hash of each code, and whether it was used.
    pub codes: Vec<(SecretHash, bool)>,
    /// When they were made.
    pub created_at: Timestamp,
    /// Whether the user has shown that they were kept.
    pub are_kept: bool,
}

/// A passkey.
#[derive(Debug, Clone)]
pub struct TransferredPasskey {
    /// The passkey as it was added, with its present counter.
    pub passkey: NewPasskey,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
}

/// The items of an account's factors, and its state.
pub(super) struct StoredFactors {
    pub(super) protected: bool,
    pub(super) state: Factors,
    pub(super) totp: Option<TotpCredential>,
    pub(super) recovery_codes: Option<RecoveryCodes>,
    pub(super) passkeys: Vec<Passkey>,
}

impl TransferredFactors {
    /// Whether the account needs two factors here. An account without any factor that can be used here does not: nothing could
    /// open it.
    #[must_use]
    pub fn protects(&self) -> bool {
        let has_code = self.recovery_codes.as_ref().is_some_and(|codes| codes.codes.iter().any(|(_, is_used)| !is_used));
        self.protected && (self.totp.is_some() || has_code || !self.passkeys.is_empty())
    }

    pub(super) fn stored(self, account: AccountId) -> StoredFactors {
        let protected = self.protects();
        let last_step = self.totp.as_ref().map(|totp| totp.last_step);
        let totp = self.totp.map(|TransferredTotp { seed, .. }| TotpCredential {
            account,
            active: Some(seed),
            pending: None,
            removed: None,
            version: 1,
        });
        let recovery_codes = self.recovery_codes.map(|codes| codes.stored(account));
        let passkeys: Vec<Passkey> = self.passkeys.into_iter().map(|passkey| passkey.stored(account)).collect();
        let state = Factors {
            totp: last_step,
            recovery_codes: recovery_codes.as_ref().map_or(0, |codes| count(codes.left())),
            passkeys: count(passkeys.len()),
            ..Factors::default()
        };
        StoredFactors { protected, state, totp, recovery_codes, passkeys }
    }
}

impl TransferredCodes {
    fn stored(self, account: AccountId) -> RecoveryCodes {
        let hashes = self.codes.iter().map(|(hash, _)| *hash).collect();
        let fresh = RecoveryCodes {
            account,
            hashes,
            used: 0,
            generation: 1,
            created_at: self.created_at,
            are_kept: self.are_kept,
            changes: Vec::new(),
            removed_at: None,
            version: 1,
        };
        let used = self.codes.iter().enumerate().filter(|(_, (_, is_used))| *is_used);
        let codes = used.fold(fresh, |codes, (index, _)| codes.with_used(index));
        RecoveryCodes { version: 1, ..codes }
    }
}

impl TransferredPasskey {
    fn stored(self, account: AccountId) -> Passkey {
        let Self { passkey, created_at, last_used_at } = self;
        Passkey {
            account,
            credential_id: passkey.credential_id,
            cose: passkey.cose,
            aaguid: passkey.aaguid,
            transports: passkey.transports,
            backup_eligible: passkey.backup_eligible,
            backed_up: passkey.backed_up,
            counter: passkey.counter,
            rp_id: passkey.rp_id,
            name: passkey.name,
            newest_challenge: passkey.challenged_at,
            created_at,
            last_used_at,
            removed_at: None,
            version: 1,
        }
    }
}

fn count(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::Sealed;
    use crate::domain::passkey::Transports;

    const T0: Timestamp = Timestamp::from_seconds(1_000_000);
    const ACCOUNT: AccountId = AccountId::from_bytes([1; 16]);

    fn passkey() -> TransferredPasskey {
        let passkey = NewPasskey {
            credential_id: vec![1; 16],
            cose: vec![2],
            aaguid: [3; 16],
            transports: Transports::default(),
            backup_eligible: true,
            backed_up: false,
            counter: 7,
            rp_id: "example.com".to_owned(),
            name: None,
            challenged_at: T0,
        };
        TransferredPasskey { passkey, created_at: T0, last_used_at: Some(T0) }
    }
    fn codes(used: &[bool]) -> TransferredCodes {
        let code = |(n, is_used): (usize, &bool)| (SecretHash::from_bytes([u8::try_from(n).unwrap(); 32]), *is_used);
        TransferredCodes { codes: used.iter().enumerate().map(code).collect(), created_at: T0, are_kept: true }
    }
    fn app() -> TransferredTotp {
        TransferredTotp { seed: StoredSeed { seed: Sealed(vec![1]), added_at: T0 }, last_step: 33_333 }
    }

    #[test]
    fn factors_are_counted_in_the_state_and_a_used_code_and_step_stay_used() {
        let factors = TransferredFactors {
            protected: true,
            totp: Some(app()),
            recovery_codes: Some(codes(&[true, false, true])),
            passkeys: vec![passkey()],
        };
        let stored = factors.stored(ACCOUNT);
        assert!(stored.protected);
        assert_eq!((stored.state.totp, stored.state.recovery_codes, stored.state.passkeys), (Some(33_333), 1, 1));
        let codes = stored.recovery_codes.unwrap();
        assert_eq!((codes.used, codes.left(), codes.are_kept, codes.version), (0b101, 1, true, 1));
        assert_eq!((stored.passkeys[0].counter, stored.passkeys[0].account), (7, ACCOUNT));
        assert!(stored.totp.is_some_and(|totp| totp.active.is_some() && totp.version == 1));
    }

    /// security 78: what protected the account protects it here. Without any factor that can be used here, it is not closed for ever.
    #[test]
    fn security_78_a_protected_account_stays_protected_by_what_can_be_used_here() {
        let none = || TransferredFactors { protected: true, ..TransferredFactors::default() };
        for (factors, protects) in [
            (none(), false),
            (TransferredFactors { totp: Some(app()), ..none() }, true),
            (TransferredFactors { recovery_codes: Some(codes(&[true, false])), ..none() }, true),
            (TransferredFactors { recovery_codes: Some(codes(&[true])), ..none() }, false),
            (TransferredFactors { passkeys: vec![passkey()], ..none() }, true),
            (TransferredFactors { protected: false, passkeys: vec![passkey()], ..none() }, false),
        ] {
            assert_eq!((factors.protects(), factors.clone().stored(ACCOUNT).protected), (protects, protects), "{factors:?}");
        }
    }
}
