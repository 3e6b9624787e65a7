//! Changes while the identifier key has had more than one version (decision 34).
//!
//! 1. A claim is written under the version that makes new items, and only if it is absent under every other live version. The
//!    checks are in the same transaction, so two versions never have two owners of one address.
//! 2. A removal names every version under which the item can be stored.
//! 3. A counter is kept under the version that makes new items.

use super::{Change, Counter, CounterKey, Expect, KeyExpect, Put, RecordKey, Remove, Step, Write};
use crate::domain::identifier::{IdentifierForms, IdentifierHash};
use crate::domain::linked_identity::SubjectHash;
use crate::domain::record::Record;

impl Change {
    /// This change under the live versions of the identifier key.
    #[must_use]
    pub(crate) fn under(self, forms: &dyn IdentifierForms) -> Self {
        let claimed: Vec<IdentifierHash> = self.puts().filter_map(claimed_address).collect();
        let put = |put: Put| translate(put, &claimed, forms);
        let write = match self.write {
            Write::One(one) => Write::One(put(one).0),
            Write::All { guard, rest } => {
                let mut steps = Vec::with_capacity(rest.len());
                let mut more = Vec::new();
                let (guard, of_guard) = put(guard);
                more.extend(of_guard);
                for step in rest {
                    match step {
                        Step::Put(one) => {
                            let (one, of_put) = put(one);
                            steps.push(Step::Put(one));
                            more.extend(of_put);
                        }
                        Step::Remove(remove) => steps.extend(removals(remove, forms)),
                        Step::Check { key, expect } => steps.push(Step::Check { key, expect }),
                    }
                }
                // An item is checked once, and never together with its own write.
                for step in more {
                    if !steps.iter().any(|other| names(other) == names(&step)) {
                        steps.push(step);
                    }
                }
                Write::All { guard, rest: steps }
            }
            Write::Count(Counter { key, at, limit }) => {
                let key = match key {
                    CounterKey::ShortCodes(hash) => CounterKey::ShortCodes(forms.claimed(&hash)),
                    CounterKey::MailStarts(purpose, hash, trigger) => {
                        CounterKey::MailStarts(purpose, forms.claimed(&hash), trigger)
                    }
                    CounterKey::Source(hash) => CounterKey::Source(hash),
                };
                Write::Count(Counter { key, at, limit })
            }
        };
        Self { write, ..self }
    }
    /// Whether it writes or removes an item with a key that depends on the version of the identifier key.
    #[must_use]
    pub(crate) fn names_identifiers(&self) -> bool {
        let puts = self.puts().any(|put| {
            matches!(
                put.record,
                Record::Identifier(_) | Record::FederatedSubject(_) | Record::LinkedIdentity(_) | Record::UnknownFailures(_)
            )
        });
        puts || match &self.write {
            Write::One(_) => false,
            Write::All { rest, .. } => rest.iter().any(|step| {
                matches!(step, Step::Remove(Remove { key, .. }) if matches!(key, RecordKey::Identifier(_) | RecordKey::FederatedSubject(_)))
            }),
            Write::Count(counter) => match counter.key {
                CounterKey::ShortCodes(_) | CounterKey::MailStarts(..) => true,
                CounterKey::Source(_) => false,
            },
        }
    }
}

/// The address that this put claims.
fn claimed_address(put: &Put) -> Option<IdentifierHash> {
    match (&put.record, put.expect) {
        (Record::Identifier(claim), Expect::Absent | Expect::OwnedBy(_)) => Some(claim.key),
        (_, _) => None,
    }
}

/// The put, and what must be true of the other live versions with it.
fn translate(mut put: Put, claimed: &[IdentifierHash], forms: &dyn IdentifierForms) -> (Put, Vec<Step>) {
    let others = |hash: &IdentifierHash| {
        let made = forms.claimed(hash);
        forms.forms(hash).into_iter().filter(move |form| *form != made).collect::<Vec<_>>()
    };
    let absent = |key| Step::Check { key, expect: KeyExpect::Absent };
    let mut more = Vec::new();
    match &mut put.record {
        Record::Identifier(claim) => {
            let others = others(&claim.key).into_iter().map(RecordKey::Identifier);
            match put.expect {
                // A former address takes its claim back from this account, under whichever version it is stored.
                Expect::OwnedBy(owner) => {
                    let expect = KeyExpect::OwnedOrAbsent(owner);
                    more.extend(others.map(|key| Step::Remove(Remove { key, expect })));
                    if !more.is_empty() {
                        put.expect = Expect::OwnedOrAbsent(owner);
                    }
                }
                Expect::Before(_) | Expect::Absent | Expect::PendingKey | Expect::OwnedOrAbsent(_) => {
                    more.extend(others.map(absent));
                }
            }
            claim.key = forms.claimed(&claim.key);
        }
        Record::FederatedSubject(claim) => {
            more.extend(others(&claim.key.0).into_iter().map(|form| absent(RecordKey::FederatedSubject(SubjectHash(form)))));
            claim.key = SubjectHash(forms.claimed(&claim.key.0));
        }
        Record::LinkedIdentity(link) => link.subject = SubjectHash(forms.claimed(&link.subject.0)),
        Record::UnknownFailures(failures) => failures.identifier = forms.claimed(&failures.identifier),
        // The account names the claim that it makes.
        Record::Account(state) if claimed.contains(&state.identifier) => state.identifier = forms.claimed(&state.identifier),
        Record::Account(_)
        | Record::Password(_)
        | Record::Totp(_)
        | Record::RecoveryCodes(_)
        | Record::Profile(_)
        | Record::Terms(_)
        | Record::Flow(_)
        | Record::DataKey(_)
        | Record::Session(_)
        | Record::Grant(_)
        | Record::Consent(_)
        | Record::Passkey(_)
        | Record::CredentialClaim(_)
        | Record::DueErasure(_)
        | Record::DeletionRecord(_)
        | Record::RetentionJob(_)
        | Record::RevokedToken(_)
        | Record::Attempt(_)
        | Record::AuthorizationRequest(_) => {}
    }
    (put, more)
}

/// The removal under each version. Only one of them can be stored, so each may be absent.
fn removals(remove: Remove, forms: &dyn IdentifierForms) -> Vec<Step> {
    match (&remove.key, remove.expect) {
        (RecordKey::Identifier(hash), KeyExpect::OwnedBy(account)) => {
            let under = forms.forms(hash);
            let expect = if under.len() == 1 { remove.expect } else { KeyExpect::OwnedOrAbsent(account) };
            let remove = |form| Step::Remove(Remove { key: RecordKey::Identifier(form), expect });
            under.into_iter().map(remove).collect()
        }
        (_, _) => vec![Step::Remove(remove)],
    }
}

fn names(step: &Step) -> Option<&RecordKey> {
    match step {
        Step::Put(_) => None,
        Step::Remove(Remove { key, .. }) | Step::Check { key, .. } => Some(key),
    }
}
