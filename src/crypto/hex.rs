//! Hexadecimal digits.

use std::fmt::Write as _;

/// Bytes as lower-case hexadecimal digits.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}"); // writing to a String cannot fail
        digits
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn digits_are_lower_case_and_come_in_pairs() {
        assert_eq!(super::encode([0x00, 0x0a, 0xff]), "000aff");
    }
}
