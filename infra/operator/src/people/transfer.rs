//! Transfers one user from another Latchkey: writes the whole account in one transaction, which fails if any part of it already exists.

use super::latchkey_factors::{FileFactors, FilePasskey, FileTotp};
use super::latchkey_file::LatchkeyUser;
use crate::command_error::CommandError;
use crate::user_import::{ImportError, UserImporter};
use latchkey::domain::account::{DataKeyState, WrappedDataKey};
use latchkey::domain::change::Decision;
use latchkey::domain::id::{AccountId, Sub};
use latchkey::domain::passkey::CredentialHash;
use latchkey::domain::passkey::decisions::NewPasskey;
use latchkey::domain::totp::StoredSeed;
use latchkey::domain::transfer::{
    ExistingState, TransferOutcome, TransferredFactors, TransferredPasskey, TransferredTotp, TransferredUser, resolve_conflicts,
};
use latchkey::keys::{DataKey, KeyError, SealedField};
use latchkey::store::people::WalkPage;
use latchkey::store::{DecideError, StoreError, TenantStore};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};

/// What the store cannot look up by key. Read once before the import.
#[derive(Default)]
pub(super) struct ExistingAccounts {
    /// Erased accounts. An account erased from now on keeps its tombstone longer than any import takes.
    erased: HashSet<AccountId>,
    /// The account of each `sub`. Accounts created from now on have a random `sub`, or one that a sentinel claims.
    subs: HashMap<Sub, AccountId>,
}

impl ExistingAccounts {
    /// Whether an account has this `sub`.
    pub(super) fn has_sub(&self, sub: Sub) -> bool {
        self.subs.contains_key(&sub)
    }
    /// Scans the tombstones and the accounts.
    pub(super) async fn read(store: &TenantStore) -> Result<Self, CommandError> {
        let cannot =
            |error: StoreError| CommandError::caused_by("the existing and the erased accounts could not be read", &error);
        let (mut existing, mut from) = (Self::default(), None);
        loop {
            let WalkPage { found, next } = store.walk_tombstones(from).await.map_err(cannot)?;
            for tombstone in found {
                existing.erased.insert(tombstone.map_err(cannot)?.account);
            }
            from = next;
            if from.is_none() {
                break;
            }
        }
        loop {
            let WalkPage { found, next } = store.walk_accounts(from).await.map_err(cannot)?;
            for state in found {
                let state = state.map_err(cannot)?;
                existing.subs.insert(state.sub, state.account);
            }
            from = next;
            if from.is_none() {
                return Ok(existing);
            }
        }
    }
}

