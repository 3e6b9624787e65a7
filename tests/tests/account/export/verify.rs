//! Offline verification of an export: by a JOSE library, and by `latchkey verify-export`, which refuses every tampered package.

use crate::export::{register_user, world};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey};
use latchkey::digest::sha256;
use serde_json::{Value, json};
use tests::Anonymous;
use tests::export_package::{ExportFolder, ExportPackage};

type Files = Vec<(String, Vec<u8>)>;

/// An export of a new world, and the published keys.
async fn make_export() -> (ExportPackage, Vec<u8>) {
    let world = world().await;
    let (_, me) = register_user(&world, "Ada").await;
    let jwks = Anonymous::new(&world).get("/.well-known/jwks.json").await;
    (me.export().await, jwks.response.body().to_vec())
}

#[tokio::test]
async fn the_manifest_lists_every_file_and_has_a_valid_signature() {
    let (export, jwks) = make_export().await;
    let manifest = export.json("manifest.json");
    assert_eq!((&manifest["format"], &manifest["issuer"]), (&json!("latchkey-export"), &json!("http://localhost:8080")));
    assert_eq!(manifest["as_of"], export.document()["as_of"]);
    let listed: Vec<_> = manifest["files"].as_array().expect("files").clone();
    assert_eq!(listed.len(), 5);
    for (entry, (name, content)) in listed.iter().zip(&export.files) {
        let expected = json!({ "name": name, "media_type": entry["media_type"], "bytes": content.len(), "sha256": HEXLOWER.encode(&sha256(content)) });
        assert_eq!(*entry, expected);
    }
    // RFC 7515 appendix F, with another library.
    let jws = export.text("manifest.jws");
    let (header, signature) = jws.split_once("..").expect("detached content");
    let parsed: Value = serde_json::from_slice(&BASE64URL_NOPAD.decode(header.as_bytes()).expect("base64url")).expect("JSON");
    assert_eq!((&parsed["alg"], &parsed["typ"]), (&json!("ES256"), &json!("latchkey-export-manifest")));
    let keys: JwkSet = serde_json::from_slice(&jwks).expect("a JWK Set");
    let key = DecodingKey::from_jwk(keys.find(parsed["kid"].as_str().expect("a kid")).expect("published")).expect("a key");
    let payload = BASE64URL_NOPAD.encode(export.file("manifest.json"));
    let holds =
        |message: String| jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, Algorithm::ES256).expect("a key");
    assert!(holds(format!("{header}.{payload}")));
    assert!(!holds(format!("{header}.{payload}A")));
}

/// security 48: an assembled manifest signature is not a token of Latchkey.
#[tokio::test]
async fn security_48_a_signed_manifest_is_not_a_token() {
    let world = world().await;
    let (_, me) = register_user(&world, "Ada").await;
    let export = me.export().await;
    let (header, signature) = export.text("manifest.jws").split_once("..").expect("detached content");
    let token = format!("{header}.{}.{signature}", BASE64URL_NOPAD.encode(export.file("manifest.json")));
    assert_eq!(me.client.userinfo(&token).await.status(), 401);
    assert_eq!(me.client.api.get_as("/v1/me", &token).await.status(), 401);
    let manifest = export.json("manifest.json");
    for claim in ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "nonce", "client_id", "scope", "events"] {
        assert!(manifest.get(claim).is_none(), "{claim}");
    }
}

