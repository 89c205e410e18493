//! What must be seen for a claim to hold, fixed before the run, and the verdict on it.

use crate::profile::{Profile, Tag};
use crate::results::{Results, significant};
use crate::stats;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use crate::results::Estimate;

/// One criterion: a sentence, a number, and how to measure it. Plain data, written beside the experiment before it is run.
#[derive(Debug)]
pub struct Criterion {
    /// A short name, unique within the experiment.
    pub id: &'static str,
    /// The sentence, with the threshold in words.
    pub statement: &'static str,
    /// The number that the estimate is held against.
    pub threshold: f64,
    /// On which side of it the estimate must lie.
    pub side: Side,
    /// Whether an interval or the estimate itself decides.
    pub kind: Kind,
    /// The least profile that can decide it.
    pub profile: Profile,
    /// The data set without which it stays undecided.
    pub needs: Option<&'static str>,
    /// The number in the literature, where there is one.
    pub published: Option<Published>,
    /// Where the threshold comes from.
    pub source: &'static str,
    /// What keeps it from holding, as far as honest attempts have found out; shown where it does not hold, and no part of the promise.
    pub cause: &'static str,
    /// Measures the estimate; `None` when the results do not hold what it takes.
    pub estimate: fn(&Results) -> Option<Estimate>,
}

/// The right side of a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Greater than the threshold.
    Above,
    /// Not less than the threshold.
    AtLeast,
    /// Less than the threshold.
    Below,
    /// Not greater than the threshold.
    AtMost,
}

impl Side {
    fn sign(self) -> &'static str {
        match self {
            Side::Above => ">",
            Side::AtLeast => ">=",
            Side::Below => "<",
            Side::AtMost => "<=",
        }
    }

    fn admits(self, value: f64, threshold: f64) -> bool {
        match self {
            Side::Above => value > threshold,
            Side::AtLeast => value >= threshold,
            Side::Below => value < threshold,
            Side::AtMost => value <= threshold,
        }
    }
}

/// How a criterion is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The estimate decides: a count, a p-value, an identity, a mean asked for as such.
    Exact,
    /// The whole 95 % interval must lie on one side.
    Interval,
}

/// A number from the literature.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Published {
    /// The number.
    pub value: f64,
    /// Where it stands.
    pub source: &'static str,
    /// How sure we are of it.
    pub tag: Tag,
}

/// The outcome for one criterion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// On the right side of the threshold.
    Holds,
    /// On the wrong side.
    Fails,
    /// Neither, or not measured.
    Undecided,
}

/// A criterion with its verdict, as it stands in the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// [`Criterion::id`].
    pub id: String,
    /// [`Criterion::statement`].
    pub statement: String,
    /// The least profile that can decide it.
    pub profile: Profile,
    /// The point estimate.
    pub estimate: Option<f64>,
    /// Its 95 % interval.
    pub ci95: Option<[f64; 2]>,
    /// The number in the literature.
    pub published: Option<PublishedRecord>,
    /// The verdict.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// Two-sided p-value of Student's test that the mean is the threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p: Option<f64>,
    /// The same after Holm's adjustment for all such criteria of the experiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_holm: Option<f64>,
    /// Distance of the mean from the threshold in standard deviations over the seeds (Cohen's d of paired values).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<f64>,
    /// Where it is undecided for want of seeds: how many would decide it if the mean and the spread stayed as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seeds_needed: Option<usize>,
    /// [`Criterion::hash`].
    pub hash: String,
}

/// The verdicts on all criteria, with Holm's adjustment over those that rest on intervals.
pub fn judge_all(criteria: &[Criterion], results: &Results) -> Vec<Judged> {
    let mut all: Vec<Judged> = criteria.iter().map(|c| c.judge(results)).collect();
    let tested: Vec<usize> = (0..all.len()).filter(|i| all[*i].p.is_some()).collect();
    let adjusted = stats::holm(&tested.iter().filter_map(|i| all[*i].p).collect::<Vec<_>>());
    for (i, p) in tested.into_iter().zip(adjusted) {
        all[i].p_holm = Some(significant(p, 3));
    }
    all
}

/// [`Published`] read back from a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishedRecord {
    /// The number.
    pub value: f64,
    /// Where it stands.
    pub source: String,
    /// How sure we are of it.
    pub tag: String,
}

