//! With our own products a value has the bits of its sum, wherever it stands: a row alone, in a batch, at any width of the result.

use layerwise_tensor::kernel::{Form, Par, backend, gemm};
use layerwise_tensor::{Accum, Scalar, Stream};
use proptest::prelude::*;

use crate::size;

fn normal<T: Scalar>(name: &str, n: usize) -> Vec<T> {
    let mut values = vec![T::zero(); n];
    Stream::new(3).child(name).normal(0, &mut values);
    values
}

/// Every row and every column of a product against the product with that row or column alone.
fn check<T: Scalar>(form: Form, m: usize, n: usize, k: usize) {
    let (a, b) = (normal::<T>("a", m * k), normal::<T>("b", k * n));
    let mut whole = vec![T::zero(); m * n];
    gemm(form, m, n, k, &a, &b, Accum::Replace, &mut whole, Par::Seq);
    // Twice: what is added to must not matter either.
    gemm(form, m, n, k, &a, &b, Accum::Add, &mut whole, Par::Seq);
    for i in [0, m / 2, m - 1] {
        let row: Vec<T> = (0..k).map(|p| if form == Form::Tn { a[p * m + i] } else { a[i * k + p] }).collect();
        let mut alone = vec![T::zero(); n];
        gemm(form, 1, n, k, &row, &b, Accum::Replace, &mut alone, Par::Seq);
        gemm(form, 1, n, k, &row, &b, Accum::Add, &mut alone, Par::Seq);
        assert!(alone == whole[i * n..][..n], "row {i} of {form:?} {m} x {n} x {k}");
    }
    for j in [0, n / 2, n - 1] {
        let column: Vec<T> = (0..k).map(|p| if form == Form::Nt { b[j * k + p] } else { b[p * n + j] }).collect();
        let mut alone = vec![T::zero(); m];
        gemm(form, m, 1, k, &a, &column, Accum::Replace, &mut alone, Par::Seq);
        gemm(form, m, 1, k, &a, &column, Accum::Add, &mut alone, Par::Seq);
        let wanted: Vec<T> = (0..m).map(|i| whole[i * n + j]).collect();
        assert!(alone == wanted, "column {j} of {form:?} {m} x {n} x {k}");
    }
}

proptest! {
    #[test]
    fn a_value_does_not_depend_on_its_neighbours(
        form in prop::sample::select(vec![Form::Nn, Form::Tn, Form::Nt]), m in size(), n in size(), k in size(), long in any::<bool>()
    ) {
        // Other backends choose kernels by the whole shape.
        if backend() == "packed" && m * n * k > 0 {
            let k = if long { 4 * k + 250 } else { k };
            check::<f32>(form, m, n, k);
            check::<f64>(form, m, n, k);
        }
    }
}

#[test]
fn nor_on_strips_and_panels() {
    if backend() == "packed" {
        for form in [Form::Nn, Form::Tn, Form::Nt] {
            check::<f32>(form, 530, 75, 300);
            check::<f32>(form, 75, 530, 1030);
            check::<f64>(form, 290, 600, 90);
            check::<f64>(form, 3, 1400, 700);
        }
    }
}
