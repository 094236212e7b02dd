//! An exchange as the journal keeps it: small, and apart from the buffers that it came in.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};

use super::{Entry, Note};
use crate::world::faults::Connection;

/// What an exchange counts beside its texts and bodies.
const OWN_BYTES: usize = 512;

/// A body up to this size is copied: a longer one has a buffer nearly to itself.
const COPIED: usize = 16 * 1024;

/// An exchange whose texts stand in one piece of memory. A [`HeaderMap`] of a request is made of slices of the buffer that the
/// connection reads into: were it kept, each request would cost its connection a new buffer.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) id: u64,
    pub(super) at: DateTime<Utc>,
    took: Duration,
    pub(super) provider: &'static str,
    pub(super) operation: Option<&'static str>,
    pub(super) method: Method,
    version: Version,
    scheme: &'static str,
    pub(super) status: StatusCode,
    request_body: Bytes,
    response_body: Bytes,
    faults: Vec<u64>,
    connection: Option<Connection>,
    /// Authority, target, path, headers of the request, headers of the answer.
    texts: Vec<u8>,
    /// Where each of them but the last ends.
    ends: [usize; 4],
}

impl Kept {
    /// `room` is memory for its texts, empty or not.
    pub(super) fn new(id: u64, note: Note<'_>, room: Vec<u8>) -> Self {
        let Note { authority, target, path, request_headers, response_headers, request_body, .. } = note;
        let target = target.as_str();
        let known = authority.len() + target.len() + path.len();
        let mut texts = room;
        texts.clear();
        texts.reserve_exact(known + packed_size(request_headers) + response_headers.map_or(0, packed_size));
        let mut add = |text: &str| {
            texts.extend_from_slice(text.as_bytes());
            texts.len()
        };
        let [authority_end, target_end, path_end] = [authority, target, path].map(&mut add);
        pack(request_headers, &mut texts);
        let request_end = texts.len();
        if let Some(headers) = response_headers {
            pack(headers, &mut texts);
        }
        Self {
            id,
            at: note.at,
            took: note.took,
            provider: note.provider,
            operation: note.operation,
            method: note.method.clone(),
            version: note.version,
            scheme: note.scheme,
            status: note.status,
            request_body: if request_body.len() > COPIED { request_body.clone() } else { Bytes::copy_from_slice(request_body) },
            response_body: note.response_body,
            faults: note.faults,
            connection: note.connection,
            texts,
            ends: [authority_end, target_end, path_end, request_end],
        }
    }

    /// The memory of its texts, for others.
    pub(super) fn into_room(self) -> Vec<u8> {
        self.texts
    }

    pub(super) fn size(&self) -> usize {
        OWN_BYTES + self.texts.capacity() + self.request_body.len() + self.response_body.len()
    }

    fn bytes(&self, from: usize, to: usize) -> &[u8] {
        self.texts.get(from..to).unwrap_or_default()
    }

    fn text(&self, from: usize, to: usize) -> &str {
        std::str::from_utf8(self.bytes(from, to)).unwrap_or_default()
    }

    /// The path below the provider's base.
    pub(super) fn path(&self) -> &str {
        self.text(self.ends[1], self.ends[2])
    }

    /// The exchange as it is shown.
    pub(super) fn entry(&self) -> Entry {
        let [authority, target, path, request] = self.ends;
        Entry {
            id: self.id,
            at: self.at,
            took: self.took,
            provider: self.provider,
            operation: self.operation,
            method: self.method.clone(),
            version: self.version,
            scheme: self.scheme,
            authority: self.text(0, authority).to_owned(),
            target: self.text(authority, target).parse().unwrap_or_else(|_| http::uri::PathAndQuery::from_static("/")),
            path: self.text(target, path).to_owned(),
            request_headers: unpack(self.bytes(path, request)),
            request_body: self.request_body.clone(),
            status: self.status,
            response_headers: unpack(self.bytes(request, self.texts.len())),
            response_body: self.response_body.clone(),
            faults: self.faults.clone(),
            connection: self.connection,
        }
    }
}

/// Each name and each value after its length, in four bytes.
fn pack(headers: &HeaderMap, into: &mut Vec<u8>) {
    let mut add = |bytes: &[u8]| {
        into.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        into.extend_from_slice(bytes);
    };
    for (name, value) in headers {
        add(name.as_str().as_bytes());
        add(value.as_bytes());
    }
}

fn packed_size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| 8 + name.as_str().len() + value.len()).sum()
}

fn unpack(mut packed: &[u8]) -> HeaderMap {
    let mut next = || -> Option<&[u8]> {
        let (length, rest) = packed.split_first_chunk()?;
        let (bytes, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        packed = rest;
        Some(bytes)
    };
    let mut headers = HeaderMap::new();
    while let (Some(name), Some(value)) = (next(), next()) {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    headers
}
