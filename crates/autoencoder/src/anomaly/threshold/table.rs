//! The table of thresholds.

use serde_json::{Map, Value};

use super::rule::{Threshold, ThresholdEntry};
use super::{conformal, mean, mean_plus_std, pareto_tail, quantile};
use crate::error::AutoencoderError;

/// All thresholds.
pub fn table() -> &'static [&'static ThresholdEntry] {
    static TABLE: &[&ThresholdEntry] =
        &[&mean::ENTRY, &mean_plus_std::ENTRY, &quantile::ENTRY, &pareto_tail::ENTRY, &conformal::ENTRY];
    TABLE
}

/// The threshold a configuration names: `"mean"` or `{"name": "mean_plus_std", "k": 3.0}`.
///
/// ```
/// use layerwise_autoencoder::anomaly::threshold;
/// let t = threshold::parse(&serde_json::json!({"name": "mean_plus_std", "k": 2.0}))?;
/// assert_eq!(t.cut(&[1.0, 3.0]), 4.0);
/// # Ok::<(), layerwise_autoencoder::AutoencoderError>(())
/// ```
///
/// # Errors
/// If no threshold has that name, or an option is unknown, missing or out of range.
pub fn parse(config: &Value) -> Result<Threshold, AutoencoderError> {
    let (name, options) = match config {
        Value::String(name) => (name.clone(), Map::new()),
        Value::Object(map) => {
            let mut options = map.clone();
            let name = options.remove("name").and_then(|n| n.as_str().map(str::to_owned));
            (name.unwrap_or_default(), options)
        }
        other => return Err(AutoencoderError::Threshold(format!("expected a name or an object, found {other}"))),
    };
    match table().iter().find(|e| e.name == name) {
        Some(entry) => entry.build(Value::Object(options)),
        None => {
            let known: Vec<&str> = table().iter().map(|e| e.name).collect();
            Err(AutoencoderError::Threshold(format!("`{name}` is unknown; choose one of {}", known.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCORES: [f64; 5] = [1.0, 1.0, 2.0, 3.0, 13.0];

    #[test]
    fn by_hand() {
        assert_eq!(Threshold::mean().cut(&SCORES), 4.0);
        let std = (84.0f64 + 20.0).sqrt() / 5f64.sqrt();
        let by_hand = ((9.0 + 9.0 + 4.0 + 1.0 + 81.0) / 5.0f64).sqrt();
        assert!((std - by_hand).abs() < 1e-12);
        assert!((Threshold::mean_plus_std(2.0).cut(&SCORES) - (4.0 + 2.0 * by_hand)).abs() < 1e-12);
    }

    #[test]
    fn ranks_by_hand() {
        assert_eq!(Threshold::quantile(0.5).cut(&SCORES), 2.0);
        assert_eq!(Threshold::quantile(0.875).cut(&SCORES), 8.0);
        // Of six places one may be flagged: above the largest.
        assert_eq!(Threshold::conformal(0.2).cut(&SCORES), 13.0);
        assert_eq!(Threshold::conformal(0.34).cut(&SCORES), 3.0);
        assert_eq!(Threshold::conformal(0.1).cut(&SCORES), f64::INFINITY);
        assert_eq!(Threshold::conformal(1.0).cut(&SCORES), f64::NEG_INFINITY);
    }

    #[test]
    fn the_conformal_promise_holds_for_every_place_of_a_new_score() {
        // All orders of n + 1 scores are equally likely: leave each out in turn.
        let all: Vec<f64> = (0..40).map(f64::from).collect();
        for alpha in [0.05, 0.1, 0.3] {
            let flagged = (0..all.len()).filter(|i| {
                let others: Vec<f64> = all.iter().copied().filter(|s| *s != all[*i]).collect();
                all[*i] > Threshold::conformal(alpha).cut(&others)
            });
            assert!(flagged.count() as f64 / all.len() as f64 <= alpha, "{alpha}");
        }
    }

    #[test]
    fn every_entry_reads_what_it_writes() {
        for entry in table() {
            for sample in entry.samples {
                let t = entry.build(serde_json::from_str(sample).unwrap()).unwrap();
                let again = parse(&serde_json::to_value(&t).unwrap()).unwrap();
                assert_eq!(again.name(), entry.name);
                assert_eq!(again.cut(&SCORES), t.cut(&SCORES));
            }
        }
    }

    #[test]
    fn wrong_configurations_are_refused() {
        let refused = |json: &str| parse(&serde_json::from_str(json).unwrap()).unwrap_err().to_string();
        assert!(refused("\"median\"").contains("mean_plus_std"));
        assert!(refused(r#"{"name": "mean_plus_std"}"#).contains("k"));
        assert!(refused(r#"{"name": "mean", "k": 1}"#).contains("unknown field"));
        assert!(refused("3").contains("expected a name"));
        assert!(refused(r#"{"name": "quantile", "q": 1.5}"#).contains("from 0 to 1"));
        assert!(refused(r#"{"name": "conformal"}"#).contains("alpha"));
        assert!(refused(r#"{"name": "pareto_tail", "alpha": 0}"#).contains("alpha"));
    }
}
