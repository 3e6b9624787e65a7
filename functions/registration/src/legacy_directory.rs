//! Looks up a verified address in the legacy user pool: a user known there keeps that one identity.

use latchkey::domain::id::Sub;
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::legacy_directory::{ImportRefusal, admit};
use latchkey::domain::linked_identity::FederatedSubject;
use latchkey::domain::registration::PendingRegistration;
use latchkey::domain::roles::Roles;
use latchkey::domain::tenant::{LegacyDirectoryConfig, SubPolicy};
use latchkey::services::Services;
use latchkey::web::{Problem, TenantHandle};
use std::collections::BTreeMap;

/// The owner of the address in the legacy user pool.
pub(crate) enum LegacyLookup {
    /// No user with a claim to this account: the address was never verified there, or the user was erased here or imported with another
    /// address.
    Unknown,
    /// The registering user.
    Known(Box<KnownUser>),
    /// A user who must stay in the legacy user pool.
    NotImportable,
}

/// A user of the legacy user pool.
pub(crate) struct KnownUser {
    pub(crate) subject: FederatedSubject,
    /// The `sub` that they keep.
    pub(crate) sub: Option<Sub>,
    pub(crate) attributes: BTreeMap<String, String>,
    /// The roles that their groups map to.
    pub(crate) roles: Roles,
}

/// Looks up the verified address.
pub(crate) async fn look_up(
    services: &Services,
    handle: &TenantHandle,
    pool: &LegacyDirectoryConfig,
    pending: &PendingRegistration,
) -> Result<LegacyLookup, Problem> {
    let email = EmailAddress::parse(&pending.email).map_err(|_| Problem::internal())?;
    let typed = pending.typed.as_deref().unwrap_or(&pending.email);
    let user = services.legacy_directory()?.find(pool, typed, &email).await?;
    let Some(user) = user else { return Ok(LegacyLookup::Unknown) };
    if let Err(reason) = admit(&user, &email) {
        tracing::info!(%reason, "a person of the user pool was not taken over");
        return Ok(match reason {
            ImportRefusal::AddressNotProven => LegacyLookup::Unknown,
            ImportRefusal::Disabled | ImportRefusal::SecondFactor | ImportRefusal::OtherAddress => LegacyLookup::NotImportable,
        });
    }
    let subject = FederatedSubject { issuer: pool.issuer(), subject: user.subject };
    let tenant = &handle.tenant;
    if tenant.store.find_subject(&tenant.keys.identifier()?.hash_subject(&subject)).await?.is_some() {
        return Ok(LegacyLookup::Unknown);
    }
    let sub = match pool.sub {
        SubPolicy::Keep => tenant.store.free_sub(&subject.subject).await?,
        SubPolicy::Alias => None,
    };
    Ok(LegacyLookup::Known(Box::new(KnownUser {
        subject,
        sub,
        roles: pool.roles_of(&user.groups),
        attributes: user.attributes,
    })))
}
