//! Charts, drawn by kuva: lines with bands, ROC curves, histograms, bars, scatter plots, heat maps.

use super::{colour, escape};
use kuva::plot::colormap::ColorMap;
use kuva::prelude::{BarPlot, Heatmap, Layout, LegendPosition, LinePlot, MarkerShape, Plot, ScatterPlot, TickFormat};
use kuva::render::annotations::ReferenceLine;
use std::sync::Arc;

/// An axis: its label with the unit, its scale, its ends.
#[derive(Clone, Debug, Default)]
pub struct Axis {
    label: String,
    log: bool,
    range: Option<(f64, f64)>,
}

impl Axis {
    /// A linear axis that fits the data. The label names the unit.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), ..Self::default() }
    }

    /// The same on a logarithmic scale.
    pub fn log(mut self) -> Self {
        self.log = true;
        self
    }

    /// The same from `low` to `high`.
    pub fn range(mut self, low: f64, high: f64) -> Self {
        self.range = Some((low, high));
        self
    }
}

/// Title and axes of a chart.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// The title: what is shown, in a few words.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
}

impl Chart {
    /// A chart with two axes.
    pub fn new(title: impl Into<String>, x: Axis, y: Axis) -> Self {
        Self { title: title.into(), x, y }
    }
}

/// One curve or cloud of points.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// The name in the legend.
    pub name: String,
    /// Points.
    pub points: Vec<(f64, f64)>,
    /// Lower and upper edge of a band about the points.
    pub band: Option<(Vec<f64>, Vec<f64>)>,
    /// Drawn with dashes.
    pub dashed: bool,
}

impl Series {
    /// A series without a band; points that are not finite are left out.
    pub fn new(name: impl Into<String>, x: &[f64], y: &[f64]) -> Self {
        let points = x.iter().copied().zip(y.iter().copied()).filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
        Self { name: name.into(), points, ..Self::default() }
    }

    /// The mean of several curves over the same abscissae, with a band from the smallest to the largest. Curves are cut to the
    /// shortest one.
    pub fn band<'a>(name: impl Into<String>, curves: impl IntoIterator<Item = (&'a [f64], &'a [f64])>) -> Self {
        let curves: Vec<_> = curves.into_iter().collect();
        let n = curves.iter().map(|(x, y)| x.len().min(y.len())).min().unwrap_or(0);
        let at = |i: usize| curves.iter().map(move |(_, y)| y[i]);
        let mean = |i: usize| at(i).sum::<f64>() / curves.len() as f64;
        let points = (0..n).map(|i| (curves[0].0[i], mean(i))).collect();
        let low = (0..n).map(|i| at(i).fold(f64::INFINITY, f64::min)).collect();
        let high = (0..n).map(|i| at(i).fold(f64::NEG_INFINITY, f64::max)).collect();
        let band = (curves.len() > 1).then_some((low, high));
        Self { name: name.into(), points, band, dashed: false }
    }

    /// The same with dashes.
    pub fn dashed(mut self) -> Self {
        self.dashed = true;
        self
    }
}

/// Curves, each with its band where it has one.
pub fn lines(chart: &Chart, series: &[Series]) -> String {
    if series.iter().all(|s| s.points.is_empty()) {
        return nothing(&chart.title);
    }
    let mut plots = Vec::new();
    for (i, s) in series.iter().enumerate() {
        let mut line = LinePlot::new().with_data(s.points.iter().copied()).with_color(colour(i)).with_stroke_width(2.0);
        if let Some((low, high)) = &s.band {
            line = line.with_band(low.iter().copied(), high.iter().copied());
        }
        if s.dashed || i >= super::PALETTE.len() {
            line = line.with_dashed();
        }
        if !s.name.is_empty() {
            line = line.with_legend(s.name.as_str());
        }
        plots.push(line.into());
    }
    draw(plots, chart, &[])
}

/// ROC curves with the diagonal: points are (false alarm rate, hit rate); the area stands in the name.
pub fn roc(title: &str, series: &[Series]) -> String {
    let chart = Chart::new(
        title,
        Axis::new("false alarm rate (share of normal rows)").range(0.0, 1.0),
        Axis::new("hit rate (share of anomalies)").range(0.0, 1.0),
    );
    let diagonal =
        LinePlot::new().with_data([(0.0, 0.0), (1.0, 1.0)]).with_color("#999999").with_stroke_width(1.0).with_dashed();
    let mut plots: Vec<Plot> = vec![diagonal.into()];
    for (i, s) in series.iter().enumerate() {
        let line = LinePlot::new().with_data(s.points.iter().copied()).with_color(colour(i)).with_stroke_width(2.0);
        let line = if s.dashed { line.with_dashed() } else { line };
        plots.push(line.with_legend(s.name.as_str()).into());
    }
    draw(plots, &chart, &[])
}

