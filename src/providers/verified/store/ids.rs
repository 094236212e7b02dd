//! Ids that tell in which row their credential is kept, so that neither issuing nor reading one needs an index of ids.
//!
//! An id is a version 4 UUID: 74 random bits, and behind them the row's 48 under a mask that the random ones make. Nobody sees that
//! there is anything in it, and nobody has to know: an id that a client or a fixture chose is found by an index.

use uuid::Uuid;

use crate::world::rng::Rng;

/// How many bits of an id tell the row: its last ones, which are free in every UUID.
const ROW_BITS: u32 = 48;
const ROW: u64 = (1 << ROW_BITS) - 1;

/// A new id for a credential, or for a part of one, in this row.
pub(in super::super) fn fresh(rng: &mut Rng, row: i64) -> String {
    let (high, low) = rng.uuid().as_u64_pair();
    let row = row.cast_unsigned() & ROW;
    Uuid::from_u64_pair(high, (low & !ROW) | (row ^ mask(high, low))).to_string()
}

/// The row that an id tells. One that was not made by [`fresh`] tells any.
pub(super) fn row(id: Uuid) -> i64 {
    let (high, low) = id.as_u64_pair();
    ((low & ROW) ^ mask(high, low)).cast_signed()
}

/// What hides a row: bits that look like chance, made from all bits of the id before it (with the finalizer of `SplitMix64`).
fn mask(high: u64, low: u64) -> u64 {
    let mut mixed = high ^ (low >> ROW_BITS).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) & ROW
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn an_id_is_a_random_uuid_that_tells_its_row() {
        let mut rng = Rng::new(7, 1);
        let mut tails = BTreeSet::new();
        for number in [0, 1, 2, 3, 1_000_000, ROW.cast_signed()].repeat(50) {
            let id = Uuid::try_parse(&fresh(&mut rng, number)).unwrap();
            assert_eq!((row(id), id.get_version_num(), id.get_variant()), (number, 4, uuid::Variant::RFC4122));
            tails.insert(id.as_u64_pair().1 & ROW);
        }
        assert_eq!(tails.len(), 300, "the same row looks different in each id");
        for bit in 0..ROW_BITS {
            let set = tails.iter().filter(|tail| **tail >> bit & 1 == 1).count();
            assert!((100..200).contains(&set), "bit {bit} is set in {set} of 300");
        }
    }

    #[test]
    fn a_row_past_all_bits_is_another_in_its_id() {
        let id = Uuid::try_parse(&fresh(&mut Rng::new(7, 1), 1 << ROW_BITS)).unwrap();
        assert_eq!(row(id), 0);
    }
}
