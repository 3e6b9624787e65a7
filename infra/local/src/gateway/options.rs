//! Flags and environment variables.

use super::fault_option::FaultOption;
use latchkey::domain::id::TenantId;
use std::path::PathBuf;

/// Runs Latchkey on this machine: register, sign in, get tokens; with a demo storefront and a mailbox.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "latchkey-local", version)]
pub struct Options {
    /// Port on this machine; 0 chooses a free one
    #[arg(long, env = "LATCHKEY_PORT", default_value_t = 8080)]
    pub port: u16,
    /// Folder for all stored data; created if it does not exist
    #[arg(long, env = "LATCHKEY_DATA", default_value = ".latchkey", value_name = "FOLDER")]
    pub data: PathBuf,
    /// Tenant document (TOML) of the default tenant; by default the built-in one
    #[arg(long, env = "LATCHKEY_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// An additional tenant, at {issuer}/t/NAME, with its document; can be repeated
    #[arg(long = "tenant", value_name = "NAME=FILE", value_parser = tenant)]
    pub tenants: Vec<(TenantId, PathBuf)>,
    /// Public origin of the gateway, if it differs from its own address
    #[arg(long, env = "LATCHKEY_ISSUER", value_name = "ORIGIN")]
    pub issuer: Option<String>,
    /// Store nothing on disk
    #[arg(long, conflicts_with = "data")]
    pub ephemeral: bool,
    /// Serve https with this certificate chain (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Write one JSON line for each request to standard error.
    #[arg(long)]
    pub log: bool,
    /// No limits per source address: for load tests on this machine. The tenant document has `limits.sources` for a service
    #[arg(long)]
    pub no_source_limits: bool,
    /// Delete expired items, as DynamoDB's TTL does with a delay
    #[arg(long)]
    pub ttl_sweep: bool,
    /// Inject a fault under the AWS SDK: KIND[=MS][@CALLS][:CHANCE|#NTH], such as throttle@writes:0.3 or crash-after#7; can be repeated.
    /// Kinds: throttle, conflict, internal, timeout-before, timeout-after, slow=MS, partial, crash-before, crash-after
    #[arg(long = "fault", value_name = "FAULT")]
    pub faults: Vec<FaultOption>,
    /// Seed of random faults
    #[arg(long, default_value_t = 0, value_name = "SEED")]
    pub fault_seed: u64,
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the binary does besides serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Subcommand)]
pub enum Command {
    /// Write the OpenAPI document of every endpoint to standard output.
    Openapi,
}

fn tenant(text: &str) -> Result<(TenantId, PathBuf), String> {
    let (name, path) = text.split_once('=').ok_or("expected NAME=FILE")?;
    let tenant: TenantId = name.parse().map_err(|_| "a tenant's name is 1 to 32 of a-z, 0-9 and -")?;
    if tenant.is_default() {
        return Err("give the default tenant's document with --config".to_owned());
    }
    Ok((tenant, path.into()))
}

impl Options {
    /// The data folder. `None` if nothing is stored.
    #[must_use]
    pub fn folder(&self) -> Option<&std::path::Path> {
        (!self.ephemeral).then_some(self.data.as_path())
    }
}

/// A message of clap on one line.
#[must_use]
pub fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let what = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    format!("{}; see --help", what.split_whitespace().collect::<Vec<_>>().join(" "))
}
