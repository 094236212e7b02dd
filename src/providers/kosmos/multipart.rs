//! Forms with files (`multipart/form-data`), as browsers send them.

use http::header::CONTENT_TYPE;

use crate::http::{Req, form};

/// What a form brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fields(Vec<(String, Vec<u8>)>);

impl Fields {
    /// The fields of a form of either kind; none of a body that is no form.
    pub(super) fn of(req: &Req) -> Self {
        let content_type = req.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        if content_type.trim_start().to_ascii_lowercase().starts_with("multipart/form-data") {
            return boundary(content_type).map(|boundary| Self::parts(&req.body, boundary)).unwrap_or_default();
        }
        Self(form::pairs(&req.body).map(|(name, value)| (name.into_owned(), value.into_owned().into_bytes())).collect())
    }

    /// The text of a field; empty when it is not there.
    pub(super) fn text(&self, name: &str) -> String {
        String::from_utf8_lossy(self.bytes(name)).into_owned()
    }

    /// The bytes of a field; empty when it is not there.
    pub(super) fn bytes(&self, name: &str) -> &[u8] {
        self.0.iter().find(|(key, _)| key == name).map_or(&[], |(_, value)| value)
    }

    fn parts(body: &[u8], boundary: &str) -> Self {
        let line = ["\r\n--", boundary].concat();
        // The first boundary has no line before it.
        let Some(mut rest) = body.strip_prefix(line.trim_start().as_bytes()) else { return Self::default() };
        let mut fields = Vec::new();
        while let Some(part) = rest.strip_prefix(b"\r\n") {
            let Some(end) = find(part, line.as_bytes()) else { break };
            let (this, after) = part.split_at(end);
            if let Some(field) = field(this) {
                fields.push(field);
            }
            rest = after.get(line.len()..).unwrap_or_default();
        }
        Self(fields)
    }
}

fn boundary(content_type: &str) -> Option<&str> {
    let parameters = content_type.split(';').skip(1);
    let value = parameters
        .filter_map(|parameter| parameter.trim().split_once('='))
        .find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?
        .1;
    Some(value.trim_matches('"')).filter(|boundary| !boundary.is_empty())
}

/// Name and value of one part: headers, an empty line, bytes.
fn field(part: &[u8]) -> Option<(String, Vec<u8>)> {
    let end = find(part, b"\r\n\r\n")?;
    let (head, value) = part.split_at(end);
    let head = String::from_utf8_lossy(head);
    let disposition = head.split("\r\n").find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let name = disposition.split(';').find_map(|parameter| parameter.trim().strip_prefix("name=\""))?.strip_suffix('"')?;
    Some((name.to_owned(), value.get(4..)?.to_vec()))
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_as_they_were_sent() {
        let body = b"--b\r\nContent-Disposition: form-data; name=\"use\"\r\n\r\nfile\r\n--b\r\n\
            Content-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n\x00\r\n--\xff\r\n--b--\r\n";
        let fields = Fields::parts(body, "b");
        assert_eq!(fields.text("use"), "file");
        assert_eq!(fields.bytes("image"), b"\x00\r\n--\xff");
        assert_eq!(fields.bytes("other"), b"");
    }

    #[test]
    fn a_body_that_ends_too_soon_has_the_parts_before() {
        let body = b"--b\r\nContent-Disposition: form-data; name=\"use\"\r\n\r\nfile\r\n--b\r\nContent-Disp";
        assert_eq!(Fields::parts(body, "b").text("use"), "file");
        for body in [&b""[..], b"--b", b"--b--", b"--b\r\n", b"--b\r\n\r\n\r\n--b--", b"\r\n--b\r\n"] {
            assert_eq!(Fields::parts(body, "b"), Fields::default(), "{}", body.escape_ascii());
        }
    }

    #[test]
    fn a_boundary_may_be_quoted() {
        for (content_type, expected) in [
            ("multipart/form-data; boundary=abc", Some("abc")),
            ("multipart/form-data; charset=utf-8; Boundary=\"a b\"", Some("a b")),
            ("multipart/form-data; boundary=", None),
            ("multipart/form-data", None),
        ] {
            assert_eq!(boundary(content_type), expected, "{content_type}");
        }
    }
}
