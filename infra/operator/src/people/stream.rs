//! Parses files one user at a time: memory holds one user, however many there are.
//!
//! 1. Each line is parsed separately. A line that is too long or invalid UTF-8 is reported, and the next one is read.
//! 2. Each list element is parsed separately. Invalid JSON ends the file, because the start of the next element is unknown.
//! 3. One user has at most [`MAX_BYTES`]. No file can take more memory than that.

use super::flaw::{Flaw, Position, ReadError};
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, BufRead, Read};

/// The most bytes of one user.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// Why a file was not read to its end. Nothing of it counts.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    /// The content is malformed.
    #[error(transparent)]
    Content(#[from] ReadError),
    /// An I/O error.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Passes on each line that is not blank, with its number; `first` is the number of the first line.
pub(super) fn lines(mut source: impl BufRead, first: usize, mut each: impl FnMut(usize, Result<&str, Flaw>)) -> io::Result<()> {
    let mut line = Vec::new();
    for number in first.. {
        line.clear();
        if source.by_ref().take(MAX_BYTES as u64 + 1).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.len() > MAX_BYTES && line.last() != Some(&b'\n') {
            each(number, Err(Flaw::TooLong));
            source.skip_until(b'\n')?;
            continue;
        }
        match std::str::from_utf8(&line) {
            Ok(text) if text.trim().is_empty() => {}
            Ok(text) => each(number, Ok(text)),
            Err(_) => each(number, Err(Flaw::NotUtf8)),
        }
    }
    Ok(())
}

/// Where the list is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// The file is the list.
    List,
    /// In the member `users` of an object: `{"users": […]}`.
    Users,
}

/// Passes on each element of the list, with its number.
pub(super) fn list(source: impl Read, shape: Shape, each: &mut dyn FnMut(usize, Value)) -> Result<(), StreamError> {
    let (left, number) = (Cell::new(ByteBudget::Unlimited), Cell::new(0));
    let wrong = RefCell::new(Flaw::WrongType(if shape == Shape::List { "a list" } else { "an object" }));
    let mut json = serde_json::Deserializer::from_reader(LimitedReader { source, left: &left });
    let walk = ListVisitor { left: &left, number: &number, wrong: &wrong, each };
    let read = match shape {
        Shape::List => walk.deserialize(&mut json).map(drop),
        Shape::Users => serde::Deserializer::deserialize_map(&mut json, UsersVisitor(walk)),
    };
    let Err(error) = read.and_then(|()| json.end()) else { return Ok(()) };
    if left.get() == ByteBudget::Exceeded {
        return Err(ReadError { place: Position::User(number.get() + 1), flaw: Flaw::TooLong }.into());
    }
    let flaw = match error.classify() {
        serde_json::error::Category::Io => return Err(io::Error::from(error).into()),
        serde_json::error::Category::Data => wrong.into_inner(),
        serde_json::error::Category::Syntax | serde_json::error::Category::Eof => {
            Flaw::NotJson { line: error.line(), column: error.column() }
        }
    };
    Err(ReadError { place: Position::File, flaw }.into())
}

/// How many bytes may still be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ByteBudget {
    /// Any number: the bytes are not kept.
    Unlimited,
    /// So many, of a value that is kept.
    Bytes(usize),
    /// The limit was exceeded.
    Exceeded,
}

struct LimitedReader<'a, R> {
    source: R,
    left: &'a Cell<ByteBudget>,
}

impl<R: Read> Read for LimitedReader<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(into)?;
        if let ByteBudget::Bytes(left) = self.left.get() {
            self.left.set(left.checked_sub(read).map_or(ByteBudget::Exceeded, ByteBudget::Bytes));
            if self.left.get() == ByteBudget::Exceeded {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
        }
        Ok(read)
    }
}

/// Walks through a list. `true` for a list, `false` for `null`.
struct ListVisitor<'a> {
    left: &'a Cell<ByteBudget>,
    number: &'a Cell<usize>,
    wrong: &'a RefCell<Flaw>,
    each: &'a mut dyn FnMut(usize, Value),
}

impl<'de> DeserializeSeed<'de> for ListVisitor<'_> {
    type Value = bool;
    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<bool, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ListVisitor<'_> {
    type Value = bool;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }
    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        loop {
            self.left.set(ByteBudget::Bytes(MAX_BYTES));
            let Some(value) = list.next_element()? else { break };
            self.number.set(self.number.get() + 1);
            (self.each)(self.number.get(), value);
        }
        self.left.set(ByteBudget::Unlimited);
        Ok(true)
    }
}

/// The member `users`, exactly once. Every other member is skipped.
struct UsersVisitor<'a>(ListVisitor<'a>);

