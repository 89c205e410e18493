//! Ensembles: steadier than their members, saved and loaded, in spite of gaps.

use layerwise_autoencoder::{AutoencoderDetector, Combine, EnsembleDetector, FittedEnsemble, Gaps, Threshold};
use layerwise_datasets::synthetic::radiotherapy;
use layerwise_tensor::Stream;
use layerwise_train::metrics::roc_auc;
use ndarray::{Array2, Axis};

fn member() -> AutoencoderDetector {
    AutoencoderDetector::builder().hidden(&[24]).code(10).epochs(25).seed(3)
}

fn area(scores: &[f64], anomalous: &[bool]) -> f64 {
    roc_auc(scores, anomalous).unwrap()
}

#[test]
fn the_mean_of_the_members_is_better_than_they_are_in_the_mean() {
    let normal = radiotherapy(200, 0, 2.5, &Stream::new(1)).x;
    let test = radiotherapy(300, 60, 1.2, &Stream::new(2));
    let ensemble = EnsembleDetector::new(member()).members(6).fit(&normal).unwrap();
    let alone: Vec<f64> =
        ensemble.members().iter().map(|m| area(&m.score(&test.x).unwrap().to_vec(), &test.anomalous)).collect();
    let together = area(&ensemble.score(&test.x).unwrap().to_vec(), &test.anomalous);
    let mean = alone.iter().sum::<f64>() / 6.0;
    println!("members {alone:.4?}, mean {mean:.4}, together {together:.4}");
    assert!(together > mean, "{together} against {mean}");
}

#[test]
fn scores_are_combined_in_units_of_the_training_rows() {
    let normal = radiotherapy(60, 0, 2.5, &Stream::new(1)).x;
    for combine in [Combine::Mean, Combine::Max, Combine::Median] {
        let ensemble = EnsembleDetector::new(member().epochs(3)).members(3).combine(combine).fit(&normal).unwrap();
        let standardised: Vec<Vec<f64>> = ensemble
            .members()
            .iter()
            .map(|m| {
                let s = ndarray::Array1::from(m.training_scores().to_vec());
                ((&s - s.mean().unwrap()) / s.std(0.0)).to_vec()
            })
            .collect();
        let mut of_row: Vec<f64> = standardised.iter().map(|s| s[5]).collect();
        of_row.sort_by(f64::total_cmp);
        let expected = match combine {
            Combine::Mean => of_row.iter().sum::<f64>() / 3.0,
            Combine::Max => of_row[2],
            _ => of_row[1],
        };
        assert!((ensemble.training_scores()[5] - expected).abs() < 1e-12, "{combine:?}");
        assert_eq!(ensemble.score(&normal).unwrap().to_vec(), ensemble.training_scores());
        let alarms = ensemble.predict(&normal, &Threshold::mean_plus_std(3.0)).unwrap();
        assert!(alarms.iter().filter(|a| **a).count() <= 6, "Cantelli allows a tenth");
    }
}

#[test]
fn members_see_choices_of_columns_of_their_own_and_survive_a_folder() {
    let normal = radiotherapy(60, 0, 2.5, &Stream::new(1)).table().unwrap();
    let new = radiotherapy(20, 0, 2.5, &Stream::new(2)).table().unwrap();
    let settings = EnsembleDetector::new(member().epochs(2)).members(4).columns(0.4);
    let json = serde_json::to_string(&settings).unwrap();
    let settings: EnsembleDetector = serde_json::from_str(&json).unwrap();
    let ensemble = settings.fit(&normal).unwrap();
    let choices: Vec<Vec<&str>> = ensemble.members().iter().map(|m| m.columns()).collect();
    assert!(choices.iter().all(|c| c.len() == 12), "0.4 of 30 columns");
    assert!(choices.windows(2).all(|pair| pair[0] != pair[1]));
    let folder = tempfile::tempdir().unwrap();
    ensemble.save(folder.path()).unwrap();
    let again = FittedEnsemble::load(folder.path()).unwrap();
    assert_eq!(again.score(&new).unwrap(), ensemble.score(&new).unwrap());
    assert_eq!(again.training_scores(), ensemble.training_scores());
    assert_eq!(again.columns(), normal.schema().names().collect::<Vec<_>>());
    // A member of another ensemble is seen.
    let other = EnsembleDetector::new(member().epochs(2).seed(77)).members(4).columns(0.4).fit(&normal).unwrap();
    other.members()[1].save(folder.path().join("member-1.safetensors")).unwrap();
    let message = FittedEnsemble::load(folder.path()).unwrap_err().to_string();
    assert!(message.contains("member-1") && message.contains("another ensemble"), "{message}");
    std::fs::remove_file(folder.path().join("member-1.safetensors")).unwrap();
    assert!(FittedEnsemble::load(folder.path()).unwrap_err().to_string().contains("member-1"));
    std::fs::write(folder.path().join("ensemble.json"), "{}").unwrap();
    assert!(FittedEnsemble::load(folder.path()).unwrap_err().to_string().contains("ensemble.json"));
}

