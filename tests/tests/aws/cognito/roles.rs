//! Groups of the pool become roles here, told to the company's own applications.

use crate::cognito::recovery::{NEW_PASSWORD, recover};
use crate::cognito::{SUB, user, world_with};
use latchkey::context::{Deadline, RequestContext};
use latchkey::domain::change::Decision;
use latchkey::domain::directory::ComingPassword;
use latchkey::domain::id::TenantId;
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::roles::{Role, change_roles};
use latchkey_local::world::World;
use serde_json::{Value, json};
use tests::brought::bring_over;
use tests::user_pool::{CLIENT_ID, POOL_ID, UserPool, document};
use tests::{Customer, Me, OAuthClient, Site};

const GROUPS: &str = "groups = { Gold = \"gold\", Editors = \"editor\", \"Old Editors\" = \"editor\" }";

async fn with_groups(name: &str, more: &str) -> (UserPool, World, Customer) {
    let (pool, customer) = (UserPool::default(), Customer::new(name));
    pool.put(user(&customer).in_group("Gold").in_group("Beta").in_group("Old Editors"));
    let world = world_with(pool.directory(), &document(POOL_ID, CLIENT_ID, more)).await;
    (pool, world, customer)
}

/// As an operator gives and takes them.
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
async fn groups_become_roles_that_the_companys_own_applications_are_told() {
    let (pool, world, customer) = with_groups("Ada", GROUPS).await;
    let me = Me::of(&world, &customer).await;
    assert_eq!(pool.take_asked("AdminListGroupsForUser"), 3, "a page for each");
    assert_eq!(me.tokens.access_claims()["roles"], json!(["editor", "gold"]), "RFC 9068 section 2.2.3.1");
    assert_eq!(me.tokens.id_claims().get("roles"), None, "what a person may do is no claim about who they are");
    // Another company's application is told nothing.
    let foreign = OAuthClient::demo_web(&world).tokens_for(&customer).await;
    assert_eq!(foreign.access_claims().get("roles"), None);
    assert_eq!(pool.take_asked("AdminListGroupsForUser"), 0, "asked once, when they came");
    assert_eq!(me.export().await.document()["account"]["roles"], json!(["editor", "gold"]));

    // They are the present ones at each refresh, whatever they were at the sign-in.
    change(&world, &customer.email, "support", "gold").await;
    let next = me.app().refresh(me.tokens.refresh()).await.tokens();
    assert_eq!(next.access_claims()["roles"], json!(["editor", "support"]));
    world.pump().await.expect("pumped");
    let document = me.export().await.document();
    let events: Vec<_> = document["history"]["records"].as_array().expect("records").iter().map(|r| &r["event"]).collect();
    assert!(events.contains(&&json!("roles_changed")), "{events:?}");
}

#[tokio::test]
async fn where_no_group_becomes_a_role_nobody_is_asked_for_theirs() {
    let (pool, world, customer) = with_groups("Ada", "").await;
    let me = Me::of(&world, &customer).await;
    assert_eq!((pool.take_asked("AdminListGroupsForUser"), me.tokens.access_claims().get("roles")), (0, None));
    let document = me.export().await.document();
    assert_eq!((&document["account"]["roles"], &document["linked_identities"][0]["subject"]), (&json!([]), &json!(SUB)));
}

#[tokio::test]
async fn who_comes_by_mail_or_registers_has_their_roles_too() {
    let (_, world, customer) = with_groups("Ada", GROUPS).await;
    let (_, done) = recover(&Site::from(&world), &customer.email).await;
    assert_eq!(done.status(), 200, "{}", done.text());
    let roles = |claims: Value| claims["roles"].clone();
    let password = NEW_PASSWORD.to_owned();
    let me = Me::of(&world, &Customer { password, ..customer.clone() }).await;
    assert_eq!(roles(me.tokens.access_claims()), json!(["editor", "gold"]));

    let (_, world, customer) = with_groups("Eve", GROUPS).await;
    bring_over(&world.services, &TenantId::default_tenant(), &customer, SUB, ComingPassword::StaysThere).await;
    assert_eq!(roles(Me::of(&world, &customer).await.tokens.access_claims()), json!(["editor", "gold"]));

    let (_, world, customer) = with_groups("Bob", GROUPS).await;
    customer.register(&world).await;
    assert_eq!(roles(Me::of(&world, &customer).await.tokens.access_claims()), json!(["editor", "gold"]));
}
