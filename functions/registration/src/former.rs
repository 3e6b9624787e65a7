//! Looks up a verified address in the legacy user pool: a user known there keeps that one identity.

use latchkey::domain::directory::{NotAdmitted, admit};
use latchkey::domain::id::Sub;
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::linked_identity::FederatedSubject;
use latchkey::domain::registration::PendingRegistration;
use latchkey::domain::roles::Roles;
use latchkey::domain::tenant::{CognitoConfig, KeptSub};
use latchkey::services::Services;
use latchkey::web::{Problem, TenantHandle};
use std::collections::BTreeMap;

/// The owner of the address in the legacy user pool.
pub(crate) enum Former {
    /// No user with a claim to this account: the address was never verified there, or the user was erased here or imported with another
    /// address.
    Nobody,
    /// The registering user.
    Known(Box<Known>),
    /// A user who must stay in the legacy user pool.
    Stays,
}

/// A user of the legacy user pool.
pub(crate) struct Known {
    pub(crate) subject: FederatedSubject,
    /// The `sub` that they keep.
    pub(crate) sub: Option<Sub>,
    pub(crate) attributes: BTreeMap<String, String>,
    /// The roles that their groups map to.
    pub(crate) roles: Roles,
}

/// Looks up the verified address.
pub(crate) async fn ask(
    services: &Services,
    handle: &TenantHandle,
    pool: &CognitoConfig,
    pending: &PendingRegistration,
) -> Result<Former, Problem> {
    let email = EmailAddress::parse(&pending.email).map_err(|_| Problem::internal())?;
    let typed = pending.typed.as_deref().unwrap_or(&pending.email);
    let user = services.directory.find(pool, typed, &email).await?;
    let Some(user) = user else { return Ok(Former::Nobody) };
    if let Err(reason) = admit(&user, &email) {
        tracing::info!(%reason, "a person of the user pool was not taken over");
        return Ok(match reason {
            NotAdmitted::AddressNotProven => Former::Nobody,
            NotAdmitted::Disabled | NotAdmitted::SecondFactor | NotAdmitted::OtherAddress => Former::Stays,
        });
    }
    let subject = FederatedSubject { issuer: pool.issuer(), subject: user.subject };
    let tenant = &handle.tenant;
    if tenant.store.find_subject(&tenant.keys.identifier()?.hash_subject(&subject)).await?.is_some() {
        return Ok(Former::Nobody);
    }
    let sub = match pool.sub {
        KeptSub::Keep => Sub::brought(&subject.subject),
        KeptSub::Alias => None,
    };
    Ok(Former::Known(Box::new(Known { subject, sub, roles: pool.roles_of(&user.groups), attributes: user.attributes })))
}
