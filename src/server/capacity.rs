//! How much the server takes into its hands at a time, from all clients together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use super::listen::Limits;

/// What is free of [`Limits::connections`] and [`Limits::bodies`].
#[derive(Debug)]
pub struct Capacity {
    /// A permit for each further connection.
    pub(super) connections: Arc<Semaphore>,
    body_bytes: AtomicUsize,
}

impl Capacity {
    /// All that these limits allow.
    pub fn new(limits: &Limits) -> Self {
        let connections = Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS)));
        Self { connections, body_bytes: AtomicUsize::new(limits.bodies) }
    }

    /// Room for the body of one request, none of it taken yet.
    pub(super) fn body(&self) -> Room<'_> {
        Room { capacity: self, taken: 0 }
    }
}

/// What the body of one request takes, until it is dropped.
#[derive(Debug)]
pub(super) struct Room<'a> {
    capacity: &'a Capacity,
    taken: usize,
}

impl Room<'_> {
    /// Takes more; false where there is not so much.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        let free = &self.capacity.body_bytes;
        let taken = free.fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| free.checked_sub(bytes)).is_ok();
        if taken {
            self.taken += bytes;
        }
        taken
    }

    /// Gives back what was taken.
    pub(super) fn clear(&mut self) {
        self.capacity.body_bytes.fetch_add(std::mem::take(&mut self.taken), Ordering::AcqRel);
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}
