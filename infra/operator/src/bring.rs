//! Bringing one person over: an account, a profile and a link, in one transaction that finds neither their address nor their identity
//! elsewhere taken.

use data_encoding::BASE32_NOPAD;
use latchkey::context::{Clock, Deadline, Random, RequestContext};
use latchkey::domain::account::{DataKeyState, WrappedDataKey};
use latchkey::domain::change::Decision;
use latchkey::domain::directory::{Brought, ComingPassword, bring};
use latchkey::domain::id::{RequestId, Sub};
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::linked_identity::FederatedSubject;
use latchkey::domain::profile::Claims;
use latchkey::domain::roles::Roles;
use latchkey::keys::{Arrival, KeyError, TenantKeys};
use latchkey::store::{DecideError, StoreError, TenantStore};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Somebody who can come.
pub(crate) struct Coming {
    /// Who they are elsewhere.
    pub(crate) subject: FederatedSubject,
    /// The `sub` that they keep.
    pub(crate) sub: Option<Sub>,
    /// Their proven address.
    pub(crate) email: EmailAddress,
    /// The fields of the form.
    pub(crate) claims: Claims,
    /// Their password.
    pub(crate) password: ComingPassword,
}

/// Why one person was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotBrought {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error("the request has no name")]
    Unnamed,
}

/// Brings people into one tenant.
pub(crate) struct Bringer<'a> {
    pub(crate) store: &'a TenantStore,
    pub(crate) keys: &'a TenantKeys,
    pub(crate) locale: &'a str,
    /// Names this run, and with `next` each request of it.
    run: String,
    next: AtomicUsize,
}

impl<'a> Bringer<'a> {
    /// `locale`: the language that people are written to in.
    pub(crate) fn new(store: &'a TenantStore, keys: &'a TenantKeys, locale: &'a str) -> Self {
        Self { store, keys, locale, run: BASE32_NOPAD.encode(&Random.bytes::<10>()), next: AtomicUsize::new(1) }
    }
    pub(crate) async fn bring(&self, person: Coming) -> Result<Brought, DecideError<NotBrought>> {
        let decided = |error: KeyError| DecideError::Decide(NotBrought::Keys(error));
        let (store, account) = (self.store, Random.account_id());
        let (key, wrapped, keyring_version) = self.keys.data().and_then(|data| data.generate(account)).map_err(decided)?;
        let arrival = Arrival {
            subject: &person.subject,
            sub: person.sub.unwrap_or_else(|| Random.sub()),
            email: &person.email,
            claims: person.claims,
            locale: self.locale,
            password: person.password,
            roles: Roles::default(),
            key: &key,
            data_key: WrappedDataKey { account, wrapped, keyring_version, state: DataKeyState::Account },
        };
        let comer = arrival.seal(self.keys).map_err(decided)?;
        let request = self.request().map_err(DecideError::Decide)?;
        let decide = || async {
            // In this order: who comes between the two reads is seen by the second, or met by the write.
            let mut standing = store.find_subject(&comer.subject).await?;
            let owner = store.find_account(&comer.identifier).await?;
            if standing.is_none() && owner.is_some() {
                // Whoever has the address may be this very person, who came between the two reads.
                standing = store.find_subject(&comer.subject).await?;
            }
            let Decision { changes, outcome } = bring(comer.clone(), standing, owner, request.now);
            Ok::<_, NotBrought>(Decision { changes, outcome })
        };
        store.decide(&request, decide).await
    }
    /// The next request of this run.
    pub(crate) fn request(&self) -> Result<RequestContext, NotBrought> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let request_id: Result<RequestId, _> = format!("import-{}-{number}", self.run).parse();
        Ok(RequestContext {
            request_id: request_id.map_err(|_| NotBrought::Unnamed)?,
            now: Clock::system().now(),
            attempt: 1,
            address_hash: None,
            deadline: Deadline::default(),
        })
    }
}

/// What came of one, in a list of counts.
pub(crate) fn words(brought: Brought) -> &'static str {
    match brought {
        Brought::Imported => "came over",
        Brought::AlreadyHere => "had come before",
        Brought::Erased => "were erased here, and stay so",
        Brought::AddressTaken => "stay away, somebody has their address",
    }
}
