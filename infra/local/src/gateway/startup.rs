//! Starts a gateway from its flags. Each error is one line: what is wrong, where, and what to do.

use super::mailbox::Mailbox;
use super::start_error::StartError;
use super::state_table::{EntryKind, StateTable};
use super::{Options, private, tls};
use crate::assemble::DEFAULT_DOCUMENT;
use crate::assemble::{self, Document, Parts, PrepareError, TABLES};
use crate::engine::Engine;
use crate::fault::Faults;
use crate::pages::Pages;
use crate::pages::{self, OperatorToken};
use crate::pump::Pump;
use crate::stream::StreamReader;
use axum::Router;
use latchkey::context::{Clock, Random};
use latchkey::domain::id::TenantId;
use latchkey::domain::time::Span;
use latchkey::keys::{KeyVault, LegacyKeys};
use latchkey::services::{Origin, SourceLimiter};
use rustls::ServerConfig;
use std::fmt::Display;
use std::fs::File;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;

/// A gateway that is ready to serve.
pub struct Gateway {
    /// Its public origin.
    pub origin: Origin,
    /// The listeners, all on the loopback interface.
    pub listeners: Vec<TcpListener>,
    /// The port of all listeners.
    port: u16,
    /// Present for https.
    pub tls: Option<Arc<ServerConfig>>,
    /// All routes.
    pub router: Router,
    /// The stream and its mails.
    pub mailbox: Mailbox,
    /// The fault script, for crashes.
    pub faults: Faults,
    /// The tables, if expired items are to be deleted.
    pub sweep_engine: Option<Engine>,
    /// Locked as long as the gateway runs: two gateways on one folder would send every mail twice.
    _lock: Option<File>,
}

struct Storage {
    engine: Engine,
    /// The gateway's own state, mails among it.
    state: Engine,
    vault: KeyVault,
    lock: Option<File>,
}

impl Gateway {
    /// The port that was requested or chosen.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Opens everything.
    ///
    /// # Errors
    /// One line: what is wrong, where, and what to do.
    pub async fn open(options: &Options) -> Result<Self, StartError> {
        let tls = match (&options.tls_cert, &options.tls_key) {
            (Some(certificate), Some(key)) => Some(tls::read(certificate, key)?),
            (None, _) | (_, None) => None,
        };
        let mut documents = vec![document(TenantId::default_tenant(), options.config.as_deref())?];
        for (tenant, path) in &options.tenants {
            documents.push(document(tenant.clone(), Some(path))?);
        }
        let listeners = listen(options.port).await?;
        let port = port_of(&listeners)?;
        let origin = origin(options, port, tls.is_some())?;
        for document in &documents {
            assemble::check(document, &origin).map_err(|error| invalid(&error, options))?;
        }
        let storage = open_storage(options.folder())?;
        let failed = |error: &dyn std::error::Error| failed(options.folder(), error);
        let state_table = StateTable::open(&storage.state).await.map_err(|error| failed(&error))?;
        state_table.move_from(&storage.engine).await.map_err(|error| failed(&error))?;
        let clock = Clock::system();
        let moved: Option<i64> = state_table.find(EntryKind::ClockOffset, "clock").await.map_err(|error| failed(&error))?;
        clock.advance(Span::millis(moved.unwrap_or(0)));
        let faults = Faults::seeded(options.fault_seed);
        let services = assemble::services(Parts {
            origin: origin.clone(),
            connector: faults.around(storage.engine.connector()),
            vault: storage.vault,
            legacy_directory: None,
            legacy_keys: LegacyKeys::none(),
            clock,
            hashing_lanes: std::thread::available_parallelism().map_or(1, usize::from),
            sources: if options.no_source_limits { SourceLimiter::off() } else { SourceLimiter::default() },
        });
        assemble::prepare(&services, &documents).await.map_err(|error| failed(&error))?;
        let reader = StreamReader::new(storage.engine.clone(), TABLES[0]);
        let pump = Pump::new(reader, services.clone()).map_err(|error| failed(&error))?;
        let mailbox = Mailbox::open(pump, state_table.clone(), storage.engine.clone()).await.map_err(|error| failed(&error))?;
        if let Some(read_to) = mailbox.checkpoint().await {
            storage.engine.trim_stream(TABLES[0], &read_to).map_err(|error| failed(&error))?;
        }
        let functions = latchkey::web::mount(services.clone(), assemble::routes());
        let tables = match options.folder() {
            Some(folder) => Some((storage.engine.clone(), operator_token(folder)?)),
            None => None,
        };
        let pages = Pages { state_table, mailbox: mailbox.clone(), services, port, functions, tables };
        let router = pages::mount(pages);
        // Add faults only now: they must not affect the creation of tables and documents.
        for rule in &options.faults {
            faults.add(rule.calls, rule.trigger, rule.fault);
        }
        let sweep_engine = options.ttl_sweep.then_some(storage.engine);
        Ok(Self { origin, listeners, port, tls, router, mailbox, faults, sweep_engine, _lock: storage.lock })
    }
}

