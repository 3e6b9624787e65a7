use super::*;
use proptest::prelude::*;

const ARGON2: &str = "$argon2id$v=19$m=64,t=2,p=2$c29tZXNhbHQ$06Fg+NIOVokX4kDZhuwsHA";
const BCRYPT: &str = "$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm";
const SCRYPT: &str = "$scrypt$ln=4,r=8,p=2$c2FsdHNhbHRzYWx0c2FsdA$Xr/Hs0PEGGUK6RUUsOT9neP9mchSoK/Jv/Q90c5N53I";
const PBKDF2: &str = "$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHRzYWx0c2FsdA$8nX7hwFEzIB8aPajJTYK8weHQc5Ngz0pFVAKvSu4jQA";
const FIREBASE: &str = "$firescrypt$ln=4,r=8,p=1$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9A==$Bw==$jxspr8Ki0RYycVU8zykbdA==";
const KINDS: [&str; 5] = [ARGON2, BCRYPT, SCRYPT, PBKDF2, FIREBASE];

#[test]
fn a_hash_within_the_limits_is_imported_unchanged() {
    for text in KINDS {
        assert_eq!(import(text).unwrap().as_phc(), text);
        assert!(!Stored::read(text).unwrap().is_present(), "{text}");
    }
}

#[test]
fn security_68_a_hash_as_strong_as_ours_is_kept() {
    let salt = "c29tZXNhbHRzb21lc2FsdA";
    let hash = "KGFrlsJnbpbongkh1JKGVUS89xsQulw7XSDcz96AhrY";
    for (text, stays) in [
        (format!("$argon2id$v=19$m=19456,t=2,p=1${salt}${hash}"), true),
        (format!("$argon2id$v=19$m=65536,t=3,p=4${salt}${hash}"), true),
        (format!("$argon2id$v=19$m=19455,t=2,p=1${salt}${hash}"), false),
        (format!("$argon2id$v=19$m=65536,t=1,p=1${salt}${hash}"), false),
        (format!("$argon2id$v=16$m=65536,t=3,p=1${salt}${hash}"), false),
        (format!("$argon2id$m=65536,t=3,p=1${salt}${hash}"), false),
        (format!("$argon2i$v=19$m=65536,t=3,p=1${salt}${hash}"), false),
        (format!("$argon2d$v=19$m=65536,t=3,p=1${salt}${hash}"), false),
        (format!("$argon2id$v=19$m=65536,t=3,p=1$c29tZXNhbHQ${hash}"), false),
        (format!("$argon2id$v=19$m=65536,t=3,p=1${salt}$06Fg+NIOVokX4kDZhuwsHA"), false),
    ] {
        assert_eq!(Stored::read(&text).unwrap().is_present(), stays, "{text}");
    }
}

