//! Mistakes in scenario files: all of them at once, each with its place.

use std::fmt;

use serde::Serialize;

/// A place in a file; lines and columns count from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The column, in characters.
    pub column: u64,
}

/// A mistake in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// The file, as it was named.
    pub file: String,
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.place.line, self.place.column, self.message)
    }
}

/// Collects the mistakes of one file.
#[derive(Debug)]
pub(super) struct Mistakes {
    file: String,
    all: Vec<Mistake>,
}

impl Mistakes {
    pub(super) fn of(file: &str) -> Self {
        Self { file: file.to_owned(), all: Vec::new() }
    }

    pub(super) fn add(&mut self, place: Place, message: impl Into<String>) {
        self.all.push(Mistake { file: self.file.clone(), place, message: message.into() });
    }

    /// All of them, in the order of the file.
    pub(super) fn into_all(mut self) -> Vec<Mistake> {
        self.all.sort_by_key(|mistake| mistake.place);
        self.all
    }
}

/// The end of a sentence about an unknown word: the known word that was likely meant, or all that are known.
pub(super) fn instead<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let close = known
        .iter()
        .map(|other| (strsim::damerau_levenshtein(&word.to_lowercase(), &other.to_lowercase()), *other))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, other)| *distance <= (other.chars().count() / 3).clamp(1, 4));
    match close {
        Some((_, other)) => format!("did you mean `{other}`?"),
        None if known.is_empty() => "there are none".to_owned(),
        None => format!("there are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::instead;

    #[test]
    fn the_word_that_was_meant_is_named() {
        assert_eq!(instead("staus", ["status", "headers"]), "did you mean `status`?");
        assert_eq!(instead("colour", ["status", "headers"]), "there are status, headers");
        assert_eq!(instead("x", []), "there are none");
    }
}
