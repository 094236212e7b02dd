//! Chance, reproducible: ids, tokens and keys come from here and from nowhere else.

use rand::rngs::ChaCha20Rng;
use rand::{Rng as _, SeedableRng as _};
use uuid::Uuid;

/// The random source of one request or timer: `ChaCha20` under the world's seed, on the stream that the request's number names.
///
/// The whole state of chance in a world is thus two integers, and a draw in one request never disturbs another's.
#[derive(Debug)]
pub struct Rng {
    seed: u64,
    stream: u64,
    source: Option<ChaCha20Rng>,
}

impl Rng {
    /// The source of request (or timer) number `stream` in a world with this seed. Nothing is computed until the first draw.
    pub fn new(seed: u64, stream: u64) -> Self {
        Self { seed, stream, source: None }
    }

    /// Another stream under the same seed, counted from the last.
    pub(super) fn sibling(&self, stream: u64) -> Self {
        Self::new(self.seed, u64::MAX - stream)
    }

    /// The generator itself, for what the methods below do not cover.
    pub fn source(&mut self) -> &mut ChaCha20Rng {
        self.source.get_or_insert_with(|| {
            let mut source = ChaCha20Rng::seed_from_u64(self.seed);
            source.set_stream(self.stream);
            source
        })
    }

    /// Random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.source().fill_bytes(&mut bytes);
        bytes
    }

    /// A random (version 4) UUID.
    pub fn uuid(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid()
    }

    /// A number from 0 up to but not including `bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // Multiplying instead of dividing keeps the bias below bound / 2^64.
        let wide = u128::from(self.source().next_u64()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// Random lower-case hexadecimal digits for `N` bytes.
    pub fn hex<const N: usize>(&mut self) -> String {
        let digits = |byte: u8| [byte >> 4, byte & 15].map(|half| char::from_digit(half.into(), 16).unwrap_or_default());
        self.bytes::<N>().into_iter().flat_map(digits).collect()
    }

    /// A random code of `digits` decimal digits (at most 18), with leading zeros.
    pub fn code(&mut self, digits: u32) -> String {
        let width = digits.min(18);
        let value = self.below(10_u64.pow(width));
        format!("{value:0width$}", width = usize::try_from(width).unwrap_or(18))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_stream_give_the_same_draws_and_others_give_others() {
        assert_eq!(Rng::new(1, 2).uuid(), Rng::new(1, 2).uuid());
        assert_ne!(Rng::new(1, 2).uuid(), Rng::new(1, 3).uuid());
        assert_ne!(Rng::new(2, 2).uuid(), Rng::new(1, 2).uuid());
        assert_eq!(Rng::new(1, 2).uuid().get_version_num(), 4);
    }

    #[test]
    fn codes_have_their_width_and_bounds_hold() {
        let mut rng = Rng::new(7, 0);
        for _ in 0..1000 {
            assert_eq!(rng.code(6).len(), 6);
            assert!(rng.below(5) < 5);
        }
        assert_eq!(rng.below(0), 0);
    }
}
