//! What a person or an outside system does in reality, as a named action with a JSON input.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Links;
use crate::world::Cx;

/// A named action.
#[derive(Debug)]
pub struct Simulation {
    /// Its name in addresses.
    pub name: &'static str,
    /// What it does, for people.
    pub summary: &'static str,
    /// An input, as JSON.
    pub example: &'static str,
    /// Does it; what it returns is shown to whoever asked for it.
    pub run: fn(&mut Cx<'_>, &Input) -> Result<Value, Refusal>,
}

/// Input of a simulation.
#[derive(Clone, Debug)]
pub struct Input {
    /// As sent; an empty object when nothing was.
    pub value: Value,
    /// Builds absolute URLs from the address that the caller used.
    pub links: Links,
}

impl Input {
    /// The input in the shape that the action wants.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_path_to_error::deserialize(&self.value).map_err(|error| match error.path().to_string().as_str() {
            "." => Refusal::Invalid(error.inner().to_string()),
            path => Refusal::Invalid(format!("{path}: {}", error.inner())),
        })
    }
}

/// Why a simulation did nothing.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The input is not what the action wants.
    #[error("{0}")]
    Invalid(String),
    /// What it is about does not exist.
    #[error("{0}")]
    NotFound(String),
    /// It exists, but its state does not allow the action.
    #[error("{0}")]
    Conflict(String),
    /// It panicked; what it had done is undone.
    #[error("the simulation panicked: {0}")]
    Panicked(String),
    /// SQLite failed.
    #[error("the world's database failed: {0}")]
    Store(#[from] rusqlite::Error),
}
