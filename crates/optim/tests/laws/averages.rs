//! Averages of parameters, and lookahead: closed forms, saving, types, threads.

use layerwise_optim::{Ema, Lookahead, OptimizerConfig, Sgd, Swa};
use layerwise_tensor::{Params, Scalar};

use crate::{fill, model, vector, wave};

#[test]
fn the_exponential_average_of_a_constant_comes_nearer_geometrically() {
    let (mut params, _, id) = vector::<f64>(&[1.0, -2.0]);
    let mut ema = Ema::new(0.9, &params);
    params.get_mut(id).copy_from_slice(&[3.0, 5.0]);
    for t in 1..100 {
        ema.update(&params);
        for (i, (from, to)) in [(1.0, 3.0), (-2.0, 5.0)].into_iter().enumerate() {
            let expected = to + 0.9f64.powi(t) * (from - to);
            assert!((ema.params().get(id)[i] - expected).abs() < 1e-13);
        }
    }
    assert_eq!(ema.updates(), 99);
}

#[test]
fn the_first_updates_of_a_warm_average_forget_the_start() {
    let (mut params, _, id) = vector::<f64>(&[100.0]);
    let mut ema = Ema::new(0.999, &params).warmup();
    params.get_mut(id)[0] = 1.0;
    let mut expected = 100.0;
    for n in 0..20 {
        ema.update(&params);
        let decay = (1.0 + f64::from(n)) / (10.0 + f64::from(n));
        expected = decay * expected + (1.0 - decay);
        assert!((ema.params().get(id)[0] - expected).abs() < 1e-12);
    }
}

#[test]
fn the_equal_average_is_the_mean() {
    let (mut params, _, id) = vector::<f64>(&[7.0; 3]);
    let mut swa = Swa::new(&params);
    let mut sums = [0.0; 3];
    for n in 1..200 {
        for (i, sum) in sums.iter_mut().enumerate() {
            params.get_mut(id)[i] = wave(i, n);
            *sum += wave(i, n);
        }
        swa.update(&params);
        for (mean, sum) in swa.params().get(id).iter().zip(sums) {
            assert!((mean - sum / n as f64).abs() < 1e-14);
        }
        assert!(n > 1 || swa.params().get(id) == params.get(id), "the first update is the parameters themselves");
    }
}

/// Gradient descent on `w^2 / 2` shrinks by `r = (1 - rate)^every` between two meetings, lookahead by `1 - alpha + alpha r`.
#[test]
fn lookahead_shrinks_a_quadratic_as_it_must() {
    for alpha in [0.0, 0.3, 0.5, 1.0] {
        let (mut params, mut grads, id) = vector::<f64>(&[1.0]);
        let mut optimizer = OptimizerConfig::new(Sgd::default()).rate(0.2).build(&params).unwrap();
        let mut lookahead = Lookahead::new(5, alpha, &params);
        let mut meetings = 0;
        for _ in 0..50 {
            grads.clear();
            grads.slot(id).0.copy_from_slice(params.get(id));
            optimizer.step(&mut params, &mut grads);
            meetings += i32::from(lookahead.step(&mut params));
        }
        let factor: f64 = 1.0 - alpha + alpha * 0.8f64.powi(5);
        assert_eq!(meetings, 10);
        assert!((params.get(id)[0] - factor.powi(10)).abs() < 1e-14);
        assert_eq!(params.get(id), lookahead.params().get(id));
    }
}

#[test]
fn lookahead_leaves_frozen_parameters_and_buffers_alone() {
    let (mut params, _) = model::<f32>();
    let mut lookahead = Lookahead::new(1, 0.5, &params);
    let (frozen, buffer) = (params.layout().find("0.bias").unwrap(), params.layout().find("1.running_mean").unwrap());
    params.set_frozen(frozen, true);
    params.trainable_mut().fill(3.0);
    params.buffers_mut().fill(4.0);
    lookahead.step(&mut params);
    assert!(params.get(frozen).iter().all(|w| *w == 3.0) && params.get(buffer).iter().all(|w| *w == 4.0));
    assert!(params.get(params.layout().find("0.weight").unwrap()).iter().all(|w| *w != 3.0));
}