impl Criterion {
    /// The whole 95 % interval must lie on `side` of `threshold`; decided under quick, without data, unless more is said.
    pub const fn interval(
        id: &'static str,
        statement: &'static str,
        side: Side,
        threshold: f64,
        estimate: fn(&Results) -> Option<Estimate>,
    ) -> Self {
        let (kind, profile) = (Kind::Interval, Profile::Quick);
        let (needs, published) = (None, None);
        Self { id, statement, threshold, side, kind, profile, needs, published, source: "", cause: "", estimate }
    }

    /// The estimate itself must lie there.
    pub const fn exact(
        id: &'static str,
        statement: &'static str,
        side: Side,
        threshold: f64,
        estimate: fn(&Results) -> Option<Estimate>,
    ) -> Self {
        Self { kind: Kind::Exact, ..Self::interval(id, statement, side, threshold, estimate) }
    }

    /// Where the threshold comes from.
    pub const fn from(self, source: &'static str) -> Self {
        Self { source, ..self }
    }

    /// With what keeps it from holding, once that is known.
    pub const fn because(self, cause: &'static str) -> Self {
        Self { cause, ..self }
    }

    /// Undecided without this data set.
    pub const fn on(self, set: &'static str) -> Self {
        Self { needs: Some(set), ..self }
    }

    /// Undecided below this profile.
    pub const fn under(self, profile: Profile) -> Self {
        Self { profile, ..self }
    }

    /// With the number in the literature.
    pub const fn published(self, value: f64, source: &'static str, tag: Tag) -> Self {
        Self { published: Some(Published { value, source, tag }), ..self }
    }

    /// The fingerprint of what was promised: statement, side, threshold, kind and profile. A criterion that is changed after the fact
    /// no longer agrees with its committed records.
    pub fn hash(&self) -> String {
        let text =
            format!("{}\n{} {}\n{:?}\n{}", self.statement, self.side.sign(), self.threshold, self.kind, self.profile);
        Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
    }

    /// The verdict on `results`.
    pub fn judge(&self, results: &Results) -> Judged {
        let (estimate, verdict, reason) = self.decide(results);
        let effect = estimate.filter(|_| self.kind == Kind::Interval).and_then(|e| self.effect(&e));
        let n = estimate.map_or(0, |e| e.n);
        let open = verdict == Verdict::Undecided && results.profile >= self.profile;
        Judged {
            p: effect.and_then(|d| stats::t_test(d * (n as f64).sqrt(), n)).map(|p| significant(p, 3)),
            p_holm: None,
            effect: effect.map(|d| significant(d, 3)),
            seeds_needed: effect.filter(|_| open).and_then(stats::seeds_needed),
            id: self.id.into(),
            statement: self.statement.into(),
            profile: self.profile,
            estimate: estimate.map(|e| e.value),
            ci95: estimate.and_then(|e| e.ci95),
            published: self.published.map(|p| PublishedRecord {
                value: p.value,
                source: p.source.into(),
                tag: p.tag.to_string(),
            }),
            verdict,
            reason,
            hash: self.hash(),
        }
    }

    /// Distance of a mean from the threshold in standard deviations of what it is the mean of.
    fn effect(&self, e: &Estimate) -> Option<f64> {
        let [low, high] = e.ci95?;
        let error = 0.5 * (high - low) / stats::t_half(e.n)?;
        (error > 0.0).then(|| (e.value - self.threshold) / (error * (e.n as f64).sqrt()))
    }

    fn decide(&self, results: &Results) -> (Option<Estimate>, Verdict, String) {
        if self.needs.is_some_and(|set| !results.has_data(set)) {
            return (None, Verdict::Undecided, "no data".into());
        }
        let measured = (self.estimate)(results).filter(|e| e.value.is_finite());
        if results.profile < self.profile {
            return (measured, Verdict::Undecided, format!("needs {}", self.profile));
        }
        let Some(e) = measured else {
            return (None, Verdict::Undecided, "not measured".into());
        };
        let (sign, threshold) = (self.side.sign(), significant(self.threshold, 4));
        match (self.kind, e.ci95) {
            (Kind::Exact, _) => {
                let holds = self.side.admits(e.value, self.threshold);
                let word = if holds { "is" } else { "is not" };
                let verdict = if holds { Verdict::Holds } else { Verdict::Fails };
                (Some(e), verdict, format!("{} {word} {sign} {threshold}", round(e.value)))
            }
            (Kind::Interval, None) => (Some(e), Verdict::Undecided, "no interval: needs at least 2 seeds".into()),
            (Kind::Interval, Some([lo, hi])) => {
                let shown = format!("[{}, {}]", round(lo), round(hi));
                match (self.side.admits(lo, self.threshold), self.side.admits(hi, self.threshold)) {
                    (true, true) => {
                        (Some(e), Verdict::Holds, format!("the whole interval {shown} is {sign} {threshold}"))
                    }
                    (false, false) => {
                        (Some(e), Verdict::Fails, format!("no part of the interval {shown} is {sign} {threshold}"))
                    }
                    _ => (Some(e), Verdict::Undecided, format!("the interval {shown} holds {threshold} in it")),
                }
            }
        }
    }
}

