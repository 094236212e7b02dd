//! DIDs of method `prism`: the operations that make and change them, and the two forms of their names.
//!
//! Source: <https://github.com/input-output-hk/prism-did-method-spec>, as of 2024-10.

mod wire;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::hex;

use wire::{Value, fields, put_bytes, put_number, wrapped};

/// The curve of every key that is made here.
pub(crate) const SECP256K1: &str = "secp256k1";

/// What a key of a DID is for. The numbers are those of the method's messages and of derivation paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Usage {
    /// Signs operations on the DID itself.
    Master = 1,
    /// Signs credentials (assertion method).
    Issuing = 2,
    /// Agrees on keys.
    KeyAgreement = 3,
    /// Proves control of the DID.
    Authentication = 4,
    /// Revokes credentials.
    Revocation = 5,
    /// Invokes capabilities.
    CapabilityInvocation = 6,
    /// Delegates capabilities.
    CapabilityDelegation = 7,
}

impl Usage {
    /// Its number.
    pub(crate) fn number(self) -> u8 {
        self as u8
    }

    /// The usage with this number.
    pub(crate) fn of_number(number: u64) -> Option<Self> {
        Some(match number {
            1 => Self::Master,
            2 => Self::Issuing,
            3 => Self::KeyAgreement,
            4 => Self::Authentication,
            5 => Self::Revocation,
            6 => Self::CapabilityInvocation,
            7 => Self::CapabilityDelegation,
            _ => return None,
        })
    }
}

/// A public key of a DID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicKey {
    /// Its name within the DID (`key-1`).
    pub id: String,
    /// What it is for.
    pub usage: Usage,
    /// Its curve (`secp256k1`).
    pub curve: String,
    /// The key: in compressed SEC1 form for curves that have one.
    pub data: Vec<u8>,
}

/// A service of a DID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Service {
    /// Its name within the DID.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// Where it is: a URI, or JSON.
    pub endpoint: String,
}

/// What a DID was created with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// Keys, in the order of the operation.
    pub keys: Vec<PublicKey>,
    /// Services, in the order of the operation.
    pub services: Vec<Service>,
}

/// A DID by one of its two names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Did {
    /// The part that both names have: the hash of the operation, in lower-case hexadecimal.
    pub suffix: String,
    /// The operation and what it says, in the long form.
    pub long: Option<(Vec<u8>, State)>,
}

impl Did {
    /// `did:prism:<suffix>`.
    pub(crate) fn short(&self) -> String {
        short(&self.suffix)
    }
}

/// Why a text is no DID of this method, in the words of the agent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseError {
    #[error("DID syntax must start with 'did:' prefix")]
    NotDid,
    #[error("Expected DID to have method prism, but got \"{0}\" instead")]
    Method(String),
    #[error("Provided DID is not a valid PRISM DID")]
    Syntax,
    #[error("Canonical suffix does not match the computed state")]
    Suffix,
    #[error("Invalid long form Prism DID encoded state")]
    State,
}

/// Reads the short or the long form of a DID; of the latter the hash is checked.
pub(crate) fn parse(text: &str) -> Result<Did, ParseError> {
    let rest = text.strip_prefix("did:").ok_or(ParseError::NotDid)?;
    let (method, rest) = rest.split_once(':').unwrap_or((rest, ""));
    if method != "prism" {
        return Err(ParseError::Method(method.to_owned()));
    }
    let (suffix, state) = rest.split_once(':').map_or((rest, None), |(suffix, state)| (suffix, Some(state)));
    if suffix.len() != 64 || !suffix.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
        return Err(ParseError::Syntax);
    }
    let long = match state {
        None => None,
        Some(state) => {
            let operation = BASE64_URL_SAFE_NO_PAD.decode(state).map_err(|_| ParseError::Syntax)?;
            if hash(&operation) != suffix {
                return Err(ParseError::Suffix);
            }
            let state = decode_create(&operation).ok_or(ParseError::State)?;
            Some((operation, state))
        }
    };
    Ok(Did { suffix: suffix.to_owned(), long })
}

/// `did:prism:<suffix>`.
pub(crate) fn short(suffix: &str) -> String {
    format!("did:prism:{suffix}")
}

/// The long form of the DID that `operation` creates.
pub(crate) fn long(operation: &[u8]) -> String {
    format!("did:prism:{}:{}", hash(operation), BASE64_URL_SAFE_NO_PAD.encode(operation))
}

/// The SHA-256 hash of an operation, in lower-case hexadecimal: the suffix of a DID, or the version that an update makes.
pub(crate) fn hash(operation: &[u8]) -> String {
    hex(Sha256::digest(operation))
}

