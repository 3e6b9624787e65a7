//! The same journeys against another implementation of Cognito, Python's moto. `LATCHKEY_SECOND_OPINION` is the address of its
//! server (`.ci/run moto` starts one).

use crate::cognito::journeys::sign_in_and_import;
use crate::cognito::recovery::recover;
use crate::cognito::refusals::{REPLACE, WRONG, assert_sign_in_message};
use crate::cognito::{is_known, try_password, world_with};
use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::types::{
    AttributeDataType, AttributeType, ExplicitAuthFlowsType, PreventUserExistenceErrorTypes, SchemaAttributeType,
    UsernameAttributeType, VerifiedAttributeType,
};
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use latchkey::legacy_directory::LegacyDirectory;
use latchkey_local::world::World;
use tests::remote::Remote;
use tests::user_pool::{client, document};
use tests::{Browser, Customer, Site, invariants};

/// A pool on the server.
struct MotoPool {
    client: Client,
    id: String,
}

impl MotoPool {
    async fn new(client: Client) -> (Self, String) {
        let custom = |name: &str| {
            SchemaAttributeType::builder().name(name).attribute_data_type(AttributeDataType::String).mutable(true).build()
        };
        let made = client
            .create_user_pool()
            .pool_name("former")
            .username_attributes(UsernameAttributeType::Email)
            .auto_verified_attributes(VerifiedAttributeType::Email)
            .schema(custom("customer_type"))
            .schema(custom("tier"))
            .send();
        let id = made.await.expect("a pool").user_pool.expect("a pool").id.expect("its id");
        let app = client
            .create_user_pool_client()
            .user_pool_id(&id)
            .client_name("latchkey")
            .explicit_auth_flows(ExplicitAuthFlowsType::AllowAdminUserPasswordAuth)
            .prevent_user_existence_errors(PreventUserExistenceErrorTypes::Enabled)
            .send();
        let app = app.await.expect("a client").user_pool_client.expect("a client").client_id.expect("its id");
        (Self { client, id }, app)
    }

    /// Adds a user with a temporary password.
    async fn invite(&self, customer: &Customer) {
        let attribute =
            |name: &str, value: &str| AttributeType::builder().name(name).value(value).build().expect("an attribute");
        self.client
            .admin_create_user()
            .user_pool_id(&self.id)
            .username(&customer.email)
            .temporary_password(&customer.password)
            .user_attributes(attribute("email", &customer.email))
            .user_attributes(attribute("email_verified", "true"))
            .user_attributes(attribute("given_name", &customer.given_name))
            .user_attributes(attribute("family_name", &customer.family_name))
            .user_attributes(attribute("custom:customer_type", "private"))
            .user_attributes(attribute("custom:tier", "gold"))
            .send()
            .await
            .expect("a user");
    }

    /// Adds a confirmed user.
    async fn confirmed(&self, name: &str) -> Customer {
        let customer = Customer::new(name);
        self.invite(&customer).await;
        let set = self.client.admin_set_user_password().user_pool_id(&self.id).username(&customer.email);
        set.password(&customer.password).permanent(true).send().await.expect("a password");
        customer
    }
}

#[tokio::test]
#[ignore = "needs a moto server, which .ci/run moto starts"]
async fn another_implementation_of_cognito_is_understood() {
    let remote = client(SharedHttpConnector::new(Remote::from_env()), "http://cognito.invalid");
    let (pool, app) = MotoPool::new(remote.clone()).await;
    let world: World = world_with(LegacyDirectory::cognito(remote), &document(&pool.id, &app, "sub = \"keep\"")).await;

    let ada = pool.confirmed("Ada").await;
    let wrong = try_password(&mut Browser::new(&world), &ada.email, "not the 9 right one").await;
    assert!(wrong.status() == 400 && wrong.text().contains(WRONG), "{}: {}", wrong.status(), wrong.text());
    let unknown = try_password(&mut Browser::new(&world), "unknown@example.com", "not the 9 right one").await;
    assert!(unknown.status() == 400 && unknown.text().contains(WRONG), "{}: {}", unknown.status(), unknown.text());
    sign_in_and_import(&Site::from(&world), &ada).await;

    let invited = Customer::new("Bob");
    pool.invite(&invited).await;
    assert_sign_in_message(&world, &invited, REPLACE).await;
    let disabled = pool.confirmed("Eve").await;
    pool.client.admin_disable_user().user_pool_id(&pool.id).username(&disabled.email).send().await.expect("disabled");
    assert_sign_in_message(&world, &disabled, WRONG).await;
    let reset = pool.confirmed("Fay").await;
    pool.client.admin_reset_user_password().user_pool_id(&pool.id).username(&reset.email).send().await.expect("reset");
    // Amazon's service answers with an exception before it checks the password. This one asks for a new password.
    let page = try_password(&mut Browser::new(&world), &reset.email, &reset.password).await;
    assert!(page.status() == 400 && !is_known(&world, &reset.email).await, "{}", page.text());

    for customer in [&invited, &reset] {
        let (_, done) = recover(&world, &customer.email).await;
        assert!(done.status() == 200 && done.text().contains("Your password is changed"), "{}", done.text());
        assert!(is_known(&world, &customer.email).await);
    }
    let (_, page) = recover(&world, &disabled.email).await;
    assert!(page.text().contains("needs our support"), "{}", page.text());
    let (_, page) = recover(&world, "unknown@example.com").await;
    assert!(page.text().contains("There is no account yet"), "{}", page.text());

    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}
