//! `cargo run`: the local gateway.

use clap::Parser as _;
use clap::error::ErrorKind;
use latchkey::runtime::log::Lines;
use latchkey_local::gateway::{Command, Gateway, Options, StartError, options, server};
use latchkey_local::openapi;
use std::io::Write as _;
use std::process::ExitCode;
use tracing_subscriber::fmt::format::JsonFields;

/// The exit status for wrong usage.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            return if error.print().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        Err(error) => return report_error(&options::one_line(&error)),
    };
    if options.command == Some(Command::Openapi) {
        return match std::io::stdout().write_all(openapi::text().as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => report_error(&format!("standard output: {error}")),
        };
    }
    log(&options);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report_error(&format!("the async runtime could not be started: {error}")),
    };
    match runtime.block_on(run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => report_error(&refusal.to_string()),
    }
}

async fn run(options: &Options) -> Result<(), StartError> {
    let gateway = Gateway::open(options).await?;
    // Before the announcement: a caller may stop the process as soon as it reads it.
    let ended = signal().map_err(|error| StartError::new(format!("cannot listen for signals: {error}")))?;
    announce(&gateway, options).map_err(|error| StartError::new(format!("standard output: {error}")))?;
    server::serve(gateway, ended).await;
    Ok(())
}

fn report_error(words: &str) -> ExitCode {
    // If this cannot be written either, there is no way left to report it.
    let _ = writeln!(std::io::stderr(), "latchkey-local: {words}");
    ExitCode::from(USAGE)
}

fn announce(gateway: &Gateway, options: &Options) -> std::io::Result<()> {
    let port = gateway.port();
    // Mailbox and demo answer requests of this machine only, whatever the issuer is.
    let own = format!("{}://localhost:{port}", if gateway.tls.is_some() { "https" } else { "http" });
    let mut out = std::io::stdout().lock();
    writeln!(out, "Latchkey is running at {}\n", gateway.origin.as_str())?;
    writeln!(out, "  Demo storefront  {own}/demo/")?;
    writeln!(out, "  Account pages    {}/account", gateway.origin.as_str())?;
    writeln!(out, "  Mailbox          {own}/dev/mailbox")?;
    writeln!(out, "  API reference    {own}/dev/api")?;
    writeln!(out, "  Discovery        {}/.well-known/openid-configuration\n", gateway.origin.as_str())?;
    match options.folder() {
        Some(folder) => writeln!(out, "All data is stored in {}. Press Ctrl+C to stop the gateway.", folder.display())?,
        None => writeln!(out, "No data is stored. Press Ctrl+C to stop the gateway.")?,
    }
    out.flush()
}

/// Logs errors always, and one line for each request if requested. Lines are JSON, so no text can break a line (security 126).
fn log(options: &Options) {
    let filter = if options.log { "latchkey::request=info,latchkey::web::mount=info,warn" } else { "error" };
    tracing_subscriber::fmt()
        .event_format(Lines::with_time())
        .fmt_fields(JsonFields::new())
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    // Log where a panic happened but not its message, which may contain personal data.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
    }));
}

/// Listens for signals from now on. Resolves when the process should end.
#[cfg(unix)]
fn signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Resolves when the process should end.
#[cfg(not(unix))]
fn signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
