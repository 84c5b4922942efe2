//! Shapes and text of a plot, as SVG. It shows what it is told, wherever that is.

use std::fmt::Write;

/// As many lines of one panel can be told apart.
pub const COLORS: usize = 8;

/// Light and dark; of each pair the first on white, the second on black.
const STYLE: &str = "\
text{font:12px system-ui,sans-serif;fill:#333}.t{font-size:15px;font-weight:600;fill:#111}\
.q{fill:#666}.b{fill:#fff}.g{stroke:#e4e4e4;fill:none}.a{stroke:#999;fill:none}\
.l{fill:none;stroke-width:1.4;stroke-linejoin:round;stroke-linecap:round}\
.c0{stroke:#0068b3}.c1{stroke:#d1480f}.c2{stroke:#00845f}.c3{stroke:#b34a8b}\
.c4{stroke:#9a6b00}.c5{stroke:#5a50c7}.c6{stroke:#b00020}.c7{stroke:#4d6b7a}\
@media(prefers-color-scheme:dark){text{fill:#ccc}.t{fill:#f2f2f2}.q{fill:#999}.b{fill:#15171a}\
.g{stroke:#2b2f34}.a{stroke:#666}.c0{stroke:#58b0f0}.c1{stroke:#ff8a5c}.c2{stroke:#3fcf9f}\
.c3{stroke:#f08ac5}.c4{stroke:#e5b84a}.c5{stroke:#a59cff}.c6{stroke:#ff7085}.c7{stroke:#9fbccb}}";

/// A picture on its way.
#[derive(Debug)]
pub struct Svg {
    text: String,
}

/// On which side of its place a text stands.
#[derive(Clone, Copy, Debug)]
pub enum Anchor {
    /// To the right of it.
    Start,
    /// Around it.
    Middle,
    /// To the left of it.
    End,
}

impl Svg {
    /// An empty picture; `title` is what it is, for who can't see it.
    pub fn new(width: f64, height: f64, title: &str) -> Self {
        let title = escaped(title);
        let text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\" role=\"img\">\n<title>{title}</title>\n\
             <style>{STYLE}</style>\n<rect class=\"b\" width=\"{width}\" height=\"{height}\"/>\n"
        );
        Self { text }
    }

    /// A text of class `t` (title), `q` (quiet) or none.
    pub fn text(&mut self, x: f64, y: f64, anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        let text = escaped(text);
        // Writing to a string can't fail.
        let _ = writeln!(self.text, "<text x=\"{x:.1}\" y=\"{y:.1}\"{anchor}{class}>{text}</text>");
    }

    /// A line of class `g` (grid), `a` (axis), or `l cN`.
    pub fn path(&mut self, class: &str, path: &str) {
        let _ = writeln!(self.text, "<path class=\"{class}\" d=\"{path}\"/>");
    }

    /// The whole picture.
    pub fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }
}

/// Text that is no markup. What XML can't have is left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in crate::clean::clean(text.chars()).chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\u{FFFE}' | '\u{FFFF}' => {}
            char => escaped.push(char),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_no_markup() {
        let mut svg = Svg::new(10.0, 10.0, "a<b>&\u{1b}[2J");
        svg.text(1.0, 2.0, Anchor::End, "q", "</text><script>");
        let text = svg.finish();
        assert!(text.contains("<title>a&lt;b&gt;&amp;\u{fffd}[2J</title>"), "{text}");
        assert!(text.contains(">&lt;/text&gt;&lt;script&gt;</text>"), "{text}");
    }
}