#[test]
fn a_hash_of_unknown_kind_wrong_form_or_outside_the_limits_is_refused_with_the_reason() {
    let long = "A".repeat(2000);
    let argon2 = |costs: &str| ARGON2.replace("m=64,t=2,p=2", costs);
    let scrypt = |costs: &str| SCRYPT.replace("ln=4,r=8,p=2", costs);
    let firebase = |costs: &str| FIREBASE.replace("ln=4,r=8,p=1", costs);
    let pbkdf2 = |costs: &str| PBKDF2.replace("i=1000,l=32", costs);
    let two_blocks = |costs: &str| pbkdf2(costs).replace("8nX7hwFEzIB8aPajJTYK8weHQc5Ngz0pFVAKvSu4jQA", &"A".repeat(86));
    let cases = [
        (String::new(), "not of a kind"),
        ("$".to_owned(), "not of a kind"),
        ("not a hash".to_owned(), "not of a kind"),
        (BCRYPT[1..].to_owned(), "not of a kind"),
        (format!("$argon2id${long}"), "not of a kind"),
        ("$1$salt$hash".to_owned(), "not of a kind"),
        ("$2$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm".to_owned(), "not of a kind"),
        ("$6$rounds=5000$salt$hash".to_owned(), "not of a kind"),
        ("{SSHA}c2FsdA==".to_owned(), "not of a kind"),
        ("$pbkdf2-md5$i=1000$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA".to_owned(), "not of a kind"),
        (ARGON2.replace("argon2id", "Argon2id"), "not of a kind"),
        (BCRYPT.replace("$2b", "$2x"), "$2x$"),
        // Argon2
        (ARGON2.replace("v=19", "v=18"), "version 18"),
        (ARGON2.replace("v=19", "v=019"), "not written"),
        (ARGON2.replace("v=19", "19"), "not written"),
        (argon2("m=65537,t=2,p=2"), "memory in KiB of the password hash is 65537, and 16 to 65536"),
        (argon2("m=15,t=2,p=2"), "memory in KiB of the password hash is 15"),
        (argon2("m=4294967295,t=2,p=2"), "memory in KiB"),
        (argon2("m=64,t=11,p=2"), "passes of the password hash is 11"),
        (argon2("m=64,t=0,p=2"), "passes of the password hash is 0"),
        (argon2("m=64,t=2,p=5"), "lanes of the password hash is 5"),
        (argon2("m=64,t=2,p=0"), "lanes of the password hash is 0"),
        (argon2("m=64,t=2"), "not written"),
        (argon2("m=64,t=2,p=2,p=2"), "not written"),
        (argon2("m=64,t=2,t=2"), "not written"),
        (argon2("m=64,t=2,p=2,data=AAAA"), "not written"),
        (argon2("m=64,t=2,p=+2"), "not written"),
        (argon2("m=64,t=02,p=2"), "not written"),
        (argon2("m=42949672960,t=2,p=2"), "not written"),
        (ARGON2.replace("c29tZXNhbHQ", "c29tZXNhbA"), "salt length in bytes of the password hash is 7"),
        (ARGON2.replace("c29tZXNhbHQ", &"A".repeat(172)), "salt length in bytes of the password hash is 129"),
        (ARGON2.replace("c29tZXNhbHQ", "c29tZXNhbHR"), "not written"),
        (ARGON2.replace("c29tZXNhbHQ", "c29tZXNhbHQ=="), "not written"),
        (ARGON2.replace("wsHA", "ws"), "hash length in bytes of the password hash is 15"),
        (ARGON2.replace("06Fg+NIOVokX4kDZhuwsHA", &"A".repeat(87)), "hash length in bytes of the password hash is 65"),
        (ARGON2.replace("$06Fg", ""), "not written"),
        (format!("{ARGON2}$"), "not written"),
        // bcrypt
        (BCRYPT.replace("$04$", "$03$"), "bcrypt cost of the password hash is 3, and 4 to 14"),
        (BCRYPT.replace("$04$", "$15$"), "bcrypt cost of the password hash is 15"),
        (BCRYPT.replace("$04$", "$4$"), "not written"),
        (BCRYPT.replace("$04$", "$+4$"), "not written"),
        (BCRYPT[..59].to_owned(), "not written"),
        (format!("{BCRYPT}a"), "not written"),
        (format!("{BCRYPT}$"), "not written"),
        (BCRYPT.replace("abc", "ab+"), "not written"),
        (BCRYPT.replace("uughE8", "uuéE8"), "not written"),
        (BCRYPT.replace("stuugh", "stué"), "not written"),
        // scrypt: 2^16 blocks of 1 KiB are 64 MiB.
        (scrypt("ln=17,r=8,p=1"), "scrypt memory in KiB of the password hash is 131072, and 0 to 65536"),
        (scrypt("ln=16,r=9,p=1"), "scrypt memory in KiB"),
        (scrypt("ln=20,r=1,p=1"), "scrypt cost (ln) of the password hash is 20"),
        (scrypt("ln=16384,r=8,p=1"), "scrypt cost (ln) of the password hash is 16384"),
        (scrypt("ln=0,r=8,p=1"), "scrypt cost (ln) of the password hash is 0"),
        (scrypt("ln=4,r=65,p=1"), "scrypt block size (r) of the password hash is 65"),
        (scrypt("ln=4,r=0,p=1"), "scrypt block size (r) of the password hash is 0"),
        (scrypt("ln=4,r=8,p=5"), "scrypt parallelisation (p) of the password hash is 5"),
        (scrypt("ln=4,r=8,p=0"), "scrypt parallelisation (p) of the password hash is 0"),
        (scrypt("ln=4,r=8"), "not written"),
        (SCRYPT.replace("c2FsdHNhbHRzYWx0c2FsdA", "c2Fs"), "salt length in bytes of the password hash is 3"),
        (SCRYPT.replace("c2FsdHNhbHRzYWx0c2FsdA$", ""), "not written"),
        // PBKDF2
        (pbkdf2("i=2000001"), "PBKDF2 iterations of the password hash is 2000001, and 1 to 2000000"),
        // A hash of two digests doubles the work.
        (two_blocks("i=1000001"), "PBKDF2 iterations of the password hash is 1000001, and 1 to 1000000"),
        (pbkdf2("i=0"), "PBKDF2 iterations of the password hash is 0"),
        (pbkdf2("i=1000,l=31"), "not written"),
        (pbkdf2("l=32"), "not written"),
        (pbkdf2("1000"), "not written"),
        (PBKDF2.replace("c2FsdHNhbHRzYWx0c2FsdA", ""), "salt length in bytes of the password hash is 0"),
        // Firebase
        (firebase("ln=17,r=8,p=1"), "scrypt memory in KiB"),
        (firebase("ln=14,r=8,p=5"), "scrypt parallelisation (p)"),
        (FIREBASE.replace("jxspr8Ki0RYycVU8zykbdA==", "jxspr8Ki0RYycVU8zykb"), "not written"),
        (FIREBASE.replace("$Bw==", ""), "not written"),
        (FIREBASE.replace("42xEC+ixf3L2lw==", "42w="), "salt length in bytes of the password hash is 3"),
    ];
    for (text, expected) in cases {
        let refused = import(&text).expect_err(&text).to_string();
        assert!(refused.contains(expected), "{text}: {refused}");
    }
    for (text, usable) in [(scrypt("ln=16,r=8,p=4"), true), (pbkdf2("i=2000000"), true), (argon2("m=65536,t=10,p=4"), true)] {
        assert_eq!(import(&text).is_ok(), usable, "{text}");
    }
}

proptest! {
    #[test]
    fn parsing_a_hash_with_any_changed_byte_does_not_panic(kind in 0..KINDS.len(), at in any::<usize>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = KINDS[kind].as_bytes().to_vec();
        let at = at % bytes.len();
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        let text = String::from_utf8_lossy(&bytes);
        // An error message contains nothing of the salt and the hash.
        if let Err(error) = import(&text) {
            let secret = &KINDS[kind][KINDS[kind].len() - 12..];
            prop_assert!(!error.to_string().contains(secret));
        }
    }

    #[test]
    fn parsing_any_text_does_not_panic(text in "\\$(argon2(id|i|d)|2[abxy]|p?scrypt|firescrypt|pbkdf2(-sha(1|256|512))?)(\\$[=,a-z0-9+/.é]{0,70}){0,7}") {
        let _ = import(&text);
    }
}