/// The operation that creates a DID with these keys.
pub(crate) fn create_operation(keys: &[PublicKey]) -> Vec<u8> {
    let mut data = Vec::new();
    for key in keys {
        put_bytes(&mut data, 2, &encode_key(key));
    }
    wrapped(1, &wrapped(1, &data))
}

/// The operation that adds a key to the DID with this suffix; `previous` is the hash of the operation before.
pub(crate) fn add_key_operation(previous: &str, suffix: &str, key: &PublicKey) -> Vec<u8> {
    let digits: Vec<u8> = previous.bytes().filter_map(|digit| char::from(digit).to_digit(16)?.try_into().ok()).collect();
    let previous: Vec<u8> = digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| (byte << 4) | digit)).collect();
    let mut update = Vec::new();
    put_bytes(&mut update, 1, &previous);
    put_bytes(&mut update, 2, suffix.as_bytes());
    put_bytes(&mut update, 3, &wrapped(1, &wrapped(1, &encode_key(key))));
    wrapped(2, &update)
}

fn encode_key(key: &PublicKey) -> Vec<u8> {
    let mut compressed = Vec::new();
    put_bytes(&mut compressed, 1, key.curve.as_bytes());
    put_bytes(&mut compressed, 2, &key.data);
    let mut out = Vec::new();
    put_bytes(&mut out, 1, key.id.as_bytes());
    put_number(&mut out, 2, u64::from(key.usage.number()));
    put_bytes(&mut out, 9, &compressed);
    out
}

/// What the operation creates; none when it is no such operation.
fn decode_create(operation: &[u8]) -> Option<State> {
    let create = message(operation, 1)?;
    let data = message(create, 1)?;
    let mut state = State::default();
    for (field, value) in fields(data)? {
        match (field, value) {
            (2, Value::Bytes(key)) => state.keys.push(decode_key(key)?),
            (3, Value::Bytes(service)) => {
                let endpoint = text(service, 3)?;
                state.services.push(Service { id: text(service, 1)?, kind: text(service, 2)?, endpoint });
            }
            _ => {}
        }
    }
    Some(state)
}

fn decode_key(key: &[u8]) -> Option<PublicKey> {
    let usage = fields(key)?.into_iter().find_map(|(field, value)| match (field, value) {
        (2, Value::Number(number)) => Usage::of_number(number),
        _ => None,
    })?;
    let (curve, data) = match (message(key, 9), message(key, 8)) {
        (Some(compressed), _) => (text(compressed, 1)?, message(compressed, 2)?.to_vec()),
        (None, Some(point)) => {
            let (x, y) = (message(point, 2)?, message(point, 3).unwrap_or_default());
            // Uncompressed SEC1 where there is a y, the bare x otherwise.
            let data = if y.is_empty() { x.to_vec() } else { [&[4], x, y].concat() };
            (text(point, 1)?, data)
        }
        (None, None) => return None,
    };
    Some(PublicKey { id: text(key, 1)?, usage, curve, data })
}

/// The bytes of a field; the last, where it comes twice.
fn message(from: &[u8], number: u64) -> Option<&[u8]> {
    fields(from)?.into_iter().rev().find_map(|(field, value)| match value {
        Value::Bytes(bytes) if field == number => Some(bytes),
        _ => None,
    })
}