impl UserImporter<'_> {
    /// Transfers one user.
    pub(super) async fn transfer(
        &self,
        person: LatchkeyUser,
        existing: &ExistingAccounts,
    ) -> Result<TransferOutcome, DecideError<ImportError>> {
        let (sub, account) = (person.sub, person.account);
        let account_to_write = self.seal(person).map_err(|error| DecideError::Decide(ImportError::Keys(error)))?;
        let subjects: Vec<_> = account_to_write.identities.iter().map(|(subject, ..)| *subject).collect();
        let passkeys = account_to_write.factors.passkeys.iter();
        let credentials: Vec<_> = passkeys.map(|one| CredentialHash::of(&one.passkey.credential_id)).collect();
        let decide = || async {
            let identifier = &account_to_write.identifier;
            let found = self.store.find_existing_state(account, sub, identifier, &subjects, &credentials).await?;
            let sub_owner = existing.subs.get(&sub).copied().filter(|owner| *owner != account);
            let existing_state = ExistingState { has_tombstone: existing.erased.contains(&account), sub_owner, ..found };
            let Decision { changes, outcome } = resolve_conflicts(account_to_write.clone(), &existing_state);
            Ok::<_, ImportError>(Decision { changes, outcome })
        };
        self.store.decide(&self.request().map_err(DecideError::Decide)?, decide).await
    }

    /// Hashes and encrypts everything for this tenant, with a new data key.
    fn seal(&self, person: LatchkeyUser) -> Result<TransferredUser, KeyError> {
        let account = person.account;
        let (key, wrapped, keyring_version) = self.keys.data()?.generate(account)?;
        let identifiers = self.keys.identifier()?;
        let mut claims: Map<String, Value> = person.claims;
        claims.insert("email".to_owned(), Value::String(person.email.as_str().to_owned()));
        claims.insert("email_verified".to_owned(), Value::Bool(true));
        claims.entry("locale").or_insert_with(|| Value::String(self.locale.to_owned()));
        let mut identities = Vec::new();
        for (subject, linked_at) in &person.identities {
            let named = serde_json::json!(subject).to_string();
            let sealed = key.seal(SealedField::LinkedIdentity, named.as_bytes())?;
            identities.push((identifiers.hash_subject(subject), sealed, *linked_at));
        }
        Ok(TransferredUser {
            account,
            sub: person.sub,
            disabled_since: person.disabled_since,
            created_at: person.created_at,
            roles: person.roles,
            legal_hold: person.legal_hold,
            identifier: identifiers.hash_email(&person.email),
            claims: key.seal(SealedField::Profile, Value::Object(claims).to_string().as_bytes())?,
            updated_at: person.updated_at,
            password: person.password,
            identities,
            terms: person.terms,
            consents: person.consents,
            factors: seal_factors(person.factors, &key)?,
            data_key: WrappedDataKey { account, wrapped, keyring_version, state: DataKeyState::Account },
        })
    }
}

/// Seals the seed and the names of passkeys. A challenge of the source, up to the last use, is not accepted here.
fn seal_factors(factors: FileFactors, key: &DataKey) -> Result<TransferredFactors, KeyError> {
    let FileFactors { protected, totp, recovery_codes, passkeys } = factors;
    let totp = totp.map(|totp| seal_totp(&totp, key)).transpose()?;
    let passkeys = passkeys.into_iter().map(|passkey| seal_passkey(passkey, key)).collect::<Result<_, _>>()?;
    Ok(TransferredFactors { protected, totp, recovery_codes, passkeys })
}

fn seal_totp(totp: &FileTotp, key: &DataKey) -> Result<TransferredTotp, KeyError> {
    let seed = key.seal(SealedField::TotpSeed, totp.seed.expose())?;
    Ok(TransferredTotp { seed: StoredSeed { seed, added_at: totp.added_at }, last_step: totp.last_step })
}

fn seal_passkey(passkey: FilePasskey, key: &DataKey) -> Result<TransferredPasskey, KeyError> {
    let name = passkey.name.map(|name| key.seal(SealedField::PasskeyName, name.as_bytes())).transpose()?;
    let (created_at, last_used_at) = (passkey.created_at, passkey.last_used_at);
    let passkey = NewPasskey {
        credential_id: passkey.id,
        cose: passkey.public_key,
        aaguid: passkey.aaguid,
        transports: passkey.transports,
        backup_eligible: passkey.backup_eligible,
        backed_up: passkey.backed_up,
        counter: passkey.counter,
        rp_id: passkey.rp_id,
        name,
        challenged_at: last_used_at.unwrap_or(created_at),
    };
    Ok(TransferredPasskey { passkey, created_at, last_used_at })
}

/// The outcome as a row label in the report.
pub(super) fn outcome_label(moved: TransferOutcome) -> &'static str {
    match moved {
        TransferOutcome::Here => "newly imported",
        TransferOutcome::AlreadyHere => "imported before",
        TransferOutcome::AlreadyHereUnprotected => {
            "imported before, and not protected here: their second factors of the file were not added"
        }
        TransferOutcome::Erased => "erased here, and stay erased",
        TransferOutcome::AddressTaken => "skipped, another account here has their e-mail address",
        TransferOutcome::SubTaken => "skipped, another account here has their sub",
        TransferOutcome::PasskeyTaken => "skipped, another account here has one of their passkeys",
    }
}
