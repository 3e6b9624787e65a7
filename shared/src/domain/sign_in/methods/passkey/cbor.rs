//! A strict reader of the CBOR that authenticators send (RFC 8949, CTAP2 §8): definite lengths, no duplicate keys, no tags, no floating-point
//! numbers, bounded depth and number of items.

use minicbor::data::Type;
use minicbor::decode::Decoder;

/// The maximum nesting. An attestation statement with certificates has 3.
const MAX_DEPTH: usize = 6;
/// The maximum number of items in one document.
const MAX_ITEMS: usize = 256;

/// The input is not CBOR, or not in the strict form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotStrict;

/// A value. Text and bytes are borrowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value<'b> {
    /// A signed number.
    Number(i64),
    /// Bytes.
    Bytes(&'b [u8]),
    /// Text.
    Text(&'b str),
    /// An array.
    Array(Vec<Self>),
    /// A map, in its own order.
    Map(Map<'b>),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
}

/// The entries of a map. No key occurs twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Map<'b>(Vec<(Value<'b>, Value<'b>)>);

impl<'b> Map<'b> {
    /// The value under this key.
    pub(super) fn get(&self, key: &Value<'_>) -> Option<&Value<'b>> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }
    /// The number of entries.
    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }
}

impl<'b> Value<'b> {
    /// The bytes of a byte string.
    pub(super) const fn bytes(&self) -> Option<&'b [u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }
    /// The text of a text string.
    pub(super) const fn text(&self) -> Option<&'b str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
    /// A number.
    pub(super) const fn number(&self) -> Option<i64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }
    /// The entries of a map.
    pub(super) const fn map(&self) -> Option<&Map<'b>> {
        if let Self::Map(map) = self { Some(map) } else { None }
    }
}

/// Reads one map at the start of the input. Returns it, and the number of bytes that it takes.
pub(super) fn first_map(input: &[u8]) -> Result<(Map<'_>, usize), NotStrict> {
    let mut reader = Reader { decoder: Decoder::new(input), left: MAX_ITEMS };
    match reader.value(0)? {
        Value::Map(map) => Ok((map, reader.decoder.position())),
        _ => Err(NotStrict),
    }
}

/// Reads an input that is one map and nothing else.
pub(super) fn only_map(input: &[u8]) -> Result<Map<'_>, NotStrict> {
    let (map, length) = first_map(input)?;
    if length == input.len() { Ok(map) } else { Err(NotStrict) }
}

struct Reader<'b> {
    decoder: Decoder<'b>,
    left: usize,
}

impl<'b> Reader<'b> {
    fn value(&mut self, depth: usize) -> Result<Value<'b>, NotStrict> {
        if depth > MAX_DEPTH {
            return Err(NotStrict);
        }
        self.left = self.left.checked_sub(1).ok_or(NotStrict)?;
        let malformed = |_| NotStrict;
        Ok(match self.decoder.datatype().map_err(malformed)? {
            Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::I8 | Type::I16 | Type::I32 | Type::I64 => {
                Value::Number(self.decoder.i64().map_err(malformed)?)
            }
            Type::Bytes => Value::Bytes(self.decoder.bytes().map_err(malformed)?),
            Type::String => Value::Text(self.decoder.str().map_err(malformed)?),
            Type::Bool => Value::Bool(self.decoder.bool().map_err(malformed)?),
            Type::Null => {
                self.decoder.null().map_err(malformed)?;
                Value::Null
            }
            Type::Array => {
                let length = self.decoder.array().map_err(malformed)?;
                let mut items = Vec::new();
                for _ in 0..self.bounded(length)? {
                    items.push(self.value(depth + 1)?);
                }
                Value::Array(items)
            }
            Type::Map => {
                let length = self.decoder.map().map_err(malformed)?;
                let mut entries: Vec<(Value<'b>, Value<'b>)> = Vec::new();
                for _ in 0..self.bounded(length)? {
                    let key = self.value(depth + 1)?;
                    if entries.iter().any(|(name, _)| *name == key) {
                        return Err(NotStrict);
                    }
                    entries.push((key, self.value(depth + 1)?));
                }
                Value::Map(Map(entries))
            }
            // Indefinite lengths, tags, floating-point numbers, `undefined`, other simple values, numbers beyond 64 bits.
            _ => return Err(NotStrict),
        })
    }
    /// A length that the input states. None is an indefinite one.
    fn bounded(&self, length: Option<u64>) -> Result<usize, NotStrict> {
        let length = usize::try_from(length.ok_or(NotStrict)?).map_err(|_| NotStrict)?;
        if length <= self.left { Ok(length) } else { Err(NotStrict) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn security_38_only_the_strict_form_is_read() {
        for (refused, why) in [
            (&b""[..], "empty"),
            (b"\x01", "not a map"),
            (b"\xa1\x01", "a value is missing"),
            (b"\xa2\x01\x02", "an entry is missing"),
            (b"\xa1\x01\x02\x00", "trailing byte"),
            (b"\xbf\x01\x02\xff", "map of indefinite length"),
            (b"\xa1\x01\x9f\xff", "array of indefinite length"),
            (b"\xa1\x01\x5f\x41\x00\xff", "bytes of indefinite length"),
            (b"\xa1\x01\x7f\x61a\xff", "text of indefinite length"),
            (b"\xa2\x01\x02\x01\x03", "duplicate key"),
            (b"\xa2\x01\x02\x18\x01\x03", "duplicate key in another encoding"),
            (b"\xa1\x01\xc0\x00", "tag"),
            (b"\xa1\x01\xf9\x00\x00", "half-precision number"),
            (b"\xa1\x01\xfb\x00\x00\x00\x00\x00\x00\x00\x00", "double-precision number"),
            (b"\xa1\x01\xf7", "undefined"),
            (b"\xa1\x01\xf0", "simple value"),
            (b"\xa1\x01\x62\xc3\x28", "not UTF-8"),
            (b"\xa1\x01\x5a\xff\xff\xff\xff", "longer than the input"),
            (b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff", "more entries than memory"),
            (b"\xa1\x01\x9a\x00\x01\x00\x00", "more items than allowed"),
            (b"\xa1\x01\x1b\xff\xff\xff\xff\xff\xff\xff\xff", "a number beyond 63 bits"),
            (b"\xa1\x01\x81\x81\x81\x81\x81\x81\x80", "nested too deep"),
            (b"\xa1\x01\x1c", "reserved"),
        ] {
            assert_eq!(only_map(refused), Err(NotStrict), "{why}");
        }
        let map = only_map(b"\xa3\x01\x20\x61a\x42\x00\x01\x03\xa1\x01\xf5").unwrap();
        assert_eq!(map.get(&Value::Number(1)).and_then(Value::number), Some(-1));
        assert_eq!(map.get(&Value::Text("a")).and_then(Value::bytes), Some(&[0, 1][..]));
        assert_eq!(map.get(&Value::Number(3)).and_then(Value::map).map(Map::len), Some(1));
        assert_eq!(first_map(b"\xa0\x00").map(|(_, length)| length), Ok(1));
    }
}