/// Histograms of groups over common bins, as shares of each group; `marks` are vertical lines with a label, such as thresholds.
pub fn histogram(chart: &Chart, bins: usize, groups: &[(&str, &[f64])], marks: &[(f64, &str)]) -> String {
    let all: Vec<f64> = groups.iter().flat_map(|(_, v)| v.iter().copied()).filter(|v| v.is_finite()).collect();
    let scale = |v: f64| if chart.x.log { v.max(f64::MIN_POSITIVE).log10() } else { v };
    let back = |v: f64| if chart.x.log { 10f64.powf(v) } else { v };
    let low = all.iter().copied().map(scale).fold(f64::INFINITY, f64::min);
    let high = all.iter().copied().map(scale).fold(f64::NEG_INFINITY, f64::max);
    let (low, high) = if low < high { (low, high) } else { (low - 0.5, low + 0.5) };
    let edge = |i: usize| back(low + (high - low) * i as f64 / bins as f64);
    let mut plots = Vec::new();
    for (g, (name, values)) in groups.iter().enumerate() {
        let mut counts = vec![0.0; bins];
        for v in values.iter().copied().filter(|v| v.is_finite()) {
            let bin = ((scale(v) - low) / (high - low) * bins as f64) as usize;
            counts[bin.min(bins - 1)] += 100.0 / values.len() as f64;
        }
        let outline = std::iter::once((edge(0), 0.0))
            .chain((0..bins).flat_map(|i| [(edge(i), counts[i]), (edge(i + 1), counts[i])]))
            .chain([(edge(bins), 0.0)]);
        let line = LinePlot::new()
            .with_data(outline)
            .with_color(colour(g))
            .with_stroke_width(1.6)
            .with_fill()
            .with_fill_opacity(0.25);
        plots.push(line.with_legend(*name).into());
    }
    draw(plots, chart, marks)
}

/// Groups of bars: `values[group][series]` with the half length of an error bar (0: none).
pub fn bars(chart: &Chart, groups: &[String], series: &[String], values: &[Vec<(f64, f64)>]) -> String {
    let mut plot = BarPlot::new();
    for (label, row) in groups.iter().zip(values) {
        plot = plot.with_group(label.as_str(), row.iter().enumerate().map(|(i, (v, _))| (*v, colour(i))));
    }
    if series.len() > 1 {
        plot = plot.with_legend(series.iter().map(String::as_str).collect());
    }
    if values.iter().flatten().any(|(_, e)| *e > 0.0) {
        plot = plot.with_error(values.iter().flatten().map(|(_, e)| *e)).with_error_color("#222222");
    }
    draw(vec![plot.into()], chart, &[])
}

/// Clouds of points, each with a marker of its own; a series with `dashed` set is drawn as a dashed line instead.
pub fn scatter(chart: &Chart, series: &[Series]) -> String {
    const MARKERS: [MarkerShape; 4] =
        [MarkerShape::Circle, MarkerShape::Triangle, MarkerShape::Square, MarkerShape::Diamond];
    let mut plots: Vec<Plot> = Vec::new();
    for (i, s) in series.iter().enumerate() {
        if s.dashed {
            let line = LinePlot::new()
                .with_data(s.points.iter().copied())
                .with_color("#777777")
                .with_stroke_width(1.2)
                .with_dashed();
            plots.push(if s.name.is_empty() { line } else { line.with_legend(s.name.as_str()) }.into());
            continue;
        }
        let cloud = ScatterPlot::new().with_data(s.points.iter().copied()).with_color(colour(i)).with_size(4.0);
        let cloud = cloud.with_marker(MARKERS[i % MARKERS.len()]);
        plots.push(if s.name.is_empty() { cloud } else { cloud.with_legend(s.name.as_str()) }.into());
    }
    draw(plots, chart, &[])
}

/// A table of numbers as colours; the first row is drawn on top.
pub fn heat_map(chart: &Chart, rows: &[String], columns: &[String], values: &[Vec<f64>], unit: &str) -> String {
    let map = Heatmap::new()
        .with_data(values.iter().map(|r| r.iter().copied()))
        .with_labels(rows.to_vec(), columns.to_vec())
        .with_y_categories(rows.to_vec())
        .with_color_map(ColorMap::Blues)
        .with_legend(unit);
    let plots: Vec<Plot> = vec![map.into()];
    let layout = Layout::auto_from_plots(&plots)
        .with_x_categories(columns.to_vec())
        .with_y_categories(rows.iter().rev().cloned().collect());
    finish(plots, layout, chart)
}

