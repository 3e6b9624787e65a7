//! The input file. It is read twice in the same way: to show who can be imported, and to import them.

use super::flaw::ReadError;
use super::stream::StreamError;
use super::{FileUser, ForeignUser, auth0, firebase, keycloak, latchkey_file};
use crate::command_error::CommandError;
use clap::ValueEnum;
use serde::Deserialize;
use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// An export format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Auth0: one user a line, or the list for its bulk import
    Auth0,
    /// Firebase Authentication: the JSON of `auth:export`
    Firebase,
    /// Keycloak: the export of a realm or of its users
    Keycloak,
    /// Latchkey: the file of `latchkey people export`
    Latchkey,
}

/// The parameters of a Firebase project, by the names of its console.
#[derive(Deserialize)]
struct ProjectParameters {
    base64_signer_key: String,
    base64_salt_separator: String,
    rounds: u32,
    mem_cost: u32,
}

/// The byte order mark of UTF-8.
const BYTE_ORDER_MARK: [u8; 3] = *b"\xef\xbb\xbf";

/// Shows whether the file has changed between two readings.
type FileStamp = (u64, Option<SystemTime>);

/// An open file.
pub(super) struct Source {
    path: PathBuf,
    file: File,
    stamp: FileStamp,
    format: Format,
    parameters: Option<firebase::HashParameters>,
    incomplete: bool,
}

impl Source {
    /// Opens the file.
    pub(super) fn open(
        path: &Path,
        format: Format,
        hash_parameters: Option<&Path>,
        incomplete: bool,
    ) -> Result<Self, CommandError> {
        let file = File::open(path).map_err(|error| cannot_read(path, &error))?;
        let metadata = file.metadata().map_err(|error| cannot_read(path, &error))?;
        if !metadata.is_file() {
            return Err(CommandError::new(format!(
                "{} is not a regular file: it is read twice, so save its content to a file first",
                path.display()
            )));
        }
        let parameters = hash_parameters.map(read_parameters).transpose()?;
        Ok(Self { path: path.to_owned(), stamp: stamp(&metadata), file, format, parameters, incomplete })
    }

    /// The first line of a Latchkey file.
    pub(super) fn heading(&mut self) -> Result<latchkey_file::Heading, CommandError> {
        self.go_to_start()?;
        latchkey_file::read_heading(BufReader::new(&self.file)).map_err(|broken| self.read_error(broken))
    }

    /// Passes on each user, from the beginning of the file. A file that has changed since it was opened is refused, before the first user
    /// if possible.
    pub(super) fn read(&mut self, take: &mut dyn FnMut(Result<FileUser, ReadError>)) -> Result<(), CommandError> {
        self.check_unchanged()?;
        self.go_to_start()?;
        let source = BufReader::with_capacity(64 * 1024, &self.file);
        let mut foreign = |person: Result<ForeignUser, _>| take(person.map(FileUser::Foreign));
        let read = match self.format {
            Format::Auth0 => auth0::read(source, &mut foreign),
            Format::Firebase => firebase::read(source, self.parameters.as_ref(), &mut foreign),
            Format::Keycloak => keycloak::read(source, &mut foreign),
            Format::Latchkey => latchkey_file::read(source, self.incomplete, &mut |person| {
                take(person.map(|person| FileUser::Latchkey(Box::new(person))))
            }),
        };
        self.check_unchanged()?;
        read.map_err(|broken| self.read_error(broken))
    }

    /// The beginning of the file, after its byte order mark if it has one: some systems write it, and it is not part of the text
    /// (RFC 8259 §8.1).
    fn go_to_start(&mut self) -> Result<(), CommandError> {
        let mut first = [0; BYTE_ORDER_MARK.len()];
        let moved = self.file.rewind().and_then(|()| match self.file.read_exact(&mut first) {
            Ok(()) if first == BYTE_ORDER_MARK => Ok(()),
            Ok(()) | Err(_) => self.file.rewind(),
        });
        moved.map_err(|error| cannot_read(&self.path, &error))
    }

    fn check_unchanged(&self) -> Result<(), CommandError> {
        let metadata = self.file.metadata().map_err(|error| cannot_read(&self.path, &error))?;
        if stamp(&metadata) == self.stamp {
            return Ok(());
        }
        Err(CommandError::new(format!("{} changed meanwhile; run the command again", self.path.display())))
    }

    fn read_error(&self, broken: StreamError) -> CommandError {
        match broken {
            StreamError::Content(unreadable) => CommandError::new(format!("{}: {unreadable}", self.path.display())),
            StreamError::Io(error) => cannot_read(&self.path, &error),
        }
    }
}

fn stamp(metadata: &std::fs::Metadata) -> FileStamp {
    (metadata.len(), metadata.modified().ok())
}

fn cannot_read(path: &Path, error: &std::io::Error) -> CommandError {
    CommandError::new(format!("cannot read {}: {error}", path.display()))
}

fn read_parameters(path: &Path) -> Result<firebase::HashParameters, CommandError> {
    let text = std::fs::read_to_string(path).map_err(|error| cannot_read(path, &error))?;
    let found: ProjectParameters = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|_| {
        let names = "base64_signer_key, base64_salt_separator, rounds and mem_cost";
        CommandError::new(format!("{} is not an object with {names}", path.display()))
    })?;
    Ok(firebase::HashParameters {
        signer_key: found.base64_signer_key,
        salt_separator: found.base64_salt_separator,
        rounds: found.rounds,
        mem_cost: found.mem_cost,
    })
}
