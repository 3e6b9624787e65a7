//! Checks a JSON document before it is read: two readers must not understand it differently, and it must not be too expensive.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeSet;
use std::fmt;

/// The limits of a document.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// The maximum nesting of objects and arrays.
    pub(crate) depth: usize,
    /// The maximum number of members of one object.
    pub(crate) members: usize,
    /// The maximum number of elements of one array.
    pub(crate) elements: usize,
    /// Names and strings may contain NUL.
    pub(crate) nul: bool,
}

impl Limits {
    /// Only the limits of `serde_json`, which bounds the depth.
    pub(crate) const NONE: Self = Self { depth: usize::MAX, members: usize::MAX, elements: usize::MAX, nul: true };
}

/// Refuses a document that is not valid JSON, has the same member twice in one object, or breaks a limit. Keeps nothing.
///
/// # Errors
/// The category `Data` has a sentence about the body, without a value of it.
pub(crate) fn check(json: &[u8], limits: Limits) -> serde_json::Result<()> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    Strict { limits, depth: 0 }.deserialize(&mut reader)?;
    reader.end()
}

#[derive(Clone, Copy)]
struct Strict {
    limits: Limits,
    depth: usize,
}

impl Strict {
    fn inside<E: Error>(self) -> Result<Self, E> {
        if self.depth >= self.limits.depth {
            return Err(E::custom(format_args!("The body is nested deeper than {}.", self.limits.depth)));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();
    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if !self.limits.nul && text.contains('\0') {
            return Err(E::custom("The body has a NUL character in it."));
        }
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        let mut count = 0;
        while elements.next_element_seed(inside)?.is_some() {
            count += 1;
            if count > self.limits.elements {
                let most = self.limits.elements;
                return Err(A::Error::custom(format_args!("The body has an array of more than {most} elements.")));
            }
        }
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        // Ordered, so that chosen names cannot make it slow.
        let mut names = BTreeSet::new();
        while let Some(name) = members.next_key::<String>()? {
            self.visit_str(&name)?;
            if !names.insert(name) {
                return Err(A::Error::custom("The body has an object with the same member twice."));
            }
            if names.len() > self.limits.members {
                let most = self.limits.members;
                return Err(A::Error::custom(format_args!("The body has an object of more than {most} members.")));
            }
            members.next_value_seed(inside)?;
        }
        Ok(())
    }
}
