//! Philox4x32-10 (J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011).

/// The low half: words are kept in 64-bit lanes whose upper halves may hold anything until they are masked,
/// because a product of two masked lanes is one instruction on every vector level while a 32-bit high product is several.
const LOW: u64 = 0xffff_ffff;

/// The four output words of the block `(place << 64) | counter` under `key`.
#[inline(always)]
pub(super) fn block(key: u64, counter: u64, place: u64) -> [u64; 4] {
    let (mut k0, mut k1) = (key & LOW, key >> 32);
    let [mut c0, mut c1, mut c2, mut c3] = [counter, counter >> 32, place, place >> 32];
    for _ in 0..10 {
        let p0 = (c0 & LOW) * 0xD251_1F53;
        let p1 = (c2 & LOW) * 0xCD9E_8D57;
        (c0, c1, c2, c3) = ((p1 >> 32) ^ c1 ^ k0, p1, (p0 >> 32) ^ c3 ^ k1, p0);
        k0 = k0.wrapping_add(0x9E37_79B9);
        k1 = k1.wrapping_add(0xBB67_AE85);
    }
    [c0 & LOW, c1 & LOW, c2 & LOW, c3 & LOW]
}

/// The same four words as two, the earlier word in the upper half.
#[inline(always)]
pub(super) fn block_of_two(key: u64, counter: u64, place: u64) -> [u64; 2] {
    let [a, b, c, d] = block(key, counter, place);
    [a << 32 | b, c << 32 | d]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `kat_vectors` of Random123: counter, key, output.
    #[test]
    fn known_answers() {
        for (c, k, out) in [
            ([0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([LOW, LOW, LOW, LOW], [LOW, LOW], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ] {
            assert_eq!(block(k[0] | k[1] << 32, c[0] | c[1] << 32, c[2] | c[3] << 32), out);
        }
    }

    #[test]
    fn agrees_with_another_implementation() {
        let mut x = 1u64;
        for _ in 0..1000 {
            let [key, counter, place] = [(); 3].map(|()| {
                x = x.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
                x ^ (x >> 29)
            });
            let halves = |v: u64| [v as u32, (v >> 32) as u32];
            let ([c0, c1], [c2, c3]) = (halves(counter), halves(place));
            let other = rand_philox::philox4x32_10([c0, c1, c2, c3], halves(key));
            assert_eq!(block(key, counter, place), other.map(u64::from));
        }
    }
}
