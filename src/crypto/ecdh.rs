//! ECDH key agreement and AES-256-GCM envelopes, as the 1Kosmos helper libraries have them.
//!
//! The X coordinate of the shared point is the AES key as it is: no derivation, no hash. An envelope is the base64 of
//! a 16-byte nonce, the ciphertext and a 16-byte tag. Since the nonce is longer than GCM's usual 12 bytes, GCM
//! derives its first counter block through GHASH.

use aes_gcm::aead::consts::U16;
use aes_gcm::aead::{Aead as _, KeyInit as _, Nonce};
use aes_gcm::{AesGcm, aes::Aes256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// AES-256 in Galois/counter mode with a 16-byte nonce.
type Cipher = AesGcm<Aes256, U16>;

/// Bytes of a nonce.
pub const NONCE: usize = 16;
/// Bytes of an authentication tag.
const TAG: usize = 16;
/// Bytes of a coordinate, of a scalar and of an AES key.
const FIELD: usize = 32;

/// A named curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// secp256k1, of the SEC 2 standard.
    Secp256k1,
    /// prime256v1, also named P-256 and secp256r1.
    Prime256v1,
}

impl Curve {
    /// The curve that OpenSSL knows by this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "secp256k1" => Some(Self::Secp256k1),
            "prime256v1" => Some(Self::Prime256v1),
            _ => None,
        }
    }

    /// The name that OpenSSL gives the curve.
    pub fn name(self) -> &'static str {
        match self {
            Self::Secp256k1 => "secp256k1",
            Self::Prime256v1 => "prime256v1",
        }
    }
}

/// An AES-256 key on which two parties agreed. It has no `Debug`, so that it cannot come into a log.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedKey([u8; FIELD]);

impl SharedKey {
    /// The key itself.
    pub fn bytes(&self) -> &[u8; FIELD] {
        &self.0
    }

    /// The envelope of a plaintext under a nonce, which must not be used twice with one key.
    pub fn seal(&self, nonce: [u8; NONCE], plaintext: &[u8]) -> String {
        let mut envelope = nonce.to_vec();
        // Encryption fails only for plaintexts of 64 GiB and more, which no caller can hold.
        envelope.extend(self.cipher().encrypt(&Nonce::<Cipher>::from(nonce), plaintext).unwrap_or_default());
        STANDARD.encode(envelope)
    }

    /// The plaintext of an envelope; none when it is too short, or was not made with this key, or was changed since.
    pub fn open(&self, envelope: &[u8]) -> Option<Vec<u8>> {
        let bytes = decode_base64(envelope);
        if bytes.len() < NONCE + TAG {
            return None;
        }
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE>()?;
        self.cipher().decrypt(&Nonce::<Cipher>::from(*nonce), sealed).ok()
    }

    fn cipher(&self) -> Cipher {
        Cipher::new(&self.0.into())
    }
}

/// Agrees on a key; none when the private key is not a scalar of the curve, or the public key not a point on it.
pub fn agree(curve: Curve, private_key: &[u8], public_key: &[u8]) -> Option<SharedKey> {
    let scalar = scalar(private_key)?;
    let point = point(public_key)?;
    let shared = match curve {
        Curve::Secp256k1 => {
            let public = k256::PublicKey::from_sec1_bytes(&point).ok()?;
            let secret = k256::SecretKey::from_slice(&scalar).ok()?;
            secret.diffie_hellman(&public).raw_secret_bytes().to_vec()
        }
        Curve::Prime256v1 => {
            let public = p256::PublicKey::from_sec1_bytes(&point).ok()?;
            let secret = p256::SecretKey::from_slice(&scalar).ok()?;
            secret.diffie_hellman(&public).raw_secret_bytes().to_vec()
        }
    };
    Some(SharedKey(shared.try_into().ok()?))
}

/// The public key, base64 of X and Y, that belongs to a private key; none when that is not a scalar of the curve.
pub fn public_key(curve: Curve, private_key: &[u8]) -> Option<String> {
    let scalar = scalar(private_key)?;
    let point = match curve {
        Curve::Secp256k1 => uncompressed(&k256::SecretKey::from_slice(&scalar).ok()?.public_key()),
        Curve::Prime256v1 => uncompressed(&p256::SecretKey::from_slice(&scalar).ok()?.public_key()),
    };
    Some(STANDARD.encode(point.get(1..)?))
}

