//! The `latchkey` command at a terminal.

use crate::Gateway;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// Somebody who operates a local gateway, in a folder with documents.
pub struct Operator {
    folder: PathBuf,
    data: PathBuf,
    origin: String,
    environment: Vec<(&'static str, String)>,
}

/// What a command answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its exit code.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// A command that waits for an answer.
pub struct Asked {
    child: Child,
    plan: String,
}

/// The command, built when it is older than its sources.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| crate::gateway::built("latchkey"))
}

impl Operator {
    /// Of this gateway, whose data folder is given; documents lie in the other folder.
    #[must_use]
    pub fn of(gateway: &Gateway, data: &Path, folder: &Path) -> Self {
        Self { folder: folder.to_owned(), data: data.to_owned(), origin: gateway.origin().to_owned(), environment: Vec::new() }
    }

    /// With these variables in every command's environment.
    #[must_use]
    pub fn with(self, environment: Vec<(&'static str, String)>) -> Self {
        Self { environment, ..self }
    }

    /// Puts a document there.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.join(name), text).expect("written");
    }

    /// The command with these arguments; `@` stands for the gateway and its data folder.
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

    /// Runs it to its end; nobody answers a question.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Told {
        let output = self.command(arguments).stdin(Stdio::null()).output().expect("the command runs");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Told { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs it, and expects that it did what was asked; what it said.
    ///
    /// # Panics
    /// When it refused.
    #[must_use]
    pub fn done(&self, arguments: &[&str]) -> String {
        let told = self.run(arguments);
        assert_eq!(told.code, Some(0), "{arguments:?}: {told:?}");
        told.out
    }

    /// Runs it until it has shown its plan and asks; whoever answers does so with [`Asked::answer`].
    #[must_use]
    pub fn ask(&self, arguments: &[&str]) -> Asked {
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
        Asked { child, plan: String::new() }
    }
}

impl Asked {
    /// Types a line; what the command said from then on, and before.
    #[must_use]
    pub fn answer(mut self, line: &str) -> Told {
        let mut input = self.child.stdin.take().expect("its input");
        writeln!(input, "{line}").expect("it reads");
        drop(input);
        let mut output = BufReader::new(self.child.stdout.take().expect("its output"));
        while output.read_line(&mut self.plan).expect("UTF-8") > 0 {}
        let mut err = String::new();
        self.child.stderr.take().expect("its errors").read_to_string(&mut err).expect("UTF-8");
        Told { code: self.child.wait().expect("its status").code(), out: self.plan, err }
    }
}
