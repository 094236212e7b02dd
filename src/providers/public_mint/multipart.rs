//! Forms with files: `multipart/form-data` (RFC 7578), as far as an upload needs it.

use std::borrow::Cow;

/// One field of a form, or its file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub name: String,
    pub content: &'a [u8],
}

impl Part<'_> {
    /// The content as text; bytes that are not UTF-8 become U+FFFD.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(self.content).into_owned()
    }
}

/// The boundary in a content type; none for another type.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    let (essence, parameters) = content_type.split_once(';')?;
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    parameter(parameters, "boundary").filter(|boundary| (1..=70).contains(&boundary.len()))
}

/// All parts of a form; none when it is not well formed.
pub(super) fn read<'a>(body: &'a [u8], boundary: &str) -> Option<Vec<Part<'a>>> {
    let delimiter = format!("--{boundary}");
    let between = format!("\r\n{delimiter}");
    let mut parts = Vec::new();
    // What stands before the first delimiter is not looked at.
    let mut rest = match body.strip_prefix(delimiter.as_bytes()) {
        Some(rest) => rest,
        None => split(body, between.as_bytes())?.1,
    };
    while !rest.starts_with(b"--") {
        rest = split(rest, b"\r\n")?.1;
        let (head, content) = match rest.strip_prefix(b"\r\n") {
            Some(content) => (&[][..], content),
            None => split(rest, b"\r\n\r\n")?,
        };
        let (content, after) = split(content, between.as_bytes())?;
        parts.push(Part { name: name(&String::from_utf8_lossy(head))?, content });
        rest = after;
    }
    Some(parts)
}

/// What stands before and after the first `mark`.
fn split<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let first = *mark.first()?;
    let mut from = 0;
    loop {
        from += bytes.get(from..)?.iter().position(|byte| *byte == first)?;
        if let Some(after) = bytes.get(from..).and_then(|rest| rest.strip_prefix(mark)) {
            return Some((bytes.get(..from)?, after));
        }
        from += 1;
    }
}

/// The field's name in the head of a part.
fn name(head: &str) -> Option<String> {
    let disposition = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    let (essence, parameters) = disposition.split_once(';')?;
    if !essence.trim().eq_ignore_ascii_case("form-data") {
        return None;
    }
    let name: Cow<'_, str> = parameter(parameters, "name")?.replace("%22", "\"").into();
    Some(name.into_owned())
}

/// The value of a parameter such as `; name="file"`, with or without quotes.
fn parameter<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = parameters;
    while !rest.trim().is_empty() {
        let (key, value) = rest.split_once('=')?;
        let key = key.trim_start_matches([';', ' ', '\t']).trim_end();
        let (value, after) = match value.trim_start().strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => value.split_once(';').unwrap_or((value, "")),
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(value.trim());
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in vec(prop_oneof![Just(b'-'), Just(b'\r'), Just(b'\n'), Just(b'b'), any::<u8>()], 0..200)) {
            let _ = read(&body, "b");
            let _ = boundary(&String::from_utf8_lossy(&body));
            let _ = name(&String::from_utf8_lossy(&body));
        }

        #[test]
        fn what_is_written_is_read(fields in vec(("[a-zA-Z-]{1,10}", vec(any::<u8>(), 0..50)), 0..5)) {
            let mut body = Vec::new();
            for (name, content) in &fields {
                body.extend(format!("--boundary42\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n").bytes());
                body.extend(content);
                body.extend(b"\r\n");
            }
            body.extend(b"--boundary42--\r\n");
            let expected: Vec<_> = fields.iter().map(|(name, content)| Part { name: name.clone(), content }).collect();
            prop_assert_eq!(read(&body, "boundary42").unwrap(), expected);
        }
    }

    #[test]
    fn boundaries_are_found_in_forms_only() {
        for (content_type, expected) in [
            ("multipart/form-data; boundary=abc", Some("abc")),
            ("Multipart/Form-Data;charset=utf-8;Boundary=\"a b\"", Some("a b")),
            ("multipart/form-data", None),
            ("multipart/form-data; boundary=", None),
            ("multipart/mixed; boundary=abc", None),
            ("application/json", None),
        ] {
            assert_eq!(boundary(content_type), expected, "{content_type}");
        }
    }

    #[test]
    fn parts_are_read_whole() {
        let body = b"preamble\r\n--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\na/b\r\n--b  \r\n\
            content-type: image/png\r\nCONTENT-DISPOSITION: form-data; filename=\"x;name=y\"; name=file\r\n\r\n\x00\r\n--\xff\r\n--b--\r\nend";
        let expected = [("key", &b"a/b"[..]), ("file", b"\x00\r\n--\xff")];
        let expected = expected.map(|(name, content)| Part { name: name.to_owned(), content });
        assert_eq!(read(body, "b").unwrap(), expected);
        assert_eq!(read(b"--b--", "b").unwrap(), []);
    }

    #[test]
    fn what_is_cut_short_or_has_no_name_is_no_form() {
        let whole = b"--b\r\nContent-Disposition: form-data; name=key\r\n\r\nvalue\r\n--b--".as_slice();
        assert!(read(whole, "b").is_some());
        for length in 0..whole.len() {
            assert_eq!(read(&whole[..length], "b"), None, "{length} bytes");
        }
        assert_eq!(read(b"--b\r\nContent-Type: text/plain\r\n\r\nvalue\r\n--b--", "b"), None);
        assert_eq!(read(b"--b\r\n\r\nvalue\r\n--b--", "b"), None);
    }
}
