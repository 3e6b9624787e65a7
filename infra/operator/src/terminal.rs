//! What people read, and what they are asked.

use crate::refused::Refused;
use std::io::{IsTerminal as _, Write as _};

/// Writes to standard output.
pub(crate) fn say(words: &str) -> Result<(), Refused> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(words.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| Refused::new(format!("standard output: {error}")))
}

/// Writes to standard error. Nothing can be done about one that is gone.
pub(crate) fn warn(words: &str) {
    let _ = std::io::stderr().write_all(words.as_bytes());
}

/// Writes a document as JSON, for programs.
pub(crate) fn say_json(value: &impl serde::Serialize) -> Result<(), Refused> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Refused::because("JSON", &error))?;
    say(&format!("{text}\n"))
}

/// Asks on standard error, and reads a line of standard input; only `yes` goes on. `--yes` answers beforehand.
pub(crate) fn confirm(question: &str, yes: bool) -> Result<(), Refused> {
    if yes {
        return Ok(());
    }
    let mut terminal = std::io::stderr().lock();
    let asked = write!(terminal, "{question} Type yes to go on: ").and_then(|()| terminal.flush());
    asked.map_err(|error| Refused::new(format!("standard error: {error}")))?;
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer).map_err(|error| Refused::new(format!("standard input: {error}")))?;
    if read == 0 {
        return Err(Refused::new("nobody answered, so nothing was changed; scripts give --yes"));
    }
    if answer.trim() == "yes" { Ok(()) } else { Err(Refused::new("not confirmed, so nothing was changed")) }
}

/// Rows in aligned columns, two spaces between; the last column is not padded.
pub(crate) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            line.push_str(&format!("{cell:width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A word that calls for attention: in colour where a person looks at it.
pub(crate) fn marked(word: &str, colour: Colour) -> String {
    if std::io::stdout().is_terminal() { format!("\u{1b}[{}m{word}\u{1b}[0m", colour as u8) } else { word.to_owned() }
}

/// Colours of a terminal, by their number.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Colour {
    /// Something is wrong.
    Red = 31,
    /// All is well.
    Green = 32,
    /// It needs care.
    Yellow = 33,
}

/// How far it is, on a terminal that shows it.
#[derive(Debug)]
pub(crate) struct Progress {
    all: usize,
    done: usize,
    shows: bool,
}

impl Progress {
    /// Of this many, about.
    pub(crate) fn new(all: usize) -> Self {
        Self { all, done: 0, shows: std::io::stderr().is_terminal() }
    }
    /// Of as many as there are.
    pub(crate) fn uncounted() -> Self {
        Self::new(0)
    }
    /// One more is done.
    pub(crate) fn step(&mut self) {
        self.done += 1;
        if self.all == 0 {
            if self.shows && self.done.is_multiple_of(100) {
                let _ = write!(std::io::stderr(), "\r{}", self.done);
            }
            return;
        }
        let per_cent = |done: usize| (done * 100 / self.all.max(1)).min(100);
        let now = per_cent(self.done);
        if self.shows && now != per_cent(self.done - 1) {
            let bar = "#".repeat(now / 4);
            let _ = write!(std::io::stderr(), "\r[{bar:<25}] {now:>3} %  {} of {}", self.done, self.all);
        }
    }
    /// Nothing more comes.
    pub(crate) fn end(&self) {
        if self.shows {
            let _ = writeln!(std::io::stderr());
        }
    }
}
