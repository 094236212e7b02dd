//! Mnemonic phrases and the seeds that follow from them (BIP-39, English).

use std::borrow::Cow;

use bip39::Mnemonic;
use pbkdf2::pbkdf2_hmac;
use sha2::Sha512;

/// Rounds of PBKDF2 between phrase and seed.
const ROUNDS: u32 = 2048;

/// The phrase of 15 words for 20 bytes of entropy.
pub(crate) fn phrase(entropy: [u8; 20]) -> String {
    // Only lengths outside 16 to 32 bytes, or no multiple of 4, are refused.
    Mnemonic::from_entropy(&entropy).map(|mnemonic| mnemonic.to_string()).unwrap_or_default()
}

/// The seed of a phrase without a password. The phrase may be any text: neither its words nor its checksum are looked at.
pub(crate) fn seed(phrase: &str) -> [u8; 64] {
    let mut phrase = Cow::Borrowed(phrase);
    Mnemonic::normalize_utf8_cow(&mut phrase);
    let mut seed = [0; 64];
    pbkdf2_hmac::<Sha512>(phrase.as_bytes(), b"mnemonic", ROUNDS, &mut seed);
    seed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    #[test]
    fn the_published_vectors_hold() {
        // Vector of the BIP-39 reference implementation, with an empty password.
        let expected = "5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc19a5ac40b389cd370d086206dec8aa6c43daea6690f20ad3d8d48b2d2ce9e38e4";
        let phrase = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
        assert_eq!(hex(seed(phrase)), expected);
    }

    #[test]
    fn twenty_bytes_make_fifteen_words() {
        let words = phrase([0; 20]);
        assert_eq!(words, format!("{}address", "abandon ".repeat(14)));
    }
}