fn replace(files: &Files, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Files {
    let mut files = files.clone();
    change(&mut files.iter_mut().find(|(known, _)| known == name).expect("the file").1);
    files
}

#[tokio::test]
async fn the_command_accepts_genuine_packages_and_refuses_others_with_a_reason() {
    let ((export, jwks), (_, foreign)) = (make_export().await, make_export().await);
    let mut folder = ExportFolder::default();
    folder.put("jwks.json", &jwks);
    folder.put("other.json", &foreign);
    folder.put("nothing.json", b"{}");
    folder.put("export.zip", &export.bytes);
    let genuine = folder.verify(&["--jwks", "jwks.json", "--issuer", "http://localhost:8080", "export.zip"]);
    assert_eq!(genuine.code, Some(0), "{}", genuine.words);
    for words in ["verified: ", "http://localhost:8080", "export.json", "signed   with key "] {
        assert!(genuine.words.contains(words), "{words}: {}", genuine.words);
    }
    let without = folder.verify(&["export.zip"]);
    assert_eq!(without.code, Some(3), "complete, but not verified: {}", without.words);
    assert!(without.words.contains("anyone could have made this package"), "{}", without.words);
    for (what, arguments, words) in [
        ("another issuer's keys", ["--jwks", "other.json", "export.zip"], "has no key"),
        ("no keys", ["--jwks", "nothing.json", "export.zip"], "cannot be read"),
        ("no such file", ["--jwks", "jwks.json", "missing.zip"], "cannot be read"),
        ("another issuer", ["--issuer", "https://id.example.com", "export.zip"], "is from http://localhost:8080"),
    ] {
        let verdict = folder.verify(&arguments);
        assert_eq!(verdict.code, Some(1), "{what}: {}", verdict.words);
        assert!(verdict.words.starts_with("not verified: ") && verdict.words.contains(words), "{what}: {}", verdict.words);
    }
    assert_eq!(folder.verify(&[]).code, Some(2));
    for (what, bytes, words) in tampered(&export) {
        folder.put("tampered.zip", &bytes);
        let verdict = folder.verify(&["--jwks", "jwks.json", "tampered.zip"]);
        assert_eq!(verdict.code, Some(1), "{what}: {}", verdict.words);
        assert!(verdict.words.starts_with("not verified: ") && verdict.words.contains(words), "{what}: {}", verdict.words);
    }
}

fn tampered(export: &ExportPackage) -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let (files, bytes) = (&export.files, &export.bytes);
    let pack = |files: Files| ExportPackage::pack(&files);
    let text = |from: &'static str, to: &'static str| {
        move |content: &mut Vec<u8>| {
            let changed = String::from_utf8(content.clone()).expect("UTF-8").replacen(from, to, 1);
            assert_ne!(changed.as_bytes(), content.as_slice(), "{from} is in the file");
            *content = changed.into_bytes();
        }
    };
    let header = |json: &str| {
        let header = BASE64URL_NOPAD.encode(json.as_bytes());
        move |content: &mut Vec<u8>| {
            let jws = String::from_utf8(content.clone()).expect("UTF-8");
            *content = format!("{header}..{}", jws.split_once("..").expect("detached").1).into_bytes();
        }
    };
    let mut flipped = bytes.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let mut more = files.clone();
    more.push(("extra.html".to_owned(), b"x".to_vec()));
    let fewer: Files = files.iter().filter(|(name, _)| name != "history.csv").cloned().collect();
    let mut renamed = files.clone();
    renamed[1].0 = "../export.html".to_owned();
    vec![
        ("a file", pack(replace(files, "export.json", text("Ada", "Eve"))), "export.json was changed"),
        ("the page", pack(replace(files, "export.html", text("Quillfeather", "Quillfeathers"))), "export.html was changed"),
        ("the manifest", pack(replace(files, "manifest.json", text("localhost", "localhosT"))), "does not match manifest.json"),
        (
            "no algorithm",
            pack(replace(files, "manifest.jws", header(r#"{"alg":"none","kid":"x","typ":"latchkey-export-manifest"}"#))),
            "not a signature of an export",
        ),
        (
            "a key of its own",
            pack(replace(
                files,
                "manifest.jws",
                header(r#"{"alg":"ES256","kid":"x","typ":"latchkey-export-manifest","jwk":{}}"#),
            )),
            "not a signature of an export",
        ),
        (
            "another typ",
            pack(replace(files, "manifest.jws", header(r#"{"alg":"ES256","kid":"x","typ":"at+jwt"}"#))),
            "not a signature of an export",
        ),
        ("a flipped bit", flipped, ""),
        ("a file more", pack(more), "has content that its manifest does not list"),
        ("a file less", pack(fewer), "history.csv is missing"),
        ("a path", pack(renamed), "has content that its manifest does not list"),
        ("cut off", bytes[..bytes.len() - 30].to_vec(), "not a whole export package"),
        ("its first half", bytes[..middle].to_vec(), "not a whole export package"),
        ("something before it", [b"x".as_slice(), bytes].concat(), "has content that its manifest does not list"),
        ("something behind it", [bytes.as_slice(), b"x"].concat(), ""),
        ("nothing", Vec::new(), "not a whole export package"),
    ]
}
