//! The world that other tests use.

use tests::{Anonymous, World};

#[tokio::test]
async fn two_tenants_each_have_their_document_and_an_unknown_one_is_not_found() {
    let other = latchkey_local::assemble::DEFAULT_DOCUMENT;
    let world = World::builder().tenant("acme", other).build().await.unwrap();
    let api = Anonymous::new(&world);
    for (path, status) in [("/nothing-here", 404), ("/t/acme/nothing-here", 404)] {
        assert_eq!(api.get(path).await.status(), status, "{path}");
    }
    for (tenant, issuer) in [("default", "http://localhost:8080"), ("acme", "http://localhost:8080/t/acme")] {
        let tenant = world.services.tenant(&tenant.parse().unwrap()).await.unwrap();
        assert_eq!(tenant.issuer, issuer);
    }
    assert!(world.services.tenant(&"unknown".parse().unwrap()).await.is_err());
}

#[tokio::test]
async fn a_second_instance_over_the_same_tables_reads_the_same_keys() {
    let vault = latchkey::keys::KeyVault::ephemeral();
    let first = World::builder().vault(vault.clone()).build().await.unwrap();
    let second = World::builder().vault(vault).engine(first.engine.clone()).build().await.unwrap();
    let tenant = "default".parse().unwrap();
    let message = b"anything";
    let mac = first.services.tenant(&tenant).await.unwrap().keys.locator().unwrap().mac("test", message);
    assert!(second.services.tenant(&tenant).await.unwrap().keys.locator().unwrap().verify_mac("test", message, &mac));
}
