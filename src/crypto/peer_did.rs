//! Pairwise DIDs of method `peer`, variant 2, with one `DIDComm` service.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use curve25519_dalek::{EdwardsPoint, MontgomeryPoint};
use sha2::{Digest as _, Sha512};

/// Multicodec prefixes of the two kinds of public key.
const X25519: [u8; 2] = [0xec, 0x01];
const ED25519: [u8; 2] = [0xed, 0x01];

/// The DID of two random private keys: one agrees on keys (X25519), one authenticates (Ed25519).
pub(crate) fn generate(agreement: [u8; 32], authentication: [u8; 32], service_uri: &str) -> String {
    let agreement = MontgomeryPoint::mul_base_clamped(agreement).to_bytes();
    let expanded: [u8; 64] = Sha512::digest(authentication).into();
    let authentication = expanded.first_chunk().copied().map(EdwardsPoint::mul_base_clamped).unwrap_or_default();
    of_keys(&agreement, &authentication.compress().to_bytes(), service_uri)
}

fn of_keys(agreement: &[u8; 32], authentication: &[u8; 32], service_uri: &str) -> String {
    let multibase = |prefix: [u8; 2], key: &[u8; 32]| bs58::encode([prefix.as_slice(), key].concat()).into_string();
    let service = format!(r#"{{"t":"dm","s":{{"uri":"{service_uri}","r":[],"a":["didcomm/v2"]}}}}"#);
    format!(
        "did:peer:2.Ez{}.Vz{}.S{}",
        multibase(X25519, agreement),
        multibase(ED25519, authentication),
        BASE64_URL_SAFE_NO_PAD.encode(service)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "http://host.docker.internal:8100/didcomm";

    fn key(hex: &str) -> [u8; 32] {
        std::array::from_fn(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap())
    }

    #[test]
    fn dids_of_known_keys_are_written() {
        let service = ".SeyJ0IjoiZG0iLCJzIjp7InVyaSI6Imh0dHA6Ly9ob3N0LmRvY2tlci5pbnRlcm5hbDo4MTAwL2RpZGNvbW0iLCJyIjpbXSwiYSI6WyJkaWRjb21tL3YyIl19fQ";
        for (agreement, authentication, did) in [
            (
                "e188ceba37fde13446e9207e8494acff12128486f62f80e3ea9e14692d008a28",
                "7d649e25114d5934dd4d0a4fe6f9dc73f28e0f348587b06fadc5f6d4379a3982",
                "did:peer:2.Ez6LSrrZtb7PBoYxm4C1fikmNF1j5gNVhSo1jc1dSBxzHQVQB.Vz6MkntjzdvQSRb4eMXQKPTyyGFxDeoWao5ZcVvHBwxeBHVaR",
            ),
            (
                "7fd5a93d5244666f549cbc76ec2c2e43a316c6cc3e268fb4199ed3a90e3ff842",
                "fb2751d06fc2d732b3b2fb53e6f97b48934e66d3ff51d17cf074986dd59b17cd",
                "did:peer:2.Ez6LSkHBuUacYpyxudzm7Xv6dueui99PoZRtp7AuLBxYrb14M.Vz6MkwMf9mnGajmPyXMEDTdm19Uh2QBdKKfH3K4AQMeVy1USQ",
            ),
        ] {
            assert_eq!(of_keys(&key(agreement), &key(authentication), URI), format!("{did}{service}"));
        }
    }

    #[test]
    fn keys_follow_from_the_random_bytes() {
        // The second pair of keys is that of RFC 8032, 7.1, test 1.
        let authentication = key("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let public = key("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        let did = generate([7; 32], authentication, URI);
        let multibase = bs58::encode([ED25519.as_slice(), &public].concat()).into_string();
        assert!(did.contains(&format!(".Vz{multibase}.")), "{did}");
    }
}
