//! Users imported from a legacy user pool, as `latchkey cognito import` imports them.
#![expect(clippy::expect_used, reason = "a failed setup fails the test")]

use crate::Customer;
use latchkey::context::{Deadline, RequestContext};
use latchkey::domain::account::{DataKeyState, WrappedDataKey};
use latchkey::domain::change::Decision;
use latchkey::domain::id::TenantId;
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::legacy_directory::{ImportConflicts, ImportOutcome, ImportedPassword, import_legacy_user};
use latchkey::domain::linked_identity::FederatedSubject;
use latchkey::domain::profile::Claims;
use latchkey::domain::roles::Roles;
use latchkey::keys::PlainUser;
use latchkey::services::Services;
use latchkey::store::StoreError;

/// Imports a user of the tenant's user pool.
///
/// # Panics
/// Panics if the tenant has no user pool, or if the account exists.
pub async fn import_user(
    services: &Services,
    tenant: &TenantId,
    customer: &Customer,
    subject: &str,
    password: ImportedPassword,
) {
    let tenant = services.tenant(tenant).await.expect("the tenant");
    let issuer = tenant.config.legacy_directory.as_ref().expect("a pool").issuer();
    let account = services.random.account_id();
    let (key, wrapped, keyring_version) = tenant.keys.data().expect("the key").generate(account).expect("a data key");
    let plain_user = PlainUser {
        subject: &FederatedSubject { issuer, subject: subject.to_owned() },
        sub: services.random.sub(),
        email: &EmailAddress::parse(&customer.email).expect("an address"),
        claims: Claims::default(),
        locale: "en",
        password,
        totp: None,
        roles: Roles::default(),
        key: &key,
        data_key: WrappedDataKey { account, wrapped, keyring_version, state: DataKeyState::Account },
    };
    let (imported_user, now) = (plain_user.seal(&tenant.keys).expect("sealed"), services.clock.now());
    let request_id = format!("bring-{account}").parse().expect("a request id");
    let request = RequestContext { request_id, now, attempt: 1, address_hash: None, deadline: Deadline::default() };
    let decide = || async {
        let Decision { changes, outcome } = import_legacy_user(imported_user.clone(), ImportConflicts::default(), now);
        Ok::<_, StoreError>(Decision { changes, outcome })
    };
    assert_eq!(tenant.store.decide(&request, decide).await.expect("brought"), ImportOutcome::Imported);
}
