//! The `latchkey` command at a terminal.

use crate::Gateway;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// An operator of a local gateway, with a folder of documents.
pub struct Operator {
    folder: PathBuf,
    data: PathBuf,
    origin: String,
    environment: Vec<(&'static str, String)>,
}

/// The output of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandOutput {
    /// The exit code.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// A command that waits for an answer.
pub struct PendingCommand {
    child: Child,
    plan: String,
}

/// The command, built if it is older than its sources.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| crate::gateway::built("latchkey"))
}

impl Operator {
    /// An operator of this gateway. `data` is its data folder, `folder` holds the documents.
    #[must_use]
    pub fn new(gateway: &Gateway, data: &Path, folder: &Path) -> Self {
        Self { folder: folder.to_owned(), data: data.to_owned(), origin: gateway.origin().to_owned(), environment: Vec::new() }
    }

    /// Adds these variables to the environment of every command.
    #[must_use]
    pub fn with_env(self, environment: Vec<(&'static str, String)>) -> Self {
        Self { environment, ..self }
    }

    /// Writes a document.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.join(name), text).expect("written");
    }

    /// The command with these arguments. `@` expands to the gateway and its data folder.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.current_dir(&self.folder).env_remove("LATCHKEY_DATA").env("USER", "ada");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        for argument in arguments {
            if *argument == "@" {
                command.args(["--local", &self.origin, "--data"]).arg(&self.data);
            } else {
                command.arg(argument);
            }
        }
        command
    }

    /// Runs a command to its end, without an answer to a question.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> CommandOutput {
        let output = self.command(arguments).stdin(Stdio::null()).output().expect("the command runs");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        CommandOutput { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs a command that must succeed. Returns its output.
    ///
    /// # Panics
    /// Panics if the command fails.
    #[must_use]
    pub fn run_ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.code, Some(0), "{arguments:?}: {output:?}");
        output.out
    }

    /// Runs a command until it has printed its plan and asks. [`PendingCommand::answer`] answers.
    #[must_use]
    pub fn run_to_prompt(&self, arguments: &[&str]) -> PendingCommand {
        let mut command = self.command(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command runs");
        let mut question = [0];
        let terminal = child.stderr.as_mut().expect("its errors");
        let mut asked = Vec::new();
        while !asked.ends_with(b"to continue: ") {
            assert_eq!(terminal.read(&mut question).expect("its errors"), 1, "{}", String::from_utf8_lossy(&asked));
            asked.push(question[0]);
        }
        PendingCommand { child, plan: String::new() }
    }
}

impl PendingCommand {
    /// Types a line. Returns the whole output.
    #[must_use]
    pub fn answer(mut self, line: &str) -> CommandOutput {
        let mut input = self.child.stdin.take().expect("its input");
        writeln!(input, "{line}").expect("it reads");
        drop(input);
        let mut output = BufReader::new(self.child.stdout.take().expect("its output"));
        while output.read_line(&mut self.plan).expect("UTF-8") > 0 {}
        let mut err = String::new();
        self.child.stderr.take().expect("its errors").read_to_string(&mut err).expect("UTF-8");
        CommandOutput { code: self.child.wait().expect("its status").code(), out: self.plan, err }
    }
}
