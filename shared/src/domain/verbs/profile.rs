//! Changes of a profile and of the address of an account.

use super::erasure::deletion_record;
use super::passkey::claim_of;
use crate::domain::account::AccountState;
use crate::domain::audit::EventKind;
use crate::domain::change::{Change, KeyExpect, Put, RecordKey, Remove, Subject};
use crate::domain::email_undo::{AddressClaim, ReturnedAddress};
use crate::domain::identifier::IdentifierHash;
use crate::domain::profile::Profile;
use crate::domain::record::{ClaimedIdentifier, Keyed};

impl Change {
    /// The profile was edited.
    pub fn update_profile(profile: Profile) -> Self {
        Self::audited(EventKind::ProfileChanged, Subject::account(profile.account), Put::next(profile))
    }
    /// A code that proves the present address is requested.
    pub fn start_address_proof(profile: Profile) -> Self {
        Self::audited(EventKind::AddressProofStarted, Subject::account(profile.account), Put::next(profile))
    }
    /// A wrong code was typed: one try is used.
    pub fn count_address_proof_try(profile: Profile) -> Self {
        Self::audited(EventKind::AddressProofRefused, Subject::account(profile.account), Put::next(profile))
    }
    /// The code was typed. No event: what it is needed for follows.
    pub fn prove_address(profile: Profile) -> Self {
        Self::unaudited(Put::next(profile))
    }
    /// A change of address starts. A pending one is superseded.
    pub fn start_email_change(profile: Profile) -> Self {
        Self::audited(EventKind::EmailChangeStarted, Subject::account(profile.account), Put::next(profile))
    }
    /// A wrong code for a change of address was typed: one try is used.
    pub fn count_email_change_try(profile: Profile) -> Self {
        Self::audited(EventKind::EmailChangeRefused, Subject::account(profile.account), Put::next(profile))
    }
    /// A change of address was ended before its proof.
    pub fn end_email_change(profile: Profile) -> Self {
        Self::audited(EventKind::EmailChangeEnded, Subject::account(profile.account), Put::next(profile))
    }
    /// The new address was proven: it is claimed if no account has it, and the former one is freed. An address never belongs to two
    /// accounts.
    pub fn change_email(authentication: AccountState, profile: Profile, former: IdentifierHash) -> Self {
        let account = authentication.account;
        let claimed = Keyed { key: authentication.identifier, state: ClaimedIdentifier { account } };
        Self::audited(EventKind::EmailChanged, Subject::account(account), Put::next(authentication))
            .and(Put::next(profile))
            .and(Put::new(claimed))
            .and_remove(Remove { key: RecordKey::Identifier(former), expect: KeyExpect::OwnedBy(account) })
    }
    /// A former address takes the account back: the address is claimed, or taken from a newer account, which is closed; the other
    /// address is freed, the password replaced, and the due erasure of a closed account removed.
    pub fn undo_email_change(returned: ReturnedAddress) -> Self {
        let ReturnedAddress {
            at,
            authentication,
            profile,
            password,
            totp,
            recovery_codes,
            passkeys,
            claim,
            freed,
            withdrawn,
            displaced,
        } = returned;
        let (account, status) = (authentication.account, authentication.status);
        let claimed = Keyed { key: authentication.identifier, state: ClaimedIdentifier { account } };
        let mut change = Self::audited(EventKind::EmailChangeUndone, Subject::account(account), Put::next(authentication))
            .and(Put::next(profile))
            .and(Put::next(password))
            .and_all(totp.map(Put::next))
            .and_all(recovery_codes.map(Put::next));
        for passkey in passkeys {
            let claim = claim_of(&passkey);
            change = change.and(Put::next(passkey)).and(claim);
        }
        match claim {
            AddressClaim::Kept => {}
            AddressClaim::New => change = change.and(Put::new(claimed)),
            AddressClaim::TakenFrom(other) => change = change.and(Put::taken_from(other, claimed)),
        }
        if let Some(freed) = freed {
            change = change.and_remove(Remove { key: RecordKey::Identifier(freed), expect: KeyExpect::OwnedBy(account) });
        }
        if let Some(withdrawn) = withdrawn {
            change = change.and_restoration(account, status, withdrawn, at);
        }
        match displaced {
            Some((other, erasure)) => {
                let record = deletion_record(&other);
                change.and(Put::next(other)).and_all(erasure.map(Put::new)).and_all(record.map(Put::own))
            }
            None => change,
        }
    }
    /// The code that undoes a change of address is mailed, to a former address that has only the link.
    pub fn request_undo_code(profile: Profile) -> Self {
        Self::audited(EventKind::CodeResent, Subject::account(profile.account), Put::next(profile))
    }
}