/// A power of ten as such, other values short.
fn log_tick(v: f64) -> String {
    let power = v.abs().log10();
    if v <= 0.0 || (power - power.round()).abs() > 1e-9 {
        return format!("{v}");
    }
    match power.round() as i32 {
        p @ -2..=3 => format!("{}", 10f64.powi(p)),
        p => {
            let power = p.to_string();
            let raised = |c: char| match c {
                '-' => '\u{207b}',
                '1' => '\u{b9}',
                '2' => '\u{b2}',
                '3' => '\u{b3}',
                c => char::from_u32(0x2070 + c as u32 - '0' as u32).unwrap_or(c),
            };
            format!("10{}", power.chars().map(raised).collect::<String>())
        }
    }
}

fn draw(plots: Vec<Plot>, chart: &Chart, marks: &[(f64, &str)]) -> String {
    let mut layout = Layout::auto_from_plots(&plots);
    for (axis, vertical) in [(&chart.x, false), (&chart.y, true)] {
        layout = match (axis.log, vertical) {
            (true, false) => layout.with_log_x().with_x_tick_format(TickFormat::Custom(Arc::new(log_tick))),
            (true, true) => layout.with_log_y().with_y_tick_format(TickFormat::Custom(Arc::new(log_tick))),
            _ => layout,
        };
        layout = match (axis.range, vertical) {
            (Some((a, b)), false) => layout.with_x_axis_min(a).with_x_axis_max(b),
            (Some((a, b)), true) => layout.with_y_axis_min(a).with_y_axis_max(b),
            _ => layout,
        };
    }
    for (value, label) in marks {
        layout = layout.with_reference_line(ReferenceLine::vertical(*value).with_color("#444444").with_label(*label));
    }
    finish(plots, layout, chart)
}

/// What stands in the place of a chart without data, which a logarithmic axis could not scale.
fn nothing(title: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 760 60\" font-family=\"sans-serif\">\
         <text x=\"20\" y=\"35\" font-size=\"15\">{}: no data</text></svg>",
        escape(title)
    )
}

fn finish(plots: Vec<Plot>, layout: Layout, chart: &Chart) -> String {
    let layout = layout
        .with_width(760.0)
        .with_height(440.0)
        .with_title(chart.title.as_str())
        .with_x_label(chart.x.label.as_str())
        .with_y_label(chart.y.label.as_str())
        .with_legend_position(LegendPosition::OutsideRightTop)
        .with_legend_box(false)
        .with_title_size(15)
        .with_label_size(13)
        .with_tick_size(11)
        .with_body_size(12);
    standalone(kuva::render_to_svg(plots, layout), &chart.title)
}

/// kuva numbers clip paths through the life of a process; a page needs names that differ between its figures and are the same in
/// every run: the title's letters and digits, and the place in the figure.
fn stable_ids(svg: &str, title: &str) -> String {
    const MARK: &str = "kuva-clip-";
    let slug: String = title.chars().filter(char::is_ascii_alphanumeric).collect();
    let mut seen: Vec<&str> = Vec::new();
    let mut parts = svg.split(MARK);
    let mut out = parts.next().unwrap_or("").to_string();
    for part in parts {
        let (number, rest) = part.split_at(part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len()));
        let place = seen.iter().position(|s| *s == number).unwrap_or_else(|| {
            seen.push(number);
            seen.len() - 1
        });
        out.push_str(&format!("clip-{slug}-{place}{rest}"));
    }
    out
}

/// Inserts what kuva leaves out: a `viewBox` (so that a page can scale the picture) and a title for screen readers.
fn standalone(svg: String, title: &str) -> String {
    let svg = stable_ids(&svg, title);
    let Some(end) = svg.find("<svg").and_then(|start| svg[start..].find('>').map(|e| start + e)) else {
        return svg;
    };
    let start = svg.find("<svg").unwrap_or(0);
    let tag = &svg[start..end];
    let number = |name: &str| {
        let rest = &tag[tag.find(&format!(" {name}=\""))? + name.len() + 3..];
        rest[..rest.find('"')?].trim_end_matches("px").parse::<f64>().ok()
    };
    let (Some(width), Some(height)) = (number("width"), number("height")) else {
        return svg;
    };
    let view = if tag.contains("viewBox") { String::new() } else { format!(" viewBox=\"0 0 {width} {height}\"") };
    format!("{tag}{view} role=\"img\"><title>{}</title>{}", escape(title), &svg[end + 1..])
}
