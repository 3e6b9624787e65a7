//! The pool's import file.

use crate::user_pool::desk;
use latchkey_local::world::DEFAULT_DOCUMENT;
use std::os::unix::fs::PermissionsExt as _;
use tests::user_pool::{Mode, POOL_ID, UserPool};
use tests::{Customer, Me, Site};

/// The way back: whoever has an account in use is a row of the pool's import file.
#[tokio::test(flavor = "multi_thread")]
async fn everybody_in_use_is_a_row_of_the_pools_import_file() {
    const EXPORT: [&str; 5] = ["cognito", "export", "--output", "back.csv", "@"];
    let pool = UserPool::default();
    let (folder, gateway, operator) = desk(&pool).await;
    let data = folder.path().join("data");
    let nameless = operator.run(&EXPORT);
    assert!(nameless.code == Some(1) && nameless.err.contains("apply a document with [handover] first"), "{nameless:?}");

    let site = Site::from(&gateway);
    let mut subs = Vec::new();
    for name in ["Ada", "Bob", "Eve"] {
        let customer = Customer::registered(&site, name).await;
        subs.push(Me::of(&site, &customer).await.tokens.access_claims()["sub"].as_str().unwrap().to_owned());
    }
    assert_eq!(Me::of(&site, &Customer::new("Eve")).await.delete("/v1/me").await.status(), 202);
    let handover = |more: &str| format!("{DEFAULT_DOCUMENT}\n[handover]\nuser_pool_id = \"{POOL_ID}\"\n{more}\n");
    gateway.put_in_force(&data, &handover("sub = \"custom:number\"")).await;
    let lacking = operator.run(&EXPORT);
    assert!(lacking.code == Some(1) && lacking.err.contains("has no attribute custom:number, phone_number"), "{lacking:?}");
    assert!(!folder.path().join("back.csv").exists());

    let fitting = "sub = \"custom:former_sub\"\nattributes = { phone_number = \"name\" }";
    gateway.put_in_force(&data, &handover(fitting)).await;
    let told = operator.done(&EXPORT);
    assert!(told.contains("users") && told.contains("left out, closed by the user  1"), "{told}");
    assert!(!told.contains("example.com"), "nobody is named: {told}");
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
    assert_eq!(read("back.csv"), text, "what was there before stays");
    // A pool whose usernames may not look like addresses, and more people than a file takes.
    const PARTS: [&str; 7] = ["cognito", "export", "--output", "part.csv", "--rows", "1", "@"];
    pool.sign_in_with_aliases();
    gateway.put_in_force(&data, &handover(&format!("username = \"sub\"\n{fitting}"))).await;
    operator.write("part-2.csv", "somebody's");
    let taken = operator.run(&PARTS);
    assert!(taken.code == Some(1) && taken.err.contains("part-2.csv: it exists already"), "{taken:?}");
    assert!(taken.err.contains("nothing is left of the files") && read("part-2.csv") == "somebody's", "{taken:?}");
    std::fs::remove_file(folder.path().join("part-2.csv")).unwrap();
    let _ = operator.done(&PARTS);
    let parts = read("part.csv") + &read("part-2.csv");
    let names = || std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(!names().any(|name| name.ends_with(".part")), "{:?}", names().collect::<Vec<_>>());
    // What a broken off export has left does not pass for everybody, and is not gone on with.
    operator.write("left.csv.part", "half");
    let left = operator.run(&["cognito", "export", "--output", "left.csv", "@"]);
    assert!(left.code == Some(1) && left.err.contains("left.csv.part") && read("left.csv.part") == "half", "{left:?}");
    assert_eq!(parts.matches(HEADING).count(), 2, "each file is whole");
    assert!(subs[..2].iter().all(|sub| parts.contains(&format!("false,{sub},{sub}\n"))), "{parts}");
    pool.set(Mode::Forbidden);
    let refused = operator.run(&["cognito", "export", "--output", "none.csv", "@"]);
    assert!(refused.code == Some(1) && refused.err.contains("does not say which columns"), "{refused:?}");
}

/// A job that would refuse everybody, or the people of another trigger, is told before anything is read.
#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_would_take_nobody_is_refused_with_what_to_do() {
    let pool = UserPool::default();
    let (folder, gateway, operator) = desk(&pool).await;
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
    pool.know_no_second_factor();
    let _ = operator.done(&["cognito", "export", "--output", "back.csv", "@"]);
}
