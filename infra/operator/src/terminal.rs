//! Terminal output and questions.

use crate::command_error::CommandError;
use std::io::{IsTerminal as _, Write as _};

/// Writes to standard output.
pub(crate) fn say(words: &str) -> Result<(), CommandError> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(words.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| CommandError::new(format!("standard output: {error}")))
}

/// Writes to standard error. A failure to write is ignored: there is no other place to report it.
pub(crate) fn warn(words: &str) {
    let _ = std::io::stderr().write_all(words.as_bytes());
}

/// Writes a document as JSON, for programs.
pub(crate) fn say_json(value: &impl serde::Serialize) -> Result<(), CommandError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| CommandError::caused_by("JSON", &error))?;
    say(&format!("{text}\n"))
}

/// Asks on standard error, and reads a line of standard input. Only `yes` continues. `yes`: the option `--yes` was given.
pub(crate) fn confirm(question: &str, yes: bool) -> Result<(), CommandError> {
    if yes {
        return Ok(());
    }
    let mut terminal = std::io::stderr().lock();
    let asked = write!(terminal, "{question} Type yes to continue: ").and_then(|()| terminal.flush());
    asked.map_err(|error| CommandError::new(format!("standard error: {error}")))?;
    let mut answer = String::new();
    let read =
        std::io::stdin().read_line(&mut answer).map_err(|error| CommandError::new(format!("standard input: {error}")))?;
    if read == 0 {
        return Err(CommandError::new("no answer was given, so nothing was changed; scripts must give --yes"));
    }
    if answer.trim() == "yes" { Ok(()) } else { Err(CommandError::new("not confirmed, so nothing was changed")) }
}

/// Rows in aligned columns, two spaces apart. The last column is not padded.
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

/// Highlights a word: in colour on a terminal.
pub(crate) fn highlighted(word: &str, colour: Colour) -> String {
    if std::io::stdout().is_terminal() { format!("\u{1b}[{}m{word}\u{1b}[0m", colour as u8) } else { word.to_owned() }
}

/// Terminal colours, by their ANSI number.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Colour {
    /// An error.
    Red = 31,
    /// Success.
    Green = 32,
    /// A warning.
    Yellow = 33,
}

/// A progress counter, shown on a terminal only.
#[derive(Debug)]
pub(crate) struct Progress {
    all: usize,
    done: usize,
    shows: bool,
}

impl Progress {
    /// `all`: the expected total, about.
    pub(crate) fn new(all: usize) -> Self {
        Self { all, done: 0, shows: std::io::stderr().is_terminal() }
    }
    /// Without a known total.
    pub(crate) fn without_total() -> Self {
        Self::new(0)
    }
    /// Counts one.
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
    /// Finishes the counter.
    pub(crate) fn end(&self) {
        if self.shows {
            let _ = writeln!(std::io::stderr());
        }
    }
}