fn document(tenant: TenantId, path: Option<&Path>) -> Result<Document, StartError> {
    let Some(path) = path else { return Ok(Document { tenant, text: DEFAULT_DOCUMENT.to_owned() }) };
    let text = std::fs::read_to_string(path).map_err(|error| {
        StartError::new(format!("cannot read the tenant document {}: {error}; give the path of a TOML file", path.display()))
    })?;
    Ok(Document { tenant, text })
}

fn invalid(error: &PrepareError, options: &Options) -> StartError {
    let PrepareError::Document { tenant, errors } = error else { return StartError::new(error.to_string()) };
    let of_tenant = options.tenants.iter().find(|(name, _)| name == tenant).map(|(_, path)| path.as_path());
    let path = of_tenant.or(options.config.as_deref()).unwrap_or(Path::new("infra/local/latchkey.toml"));
    StartError::new(format!("the tenant document {} is not valid: {errors}; correct it and start again", path.display()))
}

fn failed(folder: Option<&Path>, error: &dyn std::error::Error) -> StartError {
    let mut chain = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        chain = format!("{chain}: {cause}");
        source = cause.source();
    }
    match folder {
        Some(folder) => StartError::data(folder, &chain, "move it away, or choose another folder with --data"),
        None => StartError::new(chain),
    }
}

/// Listens on both loopback addresses, where both exist: `localhost` may mean either.
async fn listen(port: u16) -> Result<Vec<TcpListener>, StartError> {
    let refused = |port: u16, error: &std::io::Error| {
        let why =
            if error.kind() == ErrorKind::AddrInUse { "is in use".to_owned() } else { format!("cannot be opened: {error}") };
        StartError::new(format!("port {port} {why}; stop what uses it, or choose another with --port (0 takes a free one)"))
    };
    let first =
        TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.map_err(|error| refused(port, &error))?;
    let taken = first.local_addr().map_err(|error| refused(port, &error))?.port();
    let mut listeners = vec![first];
    match TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, taken))).await {
        Ok(second) => listeners.push(second),
        // Another process on [::1] would get some of the requests.
        Err(error) if error.kind() == ErrorKind::AddrInUse && port != 0 => return Err(refused(taken, &error)),
        // A machine without IPv6.
        Err(_) => {}
    }
    Ok(listeners)
}

fn port_of(listeners: &[TcpListener]) -> Result<u16, StartError> {
    let address = listeners.first().and_then(|listener| listener.local_addr().ok());
    address.map(|address| address.port()).ok_or_else(|| StartError::new("no address to listen on"))
}

fn origin(options: &Options, port: u16, https: bool) -> Result<Origin, StartError> {
    let own = format!("{}://localhost:{port}", if https { "https" } else { "http" });
    let text = options.issuer.as_ref().unwrap_or(&own);
    let refused =
        |why: &str| StartError::new(format!("the issuer {text} {why}; give --issuer an origin such as https://id.example.com"));
    let origin = Origin::parse(text).map_err(|why| refused(&why))?;
    let host = url::Url::parse(text).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    // Cookies without Secure, and plain-text tokens, must stay on this machine.
    if !origin.is_https() && !["localhost", "127.0.0.1", "[::1]"].contains(&host.as_str()) {
        return Err(refused("must use https, because it is not on this machine"));
    }
    Ok(origin)
}

fn open_storage(folder: Option<&Path>) -> Result<Storage, StartError> {
    let Some(folder) = folder else {
        let memory = || Engine::memory().map_err(|error| StartError::new(error.to_string()));
        return Ok(Storage { engine: memory()?, state: memory()?, vault: KeyVault::ephemeral(), lock: None });
    };
    let refused =
        |error: &dyn Display| StartError::data(folder, error, "give a folder that can be read and written with --data");
    private::make_folder(folder).map_err(|error| refused(&error))?;
    let lock = File::options().create(true).append(true).open(folder.join("lock")).map_err(|error| refused(&error))?;
    if lock.try_lock().is_err() {
        return Err(StartError::data(
            folder,
            &"another gateway uses it",
            "stop that one, or choose another folder with --data",
        ));
    }
    let vault = KeyVault::file(&folder.join("keys")).map_err(|error| refused(&format!("the key file: {error}")))?;
    let open = |name: &str| {
        private::make_database(&folder.join(name)).map_err(|error| refused(&error))?;
        Engine::file(&folder.join(name)).map_err(|error| refused(&error))
    };
    Ok(Storage { engine: open("tables.sqlite")?, state: open("mailbox.sqlite")?, vault, lock: Some(lock) })
}

fn operator_token(folder: &Path) -> Result<OperatorToken, StartError> {
    let refused = |error: std::io::Error| {
        StartError::data(
            folder,
            &format!("the operator token: {error}"),
            "give a folder that can be read and written with --data",
        )
    };
    OperatorToken::write_new(folder, Random).map_err(refused)
}
