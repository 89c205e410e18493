//! The same bits on any number of threads, and none depends on the pool.

use layerwise_tensor::Scalar;
use layerwise_tensor::kernel::{Par, team};

use crate::common::Work;

/// Empty, below and above every cut-over, with ragged tiles.
const SHAPES: [[usize; 3]; 7] =
    [[0, 3, 4], [3, 0, 4], [3, 4, 0], [3, 5, 7], [65, 130, 257], [300, 100, 515], [129, 784, 300]];

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    check::<f32>();
    check::<f64>();
}

fn check<T: Scalar>() {
    for [batch, inputs, outputs] in SHAPES {
        let work = || Work::<T>::new(7, batch, inputs, outputs);
        let alone = work().bits(Par::Seq);
        assert!(work().bits(Par::Auto) == alone, "{batch} x {inputs} x {outputs} outside any pool");
        for threads in [1, 2, 3, 8] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a small pool");
            for par in [Par::Seq, Par::Auto] {
                let bits = pool.install(|| work().bits(par));
                assert!(bits == alone, "{batch} x {inputs} x {outputs}, {threads} threads, {par:?}");
                let bits = pool.install(|| team(|| work().bits(par)));
                assert!(bits == alone, "{batch} x {inputs} x {outputs}, a team of {threads}, {par:?}");
            }
        }
    }
}