#[test]
fn averages_keep_the_last_buffers_and_swap_twice_to_nothing() {
    let (mut params, _) = model::<f64>();
    let (mut ema, mut swa) = (Ema::new(0.9, &params), Swa::new(&params));
    params.trainable_mut().iter_mut().for_each(|w| *w += 1.0);
    params.buffers_mut().fill(2.0);
    ema.update(&params);
    swa.update(&params);
    assert_eq!((ema.params().buffers(), swa.params().buffers()), (params.buffers(), params.buffers()));
    let (before, mean) = (params.clone(), ema.params().clone());
    ema.swap(&mut params);
    assert_eq!((params.to_le_bytes(), ema.params().to_le_bytes()), (mean.to_le_bytes(), before.to_le_bytes()));
    ema.swap(&mut params);
    swa.swap(&mut params);
    swa.swap(&mut params);
    assert_eq!((params.to_le_bytes(), ema.params().to_le_bytes()), (before.to_le_bytes(), mean.to_le_bytes()));
}

/// All three under a training of eight steps, saved and restored after `saved` of them.
fn train<T: Scalar>(saved: Option<usize>) -> [Params<T>; 4] {
    let (mut params, mut grads) = model::<T>();
    let mut optimizer = OptimizerConfig::new(Sgd::default()).rate(0.1).build(&params).unwrap();
    let fresh = || model::<T>().0;
    let mut ema = Ema::new(0.7, &params).warmup();
    let mut swa = Swa::new(&params);
    let mut lookahead = Lookahead::new(3, 0.4, &params);
    for t in 0..8 {
        if saved == Some(t) {
            let old = (ema, swa, lookahead);
            ema = Ema::new(0.7, &fresh()).warmup();
            swa = Swa::new(&fresh());
            lookahead = Lookahead::new(3, 0.4, &fresh());
            ema.resume(old.0.params(), old.0.updates());
            swa.resume(old.1.params(), old.1.updates());
            lookahead.resume(old.2.params(), old.2.steps());
        }
        fill(&mut grads, t);
        optimizer.step(&mut params, &mut grads);
        lookahead.step(&mut params);
        ema.update(&params);
        swa.update(&params);
    }
    [params, ema.params().clone(), swa.params().clone(), lookahead.params().clone()]
}

fn bytes<T: Scalar>(all: [Params<T>; 4]) -> [Vec<u8>; 4] {
    all.map(|params| params.to_le_bytes())
}

#[test]
fn averages_go_on_where_they_stopped() {
    assert_eq!(bytes(train::<f32>(None)), bytes(train::<f32>(Some(5))));
    assert_eq!(bytes(train::<f64>(None)), bytes(train::<f64>(Some(4))));
}

#[test]
fn averages_have_the_same_bits_on_any_number_of_threads() {
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let run = |threads| pool(threads).install(|| (bytes(train::<f32>(None)), bytes(train::<f64>(None))));
    let one = run(1);
    for threads in [2, 3, 8] {
        assert!(run(threads) == one, "{threads} threads");
    }
}

#[test]
fn averages_agree_in_both_types() {
    for (single, double) in train::<f32>(None).iter().zip(&train::<f64>(None)) {
        let apart = single.trainable().iter().zip(double.trainable()).map(|(a, b)| (f64::from(*a) - b).abs());
        assert!(apart.fold(0.0, f64::max) < 1e-5);
    }
}

#[test]
#[should_panic(expected = "ema: these parameters belong to another model")]
fn parameters_of_another_model_are_refused() {
    Ema::new(0.9, &model::<f64>().0).update(&vector::<f64>(&[1.0]).0);
}
