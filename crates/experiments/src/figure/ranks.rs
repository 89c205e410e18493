//! Critical-difference diagrams (Demsar 2006).

use super::escape;
use crate::stats::Friedman;

const WIDTH: f64 = 760.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 570.0;

/// Mean ranks on a line, the best on the left, with bars over groups that Nemenyi's test does not tell apart.
pub fn critical_difference(title: &str, names: &[String], test: &Friedman) -> String {
    let k = names.len();
    let mut order: Vec<usize> = (0..k).collect();
    order.sort_by(|a, b| test.mean_ranks[*a].total_cmp(&test.mean_ranks[*b]));
    let ranks: Vec<f64> = order.iter().map(|i| test.mean_ranks[*i]).collect();
    let x = |rank: f64| LEFT + (rank - 1.0) / (k.max(2) - 1) as f64 * (RIGHT - LEFT);
    let bars = groups(&ranks, test.critical_difference);
    let axis = 84.0;
    let first_label = axis + 22.0 + 9.0 * bars.len() as f64;
    let half = k.div_ceil(2);
    let height = first_label + 20.0 * half as f64 + 14.0;
    let mut body = text(20.0, 26.0, "start", 15.0, title);
    let unit = (RIGHT - LEFT) / (k.max(2) - 1) as f64;
    let reach = test.critical_difference * unit;
    if reach.is_finite() {
        let end = (LEFT + reach).min(WIDTH - 20.0);
        body.push_str(&line(LEFT, 46.0, end, 46.0, 1.5));
        body.push_str(&line(LEFT, 42.0, LEFT, 50.0, 1.5));
        body.push_str(&line(end, 42.0, end, 50.0, 1.5));
        body.push_str(&text(
            end + 8.0,
            50.0,
            "start",
            11.0,
            &format!("critical difference {:.2}", test.critical_difference),
        ));
    }
    body.push_str(&line(LEFT, axis, RIGHT, axis, 1.2));
    for rank in 1..=k {
        let at = x(rank as f64);
        body.push_str(&line(at, axis - 5.0, at, axis, 1.2));
        body.push_str(&text(at, axis - 9.0, "middle", 11.0, &rank.to_string()));
    }
    for (b, (from, to)) in bars.iter().enumerate() {
        let y = axis + 9.0 + 9.0 * b as f64;
        body.push_str(&line(x(ranks[*from]) - 4.0, y, x(ranks[*to]) + 4.0, y, 4.0));
    }
    for (place, method) in order.iter().enumerate() {
        let at = x(ranks[place]);
        let on_left = place < half;
        let row = if on_left { place } else { k - 1 - place };
        let y = first_label + 20.0 * row as f64;
        let (end, anchor, shift) = if on_left { (LEFT - 12.0, "end", -6.0) } else { (RIGHT + 12.0, "start", 6.0) };
        body.push_str(&line(at, axis, at, y, 0.8));
        body.push_str(&line(at, y, end, y, 0.8));
        let label = format!("{} ({:.2})", names[*method], ranks[place]);
        body.push_str(&text(end + shift, y + 4.0, anchor, 12.0, &label));
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH:.0} {height:.0}\" width=\"{WIDTH:.0}\" height=\"{height:.0}\" \
         font-family=\"DejaVu Sans, Verdana, Arial, sans-serif\"><rect width=\"100%\" height=\"100%\" fill=\"white\"/>{body}</svg>"
    )
}

/// The longest runs of neighbouring ranks within the critical difference, none inside of another.
fn groups(ranks: &[f64], difference: f64) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for from in 0..ranks.len() {
        let to = (from..ranks.len()).take_while(|to| ranks[*to] - ranks[from] < difference).last().unwrap_or(from);
        if to > from && found.last().is_none_or(|(_, end)| to > *end) {
            found.push((from, to));
        }
    }
    found
}

fn line(x1: f64, y1: f64, x2: f64, y2: f64, width: f64) -> String {
    format!(
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"#222222\" stroke-width=\"{width}\"/>"
    )
}

fn text(x: f64, y: f64, anchor: &str, size: f64, content: &str) -> String {
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\">{}</text>", escape(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_the_longest_ones() {
        assert_eq!(groups(&[1.0, 1.5, 2.4, 4.0], 1.0), vec![(0, 1), (1, 2)]);
        assert_eq!(groups(&[1.0, 1.5, 1.9, 4.0], 1.0), vec![(0, 2)]);
        assert!(groups(&[1.0, 3.0], 1.0).is_empty());
    }

    #[test]
    fn every_method_is_named() {
        let names = ["a", "b & c", "d"].map(String::from);
        let test = Friedman { mean_ranks: vec![2.5, 1.2, 2.3], p: 0.1, critical_difference: 0.9 };
        let svg = critical_difference("Ranks", &names, &test);
        assert!(
            svg.contains("b &amp; c (1.20)") && svg.contains("a (2.50)") && svg.contains("critical difference 0.90")
        );
    }
}
