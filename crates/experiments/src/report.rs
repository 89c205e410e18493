//! The report: an index and a page for each experiment, self-contained (styles and pictures inside, no script, no network).

use crate::criterion::{Judged, Verdict, round};
use crate::error::ExperimentError;
use crate::experiment::{Experiment, Need, Profile};
use crate::record::{Summary, VariantRecord, write_atomically};
use crate::results::significant;
use crate::slides::{SLIDES, Slide};
use crate::stats;
use crate::summary::Caption;
use crate::table;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Writes the pages for all records under `out` into `<out>/report`, with those of `committed` (as `docs/results` has them) where `out` has
/// none; the path of the index.
///
/// # Errors
/// When a record cannot be read or a page not written.
pub fn write(out: &Path, committed: Option<&Path>) -> Result<PathBuf, ExperimentError> {
    let folder = out.join("report");
    let pages = templates()?;
    let mut rows = Vec::new();
    let mut shown: Vec<(&str, Summary, Vec<Shown>)> = Vec::new();
    for e in table::table() {
        let Some(place) = Place::find(e.name, out, committed) else { continue };
        let path = place.record.join("summary.json");
        let text = std::fs::read_to_string(&path).map_err(|error| ExperimentError::file(&path, "read", error))?;
        let summary: Summary =
            serde_json::from_str(&text).map_err(|error| ExperimentError::file(&path, "read", error))?;
        let figures = figures(&place.figures)?;
        let page = experiment_page(&pages, e, &summary, &place, &figures)?;
        write_atomically(&folder.join(format!("{}.html", e.name)), page.as_bytes())?;
        rows.push(row(e, &summary));
        shown.push((e.name, summary, figures));
    }
    let verdicts = |v: &str| rows.iter().flat_map(|r| &r.criteria).filter(|c| c.verdict == v).count();
    let totals = json!({ "holds": verdicts("holds"), "fails": verdicts("fails"), "undecided": verdicts("undecided") });
    let missing: Vec<&str> =
        table::table().iter().map(|e| e.name).filter(|n| shown.iter().all(|s| s.0 != *n)).collect();
    let slides: Vec<SlideRow> = SLIDES.iter().map(|slide| slide_row(slide, &shown)).collect();
    let index =
        render(&pages, "index.html", &json!({ "rows": rows, "totals": totals, "missing": missing, "slides": slides }))?;
    let path = folder.join("index.html");
    write_atomically(&path, index.as_bytes())?;
    Ok(path)
}

/// Where a record lies.
struct Place {
    record: PathBuf,
    figures: PathBuf,
}

impl Place {
    /// Under `out` as a run leaves it, else under `committed` as it is published, the most thorough profile first.
    fn find(name: &str, out: &Path, committed: Option<&Path>) -> Option<Self> {
        let run = out.join(name);
        if run.join("summary.json").exists() {
            return Some(Self { figures: run.join("figures"), record: run });
        }
        let published = ["full", "quick"].map(|profile| committed.map(|c| c.join(name).join(profile)));
        let found = published.into_iter().flatten().find(|p| p.join("summary.json").exists())?;
        Some(Self { figures: found.clone(), record: found })
    }
}

/// A line of the overview: a slide, the verdict on its claim and a picture.
#[derive(Serialize)]
struct SlideRow {
    title: &'static str,
    claim: &'static str,
    experiment: &'static str,
    more: &'static [&'static str],
    statement: String,
    verdict: &'static str,
    reason: String,
    picture: String,
}

fn slide_row(slide: &'static Slide, shown: &[(&str, Summary, Vec<Shown>)]) -> SlideRow {
    let (experiment, id) = slide.answer;
    let found = shown.iter().find(|s| s.0 == experiment);
    let judged = found.and_then(|(_, summary, _)| summary.criteria.iter().find(|c| c.id == id));
    let picture = found.and_then(|(.., figures)| figures.first()).map(|f| picture(&f.svg));
    SlideRow {
        title: slide.title,
        claim: slide.claim,
        experiment,
        more: slide.more,
        statement: judged.map_or_else(|| "not run".into(), |c| c.statement.clone()),
        verdict: judged.map_or("undecided", |c| word(c.verdict)),
        reason: judged.map(|c| c.reason.clone()).unwrap_or_default(),
        picture: picture.unwrap_or_default(),
    }
}

