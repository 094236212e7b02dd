//! Reading a fixture file strictly: what is wrong is said with its place.

use serde::de::DeserializeOwned;

/// What is wrong with a fixture, and where.
#[derive(Debug, thiserror::Error)]
pub enum FixtureError {
    /// Not JSON, or not of the right shape. The place is a line and a dotted path.
    #[error("line {line}, at {path}: {reason}")]
    Shape {
        /// Line in the file, from 1.
        line: usize,
        /// Dotted path of the value.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Of the right shape, but it makes no sense.
    #[error("at {path}: {reason}")]
    Content {
        /// Dotted path of the value.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It could not be stored.
    #[error("it cannot be stored: {0}")]
    Store(#[from] rusqlite::Error),
}

impl FixtureError {
    /// An error about the content at a dotted path.
    pub fn content(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Content { path: path.into(), reason: reason.into() }
    }
}

/// Reads a fixture of a known shape.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, FixtureError> {
    let reader = &mut serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut *reader).map_err(|error| {
        // The path ends in a question mark where the text ends in the middle of a value.
        let path = error.path().to_string();
        let known = path.trim_end_matches('?').trim_end_matches('.');
        let path = if known.is_empty() { "." } else { known };
        shape(path.to_owned(), &error.into_inner())
    })?;
    reader.end().map_err(|error| shape(".".to_owned(), &error))?;
    Ok(value)
}

fn shape(path: String, error: &serde_json::Error) -> FixtureError {
    let text = error.to_string();
    let reason = text.split(" at line ").next().unwrap_or(&text).to_owned();
    FixtureError::Shape { line: error.line(), path, reason }
}
