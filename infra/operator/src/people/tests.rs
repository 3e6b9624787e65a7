use super::firebase::HashParameters;
use super::flaw::ReadError;
use super::*;
use latchkey::keys::PasswordHasher;
use latchkey::keys::password::PasswordMatch;
use latchkey::keys::password::import as hash;
use serde_json::json;

/// A hash of `password` in Keycloak's form: 64 bytes of PBKDF2-HMAC-SHA512.
const SHA512: &str = "715rqIr5dXOVPpBhqqsugl037zT5bWJTWYmZtIcK8hBnisKpwfY7kokvwjDrNHqHhF50Pb7MD6HvkJwiDQw4ww==";
const SHA256: &str = "8nX7hwFEzIB8aPajJTYK8weHQc5Ngz0pFVAKvSu4jQB0UGBqBuY/H7qOFFsvzkF7LUOJ8kPlApoYcOEvL+yDFw==";
const SHA1: &str = "2FWw/oC7TQkskizC+81lWlmFAMM=";
const ARGON2: &str = "7PCw6lTrVcqZB4uvMkl7NOUjxGtvALJ5SyYrIQAEWsc=";
const SALT: &str = "c2FsdHNhbHRzYWx0c2FsdA==";
const BCRYPT: &str = "$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm";

type People = Vec<Result<ForeignUser, ReadError>>;

