//! Patterns of paths, as developers write them.

/// The longest pattern, in characters: comparing takes time by its length.
const MAX_LENGTH: usize = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    /// This byte.
    Byte(u8),
    /// `*`: any bytes but a slash, or none.
    Within,
    /// `{name}`: one byte or more, none a slash.
    Parameter,
    /// `**`, and `*` at the end: any bytes.
    Across,
}

/// A path that may hold `*`, `**` and `{name}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Token>);

impl Pattern {
    /// Reads a pattern, or says why it is none.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if !text.starts_with(['/', '*']) {
            return Err(format!("{text:?} must begin with / or *"));
        }
        if text.len() > MAX_LENGTH {
            return Err(format!("it is over {MAX_LENGTH} characters"));
        }
        if text.contains(['?', '#']) {
            return Err(format!("{text:?} has a query or a fragment; only the path is compared"));
        }
        let mut tokens = Vec::new();
        let mut left = text.chars().peekable();
        while let Some(first) = left.next() {
            match first {
                '*' => {
                    let mut is_double = false;
                    while left.next_if_eq(&'*').is_some() {
                        is_double = true;
                    }
                    tokens.push(if is_double || left.peek().is_none() { Token::Across } else { Token::Within });
                }
                '{' => {
                    if !left.any(|character| character == '}') {
                        return Err(format!("{text:?} has a {{ without }}"));
                    }
                    tokens.push(Token::Parameter);
                }
                character => tokens.extend(character.encode_utf8(&mut [0; 4]).bytes().map(Token::Byte)),
            }
        }
        Ok(Self(tokens))
    }

    /// Whether a path fits. Takes time by the product of both lengths at most.
    pub(super) fn matches(&self, path: &str) -> bool {
        // For each token in turn: after which bytes of the path the tokens up to there may end.
        let mut ends = vec![false; path.len() + 1];
        if let Some(start) = ends.first_mut() {
            *start = true;
        }
        for token in &self.0 {
            let mut reached = false; // an end that this token may go on from
            let mut next = Vec::with_capacity(ends.len());
            let before = std::iter::once(None).chain(path.bytes().map(Some));
            let mut previous = false; // whether the tokens before may end one byte earlier
            for (end, byte) in ends.iter().copied().zip(before) {
                let fits = match token {
                    Token::Byte(wanted) => previous && byte == Some(*wanted),
                    Token::Across => {
                        reached |= end;
                        reached
                    }
                    Token::Within => {
                        reached = end || (reached && byte != Some(b'/'));
                        reached
                    }
                    Token::Parameter => {
                        reached = (previous || reached) && byte != Some(b'/');
                        reached
                    }
                };
                next.push(fits);
                previous = end;
            }
            ends = next;
        }
        ends.last().copied().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_what_developers_expect() {
        for (pattern, fits, does_not) in [
            ("/a/b", &["/a/b"][..], &["/a", "/a/b/", "/a/bc", "/x/a/b", "/A/b", ""][..]),
            ("/a/*", &["/a/", "/a/b", "/a/b/c"], &["/a", "/b/a/"]),
            ("/a*", &["/a", "/ab", "/a/b/c"], &["/", "/b"]),
            ("/a/*/c", &["/a/b/c", "/a//c"], &["/a/c", "/a/b/b/c", "/a/b/c/d"]),
            ("/a/b*d/e", &["/a/bd/e", "/a/bcd/e"], &["/a/b/d/e", "/a/bcd"]),
            ("/a/{id}", &["/a/b", "/a/%2F"], &["/a/", "/a", "/a/b/c"]),
            ("/a/{id}/c/{name}", &["/a/b/c/d"], &["/a//c/d", "/a/b/c/", "/a/b/x/c/d"]),
            ("/**/c", &["/a/c", "/a/b/c", "//c"], &["/c", "/a/cd", "/a/c/"]),
            ("/a/**", &["/a/", "/a/b/c"], &["/a"]),
            ("*", &["/", "/a/b", ""], &[]),
            ("**/b/*/d", &["/a/b/c/d", "/b/b/b/d"], &["/a/b/d", "/a/b/c/d/e"]),
            ("/\u{e9}/*x", &["/\u{e9}/x", "/\u{e9}/yyx"], &["/e/x", "/\u{e9}/x/x/y"]),
        ] {
            let read = Pattern::read(pattern).unwrap();
            for path in fits {
                assert!(read.matches(path), "{pattern} fits {path}");
            }
            for path in does_not {
                assert!(!read.matches(path), "{pattern} does not fit {path}");
            }
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for (text, expected) in [
            ("", "\"\" must begin with / or *"),
            ("a/b", "\"a/b\" must begin with / or *"),
            ("http://localhost/a", "\"http://localhost/a\" must begin with / or *"),
            ("/a?b=c", "\"/a?b=c\" has a query or a fragment; only the path is compared"),
            ("/a/{id", "\"/a/{id\" has a { without }"),
        ] {
            assert_eq!(Pattern::read(text), Err(expected.to_owned()), "{text}");
        }
        assert!(Pattern::read(&format!("/{}", "a".repeat(MAX_LENGTH))).is_err());
    }
}
