//! Requests that no client should send, from a seed: the same every time.

use http::Method;
use serde_json::{Value, json};
use understudy::http::AnyProvider;
use understudy::world::rng::Rng;

/// A request, and what is needed to judge the answer.
#[derive(Debug, Clone)]
pub(crate) struct Malformed {
    pub(crate) method: Method,
    /// Path and query below the provider's base.
    pub(crate) target: String,
    /// The request, byte by byte.
    pub(crate) bytes: Vec<u8>,
    /// Whether it is HTTP at all. What is not need not reach a provider.
    pub(crate) is_http: bool,
}

/// Makes requests to one provider.
pub(crate) struct Generator {
    rng: Rng,
    slug: &'static str,
    routes: Vec<(Method, &'static str)>,
    /// Header lines that let a request in.
    keys: &'static [&'static str],
}

const WORDS: [&str; 22] = [
    "x",
    "0",
    "-1",
    "99999999999999999999",
    "null",
    "true",
    "%00",
    "%ff%fe",
    "%2e%2e%2f",
    "..",
    "%",
    "+",
    "a%20b",
    "%F0%9F%92%A9",
    "'--",
    "%22%3E%3Cscript%3E",
    "{id}",
    "*",
    "11111111-1111-4111-8111-000000000002",
    "1.5e308",
    "2026-02-30T25:61:61Z",
    "party::80f6",
];

const MEDIA_TYPES: [&str; 9] = [
    "application/json",
    "application/json; charset=utf-16",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "application/octet-stream",
    "nonsense",
    ";;;=",
];

impl Generator {
    pub(crate) fn new(provider: &dyn AnyProvider, seed: u64) -> Self {
        let slug = provider.about().slug;
        let keys: &[&str] = match slug {
            "verified" => &["authorization: Bearer yVg3LEnF08y0MDmpHcPxB+sZWFcDARmPRKdY2M906ng="],
            "publicmint" => &["apikey: pmSandboxAppA0000000000000000001"],
            _ => &["authorization: Bearer x", "apikey: x", "licensekey: x"],
        };
        let routes = provider.operations().iter().map(|one| (one.method.clone(), one.path)).collect();
        Self { rng: Rng::new(seed, 0), slug, routes, keys }
    }

    fn one_of<T: Clone>(&mut self, list: &[T]) -> T {
        list[usize::try_from(self.rng.below(list.len() as u64)).unwrap()].clone()
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.rng.below(100) < percent
    }

    /// The next request.
    pub(crate) fn next(&mut self) -> Malformed {
        let routes = self.routes.clone();
        let (mut method, template) = self.one_of(&routes);
        let mut path: Vec<String> = Vec::new();
        for segment in template.split('/') {
            let word = self.one_of(&WORDS).to_owned();
            let replace = segment.contains('{') || self.chance(5);
            path.push(if replace && !segment.is_empty() { word } else { segment.to_owned() });
        }
        let mut target = path.join("/");
        if self.chance(5) {
            target += &format!("/{}", self.one_of(&WORDS));
        }
        if self.chance(30) {
            let names = ["page", "limit", "email", "status", "type", "code", "sort", "a[b]", "%ff", ""];
            for separator in ["?", "&"] {
                target += &format!("{separator}{}={}", self.one_of(&names), self.one_of(&WORDS));
            }
        }
        if self.chance(10) {
            method = self.one_of(&[Method::GET, Method::PUT, Method::PATCH, Method::DELETE, Method::POST]);
        }
        let body = if method == Method::GET { Vec::new() } else { self.body() };
        let mut head = format!("{method} /{}{target} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n", self.slug, body.len());
        if self.chance(80) {
            for key in self.keys {
                head += &format!("{key}\r\n");
            }
        }
        if self.chance(90) {
            let media_type = if self.chance(60) { MEDIA_TYPES[0] } else { self.one_of(&MEDIA_TYPES) };
            head += &format!("content-type: {media_type}\r\n");
        }
        if self.chance(10) {
            let lines = ["accept: \u{1}", "accept-language: ,;q=x", "cookie: =;=;", "if-none-match: *", "range: bytes=9-1", "x: y"];
            head += &format!("{}\r\n", self.one_of(&lines).replace('\u{1}', "*"));
        }
        let mut bytes = format!("{head}\r\n").into_bytes();
        bytes.extend_from_slice(&body);
        let is_http = !self.chance(4);
        if !is_http {
            self.damage(&mut bytes);
        }
        Malformed { method, target, bytes, is_http }
    }

    /// Puts other bytes somewhere into the first two lines.
    fn damage(&mut self, bytes: &mut Vec<u8>) {
        let place = usize::try_from(self.rng.below(60.min(bytes.len() as u64))).unwrap();
        let junk = self.one_of(&[&b"\0"[..], b"\r\n", b" ", b"\xff", b"\r\n\r\n", b":", b"HTTP/9.9"]);
        bytes.splice(place..=place, junk.iter().copied());
    }

    fn body(&mut self) -> Vec<u8> {
        match self.rng.below(12) {
            0 => Vec::new(),
            1 => b"{".to_vec(),
            2 => self.rng.bytes::<64>().to_vec(),
            3 => [b"[".repeat(5000), b"]".repeat(5000)].concat(),
            4 => b"{\"a\":1}{\"a\":2}".to_vec(),
            5 => b"{\"email\":\"\xff\xfe\"}".to_vec(),
            6 => b"a=b&a=%ff&=&c".to_vec(),
            7 => b"--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nabc\r\n--x".to_vec(),
            8 => {
                let whole = self.object(3).to_string();
                let end = usize::try_from(self.rng.below(whole.len() as u64)).unwrap();
                whole.into_bytes()[..end].to_vec()
            }
            _ => self.object(3).to_string().into_bytes(),
        }
    }

    /// An object with fields that some operation knows, and values that none does.
    fn object(&mut self, depth: u32) -> Value {
        const FIELDS: [&str; 34] = [
            "email",
            "phone",
            "credentials",
            "type",
            "data",
            "id",
            "name",
            "address",
            "birthday",
            "documents",
            "tax",
            "connection",
            "author",
            "recordId",
            "did",
            "thid",
            "claims",
            "invitation",
            "key_peer1",
            "partyId",
            "providers",
            "credentialIds",
            "expiresIn",
            "sessionId",
            "data1",
            "schema",
            "aSchema",
            "version",
            "seedPhrase",
            "challenge",
            "redirectUrl",
            "credentialRequests",
            "__proto__",
            "",
        ];
        let count = self.rng.below(6);
        let pairs = (0..count).map(|_| (self.one_of(&FIELDS).to_owned(), self.value(depth)));
        Value::Object(pairs.collect())
    }

    fn value(&mut self, depth: u32) -> Value {
        match self.rng.below(14) {
            0 => Value::Null,
            1 => json!(self.chance(50)),
            2 => json!(-1),
            3 => json!(u64::MAX),
            4 => json!(1.5e300),
            5 => json!(""),
            6 => json!("\u{0}\u{1f4a9}\u{202e}"),
            7 => json!("x".repeat(usize::try_from(self.rng.below(5000)).unwrap())),
            8 | 9 if depth > 0 => self.object(depth - 1),
            10 | 11 if depth > 0 => {
                let count = self.rng.below(4);
                (0..count).map(|_| self.value(depth - 1)).collect()
            }
            _ => json!(self.one_of(&WORDS)),
        }
    }
}