#[test]
fn a_member_without_a_value_to_judge_by_abstains() {
    let normal = radiotherapy(60, 0, 2.5, &Stream::new(1)).x;
    let settings = EnsembleDetector::new(member().epochs(2).gaps(Gaps::Mean)).members(3).columns(0.2);
    let ensemble = settings.fit(&normal).unwrap();
    let whole = normal.select(Axis(0), &[0]);
    let mut row = Array2::from_elem((1, 30), f64::NAN);
    let names = ensemble.columns();
    let judge = ensemble.members()[1];
    let mut own = Array2::from_elem((1, judge.columns().len()), f64::NAN);
    for (i, name) in judge.columns().into_iter().enumerate() {
        // Only what no other member sees.
        if [0, 2].iter().any(|m| ensemble.members()[*m].columns().contains(&name)) {
            continue;
        }
        let place = names.iter().position(|n| *n == name).unwrap();
        row[[0, place]] = whole[[0, place]];
        own[[0, i]] = whole[[0, place]];
    }
    assert!(own.iter().any(|v| !v.is_nan()), "another seed is needed: all columns of the member are seen by others");
    let training = ndarray::Array1::from(judge.training_scores().to_vec());
    let expected = (judge.score(&own).unwrap()[0] - training.mean().unwrap()) / training.std(0.0);
    assert!((ensemble.score(&row).unwrap()[0] - expected).abs() < 1e-9);
    // Known only where no member looks: nobody can judge.
    let unseen = names.iter().position(|n| ensemble.members().iter().all(|m| !m.columns().contains(n)));
    let mut row = Array2::from_elem((1, 30), f64::NAN);
    row[[0, unseen.expect("18 places at most of 30 columns are seen")]] = 1.0;
    assert!(ensemble.score(&row).is_err());
}

#[test]
fn columns_that_teach_nothing_are_not_drawn_alone() {
    let mut normal = radiotherapy(40, 0, 2.5, &Stream::new(1)).x;
    for empty in 0..10 {
        normal.column_mut(3 * empty).fill(1.0);
        normal.column_mut(3 * empty + 1).slice_mut(ndarray::s![5..]).fill(f64::NAN);
    }
    let settings = EnsembleDetector::new(member().epochs(1).gaps(Gaps::Mean)).members(12).columns(0.03);
    let ensemble = settings.fit(&normal).unwrap();
    for member in ensemble.members() {
        assert_eq!(member.columns().len(), 1);
        let place = ensemble.columns().iter().position(|name| *name == member.columns()[0]).unwrap();
        assert_eq!(place % 3, 2);
    }
    // Where nothing can be learned at all the error is that of a single detector, and no panic.
    for hopeless in [Array2::ones((20, 3)), Array2::zeros((20, 0))] {
        let [one, many] = [member().gaps(Gaps::Mean).fit(&hopeless).map(|_| ()), settings.fit(&hopeless).map(|_| ())];
        assert_eq!(one.unwrap_err().to_string(), many.unwrap_err().to_string());
    }
}

#[test]
fn settings_out_of_range_are_refused() {
    let normal = radiotherapy(20, 0, 2.5, &Stream::new(1)).x;
    let refusal = |e: EnsembleDetector| e.fit(&normal).unwrap_err().to_string();
    for members in [0, usize::MAX] {
        assert!(refusal(EnsembleDetector::new(member()).members(members)).contains("`members`"));
    }
    assert!(refusal(EnsembleDetector::new(member()).columns(0.0)).contains("`columns`"));
    assert!(refusal(EnsembleDetector::new(member()).columns(1.5)).contains("`columns`"));
}
