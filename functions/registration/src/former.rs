//! The former directory, asked once an address is proven: whom it knows has one account, the one that they always had.

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

/// Whose the address is there.
pub(crate) enum Former {
    /// Nobody's whose account this could be: an address that was never proven there leads to nobody's, and who was erased here, or
    /// has come under another address, does not come again.
    Nobody,
    /// Theirs, who register now.
    Known(Box<Known>),
    /// Somebody's whom it does not let go.
    Stays,
}

/// Somebody whom the directory knows.
pub(crate) struct Known {
    pub(crate) subject: FederatedSubject,
    /// The `sub` that they keep.
    pub(crate) sub: Option<Sub>,
    pub(crate) attributes: BTreeMap<String, String>,
    /// What their groups become.
    pub(crate) roles: Roles,
}

/// Asks for the address that was just proven.
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
