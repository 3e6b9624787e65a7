//! Options that several commands share.

use crate::target::tenant;
use crate::ways_in::WalkOptions;
use latchkey::domain::id::TenantId;

/// The tenant of the document.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct TenantOption {
    /// The tenant
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = tenant)]
    pub(super) tenant: TenantId,
}

/// What is recorded with a version.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ChangeNote {
    /// Do not ask for confirmation
    #[arg(long)]
    pub(super) yes: bool,
    /// The name of the person who makes the change, for the history; by default this machine's user
    #[arg(long = "as", value_name = "NAME", env = "USER", default_value = "unnamed", hide_env_values = true, value_parser = single_line::<100>)]
    pub(super) by: String,
    /// The reason for the change, for the history
    #[arg(long, short = 'm', value_name = "TEXT", value_parser = single_line::<500>)]
    pub(super) message: Option<String>,
    /// Accept that passkeys stop working, and that the accounts which the plan counts lose a way in
    #[arg(long)]
    pub(super) accept: bool,
    #[command(flatten)]
    pub(super) walk: WalkOptions,
}

fn single_line<const MOST: usize>(text: &str) -> Result<String, String> {
    let fits = !text.is_empty() && text.chars().count() <= MOST && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(format!("expected 1 to {MOST} characters on one line")) }
}
