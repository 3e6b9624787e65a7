//! Groups of the pool become roles, which first-party applications see.

use crate::cognito::recovery::{NEW_PASSWORD, recover};
use crate::cognito::{SUB, user, world_with};
use latchkey::context::{Deadline, RequestContext};
use latchkey::domain::change::Decision;
use latchkey::domain::id::TenantId;
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::legacy_directory::ImportedPassword;
use latchkey::domain::roles::{Role, change_roles};
use latchkey_local::world::World;
use serde_json::{Value, json};
use tests::imported::import_user;
use tests::user_pool::{CLIENT_ID, POOL_ID, UserPool, document};
use tests::{AccountClient, Customer, OAuthClient, Site};

const GROUPS: &str = "groups = { Gold = \"gold\", Editors = \"editor\", \"Old Editors\" = \"editor\" }";

async fn with_groups(name: &str, more: &str) -> (UserPool, World, Customer) {
    let (pool, customer) = (UserPool::default(), Customer::new(name));
    pool.put(user(&customer).in_group("Gold").in_group("Beta").in_group("Old Editors"));
    let world = world_with(pool.legacy_directory(), &document(POOL_ID, CLIENT_ID, more)).await;
    (pool, world, customer)
}

/// Adds and removes roles, as an operator does.
async fn change(world: &World, email: &str, given: &str, taken: &str) {
    let tenant = world.services.tenant(&TenantId::default_tenant()).await.expect("the tenant");
    let email = EmailAddress::parse(email).expect("an address");
    let identifier = tenant.keys.identifier().expect("the key").hash_email(&email);
    let account = tenant.store.find_account(&identifier).await.expect("read").expect("an account");
    let before = tenant.store.find_authentication(account).await.expect("read").expect("an account");
    let role = |name: &str| -> Role { name.parse().expect("a role") };
    let Decision { changes, .. } = change_roles(&before, &[role(given)], &[role(taken)]);
    assert_eq!(changes.0.len(), 1);
    let request = RequestContext {
        request_id: "roles-1".parse().expect("an id"),
        now: world.services.clock.now(),
        attempt: 1,
        address_hash: None,
        deadline: Deadline::default(),
    };
    tenant.store.commit(&changes, &request).await.expect("committed");
}

#[tokio::test]
async fn groups_become_roles_in_tokens_of_first_party_applications() {
    let (pool, world, customer) = with_groups("Ada", GROUPS).await;
    let me = AccountClient::new(&world, &customer).await;
    assert_eq!(pool.take_call_count("AdminListGroupsForUser"), 3, "one page for each group");
    assert_eq!(me.tokens.access_claims()["roles"], json!(["editor", "gold"]), "RFC 9068 section 2.2.3.1");
    assert_eq!(me.tokens.id_claims().get("roles"), None, "roles are not identity claims");
    // A third-party application does not see them.
    let foreign = OAuthClient::demo_web(&world).tokens_for(&customer).await;
    assert_eq!(foreign.access_claims().get("roles"), None);
    assert_eq!(pool.take_call_count("AdminListGroupsForUser"), 0, "asked once, at the import");
    assert_eq!(me.export().await.document()["account"]["roles"], json!(["editor", "gold"]));

    // Each refresh has the current roles, not those of the sign-in.
    change(&world, &customer.email, "support", "gold").await;
    let next = me.app().refresh(me.tokens.refresh()).await.tokens();
    assert_eq!(next.access_claims()["roles"], json!(["editor", "support"]));
    world.pump().await.expect("pumped");
    let document = me.export().await.document();
    let events: Vec<_> = document["history"]["records"].as_array().expect("records").iter().map(|r| &r["event"]).collect();
    assert!(events.contains(&&json!("roles_changed")), "{events:?}");
}

#[tokio::test]
async fn without_mapped_groups_the_pool_is_not_asked_for_groups() {
    let (pool, world, customer) = with_groups("Ada", "").await;
    let me = AccountClient::new(&world, &customer).await;
    assert_eq!((pool.take_call_count("AdminListGroupsForUser"), me.tokens.access_claims().get("roles")), (0, None));
    let document = me.export().await.document();
    assert_eq!((&document["account"]["roles"], &document["linked_identities"][0]["subject"]), (&json!([]), &json!(SUB)));
}

#[tokio::test]
async fn an_import_by_recovery_or_registration_has_roles_too() {
    let (_, world, customer) = with_groups("Ada", GROUPS).await;
    let (_, done) = recover(&Site::from(&world), &customer.email).await;
    assert_eq!(done.status(), 200, "{}", done.text());
    let roles = |claims: Value| claims["roles"].clone();
    let password = NEW_PASSWORD.to_owned();
    let me = AccountClient::new(&world, &Customer { password, ..customer.clone() }).await;
    assert_eq!(roles(me.tokens.access_claims()), json!(["editor", "gold"]));

    let (_, world, customer) = with_groups("Eve", GROUPS).await;
    import_user(&world.services, &TenantId::default_tenant(), &customer, SUB, ImportedPassword::StaysThere).await;
    assert_eq!(roles(AccountClient::new(&world, &customer).await.tokens.access_claims()), json!(["editor", "gold"]));

    let (_, world, customer) = with_groups("Bob", GROUPS).await;
    customer.register(&world).await;
    assert_eq!(roles(AccountClient::new(&world, &customer).await.tokens.access_claims()), json!(["editor", "gold"]));
}
