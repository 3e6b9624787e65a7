//! New accounts: everything of one in one transaction, all or nothing.

use super::{Plan, Put, Writer};
use crate::domain::change::NewAccount;
use crate::domain::directory::ImportedAccount;
use crate::domain::id::AccountId;
use crate::domain::linked_identity::{ClaimedSubject, LinkedIdentity};
use crate::domain::moving::MovedAccount;
use crate::store::StoreError;
use crate::store::condition::Condition;
use crate::store::item::{ClaimedIdentifier, Kind, Terms};
use crate::store::key::Thing;

impl Writer<'_> {
    /// Seven items, nine with a link, each a uniqueness or a version of its own: two people with one address, two proofs of one flow, a data key
    /// that is not this registration's — each fails the whole.
    pub(super) fn account(&self, new: &NewAccount) -> Result<Plan, StoreError> {
        let account = new.authentication.account;
        let claimed = ClaimedIdentifier { account };
        let terms = Terms { accepted: new.terms.clone(), version: 1 };
        let mut puts = vec![
            self.authentication(&new.authentication)?,
            self.absent(Thing::Identifier(&new.identifier), Kind::Identifier, &claimed, None)?,
            self.password(&new.password)?,
            self.profile(&new.profile)?,
            self.absent(Thing::Terms(account), Kind::Terms, &terms, None)?,
            self.flow(&new.flow)?,
            self.data_key(&new.data_key, Condition::Pending { wrapped: new.data_key.wrapped.clone() })?,
        ];
        if let Some(link) = &new.link {
            puts.extend(self.linked(account, link)?);
        }
        self.transaction(puts)
    }
    /// The sentinel of an identity elsewhere, and the link to it.
    fn linked(&self, account: AccountId, link: &LinkedIdentity) -> Result<[Put; 2], StoreError> {
        let subject = ClaimedSubject { account: Some(account), at: link.linked_at };
        Ok([
            self.absent(Thing::FederatedSubject(&link.subject), Kind::FederatedSubject, &subject, None)?,
            self.absent(Thing::LinkedIdentity(account, &link.subject), Kind::LinkedIdentity, link, None)?,
        ])
    }
    /// Seven items, or eight with a flow, each claimed by absence: two accounts with one address, or two of one person elsewhere, can't both be.
    pub(super) fn imported(&self, new: &ImportedAccount) -> Result<Plan, StoreError> {
        let (account, link) = (new.authentication.account, &new.link);
        let claimed = ClaimedIdentifier { account };
        let key_stands = match new.flow {
            Some(_) => Condition::Pending { wrapped: new.data_key.wrapped.clone() },
            None => Condition::Absent,
        };
        let mut puts = vec![
            self.authentication(&new.authentication)?,
            self.absent(Thing::Identifier(&new.authentication.identifier), Kind::Identifier, &claimed, None)?,
            self.profile(&new.profile)?,
            self.data_key(&new.data_key, key_stands)?,
        ];
        puts.extend(self.linked(account, link)?);
        puts.extend(new.flow.as_ref().map(|flow| self.flow(flow)).transpose()?);
        puts.extend(new.password.as_ref().map(|password| self.password(password)).transpose()?);
        self.transaction(puts)
    }
    /// Every item of it is claimed by absence: nobody who is here already, under any of their names, comes again.
    pub(super) fn moved(&self, new: &MovedAccount) -> Result<Plan, StoreError> {
        let account = new.authentication.account;
        let claimed = ClaimedIdentifier { account };
        let mut puts = vec![
            self.authentication(&new.authentication)?,
            self.absent(Thing::Identifier(&new.authentication.identifier), Kind::Identifier, &claimed, None)?,
            self.profile(&new.profile)?,
            self.data_key(&new.data_key, Condition::Absent)?,
        ];
        for link in &new.links {
            puts.extend(self.linked(account, link)?);
        }
        if !new.terms.is_empty() {
            let terms = Terms { accepted: new.terms.clone(), version: 1 };
            puts.push(self.absent(Thing::Terms(account), Kind::Terms, &terms, None)?);
        }
        for consent in &new.consents {
            puts.push(self.consent(consent)?);
        }
        puts.extend(new.password.as_ref().map(|password| self.password(password)).transpose()?);
        self.transaction(puts)
    }
}
