//! The import file of the target user pool.

use crate::user_pool::start_gateway;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use std::os::unix::fs::PermissionsExt as _;
use tests::user_pool::{Mode, POOL_ID, UserPool};
use tests::{AccountClient, Customer, Site};

/// Reverse migration: every active account is a row of the pool's import file.
#[tokio::test(flavor = "multi_thread")]
async fn every_active_account_is_a_row_of_the_pools_import_file() {
    const EXPORT: [&str; 5] = ["cognito", "export", "--output", "back.csv", "@"];
    let pool = UserPool::default();
    let (folder, gateway, operator) = start_gateway(&pool).await;
    let data = folder.path().join("data");
    let without_pool = operator.run(&EXPORT);
    assert!(
        without_pool.code == Some(1) && without_pool.err.contains("apply a document with [handover] first"),
        "{without_pool:?}"
    );

    let site = Site::from(&gateway);
    let mut subs = Vec::new();
    for name in ["Ada", "Bob", "Eve"] {
        let customer = Customer::registered(&site, name).await;
        subs.push(AccountClient::new(&site, &customer).await.tokens.access_claims()["sub"].as_str().unwrap().to_owned());
    }
    assert_eq!(AccountClient::new(&site, &Customer::new("Eve")).await.delete("/v1/me").await.status(), 202);
    let reverse_migration = |more: &str| format!("{DEFAULT_DOCUMENT}\n[handover]\nuser_pool_id = \"{POOL_ID}\"\n{more}\n");
    gateway.put_in_force(&data, &reverse_migration("sub = \"custom:number\"")).await;
    let lacking = operator.run(&EXPORT);
    assert!(lacking.code == Some(1) && lacking.err.contains("has no attribute custom:number, phone_number"), "{lacking:?}");
    assert!(!folder.path().join("back.csv").exists());

    let fitting = "sub = \"custom:former_sub\"\nattributes = { phone_number = \"name\" }";
    gateway.put_in_force(&data, &reverse_migration(fitting)).await;
    let output = operator.run_ok(&EXPORT);
    assert!(output.contains("users") && output.contains("left out, closed by the user  1"), "{output}");
    assert!(!output.contains("example.com"), "the output has no personal data: {output}");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let mode = std::fs::metadata(folder.path().join("back.csv")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = read("back.csv");
    let mut lines: Vec<&str> = text.lines().collect();
    const HEADING: &str = "name,given_name,family_name,email,email_verified,birthdate,phone_number_verified,cognito:mfa_enabled,\
        cognito:username,custom:former_sub";
    assert_eq!(lines.remove(0), HEADING);
    lines.sort_unstable();
    let row = |name: &str, sub: &str| {
        let Customer { email, given_name, family_name, .. } = Customer::new(name);
        format!(",{given_name},{family_name},{email},true,,false,false,{email},{sub}")
    };
    assert_eq!(lines, [row("Ada", &subs[0]), row("Bob", &subs[1])]);

    let again = operator.run(&EXPORT);
    assert!(again.code == Some(1) && again.err.contains("never written over a file"), "{again:?}");
    assert_eq!(read("back.csv"), text, "the existing file has not changed");
    // A pool with separate usernames, and more users than fit into one file.
    const PARTS: [&str; 7] = ["cognito", "export", "--output", "part.csv", "--rows", "1", "@"];
    pool.sign_in_with_aliases();
    gateway.put_in_force(&data, &reverse_migration(&format!("username = \"sub\"\n{fitting}"))).await;
    operator.write("part-2.csv", "existing");
    let existing_file = operator.run(&PARTS);
    assert!(existing_file.code == Some(1) && existing_file.err.contains("part-2.csv: it exists already"), "{existing_file:?}");
    assert!(
        existing_file.err.contains("nothing is left of the files") && read("part-2.csv") == "existing",
        "{existing_file:?}"
    );
    std::fs::remove_file(folder.path().join("part-2.csv")).unwrap();
    let _ = operator.run_ok(&PARTS);
    let parts = read("part.csv") + &read("part-2.csv");
    let names = || std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(!names().any(|name| name.ends_with(".part")), "{:?}", names().collect::<Vec<_>>());
    // A partial export is not taken for a complete one, and is not continued.
    operator.write("left.csv.part", "half");
    let left = operator.run(&["cognito", "export", "--output", "left.csv", "@"]);
    assert!(left.code == Some(1) && left.err.contains("left.csv.part") && read("left.csv.part") == "half", "{left:?}");
    assert_eq!(parts.matches(HEADING).count(), 2, "each file is complete");
    assert!(subs[..2].iter().all(|sub| parts.contains(&format!("false,{sub},{sub}\n"))), "{parts}");
    pool.set(Mode::Forbidden);
    let refused = operator.run(&["cognito", "export", "--output", "none.csv", "@"]);
    assert!(refused.code == Some(1) && refused.err.contains("does not say which columns"), "{refused:?}");
}

/// A job that would refuse all users, or needs another trigger, is reported before any account is read.
#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_would_accept_no_user_is_refused_with_a_remedy() {
    let pool = UserPool::default();
    let (folder, gateway, operator) = start_gateway(&pool).await;
    let document = |more: &str| {
        let rules = "attributes = { phone_number = \"name\" }";
        format!("{DEFAULT_DOCUMENT}\n[handover]\nuser_pool_id = \"{POOL_ID}\"\n{rules}\n{more}\n")
    };
    gateway.put_in_force(&folder.path().join("data"), &document("")).await;
    let refused = |words: &str| {
        let refused = operator.run(&["cognito", "export", "--output", "back.csv", "@"]);
        assert!(refused.code == Some(1) && refused.err.contains(words), "{words}: {refused:?}");
    };
    pool.sign_in_with_usernames();
    refused("does not let users sign in with their e-mail address");
    pool.sign_in_with_aliases();
    refused("put username = \"sub\" into [handover]");
    gateway.put_in_force(&folder.path().join("data"), &document("username = \"sub\"")).await;
    for attributes in [&[][..], &["phone_number"]] {
        pool.verify(attributes);
        refused("add email to its AutoVerifiedAttributes");
    }
    pool.verify(&["phone_number", "email"]);
    pool.require_second_factor();
    refused("requires a second factor of every user");
    pool.disable_second_factors();
    let _ = operator.run_ok(&["cognito", "export", "--output", "back.csv", "@"]);
}