/// A drawing as the address of an image, so that many small ones of one page do not share names.
fn picture(svg: &str) -> String {
    use base64::Engine as _;
    format!("data:image/svg+xml;base64,{}", base64::engine::general_purpose::STANDARD.encode(svg))
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Fails => "fails",
        Verdict::Undecided => "undecided",
    }
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    question: &'static str,
    profile: String,
    status: String,
    seeds: usize,
    data: String,
    minutes: String,
    criteria: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    id: String,
    statement: String,
    estimate: String,
    interval: String,
    published: String,
    verdict: String,
    reason: String,
    statistics: String,
    source: &'static str,
    cause: &'static str,
}

/// The numbers behind a verdict by interval, for those who want them.
fn statistics(c: &Judged) -> String {
    let mut parts = Vec::new();
    if let (Some(p), Some(holm)) = (c.p, c.p_holm) {
        parts.push(format!("p {}, {} after Holm", p_value(p), p_value(holm)));
    }
    if let Some(d) = c.effect {
        parts.push(format!("effect {d} standard deviations"));
    }
    if let Some(n) = c.seeds_needed {
        parts.push(format!("about {n} seeds would decide"));
    }
    parts.join("; ")
}

fn row(e: &Experiment, s: &Summary) -> Row {
    Row {
        name: e.name,
        question: e.question,
        profile: s.profile.to_string(),
        status: s.status.clone(),
        seeds: s.seeds.len(),
        data: s.data.kind.clone(),
        minutes: duration(s.budget.wall_seconds),
        criteria: s.criteria.iter().map(|c| line(e, s.profile, c)).collect(),
    }
}

fn line(e: &Experiment, profile: Profile, c: &Judged) -> Line {
    let criterion = e.criteria.iter().find(|x| x.id == c.id);
    // A run below the profile that can decide has not missed anything.
    let open = c.verdict != Verdict::Holds && c.profile <= profile;
    let published = c.published.as_ref().map(|p| format!("{} ({}) [{}]", p.value, p.source, p.tag));
    Line {
        id: c.id.clone(),
        statement: c.statement.clone(),
        estimate: c.estimate.map(round).unwrap_or_default(),
        interval: c.ci95.map(|[lo, hi]| format!("{} to {}", round(lo), round(hi))).unwrap_or_default(),
        published: published.unwrap_or_default(),
        verdict: word(c.verdict).into(),
        reason: c.reason.clone(),
        statistics: statistics(c),
        source: criterion.map_or("", |x| x.source),
        cause: criterion.filter(|_| open).map_or("", |x| x.cause),
    }
}

/// Below what a few seeds can tell, the digits of a p-value mean nothing.
fn p_value(p: f64) -> String {
    if p < 1e-4 { "< 0.0001".into() } else { format!("= {}", significant(p, 2)) }
}

/// One variant's metrics: mean, and the half width of the interval where there are several seeds. And what one of its runs cost.
#[derive(Serialize)]
struct VariantRow {
    name: String,
    cells: Vec<String>,
    operations: String,
    seconds: String,
}

/// The mean of what was counted, in units of `unit`.
fn cost(counts: impl Iterator<Item = f64>, unit: f64) -> String {
    let counts: Vec<f64> = counts.filter(|n| *n > 0.0).collect();
    if counts.is_empty() { "–".into() } else { round(significant(stats::mean(&counts) / unit, 3)) }
}