/// Everything that a reader yields; if it fails as a whole, only that error.
fn all(read: impl FnOnce(UserSink<'_>) -> Result<(), StreamError>) -> People {
    let mut people = Vec::new();
    match read(&mut |person| people.push(person)) {
        Ok(()) => people,
        Err(StreamError::Content(unreadable)) => vec![Err(unreadable)],
        Err(StreamError::Io(error)) => panic!("{error}"),
    }
}

fn auth0(text: &str) -> People {
    all(|take| auth0::read(text.as_bytes(), take))
}

fn keycloak(text: &str) -> People {
    all(|take| keycloak::read(text.as_bytes(), take))
}

fn firebase(text: &str, parameters: Option<&HashParameters>) -> People {
    all(|take| firebase::read(text.as_bytes(), parameters, take))
}

fn only(people: People) -> ForeignUser {
    assert_eq!(people.len(), 1);
    people.into_iter().next().unwrap().unwrap()
}

fn flaws(people: People) -> Vec<String> {
    people.into_iter().filter_map(|person| person.err().map(|flaw| flaw.to_string())).collect()
}

async fn assert_signs_in(person: &ForeignUser, password: &str) {
    let stored = hash(person.password.as_deref().unwrap()).unwrap();
    let found = PasswordHasher::new(1).verify(&password.into(), Some(&stored)).await.unwrap();
    assert!(matches!(found, PasswordMatch::Rehash(_)), "{:?}", person.password);
}

#[tokio::test]
async fn the_hash_export_of_auth0_has_one_user_a_line() {
    // The example of Auth0's documentation, with a valid hash.
    let lines = [
        json!({
            "_id": { "$oid": "5dea9f9c82dd7c0e76e4ec93" }, "email_verified": false, "email": "user@example.com",
            "passwordHash": "$2b$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K",
            "password_set_date": { "$date": "2019-12-06T18:36:12.412Z" }, "tenant": "example-tenant-name",
            "connection": "Username-Password-Authentication", "_tmp_is_unique": true, "alt_id": "euclid",
        }),
        json!({
            "_id": { "$oid": "5dea9f9c82dd7c0e76e4ec94" },
            "identifiers": [{ "type": "username", "value": "ada" }, { "type": "email", "value": "ada@example.com", "verified": true }],
        }),
    ];
    let text = format!("{}\n\n{}\n", lines[0], lines[1]);
    let people: Vec<ForeignUser> = auth0(&text).into_iter().collect::<Result<_, _>>().unwrap();
    assert_eq!(people[0].subject, "auth0|euclid");
    assert_eq!(
        (people[0].email.as_deref(), people[0].email_verified, people[0].enabled),
        (Some("user@example.com"), false, true)
    );
    assert_eq!(people[0].attributes, Map::new());
    assert_signs_in(&people[0], "hello").await;
    assert_eq!(people[1].subject, "auth0|5dea9f9c82dd7c0e76e4ec94");
    assert_eq!((people[1].email.as_deref(), people[1].email_verified), (Some("ada@example.com"), true));
    assert_eq!(people[1].password, None);
}

#[test]
fn an_exported_user_of_auth0_has_named_claims_and_no_data_of_the_old_system() {
    let line = json!({
        "user_id": "auth0|1", "email": "ada@example.com", "email_verified": true, "created_at": "2019-12-06T18:36:12.412Z",
        "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace", "nickname": "ada", "username": "ada",
        "phone_number": "+12125550001", "phone_verified": true, "blocked": true, "user_metadata": { "theme": "dark" },
        "picture": null, "last_ip": "192.0.2.1", "logins_count": 3, "multifactor": ["guardian"],
        "identities": [{ "provider": "auth0", "user_id": "1" }], "mfa_factors": [{ "totp": { "secret": "JBSWY3DPEHPK3PXP" } }],
    });
    let person = only(auth0(&line.to_string()));
    assert_eq!((person.subject.as_str(), person.enabled, person.created_at), ("auth0|1", false, Some(1_575_657_372)));
    let expected = json!({
        "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace", "nickname": "ada", "preferred_username": "ada",
        "phone_number": "+12125550001", "phone_number_verified": true, "user_metadata": { "theme": "dark" },
    });
    assert_eq!(Value::Object(person.attributes), expected);
}

fn bulk(custom: Value) -> People {
    auth0(&json!([{ "email": "ada@example.com", "custom_password_hash": custom }]).to_string())
}

#[tokio::test]
async fn hashes_of_the_bulk_import_of_auth0_are_converted() {
    // From the documentation: scrypt of `password`.
    let scrypt = json!({
        "algorithm": "scrypt",
        "hash": { "value": "097f6197e1b41538f723e32aa7a68e8d76227d8e432ce5faa4882a913032db29", "encoding": "hex" },
        "salt": { "value": "abc123", "encoding": "utf8" }, "keylen": 32, "cost": 4096,
    });
    let person = only(bulk(scrypt.clone()));
    assert_eq!(person.subject, "ada@example.com");
    assert!(person.password.as_deref().unwrap().starts_with("$scrypt$ln=12,r=8,p=1$YWJjMTIz$"));
    assert_signs_in(&person, "password").await;
    let pbkdf2 = format!("$pbkdf2-RSA-SHA512$i=1000,l=64${}${}", SALT.trim_end_matches('='), SHA512.trim_end_matches('='));
    for custom in [
        json!({ "algorithm": "bcrypt", "hash": { "value": BCRYPT } }),
        json!({ "algorithm": "pbkdf2", "hash": { "value": pbkdf2, "encoding": "utf8" } }),
    ] {
        assert_signs_in(&only(bulk(custom)), "password").await;
    }
    // From the documentation; the passwords are unknown.
    for (algorithm, value, stored) in [
        (
            "argon2",
            "$argon2id$v=19$m=65536,t=2,p=1$J6Q/82PCyaNpYKRELJyTZg$m04qUAB8rexWDR4+/0f+SFB+4XMFxt7YAvAq2UycYos",
            "$argon2id$v=19$m=65536,t=2,p=1$J6Q/82PCyaNpYKRELJyTZg$m04qUAB8rexWDR4+/0f+SFB+4XMFxt7YAvAq2UycYos",
        ),
        (
            "pbkdf2",
            "$pbkdf2-sha512$KNyFsA2rWoE$I2CQGI9H0JxdDf3kERRI97kPCGxh0KWBIV3MxyaS191gDGfzVBGyS4BibhgqWQ0/ails8mHuU9ckASxHOOq58w",
            "$pbkdf2-sha512$i=100000$KNyFsA2rWoE$I2CQGI9H0JxdDf3kERRI97kPCGxh0KWBIV3MxyaS191gDGfzVBGyS4BibhgqWQ0/ails8mHuU9ckASxHOOq58w",
        ),
        (
            "pbkdf2",
            "$pbkdf2-sha512$l=64$KNyFsA2rWoE$I2CQGI9H0JxdDf3kERRI97kPCGxh0KWBIV3MxyaS191gDGfzVBGyS4BibhgqWQ0/ails8mHuU9ckASxHOOq58w",
            "$pbkdf2-sha512$i=100000,l=64$KNyFsA2rWoE$I2CQGI9H0JxdDf3kERRI97kPCGxh0KWBIV3MxyaS191gDGfzVBGyS4BibhgqWQ0/ails8mHuU9ckASxHOOq58w",
        ),
    ] {
        let person = only(bulk(json!({ "algorithm": algorithm, "hash": { "value": value } })));
        assert_eq!(person.password.as_deref(), Some(stored));
    }
    for (member, value, said) in [
        ("cost", json!(4095), "a power of two"),
        ("cost", json!(131_072), "scrypt memory"),
        ("keylen", json!(31), "the length of the hash"),
        ("blockSize", json!("eight"), "a whole number"),
        ("password", json!({ "encoding": "utf16le" }), "another encoding"),
        ("salt", Value::Null, "salt is not given"),
        ("salt", json!({ "value": "xyz", "encoding": "hex" }), "hexadecimal"),
        ("algorithm", json!("md5"), "uses md5, which cannot be verified"),
        ("hash", json!({ "value": "097f" }), "hex or base64"),
    ] {
        let mut custom = scrypt.clone();
        custom[member] = value;
        let flaws = flaws(bulk(custom));
        assert!(flaws.len() == 1 && flaws[0].starts_with("user 1: ") && flaws[0].contains(said), "{flaws:?}");
    }
    let salted = json!({ "algorithm": "bcrypt", "hash": { "value": BCRYPT }, "salt": { "value": "abc" } });
    assert!(flaws(bulk(salted))[0].contains("not of the password alone"));
}

/// A realm with one user and these password data.
fn realm(credential_data: &Value, secret_data: &Value) -> String {
    let credential = json!({
        "type": "password", "createdDate": 1_728_032_747_823_i64,
        "secretData": secret_data.to_string(), "credentialData": credential_data.to_string(),
    });
    let user = json!({
        "id": "cfb55bf6-fcbb-4a1e-bfec-30c6649b52f8", "createdTimestamp": 1_699_364_741_097_i64, "username": "ada", "enabled": true,
        "emailVerified": true, "firstName": "Ada", "lastName": "Lovelace", "email": "ada@example.com",
        "attributes": {
            "locale": ["en"], "phoneNumber": ["+12125550001"], "phoneNumberVerified": ["true"], "group": ["a", "b"],
        },
        "credentials": [{ "type": "otp", "secretData": "{}", "credentialData": "{}" }, credential],
        "realmRoles": ["default-roles-iceberg"], "groups": [],
    });
    let service = json!({
        "id": "a2a632ed-1b73-4370-8406-3c3a069107c3", "username": "service-account-app", "enabled": true,
        "serviceAccountClientId": "app", "credentials": [],
    });
    json!({ "realm": "iceberg", "users": [service, user] }).to_string()
}

fn secret(value: &str) -> Value {
    json!({ "value": value, "salt": SALT, "additionalParameters": {} })
}

fn argon2(kind: &str) -> Value {
    json!({
        "hashIterations": 5, "algorithm": "argon2", "additionalParameters": {
            "hashLength": ["32"], "memory": ["7168"], "type": [kind], "version": ["1.3"], "parallelism": ["1"],
        },
    })
}

#[tokio::test]
async fn a_realm_of_keycloak_yields_its_users_with_their_passwords() {
    let person = only(keycloak(&realm(&argon2("id"), &secret(ARGON2))));
    assert_eq!(person.subject, "cfb55bf6-fcbb-4a1e-bfec-30c6649b52f8");
    assert_eq!((person.email.as_deref(), person.email_verified, person.enabled), (Some("ada@example.com"), true, true));
    assert_eq!(person.created_at, Some(1_699_364_741));
    let expected = json!({
        "preferred_username": "ada", "given_name": "Ada", "family_name": "Lovelace", "locale": "en",
        "phone_number": "+12125550001", "phone_number_verified": true, "group": ["a", "b"],
    });
    assert_eq!(Value::Object(person.attributes), expected);
    for (credential_data, value) in [
        (argon2("id"), ARGON2),
        (json!({ "hashIterations": 1000, "algorithm": "pbkdf2", "additionalParameters": {} }), SHA1),
        (json!({ "hashIterations": 1000, "algorithm": "pbkdf2-sha1", "additionalParameters": {} }), SHA1),
        (json!({ "hashIterations": 1000, "algorithm": "pbkdf2-sha256", "additionalParameters": {} }), SHA256),
        (json!({ "hashIterations": 1000, "algorithm": "pbkdf2-sha512" }), SHA512),
        (json!({ "hashIterations": 4, "algorithm": "bcrypt" }), BCRYPT),
    ] {
        assert_signs_in(&only(keycloak(&realm(&credential_data, &secret(value)))), "password").await;
    }
}

#[test]
fn an_unverifiable_keycloak_user_is_reported_by_position() {
    for (text, said) in [
        (realm(&json!({ "hashIterations": 1, "algorithm": "md5-crypt" }), &secret(SHA1)), "uses md5-crypt, which"),
        (realm(&json!({ "hashIterations": 5_000_000, "algorithm": "pbkdf2" }), &secret(SHA1)), "PBKDF2 iterations of"),
        (realm(&json!({ "algorithm": "pbkdf2" }), &secret(SHA1)), "credentialData.hashIterations is not given"),
        (realm(&argon2("x"), &secret(ARGON2)), "type is not id, i or d"),
        (realm(&json!("pbkdf2"), &secret(SHA1)), "credentialData is not an object as JSON"),
        (realm(&argon2("id"), &json!({})), "secretData.value is not given"),
        (realm(&argon2("id"), &secret("ä")), "secretData.value is not base64"),
    ] {
        let flaws = flaws(keycloak(&text));
        assert!(flaws.len() == 1 && flaws[0].starts_with("user 2: ") && flaws[0].contains(said), "{flaws:?}");
    }
    let clear = json!({ "users": [{ "username": "ada", "credentials": [{ "type": "password", "value": "secret" }] }] });
    assert_eq!(flaws(keycloak(&clear.to_string())), ["user 1: it has a plain-text password, not a hash"]);
}

/// The factors of a Keycloak user with these credentials: seed, and kinds that are not imported.
fn keycloak_factors(credentials: &[Value]) -> (Option<Vec<u8>>, Vec<&'static str>) {
    let user = json!({ "id": "a", "credentials": credentials });
    let SecondFactors { totp, lost } = only(keycloak(&json!({ "users": [user] }).to_string())).second_factors;
    (totp.map(|seed| seed.expose().to_vec()), lost)
}

fn otp(secret: &Value, codes: &Value) -> Value {
    json!({ "type": "otp", "userLabel": "phone", "secretData": secret.to_string(), "credentialData": codes.to_string() })
}

#[test]
fn the_bytes_of_keycloaks_secret_are_the_seed_unless_it_is_said_to_be_base32() {
    let secret = json!({ "value": "BUhxNHRQmzVHCYXyO6sF" });
    let codes = json!({ "subType": "totp", "digits": 6, "counter": 0, "period": 30, "algorithm": "HmacSHA1" });
    let app = otp(&secret, &codes);
    assert_eq!(keycloak_factors(std::slice::from_ref(&app)), (Some(b"BUhxNHRQmzVHCYXyO6sF".to_vec()), vec![]));
    let with = |member: &str, value: Value| {
        let mut codes = codes.clone();
        codes[member] = value;
        codes
    };
    let base32 = otp(&json!({ "value": "GEZDGNBVGY3TQOJQ" }), &with("secretEncoding", json!("BASE32")));
    assert_eq!(keycloak_factors(&[base32]), (Some(b"1234567890".to_vec()), vec![]));
    for (member, value) in [
        ("algorithm", json!("HmacSHA256")),
        ("digits", json!(8)),
        ("period", json!(60)),
        ("subType", json!("hotp")),
        ("algorithm", Value::Null),
    ] {
        assert_eq!(keycloak_factors(&[otp(&secret, &with(member, value))]), (None, vec![OTHER_APP]), "{member}");
    }
    for unreadable in [
        otp(&json!({ "value": "short" }), &codes),
        otp(&json!({ "value": "a".repeat(65) }), &codes),
        otp(&json!({}), &codes),
        otp(&json!(1), &codes),
        otp(&secret, &with("secretEncoding", json!("hex"))),
        otp(&secret, &with("digits", json!("six"))),
        otp(&json!({ "value": "GEZDGNB1" }), &with("secretEncoding", json!("base32"))),
        json!({ "type": "otp" }),
    ] {
        assert_eq!(keycloak_factors(std::slice::from_ref(&unreadable)), (None, vec![UNREADABLE_APP]), "{unreadable}");
    }
    let other = |kind: &str| json!({ "type": kind, "secretData": "{}", "credentialData": "{}" });
    let second = otp(&json!({ "value": "another secret of it" }), &codes);
    assert_eq!(
        keycloak_factors(&[other("webauthn"), app, second, other("recovery-authn-codes"), other("sms")]),
        (
            Some(b"BUhxNHRQmzVHCYXyO6sF".to_vec()),
            vec!["webauthn", "another authenticator app", "recovery-authn-codes", OTHER_FACTOR]
        )
    );
}

#[test]
fn auth0_imports_have_a_seed_in_base32_and_other_factors_are_counted() {
    let factors = |factors: Value| {
        let line = json!({ "user_id": "a", "mfa_factors": factors }).to_string();
        let SecondFactors { totp, lost } = only(auth0(&line)).second_factors;
        (totp.map(|seed| seed.expose().to_vec()), lost)
    };
    let totp = |secret: Value| json!({ "totp": { "secret": secret } });
    let (phone, email) = (json!({ "phone": { "value": "+12125550001" } }), json!({ "email": { "value": "a@example.com" } }));
    assert_eq!(
        factors(json!([phone, totp(json!("GEZDGNBVGY3TQOJQ")), email])),
        (Some(b"1234567890".to_vec()), vec!["phone", "email"])
    );
    for unreadable in [json!("GEZDGNB1"), json!("GEZDGNBV"), json!(7), Value::Null] {
        assert_eq!(factors(json!([totp(unreadable)])), (None, vec![UNREADABLE_APP]));
    }
    assert_eq!(factors(json!([{}, 1])), (None, vec![OTHER_FACTOR; 2]));
    let mfa = json!({ "users": [{ "localId": "a", "mfaInfo": [{ "phoneInfo": "+1" }, { "totpInfo": {} }, {}] }] });
    assert_eq!(only(firebase(&mfa.to_string(), None)).second_factors.lost, ["phone", "totp", OTHER_FACTOR]);
}

fn parameters() -> HashParameters {
    HashParameters {
        signer_key: "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==".to_owned(),
        salt_separator: "Bw==".to_owned(),
        rounds: 8,
        mem_cost: 14,
    }
}

#[tokio::test]
async fn an_export_of_firebase_yields_its_users_with_the_projects_parameters() {
    // The example of Firebase's scrypt.
    let text = json!({ "users": [{
        "localId": "kYi4EvWQlQTKSfnJ3dRSP6IH3ed2", "email": "user1@test.com", "emailVerified": false,
        "passwordHash": "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
        "salt": "42xEC+ixf3L2lw==", "displayName": "Test User 1", "photoUrl": "https://example.com/1.png",
        "lastSignedInAt": "1508893925000", "createdAt": "1508893925000", "phoneNumber": "+12125550001", "disabled": true,
        "customAttributes": "{\"tier\":1}", "providerUserInfo": [{ "providerId": "google.com", "rawId": "1" }],
    }] })
    .to_string();
    let person = only(firebase(&text, Some(&parameters())));
    assert_eq!((person.subject.as_str(), person.enabled), ("kYi4EvWQlQTKSfnJ3dRSP6IH3ed2", false));
    assert_eq!((person.email.as_deref(), person.email_verified), (Some("user1@test.com"), false));
    assert_eq!(person.created_at, Some(1_508_893_925));
    let expected = json!({
        "name": "Test User 1", "picture": "https://example.com/1.png", "phone_number": "+12125550001",
        "customAttributes": { "tier": 1 },
    });
    assert_eq!(Value::Object(person.attributes.clone()), expected);
    assert_signs_in(&person, "user1password").await;
    assert_eq!(flaws(firebase(&text, None)), ["user 1: its password hash needs the project's hash parameters"]);
    let other = HashParameters { mem_cost: 20, ..parameters() };
    assert!(flaws(firebase(&text, Some(&other)))[0].contains("scrypt cost (ln) of the password hash is 20"));
    let without = json!({ "users": [{ "localId": "a", "createdAt": "1508893925000", "providerUserInfo": [] }] }).to_string();
    assert_eq!(only(firebase(&without, None)).password, None);
}

#[test]
fn errors_name_a_position_and_no_personal_data() {
    let lines = "{\"email\":\"ada@example.com\",\"email_verified\":\"ada-verified\"}\n\
                 {\"email\":\"ada@example.com\",\"passwordHash\":\"$2x$04$adaadaada\"}\n\
                 {\"email\": ada@example.com}\n\
                 [\"ada\"]\n\
                 {\"given_name\":\"ada\"}\n\
                 {\"user_id\":\"ada\",\"created_at\":\"ada\"}\n";
    let said = flaws(auth0(lines));
    let expected = [
        "line 1: its email_verified is not true or false",
        "line 2: the password hash is of bcrypt's kind $2x$",
        "line 3: it is not JSON: line 1, column 11 of it",
        "line 4: it is not an object",
        "line 5: it has none of user_id, _id, email",
        "line 6: its created_at is not a time (RFC 3339)",
    ];
    assert_eq!(said.len(), expected.len());
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.starts_with(expected) && !said.contains("ada"), "{said}");
    }
    for text in ["", "{", "[]", "{\"users\":null}", "{\"users\":{}}", "{\"Users\":[]}"] {
        for people in [keycloak(text), firebase(text, None)] {
            let flaws = flaws(people);
            assert!(flaws.len() == 1 && flaws[0].starts_with("the file: "), "{text}: {flaws:?}");
        }
    }
    assert!(auth0("").is_empty() && auth0("[]").is_empty() && auth0("\n \n").is_empty());
    for (text, said) in [
        ("{\"users\":{}}", "the file: its users is not a list"),
        ("{\"users\":null}", "the file: it is not an object with the list users"),
        ("[]", "the file: it is not an object"),
        ("{\"users\":[],\"users\":[]}", "the file: it is not an object with one list users"),
        ("{\"users\":[{}]} x", "the file: it is not JSON: line 1, column 16 of it"),
        ("{\"users\":[{\"id\":\"ada\"},\n{\"id\"]}", "the file: it is not JSON: line 2, column 6 of it"),
    ] {
        assert_eq!(flaws(keycloak(text)), [said], "{text}");
    }
    // Blank lines at the beginning count.
    assert_eq!(flaws(auth0("\n\n [{},\nada]")), ["the file: it is not JSON: line 4, column 1 of it"]);
    assert_eq!(flaws(auth0("\n\n{}\n")), ["line 3: it has none of user_id, _id, email"]);
    assert_eq!(flaws(keycloak("{\"users\":[{\"id\":1},[],{\"id\":\"a\"}]}")).len(), 2, "one stops no other");
    let person = only(keycloak("{\"users\":[{\"id\":\"ada\"}]}"));
    assert!(!format!("{person:?}").contains("ada"));
}
