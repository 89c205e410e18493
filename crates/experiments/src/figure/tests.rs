//! Charts are well formed, small and the same every time.

use super::*;

fn well_formed(svg: &str) {
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{}", &svg[..svg.len().min(200)]);
    assert!(svg.contains("viewBox"));
    assert!(!svg.contains("<script") && !svg.contains("NaN") && svg.len() < LIMIT);
    balanced(svg);
}

/// Every tag that opens closes, in order: what a browser's XML parser asks for.
fn balanced(svg: &str) {
    let mut open: Vec<String> = Vec::new();
    for part in svg.split('<').skip(1) {
        let tag = part.split('>').next().unwrap_or("");
        let name = tag.trim_start_matches('/').split([' ', '/', '\n']).next().unwrap_or("").to_string();
        match tag {
            t if t.starts_with('!') || t.starts_with('?') || t.ends_with('/') => {}
            t if t.starts_with('/') => assert_eq!(open.pop().as_deref(), Some(name.as_str())),
            _ => open.push(name),
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

fn wave() -> (Vec<f64>, Vec<f64>) {
    (0..40).map(|i| (i as f64, (i as f64 / 5.0).sin() + 2.0)).unzip()
}

#[test]
fn every_chart_is_well_formed_and_small() {
    let (x, y) = wave();
    let (y2, names): (Vec<f64>, _) = (y.iter().map(|v| v * 1.2).collect(), ["a & b".to_string(), "c".to_string()]);
    let chart = Chart::new("Loss < 1", Axis::new("epoch"), Axis::new("loss (nats)").log());
    well_formed(&lines(
        &chart,
        &[Series::band("a", [(&x[..], &y[..]), (&x[..], &y2[..])]), Series::new("b", &x, &y).dashed()],
    ));
    well_formed(&roc("ROC", &[Series::new("AE 0.99", &[0.0, 0.1, 1.0], &[0.0, 0.9, 1.0])]));
    let chart = Chart::new("Errors", Axis::new("error").log(), Axis::new("share (%)"));
    well_formed(&histogram(&chart, 30, &[("normal", &y), ("anomalous", &y2)], &[(2.0, "threshold")]));
    let chart = Chart::new("t", Axis::new("set"), Axis::new("accuracy (%)"));
    well_formed(&bars(&chart, &names, &names, &[vec![(1.0, 0.1), (2.0, 0.2)], vec![(3.0, 0.0), (4.0, 0.3)]]));
    well_formed(&scatter(&chart, &[Series::new("p", &x, &y), Series::new("", &[0.0, 40.0], &[0.0, 4.0]).dashed()]));
    well_formed(&heat_map(&chart, &names, &names, &[vec![0.1, 0.2], vec![0.3, 0.4]], "log10 norm"));
}

#[test]
fn a_figure_has_the_same_bytes_every_time_and_names_of_its_own() {
    let (x, y) = wave();
    let draw = |title: &str| lines(&Chart::new(title, Axis::new("x"), Axis::new("y")), &[Series::new("s", &x, &y)]);
    assert_eq!(draw("one"), draw("one"));
    assert!(draw("one").contains("clip-one-0") && draw("two").contains("clip-two-0"));
}

#[test]
fn images_travel_inside_the_picture() {
    let image = Image::colour(8, 8, (0..64).map(|i| [i as f64 / 64.0, 0.5, 0.2]));
    let panel = Panel { image, caption: "98 %".into(), points: vec![([0.2, 0.3], 1)] };
    let names = ["r <1>".to_string()];
    let svg = regions(&names, &["c".to_string()], &[vec![panel]], "x, y in [-1, 1]");
    well_formed(&svg);
    assert!(svg.contains("data:image/png;base64,") && svg.contains("r &lt;1&gt;"));
    well_formed(&images(
        &names,
        &names,
        &[vec![Panel { image: Image::grey(2, 2, [0.0, 0.3, 0.6, 1.0]), ..Panel::default() }]],
        "",
    ));
}

#[test]
fn an_image_survives_its_record() {
    let image = Image::grey(3, 2, (0..6).map(|i| i as f64 / 5.0));
    let text = serde_json::to_string(&image).unwrap();
    assert_eq!(serde_json::from_str::<Image>(&text).unwrap(), image);
}

#[test]
fn a_figure_too_large_is_refused() {
    assert!(Figure::new("big", "", "x".repeat(LIMIT + 1)).is_err());
}
