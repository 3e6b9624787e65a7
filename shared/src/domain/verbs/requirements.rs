//! Changes of what an account has accepted of the tenant document.

use crate::domain::account::AccountState;
use crate::domain::audit::EventKind;
use crate::domain::change::{Change, Put, Subject};
use crate::domain::record::{Keyed, Terms};

impl Change {
    /// Nothing is due of the account. No event: nothing changed for the user.
    pub fn record_requirements(state: AccountState) -> Self {
        Self::unaudited(Put::next(state))
    }
    /// Terms were accepted after the registration. The account is the guard: nothing is written of one that was erased or closed meanwhile.
    pub fn accept_terms(state: AccountState, terms: Terms) -> Self {
        let account = state.account;
        let subject = Subject::account(account);
        Self::audited(EventKind::TermsAccepted, subject, Put::next(state)).and(Put::next(Keyed { key: account, state: terms }))
    }
    /// The acceptance of an optional document was withdrawn. The account is the guard, and no longer says that nothing is due.
    pub fn withdraw_terms(state: AccountState, terms: Terms) -> Self {
        let account = state.account;
        let subject = Subject::account(account);
        Self::audited(EventKind::TermsWithdrawn, subject, Put::next(state)).and(Put::next(Keyed { key: account, state: terms }))
    }
}
