use super::limits::{HASH_LEN, PRESENT, SALT_LEN};
use super::*;
use argon2::{Algorithm, Version};

fn secret(text: &str) -> SecretText {
    text.into()
}

#[tokio::test]
async fn a_password_matches_only_its_own_hash() {
    let hasher = PasswordHasher::new(1);
    let hash = hasher.hash(&secret("correct horse")).await.unwrap();
    assert!(hash.as_phc().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "security 68");
    assert_eq!(hasher.verify(&secret("correct horse"), Some(&hash)).await, Ok(PasswordMatch::Yes));
    assert_eq!(hasher.verify(&secret("correct horsf"), Some(&hash)).await, Ok(PasswordMatch::No));
    let again = hasher.hash(&secret("correct horse")).await.unwrap();
    assert_ne!(hash, again, "each hash has its own salt");
}

#[tokio::test]
async fn security_67_every_byte_counts_and_unicode_forms_of_one_text_are_equal() {
    let hasher = PasswordHasher::new(1);
    let long = "x".repeat(72);
    let cases = [
        (format!("{long}a"), format!("{long}b"), false),
        (long.clone(), format!("{long}x"), false),
        ("pass".to_owned(), "pass\0".to_owned(), false),
        ("pass\0a".to_owned(), "pass\0b".to_owned(), false),
        ("Stra\u{00df}e \u{00e9}".to_owned(), "Stra\u{00df}e e\u{0301}".to_owned(), true),
        ("ﬁ".to_owned(), "fi".to_owned(), false),
        ("Pass".to_owned(), "pass".to_owned(), false),
        ("\u{1D160}\u{1D160}".to_owned(), "\u{1D158}\u{1D165}\u{1D16E}\u{1D158}\u{1D165}\u{1D16E}".to_owned(), true),
    ];
    for (one, other, same) in cases {
        let hash = hasher.hash(&secret(&one)).await.unwrap();
        let found = hasher.verify(&secret(&other), Some(&hash)).await.unwrap();
        assert_eq!(found == PasswordMatch::Yes, same, "{one:?} and {other:?}");
    }
}

#[tokio::test]
async fn security_71_without_a_stored_hash_the_same_work_is_done() {
    let hasher = PasswordHasher::new(1);
    let hash = hasher.hash(&secret("right")).await.unwrap();
    for stored in [Some(&hash), None, Some(&PasswordHash::from_phc("not a hash".to_owned()))] {
        let before = hasher.hashes_computed();
        assert_eq!(hasher.verify(&secret("wrong"), stored).await, Ok(PasswordMatch::No));
        assert_eq!(hasher.hashes_computed() - before, 1);
    }
}

fn weak(m_cost: u32, t_cost: u32, password: &str) -> PasswordHash {
    let params = Params::new(m_cost, t_cost, 1, Some(HASH_LEN)).unwrap();
    let mut hash = [0; HASH_LEN];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
        .hash_password_into(password.as_bytes(), &[1; SALT_LEN], &mut hash)
        .unwrap();
    encode(&params, &[1; SALT_LEN], &hash)
}

#[tokio::test]
async fn security_68_a_weaker_hash_is_replaced_after_a_right_password_and_not_after_a_wrong_one() {
    let hasher = PasswordHasher::new(1);
    for old in [weak(64, 2, "p"), weak(19 * 1024, 1, "p")] {
        assert_eq!(hasher.verify(&secret("q"), Some(&old)).await, Ok(PasswordMatch::No));
        let Ok(PasswordMatch::Rehash(new)) = hasher.verify(&secret("p"), Some(&old)).await else { panic!("not rehashed") };
        assert_eq!(hasher.verify(&secret("p"), Some(&new)).await, Ok(PasswordMatch::Yes));
    }
    // Stronger than the current parameters: the hash is kept, and the lane's memory shrinks to its size.
    let strong = weak(20 * 1024, 2, "p");
    assert_eq!(hasher.verify(&secret("p"), Some(&strong)).await, Ok(PasswordMatch::Yes));
    let blocks = hasher.shared.blocks.lock().unwrap();
    assert_eq!(blocks.iter().map(Vec::len).collect::<Vec<_>>(), [PRESENT.block_count()], "one block, reused");
}

#[tokio::test]
async fn a_full_queue_is_busy_and_drains() {
    let hasher = PasswordHasher::new(1);
    let places = hasher.shared.queue.clone().try_acquire_many_owned(QUEUE_PER_LANE as u32).unwrap();
    assert_eq!(hasher.hash(&secret("p")).await, Err(HasherBusy));
    assert_eq!(hasher.verify(&secret("p"), None).await, Err(HasherBusy));
    assert_eq!(hasher.hashes_computed(), 0);
    drop(places);
    assert!(hasher.hash(&secret("p")).await.is_ok());
}

/// Each is of `password`.
const FOREIGN: [&str; 9] = [
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY",
    "$argon2d$v=19$m=256,t=2,p=1$c29tZXNhbHQAAAAAAAAAAA$Xo7LihCoFotHWD1jm/PiJkqXAohEaK1IUbPsL4FDAWc",
    "$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm",
    "$scrypt$ln=4,r=8,p=2$c2FsdHNhbHRzYWx0c2FsdA$Xr/Hs0PEGGUK6RUUsOT9neP9mchSoK/Jv/Q90c5N53I",
    "$pbkdf2-sha1$i=1000$c2FsdHNhbHRzYWx0c2FsdA$2FWw/oC7TQkskizC+81lWlmFAMM",
    "$pbkdf2-sha256$i=1000$c2FsdHNhbHRzYWx0c2FsdA$8nX7hwFEzIB8aPajJTYK8weHQc5Ngz0pFVAKvSu4jQA",
    "$pbkdf2-sha512$i=1000$c2FsdHNhbHRzYWx0c2FsdA$715rqIr5dXOVPpBhqqsugl037zT5bWJTWYmZtIcK8hA",
    "$firescrypt$ln=4,r=8,p=1$42xEC+ixf3L2lw==$3fXjTuKVWOvyQLFLPfM03nOfkjUZOPTSmg1g18t51kxAwRy3Iw++U2okGh/0T5gQyTFq8CLRd5u0ukEmYMlbng==$Bw==$jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==",
];

