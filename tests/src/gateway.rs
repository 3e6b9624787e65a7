//! The real binary as a process: started, killed, started again.

use crate::{Site, World};
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use latchkey::context::Clock;
use latchkey::domain::id::TenantId;
use latchkey::store::tenant::{DocumentOrigin, DocumentSource};
use latchkey::store::{Store, Tables, TenantStore};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

/// A running gateway. Dropping it kills the process.
pub struct Gateway {
    child: Child,
    origin: String,
}

/// The output of a gateway that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayExit {
    /// The exit status.
    pub status: Option<i32>,
    /// Standard error.
    pub stderr: String,
}

/// A data folder for one test.
#[must_use]
pub fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// The binary, built if it is older than its sources.
#[must_use]
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| built("latchkey-local"))
}

/// A binary of the workspace, built if it is older than its sources.
pub(crate) fn built(name: &str) -> PathBuf {
    // `target/debug/deps/test` → `target/debug`.
    let here = std::env::current_exe().expect("the test's own path");
    let target = here.ancestors().nth(2).expect("the target folder").to_owned();
    let mut build = Command::new(env!("CARGO"));
    // The features of the whole workspace, as in `cargo test --workspace`. So nothing is compiled twice.
    build.args(["build", "--quiet", "--workspace", "--bin", name]);
    if target.ends_with("release") {
        build.arg("--release");
    }
    assert!(build.status().expect("cargo").success(), "{name} does not build");
    target.join(name)
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    // The environment of the machine must not influence a test.
    for variable in ["LATCHKEY_PORT", "LATCHKEY_DATA", "LATCHKEY_CONFIG", "LATCHKEY_ISSUER"] {
        command.env_remove(variable);
    }
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a gateway that must refuse to start. Kills one that starts.
#[must_use]
pub fn refusal(arguments: &[&str]) -> GatewayExit {
    let mut child = command(arguments).spawn().expect("the gateway starts");
    let mut first = String::new();
    BufReader::new(child.stdout.take().expect("its output")).read_line(&mut first).expect("its output");
    if !first.is_empty() {
        child.kill().expect("it can be ended");
    }
    wait_for_exit(child)
}

fn wait_for_exit(mut child: Child) -> GatewayExit {
    let mut stderr = String::new();
    child.stderr.take().expect("its errors").read_to_string(&mut stderr).expect("its errors in UTF-8");
    GatewayExit { status: child.wait().expect("its status").code(), stderr }
}

impl Gateway {
    /// Starts a gateway on a free port with this data folder.
    #[must_use]
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        let folder = folder.to_str().expect("a path in UTF-8");
        Self::start_with(&[&["--port", "0", "--data", folder], arguments].concat())
    }

    /// Starts a gateway on a free port that stores nothing on disk.
    #[must_use]
    pub fn ephemeral(arguments: &[&str]) -> Self {
        Self::start_with(&[&["--port", "0", "--ephemeral"], arguments].concat())
    }

    /// Starts a gateway with exactly these arguments.
    #[must_use]
    pub fn start_with(arguments: &[&str]) -> Self {
        let mut child = command(arguments).spawn().expect("the gateway starts");
        let mut first = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        output.read_line(&mut first).expect("its output");
        let Some(origin) = first.trim().strip_prefix("Latchkey is running at ") else {
            panic!("the gateway did not start: {first}{:?}", wait_for_exit(child));
        };
        let origin = origin.to_owned();
        // The rest of the output is read too: a full pipe would stop the gateway.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Self { child, origin }
    }

    /// The site for actors.
    #[must_use]
    pub fn site(&self) -> Site {
        Site::gateway(&self.origin)
    }

    /// `http://localhost:…`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// `127.0.0.1:…`, for a socket.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port())
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.origin.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port in the origin")
    }

    /// The tables, through the operator token. `data` is the data folder of the gateway.
    #[must_use]
    pub fn tables(&self, data: &Path) -> aws_sdk_dynamodb::Client {
        let token = std::fs::read_to_string(data.join("operator-token")).expect("the operator's token");
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .endpoint_url(format!("{}/dev/tables", self.origin))
            .credentials_provider(Credentials::new(token.trim(), "not-checked", None, None, "operator-token"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        aws_sdk_dynamodb::Client::from_conf(config)
    }

    /// The store of the default tenant.
    #[must_use]
    pub fn store(&self, data: &Path) -> TenantStore {
        let [identities, keys, audit] = ["identities", "keys", "audit"].map(str::to_owned);
        Store::new(self.tables(data), Tables { identities, keys, audit }).tenant(TenantId::default_tenant())
    }

    /// Stores a document, as a command does. A gateway that can't serve it (no user pool) keeps its own document for a minute.
    pub async fn put_in_force(&self, data: &Path, text: &str) {
        let store = self.store(data);
        let newest = store.find_newest_document().await.expect("read").expect("a document");
        let text = text.replace("{origin}", &self.origin);
        let origin = DocumentOrigin { source: DocumentSource::Operator, by: None, comment: None, given: None };
        let put = store.put_document_after(Some(newest.version), &text, origin, Clock::system().now());
        put.await.expect("the document is stored");
    }

    /// Kills the process at once, like a power cut (`kill -9`).
    pub fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("its status");
    }

    /// Stops the process with SIGTERM and returns its output.
    #[must_use]
    pub fn stop(mut self) -> GatewayExit {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
        let mut stderr = String::new();
        self.child.stderr.take().expect("its errors").read_to_string(&mut stderr).expect("its errors in UTF-8");
        GatewayExit { status: self.child.wait().expect("its status").code(), stderr }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Usually the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The shipped document, with these lines in front.
#[must_use]
pub fn document_with(lines: &str) -> String {
    format!("{lines}\n{}", latchkey_local::assemble::DEFAULT_DOCUMENT)
}

impl From<&Gateway> for Site {
    fn from(gateway: &Gateway) -> Self {
        gateway.site()
    }
}

/// For tests that accept a world or a gateway.
impl From<World> for Site {
    fn from(world: World) -> Self {
        Self::World(world)
    }
}