/// Whether this is the base64 of the 64 bytes X and Y of a point on the curve.
pub fn is_public_key(curve: Curve, public_key: &[u8]) -> bool {
    point(public_key).is_some_and(|point| match curve {
        Curve::Secp256k1 => k256::PublicKey::from_sec1_bytes(&point).is_ok(),
        Curve::Prime256v1 => p256::PublicKey::from_sec1_bytes(&point).is_ok(),
    })
}

/// Reads base64 as Node.js does: both alphabets, any padding or none, and whatever else stands between is skipped.
pub fn decode_base64(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for &letter in text {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => continue,
        };
        buffer = (buffer << 6 | u32::from(value)) & 0x3fff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            let [.., byte] = (buffer >> bits).to_be_bytes();
            bytes.push(byte);
        }
    }
    bytes
}

/// A scalar of 32 bytes from the base64 of a big-endian number: Node.js strips leading zeros, Java may add one.
fn scalar(private_key: &[u8]) -> Option<[u8; FIELD]> {
    let bytes = decode_base64(private_key);
    let start = bytes.iter().position(|byte| *byte != 0)?;
    let digits = bytes.get(start..)?;
    let mut scalar = [0; FIELD];
    let at = FIELD.checked_sub(digits.len())?;
    scalar.get_mut(at..)?.copy_from_slice(digits);
    Some(scalar)
}

/// The SEC 1 form of an uncompressed point from the base64 of its 64 bytes X and Y.
fn point(public_key: &[u8]) -> Option<[u8; 1 + 2 * FIELD]> {
    let bytes = decode_base64(public_key);
    if bytes.len() != 2 * FIELD {
        return None;
    }
    let mut point = [4; 1 + 2 * FIELD];
    point.get_mut(1..)?.copy_from_slice(&bytes);
    Some(point)
}