/// `value` to four significant digits, for people.
pub(crate) fn round(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let magnitude = value.abs().log10().floor() as i32;
    if (-4..6).contains(&magnitude) {
        let decimals = (3 - magnitude).clamp(0, 8) as usize;
        format!("{value:.decimals$}")
    } else {
        format!("{value:.3e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn criterion(kind: Kind, side: Side, estimate: fn(&Results) -> Option<Estimate>) -> Criterion {
        Criterion {
            id: "c",
            statement: "above one",
            threshold: 1.0,
            side,
            kind,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "test",
            cause: "",
            estimate,
        }
    }

    fn verdict(c: &Criterion, profile: Profile) -> (Verdict, String) {
        let judged = c.judge(&Results::empty(profile));
        (judged.verdict, judged.reason)
    }

    #[test]
    fn the_whole_interval_decides() {
        let holds =
            criterion(Kind::Interval, Side::Above, |_| Some(Estimate { value: 2.0, ci95: Some([1.5, 2.5]), n: 3 }));
        let fails =
            criterion(Kind::Interval, Side::Above, |_| Some(Estimate { value: 0.5, ci95: Some([0.1, 0.9]), n: 3 }));
        let open =
            criterion(Kind::Interval, Side::Above, |_| Some(Estimate { value: 1.5, ci95: Some([0.9, 2.1]), n: 3 }));
        assert_eq!(verdict(&holds, Profile::Quick).0, Verdict::Holds);
        assert_eq!(verdict(&fails, Profile::Quick).0, Verdict::Fails);
        assert_eq!(verdict(&open, Profile::Full).0, Verdict::Undecided);
    }

    #[test]
    fn an_exact_criterion_needs_no_interval() {
        let c = criterion(Kind::Exact, Side::AtMost, |_| Some(Estimate::exact(1.0)));
        assert_eq!(verdict(&c, Profile::Quick).0, Verdict::Holds);
        let c = criterion(Kind::Exact, Side::Below, |_| Some(Estimate::exact(1.0)));
        assert_eq!(verdict(&c, Profile::Quick).0, Verdict::Fails);
    }

    #[test]
    fn reasons_for_no_verdict() {
        let c = criterion(Kind::Interval, Side::Above, |_| Some(Estimate::exact(2.0)));
        assert!(verdict(&c, Profile::Quick).1.contains("2 seeds"));
        assert_eq!(verdict(&c, Profile::Smoke), (Verdict::Undecided, "needs quick".into()));
        let c = criterion(Kind::Exact, Side::Above, |_| None);
        assert_eq!(verdict(&c, Profile::Quick), (Verdict::Undecided, "not measured".into()));
        let c = Criterion { needs: Some("mnist"), ..criterion(Kind::Exact, Side::Above, |_| None) };
        assert_eq!(verdict(&c, Profile::Quick), (Verdict::Undecided, "no data".into()));
    }

    #[test]
    fn the_hash_follows_text_and_threshold() {
        let a = criterion(Kind::Exact, Side::Above, |_| None);
        let b = Criterion { threshold: 1.1, ..criterion(Kind::Exact, Side::Above, |_| None) };
        let c = Criterion { statement: "above two", ..criterion(Kind::Exact, Side::Above, |_| None) };
        assert_eq!(a.hash().len(), 64);
        assert_ne!(a.hash(), b.hash());
        assert_ne!(a.hash(), c.hash());
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!(round(0.98341), "0.9834");
        assert_eq!(round(123.456), "123.5");
        assert_eq!(round(1.0e-7), "1.000e-7");
    }
}
