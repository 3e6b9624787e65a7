//! Modes of the data folder and its files: only their owner reads them (0700, 0600). They contain keys, codes and sealed personal data.

use std::path::Path;

/// Files that SQLite keeps beside a database. New ones get the mode of the database.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

/// Creates the data folder, or makes an existing one private. A folder that has files of something else keeps its mode, because other users
/// would lose access to them; the gateway's own files are private in any case.
///
/// # Errors
/// If the folder cannot be created or changed.
pub(super) fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    if !is_open_to_others(folder)? {
        return Ok(());
    }
    let is_ours = folder.join("keys").exists() || folder.join("lock").exists();
    if is_ours || std::fs::read_dir(folder)?.next().is_none() {
        set_mode(folder, 0o700)?;
    }
    let lock = folder.join("lock");
    if lock.exists() { set_mode(&lock, 0o600) } else { Ok(()) }
}

/// Creates the file of a database, or makes an existing one private.
///
/// # Errors
/// If the file cannot be created or changed.
pub(super) fn make_database(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.open(path)?);
    set_mode(path, 0o600)?;
    for suffix in BESIDE {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        if Path::new(&name).exists() {
            set_mode(Path::new(&name), 0o600)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> std::io::Result<bool> {
    Ok(std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path)?.permissions()) & 0o077 != 0)
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> std::io::Result<()> {
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> std::io::Result<bool> {
    Ok(false)
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> std::io::Result<()> {
    Ok(())
}
