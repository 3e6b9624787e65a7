//! Failure windows: of an account, of each known device, of each unknown identifier (security 112–114).
//!
//! Windows are per identifier, never per network address: no foreign network can lock a user out or let one in. A known device
//! has its own window. Its sign-ins leave the shared window unchanged, so an attacker gets no more tries while the owner signs in
//! and out.

use crate::domain::account::AccountState;
use crate::domain::failure_window::{FailureWindow, UnknownIdentifierFailures};
use crate::domain::identifier::IdentifierHash;
use crate::domain::known_device::{KnownDevice, MAX_KNOWN_DEVICES, MAX_REMEMBERED_DEVICES, RememberedUntil};
use crate::domain::time::{Span, Timestamp};

/// How long the failures of an identifier without an account are kept after the last failure. An account's are kept until a
/// success.
pub const UNKNOWN_KEPT: Span = Span::days(90);

pub(in crate::domain) fn known_device(account: &AccountState, device: Option<u64>) -> Option<KnownDevice> {
    let device = device?;
    account.devices.iter().find(|known| known.id == device).copied()
}

/// The window that counts for an account on this device.
pub(in crate::domain) fn window_of_account(account: &AccountState, device: Option<u64>) -> FailureWindow {
    known_device(account, device).map_or(account.failures, |device| device.failures)
}

/// The window that counts for an identifier without an account. Expired failures count no more.
pub(in crate::domain) fn window_of_unknown(failures: Option<&UnknownIdentifierFailures>, now: Timestamp) -> FailureWindow {
    failures.filter(|failures| now < failures.expires_at).map_or(FailureWindow::default(), |known| known.failures)
}

pub(in crate::domain) fn count_unknown(
    identifier: IdentifierHash,
    failures: Option<&UnknownIdentifierFailures>,
    now: Timestamp,
) -> UnknownIdentifierFailures {
    UnknownIdentifierFailures {
        identifier,
        failures: window_of_unknown(failures, now).failed(now),
        version: failures.map_or(1, |failures| failures.version + 1),
        expires_at: now + UNKNOWN_KEPT,
    }
}

pub(in crate::domain) fn count_failure(account: &AccountState, device: Option<u64>, now: Timestamp) -> AccountState {
    let mut counted = account.clone();
    counted.version += 1;
    match device.and_then(|device| counted.devices.iter_mut().find(|known| known.id == device)) {
        Some(known) => known.failures = known.failures.failed(now),
        None => counted.failures = counted.failures.failed(now),
    }
    counted
}

/// The state after a completed sign-in: the window of this sign-in is reset, and its device is the most recent one. For completion alone.
pub(super) fn reset_window(
    account: &AccountState,
    known: Option<KnownDevice>,
    new_device: u64,
    now: Timestamp,
) -> AccountState {
    let mut state = account.clone();
    state.version += 1;
    match known {
        Some(known) => put_device_first(&mut state, KnownDevice { failures: FailureWindow::default(), ..known }, now),
        None => {
            state.failures = FailureWindow::default();
            put_device_first(&mut state, KnownDevice::new(new_device), now);
        }
    }
    state
}

/// The state after a completed sign-in on a device that becomes remembered: it gets this new id, and the one that it had is no longer known. For
/// completion alone.
pub(super) fn remember(
    account: &AccountState,
    known: Option<KnownDevice>,
    new_device: u64,
    until: RememberedUntil,
    now: Timestamp,
) -> AccountState {
    let mut state = reset_window(account, known, new_device, now);
    state.devices.retain(|device| Some(device.id) != known.map(|known| known.id));
    put_device_first(&mut state, KnownDevice { remembered_until: Some(until), ..KnownDevice::new(new_device) }, now);
    state
}

/// Makes this device the most recent one. Beyond the limits the oldest remembered one is no longer remembered, and the oldest of the others is no
/// longer known.
pub(in crate::domain) fn put_device_first(account: &mut AccountState, device: KnownDevice, now: Timestamp) {
    let devices = &mut account.devices;
    devices.retain(|other| other.id != device.id);
    devices.insert(0, device);
    let mut remembered = 0;
    for known in devices.iter_mut() {
        remembered += usize::from(known.is_remembered(now));
        if !known.is_remembered(now) || remembered > MAX_REMEMBERED_DEVICES {
            *known = known.forgotten();
        }
    }
    // The previous release knew one more.
    while devices.len() > MAX_KNOWN_DEVICES {
        let oldest = devices.iter().rposition(|known| known.remembered_until.is_none());
        devices.remove(oldest.unwrap_or(MAX_KNOWN_DEVICES));
    }
}
