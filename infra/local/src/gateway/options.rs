//! Flags and environment variables.

use super::fault_option::FaultOption;
use latchkey::domain::id::TenantId;
use std::path::PathBuf;

/// Runs Latchkey on this machine: register, sign in, get tokens; with a demo storefront and a mailbox.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "latchkey-local", version)]
pub struct Options {
    /// Port on this machine; 0 takes a free one.
    #[arg(long, env = "LATCHKEY_PORT", default_value_t = 8080)]
    pub port: u16,
    /// Folder for everything that is kept; made when missing.
    #[arg(long, env = "LATCHKEY_DATA", default_value = ".latchkey", value_name = "FOLDER")]
    pub data: PathBuf,
    /// Document of the default tenant (TOML) instead of the one that ships.
    #[arg(long, env = "LATCHKEY_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// A further tenant, at {issuer}/t/NAME, with its document; may be given again.
    #[arg(long = "tenant", value_name = "NAME=FILE", value_parser = tenant)]
    pub tenants: Vec<(TenantId, PathBuf)>,
    /// Origin that people and clients reach the gateway at, when it is not its own (behind a proxy).
    #[arg(long, env = "LATCHKEY_ISSUER", value_name = "ORIGIN")]
    pub issuer: Option<String>,
    /// Keep nothing on disk.
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
    /// Delete items whose time has come, as DynamoDB's TTL would some day.
    #[arg(long)]
    pub ttl_sweep: bool,
    /// Inject a fault under the AWS SDK: KIND[=MS][@CALLS][:CHANCE|#NTH], such as throttle@writes:0.3 or crash-after#7; may be
    /// given again. Kinds: throttle, conflict, internal, timeout-before, timeout-after, slow=MS, partial, crash-before, crash-after.
    #[arg(long = "fault", value_name = "FAULT")]
    pub faults: Vec<FaultOption>,
    /// Seed of the chances of faults.
    #[arg(long, default_value_t = 0, value_name = "SEED")]
    pub fault_seed: u64,
}

fn tenant(text: &str) -> Result<(TenantId, PathBuf), String> {
    let (name, path) = text.split_once('=').ok_or("expected NAME=FILE")?;
    let tenant: TenantId = name.parse().map_err(|_| "a tenant's name is 1 to 32 of a-z, 0-9 and -")?;
    if tenant.is_default() {
        return Err("the default tenant's document is given by --config".to_owned());
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
