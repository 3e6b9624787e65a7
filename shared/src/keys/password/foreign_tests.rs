//! Test vectors of standards and reference implementations.
use super::*;
use crate::keys::password::Lane;
use crate::keys::password::PasswordHasher;
use crate::keys::password::limits::PRESENT;
use crate::keys::password::stored::Stored;
use data_encoding::HEXLOWER;

/// Whether this hash is of the password, without a decoy.
fn is_of(text: &str, password: &[u8]) -> bool {
    match Stored::read(text).unwrap() {
        Stored::Bcrypt(bcrypt) => bcrypt.is_of(password),
        Stored::Scrypt(scrypt) => scrypt.is_of(password).unwrap(),
        Stored::Pbkdf2(pbkdf2) => pbkdf2.is_of(password),
        Stored::FirebaseScrypt(firebase) => firebase.is_of(password).unwrap(),
        Stored::Argon2(argon2) => {
            let mut lane = Lane::take(PasswordHasher::new(1).shared);
            *lane.argon2(&argon2, str::from_utf8(password).unwrap()).unwrap() == argon2.hash
        }
    }
}

#[test]
fn argon2_passes_its_test_vectors() {
    for text in [
        // The reference implementation's test.c (m=256: the larger ones are slow in a debug build).
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
        "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
        "$argon2i$v=16$m=256,t=2,p=2$c29tZXNhbHQ$tsEVYKap1h6scGt5ovl9aLRGOqOth+AMB+KwHpDFZPs",
        "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY",
        // Made with the reference implementation: Argon2d, Argon2id of version 16, four lanes with 64 bytes, 16 bytes.
        "$argon2d$v=19$m=256,t=2,p=1$c29tZXNhbHQAAAAAAAAAAA$Xo7LihCoFotHWD1jm/PiJkqXAohEaK1IUbPsL4FDAWc",
        "$argon2d$v=16$m=256,t=2,p=1$c29tZXNhbHQAAAAAAAAAAA$gH7fMUg9obVqZWZ6s4At1GRXdRTOu+xYnJZPqXhaPGU",
        "$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQAAAAAAAAAAA$eQXxHihEvVRo2JTUkRMTliKNPu5ZRvMXr68jFieBLVw",
        "$argon2d$v=19$m=64,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$vJSqk0QDyOhaTOtmHGHguQCwDy+B4xmRW5yesoclM1G9CNlotcAV/Y57/+9FuZF2wK2VdK5w7xdTPCnLt/+l0A",
        "$argon2id$v=19$m=64,t=2,p=2$c29tZXNhbHQ$06Fg+NIOVokX4kDZhuwsHA",
    ] {
        assert!(is_of(text, b"password"), "{text}");
        assert!(!is_of(text, b"passwore"), "{text}");
    }
    assert_eq!(PRESENT.p_cost(), 1, "lanes are computed one after another");
}