impl<'de> Visitor<'de> for UsersVisitor<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let ListVisitor { left, number, wrong, each } = self.0;
        let mut found = false;
        loop {
            left.set(ByteBudget::Bytes(MAX_BYTES));
            let Some(name) = members.next_key::<String>()? else { break };
            left.set(ByteBudget::Unlimited);
            if name != "users" {
                members.next_value::<IgnoredAny>()?;
                continue;
            }
            if found {
                wrong.replace(Flaw::WrongType("an object with one list users"));
                return Err(A::Error::custom("twice"));
            }
            wrong.replace(Flaw::WrongMember { member: "users", expected: "a list" });
            found = members.next_value_seed(ListVisitor { left, number, wrong, each: &mut *each })?;
        }
        left.set(ByteBudget::Unlimited);
        wrong.replace(Flaw::WrongType("an object with the list users"));
        if found { Ok(()) } else { Err(A::Error::custom("none")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    /// A source of any number of bytes that keeps none of them. Reading it whole would take as much memory.
    struct Endless<'a> {
        head: &'a [u8],
        one: &'a [u8],
        times: usize,
        tail: &'a [u8],
        at: usize,
    }

    impl Read for Endless<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            while self.at == self.head.len() && !(self.times == 0 && self.head.is_empty()) {
                self.at = 0;
                self.head = if self.times > 0 { self.one } else { std::mem::take(&mut self.tail) };
                self.times = self.times.saturating_sub(1);
            }
            let read = (&self.head[self.at..]).read(into)?;
            self.at += read;
            Ok(read)
        }
    }

    fn endless<'a>(head: &'a str, one: &'a str, times: usize, tail: &'a str) -> BufReader<Endless<'a>> {
        let [head, one, tail] = [head, one, tail].map(str::as_bytes);
        BufReader::new(Endless { head, one, times, tail, at: 0 })
    }

    fn flaw(read: Result<(), StreamError>) -> ReadError {
        match read {
            Err(StreamError::Content(unreadable)) => unreadable,
            Err(StreamError::Io(error)) => panic!("{error}"),
            Ok(()) => panic!("it was read"),
        }
    }

    #[test]
    fn an_endless_user_is_refused_before_it_fills_the_memory() {
        const GIB: usize = 1 << 30;
        let mut numbers = Vec::new();
        let mut keep = |number, _| numbers.push(number);
        let read = list(endless("[{},{},{\"a\":\"", "aaaaaaaa", GIB, "\"}]"), Shape::List, &mut keep);
        assert_eq!(flaw(read), ReadError { place: Position::User(3), flaw: Flaw::TooLong });
        assert_eq!(numbers, [1, 2]);
        let read = list(endless("{\"users\":[", "[", GIB, ""), Shape::Users, &mut |_, _| panic!("there is no user"));
        assert!(matches!(flaw(read), ReadError { place: Position::File, flaw: Flaw::NotJson { .. } }), "too deep");
        let read = list(endless("{\"", "a", GIB, "\":1}"), Shape::Users, &mut |_, _| panic!("there is no user"));
        assert_eq!(flaw(read).flaw, Flaw::TooLong, "a name without an end");
    }

    #[test]
    fn content_that_is_not_a_user_has_no_length_limit() {
        let mut found = Vec::new();
        let source = endless("{\"clients\":[\"", "aaaaaaaaaaaaaaaa", MAX_BYTES / 8, "\"],\"users\":[1,2]}");
        list(source, Shape::Users, &mut |number, value| found.push((number, value))).unwrap();
        assert_eq!(found, [(1, Value::from(1)), (2, Value::from(2))]);
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_and_the_next_one_is_read() {
        let mut found = Vec::new();
        let text = endless("one\n\n", "aaaaaaaa", MAX_BYTES / 4, "\nfour\r\nfive");
        lines(text, 1, |number, line| found.push((number, line.map(str::to_owned)))).unwrap();
        let line = |text: &str| Ok(text.to_owned());
        assert_eq!(found, [(1, line("one\n")), (3, Err(Flaw::TooLong)), (4, line("four\r\n")), (5, line("five"))]);
        // At the limit, exact to the byte.
        for (length, fits) in [(MAX_BYTES, true), (MAX_BYTES + 1, false)] {
            for end in ["", "\n"] {
                let text = format!("{}{end}next", "a".repeat(length));
                let mut found = Vec::new();
                lines(text.as_bytes(), 1, |_, line| found.push(line.is_ok())).unwrap();
                assert_eq!(found.first(), Some(&(fits && (end == "\n" || length + 4 <= MAX_BYTES))), "{length} {end:?}");
            }
        }
        let mut found = Vec::new();
        lines(&b"\xff\nb"[..], 1, |_, line| found.push(line.map(str::to_owned))).unwrap();
        assert_eq!(found, [Err(Flaw::NotUtf8), line("b")]);
    }
}
