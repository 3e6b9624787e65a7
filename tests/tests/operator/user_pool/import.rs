//! Everybody who can comes over, and who stays is counted with the reason.

use crate::user_pool::{IMPORT_POOL, PASSWORD, counts, desk, email, name_the_pool, sub};
use serde_json::{Value, json};
use tests::user_pool::{CLIENT_ID, POOL_ID, PoolUser, UserPool, document};
use tests::{Browser, Operator, Site};

fn imported(operator: &Operator, more: &[&str]) -> Value {
    serde_json::from_str(&operator.done(&[&IMPORT_POOL[..], more].concat())).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_who_can_comes_over_once_and_the_others_stay_for_a_reason() {
    let pool = UserPool::default();
    let (folder, gateway, operator) = desk(&pool).await;
    let nameless = operator.run(&IMPORT_POOL);
    assert_eq!(nameless.code, Some(1));
    assert!(
        nameless.err.contains("names no user pool") && nameless.err.contains("apply a document with [cognito] first"),
        "{nameless:?}"
    );
    name_the_pool(&gateway, &folder.path().join("data")).await;

    let state = |number, status| PoolUser { status, ..PoolUser::confirmed(&email(number), PASSWORD, &sub(number)) };
    pool.put(state(100, "UNCONFIRMED"));
    pool.put(state(101, "RESET_REQUIRED"));
    pool.put(PoolUser { enabled: false, ..state(102, "CONFIRMED") });
    pool.put(state(103, "CONFIRMED").with("email_verified", "false"));
    pool.put(PoolUser { second_factor: Some("SOFTWARE_TOKEN_MFA"), ..state(104, "CONFIRMED") });
    pool.put(state(105, "EXTERNAL_PROVIDER"));
    pool.put(state(106, "CONFIRMED").with("given_name", "Ada").with("custom:tier", "gold").with("phone_number", "none"));
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
        assert_eq!(imported(&operator, &["--dry-run"]), expected, "a dry run changes nothing");
    }
    // Only who could come is looked at.
    assert_eq!((pool.take_asked("AdminGetUser"), pool.take_asked("ListUsers")), (2 * 147, 2 * 3));

    // One of two who share an address comes: told apart only in writing.
    expected["dry_run"] = json!(false);
    expected["came"] = json!(145);
    expected["stay"]["somebody here has their address"] = json!(1);
    let first = imported(&operator, &[]);
    assert_eq!(first["unfit"], json!({ "phone_number": 1 }));
    assert_eq!(first, expected);
    let again = imported(&operator, &[]);
    assert_eq!((&again["came"], &again["already_here"], &again["unmapped"]), (&json!(0), &json!(145), &json!({})));
    assert_eq!(again["stay"], expected["stay"]);
    let counted = counts(&operator);
    assert_eq!((&counted["moved"], &counted["active"], &counted["left"]), (&json!(145), &json!(0), &json!(6)));

    let told = operator.done(&["cognito", "import", "--dry-run", "@"]);
    assert!(told.contains("imported before") && !told.contains("example.com") && !told.contains(&sub(3)), "{told}");
    // They are whom the other system knew: recovery finds them.
    let site = Site::from(&gateway);
    let mut browser = Browser::new(&site);
    let page = browser.open("/recover").await;
    browser.submit(&page, "#submit", &[("identifier", &email(7))]).await;
    assert_eq!(site.mail_to(&email(7)).await.codes.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_requires_second_factors_keeps_everybody_and_one_without_is_asked_for_nobodys() {
    let pool = UserPool::default();
    let (folder, gateway, operator) = desk(&pool).await;
    name_the_pool(&gateway, &folder.path().join("data")).await;
    pool.require_second_factor();
    let refused = operator.run(&IMPORT_POOL);
    assert!(refused.code == Some(1) && refused.err.contains("requires a second factor of every user"), "{refused:?}");
    assert_eq!(pool.take_asked("ListUsers"), 0);
    pool.know_no_second_factor();
    assert_eq!(imported(&operator, &[])["came"], 150);
    assert_eq!(pool.take_asked("AdminGetUser"), 0);
    // One that does not say is not one without.
    pool.tell_nothing_of_second_factors();
    pool.put(PoolUser { second_factor: Some("SMS_MFA"), ..PoolUser::confirmed(&email(150), PASSWORD, &sub(150)) });
    assert_eq!(imported(&operator, &[])["stay"], json!({ "a second factor protects the account there": 1 }));
    pool.remove(&email(150));
    // Without --yes somebody has to answer.
    let asked = operator.run(&["cognito", "import", "@"]);
    assert!(asked.code == Some(1) && asked.err.contains("about 150") && asked.err.contains("--yes"), "{asked:?}");
}

/// T1, T12: broken off, run again, and run twice at once: everybody once, and the counts add up.
#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_was_broken_off_goes_on_and_two_at_once_bring_nobody_twice() {
    let pool = UserPool::default();
    let (folder, gateway, operator) = desk(&pool).await;
    name_the_pool(&gateway, &folder.path().join("data")).await;
    pool.list_only(1);
    let broken = operator.run(&IMPORT_POOL);
    assert!(broken.code == Some(1) && broken.err.contains("does not list its users; run the command again"), "{broken:?}");
    let told: Value = serde_json::from_str(&broken.out).unwrap();
    assert_eq!((&told["in_the_pool"], &told["came"]), (&json!(60), &json!(60)), "what was done is told");

    pool.list_only(usize::MAX);
    let (one, other) = std::thread::scope(|scope| {
        let (one, other) = (scope.spawn(|| imported(&operator, &[])), scope.spawn(|| imported(&operator, &[])));
        (one.join().unwrap(), other.join().unwrap())
    });
    let count = |name: &str| (one[name].as_u64().unwrap(), other[name].as_u64().unwrap());
    let ((mine, theirs), (known, known_there)) = (count("came"), count("already_here"));
    assert_eq!((mine + theirs, mine + known, theirs + known_there), (90, 150, 150), "{one} {other}");
    assert_eq!((count("failed"), counts(&operator)["moved"].as_u64()), ((0, 0), Some(150)));
}

/// T1: a look that fails is a failure of one, whatever the pool's reason; only where it tells of nobody does the import end.
#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_fails_stops_no_other_and_who_is_gone_from_the_pool_does_not_come() {
    let pool = UserPool::default();
    let (folder, gateway, operator) = desk(&pool).await;
    name_the_pool(&gateway, &folder.path().join("data")).await;
    let ended = |numbers: std::ops::Range<usize>, error| {
        pool.tell_nothing_of(numbers.map(email), error);
        let told = operator.run(&IMPORT_POOL);
        assert_eq!(told.code, Some(1), "{told:?}");
        let report: Value = serde_json::from_str(&told.out).unwrap();
        let count = |name: &str| report[name].as_u64().unwrap();
        let stay: u64 = report["stay"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
        let counts = [count("in_the_pool"), count("came"), count("already_here"), stay, count("failed")];
        assert_eq!(counts[0], counts[1..].iter().sum::<u64>() + count("erased"), "everybody is counted once: {report}");
        (counts, told.err)
    };
    let (four, told) = ended(0..4, "InvalidParameterException");
    assert_eq!((four, told.as_str()), ([150, 146, 0, 0, 4], ""), "four in a row, and no more");
    for number in 150..270 {
        pool.put(PoolUser::confirmed(&email(number), PASSWORD, &sub(number)));
    }
    let (all, told) = ended(0..270, "InvalidParameterException");
    assert_eq!(all, [180, 0, 146, 0, 34], "the page of the fifth is the last");
    assert!(told.contains("does not show who has a second factor; run the command again"), "{told}");
    let (denied, told) = ended(200..201, "AccessDeniedException");
    assert_eq!(denied, [240, 93, 146, 0, 1]);
    assert!(told.contains("AccessDenied"), "{told}");

    pool.tell_nothing_of([email(200)], "UserNotFoundException");
    let done = imported(&operator, &[]);
    assert_eq!((&done["came"], &done["stay"]), (&json!(30), &json!({ "gone from the pool since it listed them": 1 })));
    assert_eq!((&done["failed"], &counts(&operator)["moved"]), (&json!(0), &json!(269)));
}

/// Groups become roles once everybody has come; a role is given once, never taken, and what has no role is said.
#[tokio::test(flavor = "multi_thread")]
async fn groups_of_the_pool_become_roles_of_those_who_came() {
    let pool = UserPool::default();
    let (folder, gateway, operator) = desk(&pool).await;
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

    let planned = imported(&operator, &["--dry-run"]);
    assert_eq!(
        (&planned["groups"], &planned["roles"]),
        (&json!({ "Gold": 100, "Editors": 1 }), &json!({})),
        "nobody has a role yet"
    );
    assert_eq!(planned["groups_without_role"], json!(["Beta"]));
    let first = imported(&operator, &[]);
    assert_eq!(
        (&first["came"], &first["roles"]),
        (&json!(149), &json!({ "gold": 99, "editor": 1 })),
        "one of them stays there"
    );
    let again = imported(&operator, &[]);
    assert_eq!((&again["came"], &again["roles"]), (&json!(0), &json!({ "gold": 0, "editor": 0 })));
    let told = operator.done(&["cognito", "import", "--yes", "@"]);
    assert!(told.contains("got a role") && told.contains("groups that map to no role: Beta"), "{told}");

    // What an operator sees and changes.
    let roles = |more: &[&str]| operator.run(&[&["people", "roles"], more, &["@"]].concat());
    let of_seven = roles(&[&email(7)]);
    assert_eq!((of_seven.code, of_seven.out.as_str()), (Some(0), "the user's roles: editor, gold\n"), "{of_seven:?}");
    let changed = roles(&[&email(7), "--take", "gold", "--give", "support"]);
    assert_eq!(changed.out, "the user's roles are now: editor, support\n", "{changed:?}");
    assert_eq!(roles(&[&email(120)]).out, "the user has no roles\n");
    let nobody = roles(&["nobody@example.com"]);
    assert!(nobody.code == Some(1) && nobody.err.contains("no account has this e-mail address"), "{nobody:?}");
    let many: Vec<String> = (0..9).flat_map(|number| ["--give".to_owned(), format!("r{number}")]).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let too_many = roles(&[&[&*email(7)], &many[..]].concat());
    assert!(too_many.code == Some(1) && too_many.err.contains("at most 8 roles"), "{too_many:?}");
    assert_eq!(roles(&[&email(7), "--give", "two words"]).code, Some(2));
    // As long as the pool has them in the group, an import gives the role again.
    assert_eq!(imported(&operator, &[])["roles"], json!({ "gold": 1, "editor": 0 }));

    // Who can't have one more is no failure of a person's.
    let _ = roles(&[&[&*email(120)], &many[..16]].concat());
    pool.put(person(120).in_group("Gold"));
    let full = operator.run(&IMPORT_POOL);
    let report: Value = serde_json::from_str(&full.out).unwrap();
    let counts = ["in_the_pool", "already_here", "failed", "roles_too_many", "roles_failed"].map(|name| &report[name]);
    assert_eq!((full.code, counts), (Some(1), [&json!(150), &json!(149), &json!(0), &json!(1), &json!(0)]), "{full:?}");
}