#[tokio::test]
async fn security_68_a_foreign_hash_is_replaced_after_a_right_password_and_not_after_a_wrong_one() {
    let hasher = PasswordHasher::new(1);
    for text in FOREIGN {
        let stored = import(text).unwrap();
        assert_eq!(hasher.verify(&secret("passwore"), Some(&stored)).await, Ok(PasswordMatch::No), "{text}");
        let found = hasher.verify(&secret("password"), Some(&stored)).await;
        let Ok(PasswordMatch::Rehash(new)) = found else { panic!("{text}: {found:?}") };
        assert!(new.as_phc().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
        assert_eq!(hasher.verify(&secret("password"), Some(&new)).await, Ok(PasswordMatch::Yes), "{text}");
        assert_eq!(hasher.verify(&secret("passwore"), Some(&new)).await, Ok(PasswordMatch::No), "{text}");
    }
    let blocks = hasher.shared.blocks.lock().unwrap();
    assert_eq!(blocks.iter().map(Vec::len).collect::<Vec<_>>(), [PRESENT.block_count()], "one block, reused");
}

#[tokio::test]
async fn a_check_that_stores_nothing_does_not_compute_a_new_hash() {
    let hasher = PasswordHasher::new(1);
    let stored = import(FOREIGN[0]).unwrap();
    assert_eq!(hasher.is_right(&secret("password"), Some(&stored)).await, Ok(true));
    assert_eq!(hasher.hashes_computed(), 0);
    // security 71
    assert_eq!(hasher.is_right(&secret("passwore"), Some(&stored)).await, Ok(false));
    assert_eq!(hasher.is_right(&secret("password"), None).await, Ok(false));
    assert_eq!(hasher.hashes_computed(), 2);
}

#[tokio::test]
async fn security_71_a_wrong_password_costs_one_current_hash_for_any_stored_hash() {
    let hasher = PasswordHasher::new(1);
    let ours = hasher.hash(&secret("password")).await.unwrap();
    let unusable = PasswordHash::from_phc(FOREIGN[3].replace("$04$", "$31$"));
    let foreign: Vec<_> = FOREIGN.iter().map(|text| import(text).unwrap()).collect();
    let stored = foreign.iter().chain([&ours, &unusable]).map(Some).chain([None]);
    // A password that is not in NFC is tried in both forms: twice the work, for known and unknown identifiers.
    for (password, computed) in [("passwore", 1), ("passwore\u{301}", 2)] {
        for stored in stored.clone() {
            let before = hasher.hashes_computed();
            assert_eq!(hasher.verify(&secret(password), stored).await, Ok(PasswordMatch::No));
            assert_eq!(hasher.hashes_computed() - before, computed, "{stored:?}");
        }
    }
    for stored in stored.take(FOREIGN.len() + 1) {
        let before = hasher.hashes_computed();
        assert_ne!(hasher.verify(&secret("password"), stored).await, Ok(PasswordMatch::No));
        assert_eq!(hasher.hashes_computed() - before, 1, "a verification is counted once");
    }
}

#[tokio::test]
async fn security_67_a_foreign_hash_matches_the_typed_form_or_nfc_and_ours_matches_nfc() {
    let hasher = PasswordHasher::new(1);
    let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}");
    let of_composed = "$2b$04$abcdefghijklmnopqrstuuusvfeYzFuQdqd.KjimlRKkZ2QcoHWhO";
    let of_decomposed = "$2b$04$abcdefghijklmnopqrstuuOPx4tXEYeRQ0j5wdqjQ2bd8EqDyvq5e";
    // Made by another system with exactly our parameters.
    let alike = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$KGFrlsJnbpbongkh1JKGVUS89xsQulw7XSDcz96AhrY";
    for (text, typed, right) in [
        (of_composed, composed, true),
        (of_composed, decomposed, true),
        (of_decomposed, decomposed, true),
        (of_decomposed, composed, false),
        (alike, decomposed, true),
        (alike, composed, false),
    ] {
        let found = hasher.verify(&secret(typed), Some(&import(text).unwrap())).await.unwrap();
        match found {
            PasswordMatch::Rehash(new) if right => {
                for typed in [composed, decomposed] {
                    assert_eq!(hasher.verify(&secret(typed), Some(&new)).await, Ok(PasswordMatch::Yes), "{text} {typed}");
                }
            }
            found => assert_eq!((found, right), (PasswordMatch::No, false), "{text} {typed}"),
        }
    }
}

#[tokio::test]
async fn security_67_after_a_bcrypt_match_the_whole_password_is_hashed() {
    let hasher = PasswordHasher::new(1);
    let stored = import("$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui").unwrap();
    let password = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let long = format!("{password} and more");
    let Ok(PasswordMatch::Rehash(new)) = hasher.verify(&secret(&long), Some(&stored)).await else { panic!("not rehashed") };
    assert_eq!(hasher.verify(&secret(&long), Some(&new)).await, Ok(PasswordMatch::Yes));
    assert_eq!(hasher.verify(&secret(password), Some(&new)).await, Ok(PasswordMatch::No));
}
