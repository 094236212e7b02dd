//! Snapshots: states of a world that were put aside, to which it can go back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};

use chrono::{DateTime, Utc};

use super::{Saved, World};

/// The longest name of a snapshot, in characters.
pub const NAME_LIMIT: usize = 100;

/// How much memory the snapshots of a process may take together unless told otherwise: 1 GiB. What they have in common with the
/// state that their world began with is not counted.
pub const MEMORY: usize = 1024 * 1024 * 1024;

/// A state of a world.
#[derive(Debug)]
pub struct Snapshot {
    /// Its name in addresses.
    pub id: String,
    /// What somebody called it.
    pub name: Option<String>,
    /// When it was taken or loaded, in real time.
    pub taken_at: DateTime<Utc>,
    /// The state.
    pub saved: Arc<Saved>,
    room: Room,
}

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The name cannot be one.
    #[error("name: {0:?} cannot be a snapshot's name: 1 to {NAME_LIMIT} characters, none of them a control character")]
    BadName(String),
    /// The world has no such snapshot.
    #[error("the world {world:?} has no snapshot {id:?}")]
    Unknown {
        /// The world.
        world: String,
        /// What was asked for.
        id: String,
    },
    /// Snapshots take too much memory.
    #[error("snapshots would take {wanted} bytes of memory, and may take {limit}; delete some, or delete worlds that have some")]
    NoRoom {
        /// What they would take.
        wanted: usize,
        /// What they may take.
        limit: usize,
    },
    /// The database failed.
    #[error("the world's database failed: {0}")]
    Store(#[from] rusqlite::Error),
}

/// The memory that the snapshots of a process may take.
#[derive(Debug)]
pub struct Space {
    limit: usize,
    taken: AtomicUsize,
}

impl Space {
    /// Room for so many bytes.
    pub fn new(limit: usize) -> Self {
        Self { limit, taken: AtomicUsize::new(0) }
    }

    fn take(self: &Arc<Self>, bytes: usize) -> Result<Room, SnapshotError> {
        let room = Room { space: self.clone(), bytes };
        // Given back when the room is dropped, also right here.
        let wanted = self.taken.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if wanted > self.limit { Err(SnapshotError::NoRoom { wanted, limit: self.limit }) } else { Ok(room) }
    }
}

/// Part of a [`Space`], given back when dropped.
#[derive(Debug)]
struct Room {
    space: Arc<Space>,
    bytes: usize,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.space.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The snapshots of a world, oldest first.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    held: Vec<Arc<Snapshot>>,
    /// How many were named here.
    named: u64,
}

impl Shelf {
    /// The name in letters, digits and hyphens, with a number where that is taken; `snap-1`, `snap-2`, ... where nothing is left of
    /// it.
    fn free_id(&mut self, name: Option<&str>) -> String {
        let words: Vec<String> = name
            .unwrap_or_default()
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_ascii_lowercase)
            .collect();
        let stem = words.join("-");
        if stem.is_empty() {
            loop {
                self.named += 1;
                let id = format!("snap-{}", self.named);
                if self.get(&id).is_none() {
                    return id;
                }
            }
        }
        let numbered = (2..).map(|number| format!("{stem}-{number}"));
        std::iter::once(stem.clone()).chain(numbered).find(|id| self.get(id).is_none()).unwrap_or(stem)
    }

    fn get(&self, id: &str) -> Option<&Arc<Snapshot>> {
        self.held.iter().find(|snapshot| snapshot.id == id)
    }
}

impl Snapshot {
    /// Bytes of memory that it takes.
    pub fn memory(&self) -> usize {
        self.room.bytes
    }
}

/// Refuses a name that no snapshot can have.
pub fn check_name(name: Option<&str>) -> Result<(), SnapshotError> {
    match name {
        Some(name) if name.is_empty() || name.chars().count() > NAME_LIMIT || name.contains(char::is_control) => {
            Err(SnapshotError::BadName(name.to_owned()))
        }
        _ => Ok(()),
    }
}

impl World {
    /// Puts the state aside.
    pub fn take_snapshot(
        &self,
        name: Option<String>,
        space: &Arc<Space>,
        real: DateTime<Utc>,
    ) -> Result<Arc<Snapshot>, SnapshotError> {
        check_name(name.as_deref())?;
        self.note_use(real);
        self.keep_snapshot(name, self.save(real)?, space, real)
    }

    /// Puts a state aside that comes from elsewhere.
    pub fn keep_snapshot(
        &self,
        name: Option<String>,
        saved: Saved,
        space: &Arc<Space>,
        real: DateTime<Utc>,
    ) -> Result<Arc<Snapshot>, SnapshotError> {
        check_name(name.as_deref())?;
        let room = space.take(saved.image.own_len())?;
        let mut shelf = self.shelf();
        let id = shelf.free_id(name.as_deref());
        let snapshot = Arc::new(Snapshot { id, name, taken_at: real, saved: Arc::new(saved), room });
        shelf.held.push(snapshot.clone());
        Ok(snapshot)
    }

    /// Its snapshots, oldest first.
    pub fn snapshots(&self) -> Vec<Arc<Snapshot>> {
        self.shelf().held.clone()
    }

    /// The snapshot with this id.
    pub fn snapshot(&self, id: &str) -> Result<Arc<Snapshot>, SnapshotError> {
        self.shelf().get(id).cloned().ok_or_else(|| self.unknown(id))
    }

    /// Deletes a snapshot.
    pub fn delete_snapshot(&self, id: &str) -> Result<(), SnapshotError> {
        let mut shelf = self.shelf();
        let place = shelf.held.iter().position(|snapshot| snapshot.id == id).ok_or_else(|| self.unknown(id))?;
        shelf.held.remove(place);
        Ok(())
    }

    /// Goes back to a snapshot: everything is as it was when it was taken, but for the journal, which says what happened, and for
    /// the snapshots themselves.
    pub fn restore_snapshot(&self, id: &str, real: DateTime<Utc>) -> Result<(), SnapshotError> {
        let snapshot = self.snapshot(id)?;
        self.note_use(real);
        Ok(self.restore(&snapshot.saved, real)?)
    }

    fn unknown(&self, id: &str) -> SnapshotError {
        SnapshotError::Unknown { world: self.name().to_owned(), id: id.to_owned() }
    }

    fn shelf(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_given_back() {
        let space = Arc::new(Space::new(10));
        let first = space.take(6).unwrap();
        assert!(matches!(space.take(5), Err(SnapshotError::NoRoom { wanted: 11, limit: 10 })));
        let second = space.take(4).unwrap();
        drop(first);
        assert!(space.take(6).is_ok());
        drop(second);
        assert!(space.take(10).is_ok());
        assert_eq!(space.taken.load(Ordering::Relaxed), 0);
    }
}
