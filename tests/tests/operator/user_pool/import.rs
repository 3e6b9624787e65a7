//! `latchkey cognito import`: eligible users are imported, and skipped users are counted by reason.

use crate::user_pool::{IMPORT_POOL, PASSWORD, counts, email, name_user_pool, start_gateway, sub};
use serde_json::{Value, json};
use tests::user_pool::{CLIENT_ID, POOL_ID, PoolUser, UserPool, document};
use tests::{Browser, Operator, Site};

fn run_import(operator: &Operator, more: &[&str]) -> Value {
    serde_json::from_str(&operator.run_ok(&[&IMPORT_POOL[..], more].concat())).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn eligible_users_are_imported_once_and_others_are_skipped_with_a_reason() {
    let pool = UserPool::default();
    let (folder, gateway, operator) = start_gateway(&pool).await;
    let without_pool = operator.run(&IMPORT_POOL);
    assert_eq!(without_pool.code, Some(1));
    assert!(
        without_pool.err.contains("names no user pool") && without_pool.err.contains("apply a document with [cognito] first"),
        "{without_pool:?}"
    );
    name_user_pool(&gateway, &folder.path().join("data")).await;

    let state = |number, status| PoolUser { status, ..PoolUser::confirmed(&email(number), PASSWORD, &sub(number)) };
    pool.put(state(100, "UNCONFIRMED"));
    pool.put(state(101, "RESET_REQUIRED"));
    pool.put(PoolUser { enabled: false, ..state(102, "CONFIRMED") });
    pool.put(state(103, "CONFIRMED").with_attribute("email_verified", "false"));
    pool.put(PoolUser { second_factor: Some("SOFTWARE_TOKEN_MFA"), ..state(104, "CONFIRMED") });
    pool.put(state(105, "EXTERNAL_PROVIDER"));
    pool.put(
        state(106, "CONFIRMED")
            .with_attribute("given_name", "Ada")
            .with_attribute("custom:tier", "gold")
            .with_attribute("phone_number", "none"),
    );
    pool.put_as("twin", PoolUser { sub: sub(900), ..state(107, "CONFIRMED") });

    let stay = json!({
        "a second factor protects the account there": 1, "disabled in the pool": 1, "never confirmed their registration": 1,
        "sign in with another provider": 1, "their address was never proven": 1,
    });
    let mut expected = json!({
        "dry_run": true, "in_the_pool": 151, "came": 146, "new_password_by_mail": 1, "already_here": 0, "erased": 0,
        "stay": stay, "failed": 0, "groups": {}, "groups_without_role": [], "roles": {}, "roles_too_many": 0, "roles_failed": 0,
        "unmapped": { "custom:tier": 1 }, "unfit": { "phone_number": 1 },
    });
    for _ in 0..2 {
        assert_eq!(run_import(&operator, &["--dry-run"]), expected, "a dry run changes nothing");
    }
    // Only eligible users are looked up.
    assert_eq!((pool.take_call_count("AdminGetUser"), pool.take_call_count("ListUsers")), (2 * 147, 2 * 3));

    // Of two users with the same address, one is imported. A dry run does not see the conflict.
    expected["dry_run"] = json!(false);
    expected["came"] = json!(145);
    expected["stay"]["somebody here has their address"] = json!(1);
    let first = run_import(&operator, &[]);
    assert_eq!(first["unfit"], json!({ "phone_number": 1 }));
    assert_eq!(first, expected);
    let again = run_import(&operator, &[]);
    assert_eq!((&again["came"], &again["already_here"], &again["unmapped"]), (&json!(0), &json!(145), &json!({})));
    assert_eq!(again["stay"], expected["stay"]);
    let counted = counts(&operator);
    assert_eq!((&counted["moved"], &counted["active"], &counted["left"]), (&json!(145), &json!(0), &json!(6)));

    let output = operator.run_ok(&["cognito", "import", "--dry-run", "@"]);
    assert!(output.contains("imported before") && !output.contains("example.com") && !output.contains(&sub(3)), "{output}");
    // Imported users are known by their address: recovery finds them.
    let site = Site::from(&gateway);
    let mut browser = Browser::new(&site);
    let page = browser.open("/recover").await;
    browser.submit(&page, "#submit", &[("identifier", &email(7))]).await;
    assert_eq!(site.mail_to(&email(7)).await.codes.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_requires_second_factors_is_refused_and_one_without_is_not_asked_for_them() {
    let pool = UserPool::default();
    let (folder, gateway, operator) = start_gateway(&pool).await;
    name_user_pool(&gateway, &folder.path().join("data")).await;
    pool.require_second_factor();
    let refused = operator.run(&IMPORT_POOL);
    assert!(refused.code == Some(1) && refused.err.contains("requires a second factor of every user"), "{refused:?}");
    assert_eq!(pool.take_call_count("ListUsers"), 0);
    pool.disable_second_factors();
    assert_eq!(run_import(&operator, &[])["came"], 150);
    assert_eq!(pool.take_call_count("AdminGetUser"), 0);
    // A pool that hides the setting may still require second factors.
    pool.hide_second_factors();
    pool.put(PoolUser { second_factor: Some("SMS_MFA"), ..PoolUser::confirmed(&email(150), PASSWORD, &sub(150)) });
    assert_eq!(run_import(&operator, &[])["stay"], json!({ "a second factor protects the account there": 1 }));
    pool.remove(&email(150));
    // Without --yes the command needs an answer.
    let asked = operator.run(&["cognito", "import", "@"]);
    assert!(asked.code == Some(1) && asked.err.contains("about 150") && asked.err.contains("--yes"), "{asked:?}");
}

/// T1, T12: an import is interrupted, run again, and run twice at once. Each user is imported once, and the counts add up.
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_import_continues_and_concurrent_imports_import_each_user_once() {
    let pool = UserPool::default();
    let (folder, gateway, operator) = start_gateway(&pool).await;
    name_user_pool(&gateway, &folder.path().join("data")).await;
    pool.limit_pages(1);
    let broken = operator.run(&IMPORT_POOL);
    assert!(broken.code == Some(1) && broken.err.contains("does not list its users; run the command again"), "{broken:?}");
    let output: Value = serde_json::from_str(&broken.out).unwrap();
    assert_eq!((&output["in_the_pool"], &output["came"]), (&json!(60), &json!(60)), "the report counts the imported users");

    pool.limit_pages(usize::MAX);
    let (one, other) = std::thread::scope(|scope| {
        let (one, other) = (scope.spawn(|| run_import(&operator, &[])), scope.spawn(|| run_import(&operator, &[])));
        (one.join().unwrap(), other.join().unwrap())
    });
    let count = |name: &str| (one[name].as_u64().unwrap(), other[name].as_u64().unwrap());
    let ((mine, theirs), (known, known_there)) = (count("came"), count("already_here"));
    assert_eq!((mine + theirs, mine + known, theirs + known_there), (90, 150, 150), "{one} {other}");
    assert_eq!((count("failed"), counts(&operator)["moved"].as_u64()), ((0, 0), Some(150)));
}

/// T1: a failed lookup fails one user, for any error. The import ends only if several lookups in a row fail.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_lookup_does_not_stop_the_import_and_a_deleted_user_is_not_imported() {
    let pool = UserPool::default();
    let (folder, gateway, operator) = start_gateway(&pool).await;
    name_user_pool(&gateway, &folder.path().join("data")).await;
    let run_with_failing_lookups = |numbers: std::ops::Range<usize>, error| {
        pool.fail_lookups_of(numbers.map(email), error);
        let output = operator.run(&IMPORT_POOL);
        assert_eq!(output.code, Some(1), "{output:?}");
        let report: Value = serde_json::from_str(&output.out).unwrap();
        let count = |name: &str| report[name].as_u64().unwrap();
        let stay: u64 = report["stay"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
        let counts = [count("in_the_pool"), count("came"), count("already_here"), stay, count("failed")];
        assert_eq!(counts[0], counts[1..].iter().sum::<u64>() + count("erased"), "each user is counted once: {report}");
        (counts, output.err)
    };
    let (four, output) = run_with_failing_lookups(0..4, "InvalidParameterException");
    assert_eq!((four, output.as_str()), ([150, 146, 0, 0, 4], ""), "four failures in a row do not end the import");
    for number in 150..270 {
        pool.put(PoolUser::confirmed(&email(number), PASSWORD, &sub(number)));
    }
    let (all, output) = run_with_failing_lookups(0..270, "InvalidParameterException");
    assert_eq!(all, [180, 0, 146, 0, 34], "the import ends after the page of the fifth failure");
    assert!(output.contains("does not show who has a second factor; run the command again"), "{output}");
    let (denied, output) = run_with_failing_lookups(200..201, "AccessDeniedException");
    assert_eq!(denied, [240, 93, 146, 0, 1]);
    assert!(output.contains("AccessDenied"), "{output}");

    pool.fail_lookups_of([email(200)], "UserNotFoundException");
    let done = run_import(&operator, &[]);
    assert_eq!((&done["came"], &done["stay"]), (&json!(30), &json!({ "gone from the pool since it listed them": 1 })));
    assert_eq!((&done["failed"], &counts(&operator)["moved"]), (&json!(0), &json!(269)));
}

/// Groups become roles after the import of the users. A role is given once and never taken. Groups without a role are reported.
#[tokio::test(flavor = "multi_thread")]
async fn groups_of_the_pool_become_roles_of_imported_users() {
    let pool = UserPool::default();
    let (folder, gateway, operator) = start_gateway(&pool).await;
    let person = |number| PoolUser::confirmed(&email(number), PASSWORD, &sub(number));
    for number in 0..100 {
        pool.put(person(number).in_group("Gold"));
    }
    pool.put(person(7).in_group("Gold").in_group("Editors").in_group("Beta"));
    pool.put(PoolUser { enabled: false, ..person(8).in_group("Gold") });
    let data = folder.path().join("data");
    gateway.put_in_force(&data, &document(POOL_ID, CLIENT_ID, "groups = { Gold = \"gold\", Writers = \"editor\" }")).await;
    let refused = operator.run(&IMPORT_POOL);
    assert!(refused.code == Some(1) && refused.err.contains("has no group Writers: correct [cognito] groups"), "{refused:?}");
    gateway.put_in_force(&data, &document(POOL_ID, CLIENT_ID, "groups = { Gold = \"gold\", Editors = \"editor\" }")).await;

    let planned = run_import(&operator, &["--dry-run"]);
    assert_eq!(
        (&planned["groups"], &planned["roles"]),
        (&json!({ "Gold": 100, "Editors": 1 }), &json!({})),
        "no account has a role yet"
    );
    assert_eq!(planned["groups_without_role"], json!(["Beta"]));
    let first = run_import(&operator, &[]);
    assert_eq!(
        (&first["came"], &first["roles"]),
        (&json!(149), &json!({ "gold": 99, "editor": 1 })),
        "a disabled user is not imported"
    );
    let again = run_import(&operator, &[]);
    assert_eq!((&again["came"], &again["roles"]), (&json!(0), &json!({ "gold": 0, "editor": 0 })));
    let output = operator.run_ok(&["cognito", "import", "--yes", "@"]);
    assert!(output.contains("got a role") && output.contains("groups that map to no role: Beta"), "{output}");

    // An operator lists and changes roles.
    let roles = |more: &[&str]| operator.run(&[&["people", "roles"], more, &["@"]].concat());
    let of_seven = roles(&[&email(7)]);
    assert_eq!((of_seven.code, of_seven.out.as_str()), (Some(0), "the user's roles: editor, gold\n"), "{of_seven:?}");
    let changed = roles(&[&email(7), "--take", "gold", "--give", "support"]);
    assert_eq!(changed.out, "the user's roles are now: editor, support\n", "{changed:?}");
    assert_eq!(roles(&[&email(120)]).out, "the user has no roles\n");
    let unknown = roles(&["unknown@example.com"]);
    assert!(unknown.code == Some(1) && unknown.err.contains("no account has this e-mail address"), "{unknown:?}");
    let many: Vec<String> = (0..9).flat_map(|number| ["--give".to_owned(), format!("r{number}")]).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let too_many = roles(&[&[&*email(7)], &many[..]].concat());
    assert!(too_many.code == Some(1) && too_many.err.contains("at most 8 roles"), "{too_many:?}");
    assert_eq!(roles(&[&email(7), "--give", "two words"]).code, Some(2));
    // While the user is in the group of the pool, an import gives the role again.
    assert_eq!(run_import(&operator, &[])["roles"], json!({ "gold": 1, "editor": 0 }));

    // A user with the maximum number of roles is not a failed user.
    let _ = roles(&[&[&*email(120)], &many[..16]].concat());
    pool.put(person(120).in_group("Gold"));
    let full = operator.run(&IMPORT_POOL);
    let report: Value = serde_json::from_str(&full.out).unwrap();
    let counts = ["in_the_pool", "already_here", "failed", "roles_too_many", "roles_failed"].map(|name| &report[name]);
    assert_eq!((full.code, counts), (Some(1), [&json!(150), &json!(149), &json!(0), &json!(1), &json!(0)]), "{full:?}");
}