fn uncompressed<C>(key: &p256::elliptic_curve::PublicKey<C>) -> Vec<u8>
where
    C: p256::elliptic_curve::CurveArithmetic,
    p256::elliptic_curve::AffinePoint<C>: p256::elliptic_curve::sec1::FromSec1Point<C> + p256::elliptic_curve::sec1::ToSec1Point<C>,
    p256::elliptic_curve::FieldBytesSize<C>: p256::elliptic_curve::sec1::ModulusSize,
{
    use p256::elliptic_curve::sec1::ToSec1Point as _;
    key.to_sec1_point(false).as_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: (&str, &str) = (
        "GhqhEFJDKwSABTUAv+WxCsB5SiCt9FURkQsQhea+/LQ=",
        "wsd7KhsBkfwO5aARB0gXRh9TgTpIg9eXoqHe7NeeAdaOgos6dvfIY+X2QhZ0D5YNkrLS7PTnkkzLct5zXR7iaw==",
    );
    const CLIENT: (&str, &str) = (
        "T7sDtEXyuwAHIAYJ+KlmK+0xzYyOBMB7nnbBU2TmM/o=",
        "TpZM2JRhNvSRPLbVFB0m6/CJhmUnSgJlxtDOB2PC+PIJtnDNnMyrxrww3VIpYjKicbZigj/k8YvbCEGSjsJlFA==",
    );
    const P256_PUBLIC: &str = "m/CKn8koGMmgUaQbj+RGmWxcFxWNJgZ8i2yYxwfzMOYJ4LXLyz41sQyci7OAkj5cQkdxubok1a4WplGPoXPh3Q==";

    fn nonce() -> [u8; NONCE] {
        std::array::from_fn(|index| u8::try_from(index).unwrap())
    }

    fn key(private: &str, public: &str) -> SharedKey {
        agree(Curve::Secp256k1, private.as_bytes(), public.as_bytes()).unwrap()
    }

    #[test]
    fn both_sides_agree_on_the_published_key() {
        let hex = "fa45d4cd9fcce1dd79c2bb4c16d87ff868893fdc1f77286a11f4e4e0a21f435f";
        for (private, public) in [(CLIENT.0, SERVICE.1), (SERVICE.0, CLIENT.1)] {
            let key = key(private, public);
            assert_eq!(key.bytes().map(|byte| format!("{byte:02x}")).concat(), hex);
            assert_eq!(STANDARD.encode(key.bytes()), "+kXUzZ/M4d15wrtMFth/+GiJP9wfdyhqEfTk4KIfQ18=");
        }
        for (private, public) in [SERVICE, CLIENT] {
            assert_eq!(public_key(Curve::Secp256k1, private.as_bytes()).unwrap(), public);
        }
    }

    #[test]
    fn envelopes_are_those_of_the_helper_libraries() {
        let key = key(CLIENT.0, SERVICE.1);
        for (plaintext, envelope) in [
            (
                r#"{"ts":1767225600,"appid":"fixme","uuid":"3f2b8c52-6a0e-4d0b-9c53-0a5d3a1c7e11"}"#,
                "AAECAwQFBgcICQoLDA0ODwSnZWp+k/trg3ifNoNE1aBDKfVJQLqe1oeL/mNZXdYA11Cgwjjrx5f6trzezoUwfJCjlSNT85YNDUtDRou4LKqWpja2epSOvSIF9y+/jo+p87Qzv02mhy7DDgF1T0qU",
            ),
            (
                "22222222-2222-4222-8222-222222222222",
                "AAECAwQFBgcICQoLDA0OD023Iytum/humH2fNoRf0aJdObkBAuHI2Y+bqjgTAoEQyUDnharD1Zp/i04kTwkeAz0W0DQ=",
            ),
            (
                r#"{"dvcID":"default_config","sessionId":"10000000-0000-4000-8000-000000000001"}"#,
                "AAECAwQFBgcICQoLDA0ODwSndW8/4I5+j23JYdATkPwbVPdWXrWTk5+FunlEQ8BLlByc03O1x5zotercnI1jZJK+k3JOoosJWVYZW4LrNKmLpmezLpffvHECozzzojbZ/Iw2CSOss+eEwopEnQ==",
            ),
            (
                r#"{"responseStatus":"INPROGRESS","sessionId":"10000000-0000-4000-8000-000000000001"}"#,
                "AAECAwQFBgcICQoLDA0ODwSnY3wv2aUyxir+cNcGkONNMbZwfoOou/r73VlyEp8AiBemxDjgi+S8p+DOnY1jeZK+k3JOposJWVYVW4LrNKGLpmeuLpffvHECoi6+nMLzSBwieUON20DM/kgdA6BYRyDE",
            ),
            ("", "AAECAwQFBgcICQoLDA0ODxBqoFJrpc/muZPvNa67UQY="),
        ] {
            assert_eq!(key.seal(nonce(), plaintext.as_bytes()), envelope, "{plaintext}");
            assert_eq!(key.open(envelope.as_bytes()).unwrap(), plaintext.as_bytes(), "{plaintext}");
        }
    }

    #[test]
    fn a_shared_value_keeps_its_leading_zeros() {
        let public = "oeOXraHhfjDsLgjkmHLtWgTc9HVK+qi9ovkwD33wE1aYTcP3KMgPgFdDOwp0gZ32OOR1kqVOR470BneUkBnVew==";
        let private = "EIuHOBi+0zqa0+Gn4lzBm7L9r0QMaRByf1GdlU+hWEc=";
        assert_eq!(public_key(Curve::Secp256k1, private.as_bytes()).unwrap(), public);
        let key = key(private, SERVICE.1);
        assert_eq!(STANDARD.encode(key.bytes()), "AIKgce9Pcex6NZPF7fQnwNFVXInZuNWRoHas0IE6C2Q=");
        assert_eq!(key.seal(nonce(), b"leading zero"), "AAECAwQFBgcICQoLDA0ODyKtxNh/YJWDHYCehxKPr8KAzOAEhigGtSThExU=");
    }

    #[test]
    fn a_private_key_may_lack_or_have_leading_zeros() {
        let public = "wWZKRuqY0F7xRxfkOUvptIdyryfKNH5ZMlECk66fqrVpPt/QMQl4wUImqohbNTM5tNFiNEYuTYXO/4VxYXCr/g==";
        for private in [
            "AGj4HcTH3Uu/bbc8rLt3oeBVb1PZPUSat0z3oEapGMA=",
            "aPgdxMfdS79ttzysu3eh4FVvU9k9RJq3TPegRqkYwA==",
            "AABo+B3Ex91Lv223PKy7d6HgVW9T2T1EmrdM96BGqRjA",
        ] {
            assert_eq!(public_key(Curve::Secp256k1, private.as_bytes()).unwrap(), public, "{private}");
            assert_eq!(
                STANDARD.encode(key(private, SERVICE.1).bytes()),
                "KEiVJWH5u8KsgJpVHpyItx9OL7cbggB144mluTqm+0s=",
                "{private}"
            );
        }
    }

    #[test]
    fn the_other_curve_works_the_same() {
        let private = "yYe8mcS0ys+YsPEU0AOt6fcoaH1pgUl48QsHkYKS1lU=";
        assert_eq!(public_key(Curve::Prime256v1, private.as_bytes()).unwrap(), P256_PUBLIC);
        let client = "SeldBGIevSQmfJMEPEeIx/Y0AxQ2Wh41kVbwMsZ/TwQ=";
        let client_public = "dyLapFVRhwL2vqOAJH7S+iJu5AqPxNJP4fyIZVJLuvKNoh5Lvj2u6DMe9mB8Pt8iJwCst8JYe4kX0VNfgKoHPw==";
        assert_eq!(public_key(Curve::Prime256v1, client.as_bytes()).unwrap(), client_public);
        let key = agree(Curve::Prime256v1, client.as_bytes(), P256_PUBLIC.as_bytes()).unwrap();
        assert_eq!(STANDARD.encode(key.bytes()), "XbJWNlCwYhj8V667AIQnQ4sfDq+OkfANo7sMpE9wgbk=");
        assert_eq!(
            key.seal(nonce(), b"b5a7e6d0-1f4e-4c7e-9a52-0c2f6d1e8a01"),
            "AAECAwQFBgcICQoLDA0ODw9Jtj1ThM2rZg+QQtkDX6cNM4qUqK/W1Yc9tXRnoJpDEom+v1VTXYEeWmhGmnM6LiXXT9Q="
        );
    }

    #[test]
    fn what_is_no_public_key_is_refused() {
        let bytes = decode_base64(SERVICE.1.as_bytes());
        let with_prefix = STANDARD.encode([&[4_u8][..], &bytes].concat());
        let short = STANDARD.encode(&bytes[..63]);
        let off_curve = STANDARD.encode([7; 64]);
        for (name, public) in [
            ("65 bytes", with_prefix.as_str()),
            ("63 bytes", &short),
            ("not on the curve", &off_curve),
            ("of the other curve", P256_PUBLIC),
            ("empty", ""),
            ("no base64", "¿¿¿"),
        ] {
            assert!(!is_public_key(Curve::Secp256k1, public.as_bytes()), "{name}");
            assert!(agree(Curve::Secp256k1, CLIENT.0.as_bytes(), public.as_bytes()).is_none(), "{name}");
        }
        let order = STANDARD.encode([0xff; 32]);
        for private in ["", "AAAA", order.as_str(), "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=="] {
            assert!(public_key(Curve::Secp256k1, private.as_bytes()).is_none(), "{private}");
            assert!(agree(Curve::Secp256k1, private.as_bytes(), SERVICE.1.as_bytes()).is_none(), "{private}");
        }
    }

    #[test]
    fn an_envelope_that_was_changed_anywhere_does_not_open() {
        let key = key(CLIENT.0, SERVICE.1);
        let envelope = decode_base64(key.seal(nonce(), b"secret").as_bytes());
        for bit in 0..envelope.len() * 8 {
            let mut changed = envelope.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(key.open(STANDARD.encode(changed).as_bytes()).is_none(), "bit {bit}");
        }
        for length in 0..32 {
            assert!(key.open(STANDARD.encode(&envelope[..length]).as_bytes()).is_none(), "{length} bytes");
        }
    }

    #[test]
    fn base64_is_read_as_leniently_as_node_reads_it() {
        for (text, bytes) in [
            ("+/8=", &[0xfb, 0xff][..]),
            ("-_8", &[0xfb, 0xff]),
            ("-¿_\n 8==", &[0xfb, 0xff]),
            ("A", &[]),
            ("AA", &[0]),
            ("", &[]),
            ("====", &[]),
        ] {
            assert_eq!(decode_base64(text.as_bytes()), bytes, "{text}");
        }
    }
}
