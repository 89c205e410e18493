//! Decision regions and grids of images: PNG data under an SVG frame.

use super::{Image, colour, escape};

/// One cell of a grid.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    /// The picture.
    pub image: Image,
    /// A line under it, such as an accuracy.
    pub caption: String,
    /// Points over it, in `[0, 1]` from the lower left corner, with their class.
    pub points: Vec<([f64; 2], usize)>,
}

/// A grid of panels with the names of its rows and columns: decision regions, with the axes' meaning in one line below.
pub fn regions(rows: &[String], columns: &[String], panels: &[Vec<Panel>], axes: &str) -> String {
    // A few panels fill the page's width as well as many.
    let cell = if columns.len() <= 3 { 236.0 } else { 118.0 };
    let grid = Grid { cell, gap: 10.0, left: 128.0, top: 34.0, caption: 16.0, smooth: false };
    grid.draw(rows, columns, panels, axes)
}

/// A grid of small images (digits, reconstructions), sharp-edged.
pub fn images(rows: &[String], columns: &[String], panels: &[Vec<Panel>], note: &str) -> String {
    let grid = Grid { cell: 64.0, gap: 8.0, left: 24.0, top: 24.0, caption: 16.0, smooth: false };
    grid.draw(rows, columns, panels, note)
}

struct Grid {
    cell: f64,
    gap: f64,
    left: f64,
    top: f64,
    caption: f64,
    smooth: bool,
}

impl Grid {
    fn draw(&self, rows: &[String], columns: &[String], panels: &[Vec<Panel>], note: &str) -> String {
        let step_x = self.cell + self.gap;
        let step_y = self.cell + self.gap + self.caption;
        let width = self.left + step_x * columns.len() as f64;
        let height = self.top + step_y * rows.len() as f64 + 24.0;
        let mut body = String::new();
        for (j, name) in columns.iter().enumerate() {
            let x = self.left + step_x * j as f64 + self.cell / 2.0;
            body.push_str(&text(x, self.top - 10.0, "middle", 12.0, name));
        }
        for (i, (name, row)) in rows.iter().zip(panels).enumerate() {
            let y = self.top + step_y * i as f64;
            body.push_str(&text(self.left - 10.0, y + self.cell / 2.0 + 4.0, "end", 12.0, name));
            for (j, panel) in row.iter().enumerate() {
                self.panel(&mut body, self.left + step_x * j as f64, y, panel);
            }
        }
        body.push_str(&text(self.left, height - 8.0, "start", 11.0, note));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" \
             font-family=\"DejaVu Sans, Verdana, Arial, sans-serif\">\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>{body}</svg>"
        )
    }

    fn panel(&self, body: &mut String, x: f64, y: f64, panel: &Panel) {
        let c = self.cell;
        let rendering = if self.smooth { "auto" } else { "pixelated" };
        body.push_str(&format!(
            "<image x=\"{x:.1}\" y=\"{y:.1}\" width=\"{c}\" height=\"{c}\" preserveAspectRatio=\"none\" \
             style=\"image-rendering:{rendering}\" href=\"{}\"/>",
            panel.image.data_uri()
        ));
        for ([px, py], class) in &panel.points {
            body.push_str(&format!(
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"1.6\" fill=\"{}\" stroke=\"white\" stroke-width=\"0.4\"/>",
                x + px * c,
                y + (1.0 - py) * c,
                colour(*class)
            ));
        }
        body.push_str(&format!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{c}\" height=\"{c}\" fill=\"none\" stroke=\"#666\" stroke-width=\"0.8\"/>"
        ));
        if !panel.caption.is_empty() {
            body.push_str(&text(x + c / 2.0, y + c + 13.0, "middle", 10.5, &panel.caption));
        }
    }
}

fn text(x: f64, y: f64, anchor: &str, size: f64, words: &str) -> String {
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\">{}</text>", escape(words))
}
