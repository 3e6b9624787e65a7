//! The text form of stored hashes: fields between dollar signs, numbers in canonical form, base64 with or without padding.

use super::UnusableHash;
use data_encoding::{BASE64, BASE64_NOPAD, Specification};

/// The maximum length of a text.
const MAX_TEXT: usize = 1024;

/// The fields of `$field$field…`. `None` if it does not begin with a dollar sign.
pub(super) fn fields(text: &str) -> Option<Vec<&str>> {
    let fields = text.strip_prefix('$').filter(|_| text.len() <= MAX_TEXT)?;
    Some(fields.split('$').collect())
}

/// The numbers of `name=1,name=2`, in the order of `names`. Each must occur exactly once. `form` is the form to name in the error.
pub(super) fn numbers<const N: usize>(field: &str, names: [&str; N], form: &'static str) -> Result<[u32; N], UnusableHash> {
    let unusable = UnusableHash::Form(form);
    let pairs: Vec<(&str, &str)> = field.split(',').filter_map(|pair| pair.split_once('=')).collect();
    if pairs.len() != N || field.split(',').count() != N {
        return Err(unusable);
    }
    let mut found = [0; N];
    for (place, name) in found.iter_mut().zip(names) {
        let value = pairs.iter().find(|(key, _)| *key == name).and_then(|(_, value)| number(value));
        *place = value.ok_or(UnusableHash::Form(form))?;
    }
    Ok(found)
}

/// A decimal number without sign or leading zeros.
pub(super) fn number(text: &str) -> Option<u32> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| canonical)
}

/// Bytes in standard base64. PHC strings have no padding; other systems keep it.
pub(super) fn base64(text: &str, form: &'static str) -> Result<Vec<u8>, UnusableHash> {
    let encoding = if text.ends_with('=') { BASE64 } else { BASE64_NOPAD };
    encoding.decode(text.as_bytes()).map_err(|_| UnusableHash::Form(form))
}

/// Exactly this many bytes in the base64 of bcrypt. The last character may carry bits beyond the last byte: old systems wrote such bits.
pub(super) fn bcrypt_base64<const N: usize>(text: &str, form: &'static str) -> Result<[u8; N], UnusableHash> {
    let mut alphabet = Specification::new();
    alphabet.symbols.push_str("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    alphabet.check_trailing_bits = false;
    let decoded = alphabet.encoding().ok().and_then(|encoding| encoding.decode(text.as_bytes()).ok());
    decoded.and_then(|bytes| bytes.try_into().ok()).ok_or(UnusableHash::Form(form))
}
