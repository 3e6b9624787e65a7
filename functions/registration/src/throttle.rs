//! Limits the registrations of one caller (decision 9): by client address, in the memory of this Lambda instance.

use latchkey::domain::throttle::Throttle;
use latchkey::domain::time::Span;
use latchkey::web::problem::ProblemKind;
use latchkey::web::{Problem, TenantHandle};
use std::sync::{Arc, Mutex, PoisonError};

/// Starts and resends in a row by one address. Offices and mobile carriers share an address.
const BURST: i64 = 120;
/// Then one more per interval.
const REFILL: Span = Span::seconds(1);

/// The rate limiter of this instance.
#[derive(Clone)]
pub(crate) struct CallerThrottle(Arc<Mutex<Throttle>>);

impl CallerThrottle {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Throttle::new(BURST, REFILL))))
    }
    /// Takes a permit of the caller's address. Loopback callers have no limit; they cannot reach a deployment.
    pub(crate) fn admit(&self, handle: &TenantHandle) -> Result<(), Problem> {
        let (Some(address), Some(hash)) = (handle.client_address, &handle.request.address_hash) else { return Ok(()) };
        if address.to_canonical().is_loopback() {
            return Ok(());
        }
        let mut throttle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        throttle.take(hash, handle.now()).map_err(|wait| {
            let detail = "There were many registrations from your network. Please wait a moment, then try again.";
            Problem::new(ProblemKind::TooManyRequests, detail).retry_after(wait)
        })
    }
}
