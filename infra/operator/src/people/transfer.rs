//! Transfers one user from another Latchkey: writes the whole account in one transaction, which fails if any part of it already exists.

use super::latchkey_file::LatchkeyUser;
use crate::command_error::CommandError;
use crate::user_import::{ImportError, UserImporter};
use latchkey::domain::account::{DataKeyState, WrappedDataKey};
use latchkey::domain::change::Decision;
use latchkey::domain::id::{AccountId, Sub};
use latchkey::domain::transfer::{ExistingState, TransferOutcome, TransferredUser, resolve_conflicts};
use latchkey::keys::{KeyError, SealedField};
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
        let decide = || async {
            let found = self.store.find_existing_state(account, sub, &account_to_write.identifier, &subjects).await?;
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
            data_key: WrappedDataKey { account, wrapped, keyring_version, state: DataKeyState::Account },
        })
    }
}

/// The outcome as a row label in the report.
pub(super) fn outcome_label(moved: TransferOutcome) -> &'static str {
    match moved {
        TransferOutcome::Here => "newly imported",
        TransferOutcome::AlreadyHere => "imported before",
        TransferOutcome::Erased => "erased here, and stay erased",
        TransferOutcome::AddressTaken => "skipped, another account here has their e-mail address",
        TransferOutcome::SubTaken => "skipped, another account here has their sub",
    }
}