#[test]
fn bcrypt_passes_its_test_vectors() {
    for (password, text) in [
        // jBCrypt's TestBCrypt.java.
        ("", "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."),
        ("a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"),
        ("abc", "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"),
        ("abcdefghijklmnopqrstuvwxyz", "$2a$06$.rCVZVOThsIa97pEDOxvGuRRgzG64bvtJ0938xuqzv18d3ZpQhstC"),
        ("~!@#$%^&*()      ~!@#$%^&*()PNBFRD", "$2a$06$fPIsBO8qRqkjj273rfaOI.HtSV9jLDpTbZn782DC6/t7qT67P6FfO"),
        // Openwall's wrapper.c, which the OpenBSD implementation passes.
        ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        ("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
        ("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"),
        ("password", "$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm"),
        ("password", "$2y$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm"),
    ] {
        assert!(is_of(text, password.as_bytes()), "{text}");
        assert!(!is_of(text, format!("{password}x").as_bytes()), "{text}");
    }
    // Eight-bit characters (Openwall), which `$2x$` hashes wrongly.
    assert!(is_of("$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e", b"\xff\xff\xa3"));
    assert!(is_of("$2y$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq", b"\xa3"));
}

#[test]
fn bcrypt_uses_72_bytes_and_a_password_with_nul_never_matches() {
    // Openwall's wrapper.c.
    let text = "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui";
    let password = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    assert_eq!(password.len(), 72);
    assert!(is_of(text, password.as_bytes()));
    assert!(is_of(text, format!("{password}chars after 72 are ignored").as_bytes()));
    assert!(!is_of(text, &password.as_bytes()[..71]));
    // Made with the OpenBSD implementation: of `pass`, and of `pass`, a NUL, `word`.
    for text in [
        "$2b$04$abcdefghijklmnopqrstuufznL8bkzdtHwLhca4To/v9Lo9bA7fR6",
        "$2b$04$abcdefghijklmnopqrstuu1XXjbjD7ZfXxmr5GJxwjyi56IwyctvO",
    ] {
        for password in ["pass\0word", "pass\0", "\0"] {
            assert!(!is_of(text, password.as_bytes()), "{text} {password:?}");
        }
    }
}

#[test]
fn scrypt_passes_its_test_vectors() {
    // RFC 7914 §12.
    for (password, salt, log_n, r, p, expected) in [
        (
            "",
            "",
            4,
            1,
            1,
            "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906",
        ),
        (
            "password",
            "NaCl",
            10,
            8,
            16,
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640",
        ),
        (
            "pleaseletmein",
            "SodiumChloride",
            14,
            8,
            1,
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887",
        ),
    ] {
        let costs = ScryptCosts(scrypt::Params::new(log_n, r, p).unwrap());
        let hash = HEXLOWER.decode(expected.as_bytes()).unwrap();
        let scrypt = Scrypt { costs, salt: salt.into(), hash };
        assert!(scrypt.is_of(password.as_bytes()).unwrap(), "{salt}");
        assert!(!scrypt.is_of(b"passwore").unwrap(), "{salt}");
    }
    let stored = "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw";
    assert!(is_of(stored, b"pleaseletmein"));
    assert!(is_of(&format!("{stored}=="), b"pleaseletmein"), "padding does not change the hash");
}

#[test]
fn pbkdf2_passes_its_test_vectors() {
    for (algorithm, password, salt, iterations, expected) in [
        // RFC 6070.
        (PBKDF2_HMAC_SHA1, "password", "salt", 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"),
        (PBKDF2_HMAC_SHA1, "password", "salt", 2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"),
        (PBKDF2_HMAC_SHA1, "password", "salt", 4096, "4b007901b765489abead49d926f721d065a429c1"),
        (PBKDF2_HMAC_SHA1, "pass\0word", "sa\0lt", 4096, "56fa6aa75548099dcc37d7f03425e0c3"),
        // RFC 7914 §11.
        (
            PBKDF2_HMAC_SHA256,
            "passwd",
            "salt",
            1,
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783",
        ),
        (
            PBKDF2_HMAC_SHA256,
            "Password",
            "NaCl",
            80000,
            "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d",
        ),
        // The inputs of RFC 6070 with SHA-512; independent implementations agree on the results.
        (
            PBKDF2_HMAC_SHA512,
            "password",
            "salt",
            4096,
            "d197b1b33db0143e018b12f3d1d1479e6cdebdcc97c5c0f87f6902e072f457b5143f30602641b3d55cd335988cb36b84376060ecd532e039b742a239434af2d5",
        ),
    ] {
        let hash = HEXLOWER.decode(expected.as_bytes()).unwrap();
        let iterations = NonZeroU32::new(iterations).unwrap();
        let pbkdf2 = Pbkdf2 { algorithm, iterations, salt: salt.into(), hash };
        assert!(pbkdf2.is_of(password.as_bytes()), "{expected}");
        assert!(!pbkdf2.is_of(b"passwore"), "{expected}");
    }
    for text in [
        "$pbkdf2$i=1000$c2FsdHNhbHRzYWx0c2FsdA$2FWw/oC7TQkskizC+81lWlmFAMM",
        "$pbkdf2-sha1$i=1000,l=20$c2FsdHNhbHRzYWx0c2FsdA$2FWw/oC7TQkskizC+81lWlmFAMM",
        "$pbkdf2-sha256$i=1000$c2FsdHNhbHRzYWx0c2FsdA$8nX7hwFEzIB8aPajJTYK8weHQc5Ngz0pFVAKvSu4jQA",
        "$pbkdf2-sha512$i=1000,l=32$c2FsdHNhbHRzYWx0c2FsdA==$715rqIr5dXOVPpBhqqsugl037zT5bWJTWYmZtIcK8hA=",
    ] {
        assert!(is_of(text, b"password"), "{text}");
        assert!(!is_of(text, b"passwore"), "{text}");
    }
}

#[test]
fn firebase_scrypt_passes_its_example() {
    // The README of Firebase's scrypt.
    let text = "$firescrypt$ln=14,r=8,p=1$42xEC+ixf3L2lw==\
        $lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==$Bw==\
        $jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==";
    assert!(is_of(text, b"user1password"));
    assert!(!is_of(text, b"user1passwore"));
    assert!(!is_of(&text.replace("$Bw==$", "$CA==$"), b"user1password"), "another project's separator");
    assert!(!is_of(&text.replace("$jxsp", "$kxsp"), b"user1password"), "another project's key");
}

#[test]
fn a_hash_with_one_changed_character_is_refused_or_does_not_match() {
    for text in [
        "$argon2id$v=19$m=64,t=2,p=2$c29tZXNhbHQ$06Fg+NIOVokX4kDZhuwsHA",
        "$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm",
        "$scrypt$ln=4,r=8,p=2$c2FsdHNhbHRzYWx0c2FsdA$Xr/Hs0PEGGUK6RUUsOT9neP9mchSoK/Jv/Q90c5N53I",
        "$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHRzYWx0c2FsdA$8nX7hwFEzIB8aPajJTYK8weHQc5Ngz0pFVAKvSu4jQA",
        "$firescrypt$ln=4,r=8,p=1$42xEC+ixf3L2lw==$3fXjTuKVWOvyQLFLPfM03g==$Bw==$jxspr8Ki0RYycVU8zykbdA==",
    ] {
        assert!(is_of(text, b"password"), "{text}");
        let costs = text.rfind("=1000").or(text.rfind("p=")).unwrap_or(3);
        let secret = costs + text[costs..].find('$').unwrap() + 1;
        for at in secret..text.len() {
            let other = if text.as_bytes()[at] == b'A' { "z" } else { "A" };
            let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
            assert!(Stored::read(&changed).is_err() || !is_of(&changed, b"password"), "{changed}");
        }
    }
}