fn numbers(variants: &[VariantRecord]) -> (Vec<String>, Vec<VariantRow>) {
    let names: BTreeSet<&String> = variants.iter().flat_map(|v| &v.seeds).flat_map(|s| s.metrics.keys()).collect();
    let cell = |v: &VariantRecord, name: &str| {
        let values: Vec<f64> = v.seeds.iter().filter_map(|s| s.metrics.get(name).copied()).collect();
        match (values.is_empty(), stats::t_interval(&values)) {
            (true, _) => "–".into(),
            (_, Some([lo, hi])) if hi > lo => format!("{} ± {:.1e}", round(stats::mean(&values)), (hi - lo) / 2.0),
            _ => round(stats::mean(&values)),
        }
    };
    let rows = variants.iter().map(|v| VariantRow {
        name: v.name.clone(),
        cells: names.iter().map(|n| cell(v, n)).collect(),
        operations: cost(v.seeds.iter().filter_map(|s| s.operations), 1e9),
        seconds: cost(v.seeds.iter().map(|s| s.seconds), 1.0),
    });
    (names.iter().map(|n| n.replace('_', " ")).collect(), rows.collect())
}

fn experiment_page(
    pages: &Environment<'_>,
    e: &Experiment,
    s: &Summary,
    place: &Place,
    figures: &[Shown],
) -> Result<String, ExperimentError> {
    let (metrics, variants) = numbers(&s.variants);
    let errors: Vec<String> = s
        .variants
        .iter()
        .flat_map(|v| {
            v.seeds.iter().filter_map(move |x| Some(format!("{} seed {}: {}", v.name, x.seed, x.error.as_ref()?)))
        })
        .collect();
    let first = s.seeds.first().copied().unwrap_or(0);
    let command =
        format!("cargo xtask run {} --profile {} --seeds {} --seed {first}", e.name, s.profile, s.seeds.len());
    let fallbacks: Vec<&Need> = e.data.iter().filter(|n| s.data.missing.iter().any(|m| m == n.set)).collect();
    render(
        pages,
        "experiment.html",
        &json!({
            "name": e.name, "question": e.question, "claim": e.claim, "protocol": e.protocol, "anchor": e.anchor,
            "summary": s, "criteria": s.criteria.iter().map(|c| line(e, s.profile, c)).collect::<Vec<_>>(), "metrics": metrics,
            "variants": variants, "errors": errors, "figures": figures, "command": command, "fallbacks": fallbacks,
            "wall": duration(s.budget.wall_seconds), "planned": duration(s.budget.planned_seconds),
            "config": std::fs::read_to_string(place.record.join("config.toml")).unwrap_or_default(),
        }),
    )
}

#[derive(Clone, Serialize)]
struct Shown {
    svg: String,
    caption: String,
}

fn figures(folder: &Path) -> Result<Vec<Shown>, ExperimentError> {
    let Ok(text) = std::fs::read_to_string(folder.join("captions.json")) else {
        return Ok(Vec::new());
    };
    let captions: Vec<Caption> =
        serde_json::from_str(&text).map_err(|e| ExperimentError::file(folder.join("captions.json"), "read", e))?;
    let shown = |c: Caption| {
        let path = folder.join(&c.file);
        let svg = std::fs::read_to_string(&path).map_err(|e| ExperimentError::file(&path, "read", e))?;
        Ok(Shown { svg, caption: c.caption })
    };
    captions.into_iter().map(shown).collect()
}

fn duration(seconds: f64) -> String {
    if seconds < 90.0 { format!("{seconds:.0} s") } else { format!("{:.1} min", seconds / 60.0) }
}

fn templates() -> Result<Environment<'static>, ExperimentError> {
    let mut pages = Environment::new();
    pages.set_auto_escape_callback(|_| AutoEscape::Html);
    for (name, text) in [
        ("base.html", include_str!("templates/base.html")),
        ("criteria.html", include_str!("templates/criteria.html")),
        ("index.html", include_str!("templates/index.html")),
        ("experiment.html", include_str!("templates/experiment.html")),
    ] {
        pages.add_template(name, text).map_err(|e| ExperimentError::file(name, "read as a template", e))?;
    }
    Ok(pages)
}

fn render(pages: &Environment<'_>, name: &str, values: &Value) -> Result<String, ExperimentError> {
    let page = pages.get_template(name).and_then(|t| t.render(Serde(values)));
    page.map_err(|e| ExperimentError::file(name, "rendered", format!("{e:#}")))
}

#[cfg(test)]
mod tests;
