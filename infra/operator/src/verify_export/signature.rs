//! `manifest.jws`: a JWS with detached content (RFC 7515 appendix F), ES256, verified with a key of the given set and no other.

use super::failure::{VerifyError, printable};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;

/// The `typ` of this signature only, so a token of the same issuer is not accepted in its place.
const TYP: &str = "latchkey-export-manifest";

/// The header. An export uses no other member (`crit`, `b64`, `jwk`, `jku`, `x5c`), so they are refused (RFC 8725 §3.10).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

/// A JWK Set (RFC 7517 §5). It may contain keys of other types.
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kid: Option<String>,
    kty: String,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
}

/// A parsed signature, not verified yet.
pub(super) struct Parsed {
    header: String,
    kid: String,
    signature: Vec<u8>,
}

/// Parses a signature.
///
/// # Errors
/// [`VerifyError::SignatureForm`].
pub(super) fn parse(jws: &[u8]) -> Result<Parsed, VerifyError> {
    let refused = |why: &str| VerifyError::SignatureForm(why.to_owned());
    let text = std::str::from_utf8(jws).map_err(|_| refused("it is not text"))?;
    let (header, signature) = text.split_once("..").ok_or_else(|| refused("its content is not detached"))?;
    let decode = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| refused("it is not base64url"));
    let signature = decode(signature)?;
    let read: Header = serde_json::from_slice(&decode(header)?).map_err(|_| refused("its header is another one"))?;
    if read.alg != "ES256" || read.typ != TYP {
        return Err(refused("its header is another one"));
    }
    Ok(Parsed { header: header.to_owned(), kid: read.kid, signature })
}

/// Verifies the signature of a manifest with the key of the set that it names; returns that key's `kid`.
///
/// # Errors
/// The reason why the signature is refused.
pub(super) fn verify(name: &str, key_set: &[u8], manifest: &[u8], jws: &[u8]) -> Result<String, VerifyError> {
    let set: KeySet =
        serde_json::from_slice(key_set).map_err(|error| VerifyError::KeySet(name.to_owned(), printable(&error.to_string())))?;
    let Parsed { header, kid, signature } = parse(jws)?;
    let unknown = || VerifyError::UnknownKey(printable(&kid), name.to_owned());
    let key = set.keys.iter().find(|key| key.kid.as_ref() == Some(&kid)).ok_or_else(unknown)?;
    // The key determines the algorithm; the header must agree (RFC 8725 §3.1).
    let fits = key.kty == "EC"
        && key.crv.as_deref() == Some("P-256")
        && key.alg.as_deref().is_none_or(|alg| alg == "ES256")
        && key.r#use.as_deref().is_none_or(|used| used == "sig");
    let coordinate = |part: &Option<String>| BASE64URL_NOPAD.decode(part.as_deref()?.as_bytes()).ok().filter(|c| c.len() == 32);
    let (Some(x), Some(y), true) = (coordinate(&key.x), coordinate(&key.y), fits) else { return Err(unknown()) };
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    let signed = format!("{header}.{}", BASE64URL_NOPAD.encode(manifest));
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point)
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| VerifyError::Signature)?;
    Ok(printable(&kid))
}