fn text(from: &[u8], number: u64) -> Option<String> {
    String::from_utf8(message(from, number)?.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::{bip39, es256k, hd_key};

    const SUFFIX_A: &str = "82261bcc9dcafca698486a1b80924b07bf439d17fe611db2523273ad369e8dfa";
    const LONG_A: &str = "did:prism:82261bcc9dcafca698486a1b80924b07bf439d17fe611db2523273ad369e8dfa:CnoKeBI5CgVrZXktMRAESi4KCXNlY3AyNTZrMRIhA3JC3h_myAwpk0alqFYDe4ixsf2ETyAYs8X-3gazHRwUEjsKB21hc3RlcjAQAUouCglzZWNwMjU2azESIQICj7l8YuRU-Gjo3jo-622s0Q2h-x-6I6AUqyt3Atv6eg";
    const LONG_B: &str = "did:prism:b2579c2278605d6b77bdb5019f2fe23bade92c320c0910fdca15817140bad684:CnwKehI7Cgdpc3N1ZS0xEAJKLgoJc2VjcDI1NmsxEiEDWqLyvi_SLT_za4M8o3nV9KARlFxcHOEKa1QN0tO6WVQSOwoHbWFzdGVyMBABSi4KCXNlY3AyNTZrMRIhAu_lgDUANOXwUXqaIZbI2yELFUHQ204Z-mW_cEdJjlrj";
    const LONG_H: &str = "did:prism:b1ed63efd21ec8d0a582dc64f87e834f8f1180080e544b3a9b0473dfb78c4560:CnoKeBI5CgVrZXktMRAESi4KCXNlY3AyNTZrMRIhAiN0CpoL_9RpmQ1ImtfnHqQRFrre-4fLO_Kl_xdEGc06EjsKB21hc3RlcjAQAUouCglzZWNwMjU2azESIQPsVxuzdV5oWCbZUp5RLkRoQfXqtU4jPjnIIbOt3sE4LA";

    fn key(phrase: &str, id: &str, usage: Usage, did: u32) -> PublicKey {
        let private = hd_key::derive(&bip39::seed(phrase), &[29, 29, did, u32::from(usage.number()), 0]).unwrap();
        let data = es256k::public_key(&private).unwrap().to_vec();
        PublicKey { id: id.to_owned(), usage, curve: SECP256K1.to_owned(), data }
    }

    #[test]
    fn known_dids_follow_from_their_phrases() {
        let alice = "arena side web oyster color female eye surround put motion crumble people host wrist use";
        let bob = "victory lumber heart diamond orient moment love cute action perfect drive control holiday grant warrior";
        for (phrase, id, usage, did, expected) in [
            (alice, "key-1", Usage::Authentication, 0, LONG_A),
            (alice, "issue-1", Usage::Issuing, 1, LONG_B),
            (bob, "key-1", Usage::Authentication, 0, LONG_H),
        ] {
            let keys = [key(phrase, id, usage, did), key(phrase, "master0", Usage::Master, did)];
            let operation = create_operation(&keys);
            assert_eq!(long(&operation), expected);
            let (bytes, state) = parse(expected).unwrap().long.unwrap();
            assert_eq!((bytes, state.keys), (operation, keys.to_vec()), "{id}");
        }
        let added = add_key_operation(SUFFIX_A, SUFFIX_A, &key(alice, "issue-2", Usage::Issuing, 0));
        assert_eq!(hash(&added), "c5ddd53d3d381a4fb6044e12b242757d034957b53f102a237f109861b838b24f");
    }

    #[test]
    fn texts_that_are_no_did_are_refused_with_their_reason() {
        let other_state = LONG_A.replace(SUFFIX_A, &SUFFIX_A.replace('8', "9"));
        let no_operation = format!("did:prism:{}:AAAA", hash(&[0, 0, 0]));
        for (text, reason) in [
            ("", ParseError::NotDid),
            ("prism:x", ParseError::NotDid),
            ("did:peer:2.x", ParseError::Method("peer".to_owned())),
            ("did:", ParseError::Method(String::new())),
            ("did:prism", ParseError::Syntax),
            ("did:prism:82", ParseError::Syntax),
            (&short(&SUFFIX_A.to_uppercase()), ParseError::Syntax),
            (&format!("{LONG_A}:x"), ParseError::Syntax),
            (&format!("{LONG_A}="), ParseError::Syntax),
            (&other_state, ParseError::Suffix),
            (&no_operation, ParseError::State),
        ] {
            assert_eq!(parse(text), Err(reason), "{text}");
        }
        assert_eq!(parse(&short(SUFFIX_A)).unwrap().long, None);
        assert_eq!(parse(LONG_A).unwrap().short(), short(SUFFIX_A));
    }

    #[test]
    fn keys_of_other_forms_and_services_are_read() {
        let mut point = Vec::new();
        put_bytes(&mut point, 1, b"secp256k1");
        put_bytes(&mut point, 2, &[1; 32]);
        put_bytes(&mut point, 3, &[2; 32]);
        let mut key = Vec::new();
        put_bytes(&mut key, 1, b"k");
        put_number(&mut key, 2, 3);
        put_bytes(&mut key, 8, &point);
        let mut service = Vec::new();
        put_bytes(&mut service, 1, b"s");
        put_bytes(&mut service, 2, b"LinkedDomains");
        put_bytes(&mut service, 3, b"https://a.example");
        let mut data = Vec::new();
        put_bytes(&mut data, 2, &key);
        put_bytes(&mut data, 3, &service);
        let (_, state) = parse(&long(&wrapped(1, &wrapped(1, &data)))).unwrap().long.unwrap();
        let [key] = state.keys.as_slice() else { panic!("{state:?}") };
        assert_eq!((key.usage, key.data.len(), key.data[0]), (Usage::KeyAgreement, 65, 4));
        assert_eq!(state.services[0].endpoint, "https://a.example");
    }

    proptest! {
        #[test]
        fn no_text_makes_parsing_panic(state: Vec<u8>, text: String) {
            let _ = parse(&text);
            let _ = parse(&long(&state));
        }
    }
}
