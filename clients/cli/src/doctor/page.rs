//! What was found, on one screen of a terminal.

use std::fmt::Write;

use super::findings::{Finding, Section, Verdict};
use crate::clean::clean;
use crate::value::Value;

/// As wide as terminals are everywhere.
const COLUMNS: usize = 80;
/// Below this nothing is read easily, whatever is done.
const COLUMNS_MIN: usize = 40;
/// Where the text of a finding begins.
const INDENT: usize = 19;
/// What stands before what mends it.
const MEND: &str = "-> ";

/// How a page looks.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    columns: usize,
    is_colored: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { columns: COLUMNS, is_colored: false }
    }
}

impl Style {
    /// For a terminal that is so wide, if it says so.
    pub fn of(columns: Option<u16>, is_colored: bool) -> Self {
        let columns = columns.map_or(COLUMNS, usize::from).clamp(COLUMNS_MIN, COLUMNS);
        Self { columns, is_colored }
    }

    /// `text` as this sequence of SGR shows it.
    fn paint(self, code: &str, text: &str) -> String {
        match self.is_colored {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.into(),
        }
    }
}

/// The page: which machine it is, each section, and how many things there are to look at.
pub fn page(report: &Value, sections: &[Section], style: Style) -> String {
    let mut page = String::new();
    for (index, line) in wrap(&machine(report), style.columns, 0).iter().enumerate() {
        let code = if index == 0 { "1" } else { "0" };
        let _ = writeln!(page, "{}", style.paint(code, line));
    }
    for section in sections {
        let title = clean(section.title.chars());
        let _ = writeln!(page, "\n{}", style.paint("1", &title));
        for finding in &section.findings {
            show(&mut page, finding, style);
        }
    }
    let (code, verdict) = verdict(sections);
    page.push('\n');
    for line in wrap(&verdict, style.columns, 0) {
        let _ = writeln!(page, "{}", style.paint(code, &line));
    }
    page
}

/// How many things there are to look at, and which: the lines may have left a small screen.
fn verdict(sections: &[Section]) -> (&'static str, String) {
    let findings = sections.iter().flat_map(|section| &section.findings);
    let looked = findings.filter(|finding| finding.verdict == Verdict::Look);
    let names: Vec<&str> = looked.map(|finding| finding.what).collect();
    match names.len() {
        0 => ("1;32", "nothing to mend".into()),
        1 => ("1;33", format!("1 thing to look at: {}", names[0])),
        count => ("1;33", format!("{count} things to look at: {}", names.join(", "))),
    }
}

/// Which program on which machine.
fn machine(report: &Value) -> String {
    let system = report.get("system");
    let word = |key: &str| match system?.get(key)? {
        Value::Text(text) | Value::Plain(text) => Some(text.clone()),
        _ => None,
    };
    let cpus = word("cpus").map(|count| match count.as_str() {
        "1" => "1 CPU".into(),
        _ => format!("{count} CPUs"),
    });
    let parts = [word("name"), word("kernel"), word("machine"), word("model"), cpus];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let kymo = report.get("kymo").and_then(Value::word).unwrap_or_default();
    clean(format!("kymo {kymo} on {}", parts.join(", ")).chars())
}

fn show(page: &mut String, finding: &Finding, style: Style) {
    let (mark, code, less) = match finding.verdict {
        Verdict::Ok => ("ok", "32", "32"),
        Verdict::Look => ("!!", "1;33", "33"),
        Verdict::Told => ("--", "2", "2"),
    };
    let width = style.columns - INDENT;
    let is = wrap(&clean(finding.is.chars()), width, 0);
    let mut lead = format!("{}  {:13}", style.paint(code, mark), finding.what);
    for line in &is {
        let _ = writeln!(page, "  {lead}{line}");
        lead = " ".repeat(INDENT - 2);
    }
    let Some(todo) = &finding.todo else { return };
    for (index, line) in wrap(&clean(todo.chars()), width, MEND.len()).iter().enumerate() {
        let mark = if index == 0 { MEND } else { "   " };
        let _ = writeln!(page, "{:INDENT$}{}", "", style.paint(less, &format!("{mark}{line}")));
    }
}

/// `text` in lines that leave `less` of `width` free. What stands between two commas is not torn
/// apart if it is as short as `cpu 18`; a word that is longer than a line goes on in the next one,
/// and nothing is left out.
fn wrap(text: &str, width: usize, less: usize) -> Vec<String> {
    let width = width - less;
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_inclusive(", ").flat_map(units) {
        let letters: Vec<char> = word.chars().collect();
        if used > 0 && used + 1 + letters.len() > width {
            lines.push(String::new());
            used = 0;
        }
        for (index, part) in letters.chunks(width).enumerate() {
            if index > 0 {
                lines.push(String::new());
                used = 0;
            }
            let Some(line) = lines.last_mut() else { continue };
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.extend(part);
            used += part.len();
        }
    }
    lines
}

/// What of a part of a list is not torn apart.
fn units(part: &str) -> Vec<&str> {
    match part.split_whitespace().count() {
        2 => vec![part.trim()],
        _ => part.split_whitespace().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::findings::{look, ok, told};
    use super::*;

    fn section(findings: Vec<Finding>) -> Vec<Section> {
        vec![Section { title: "daemon".into(), findings }]
    }

    fn plain(findings: Vec<Finding>) -> String {
        page(&Value::Null, &section(findings), Style::default())
    }

    #[test]
    fn a_page_looks_like_this() {
        let report = "{\"kymo\":\"0.1.0\",\"system\":{\"name\":\"Debian 13\",\"model\":null,\
            \"kernel\":\"Linux 6.18\",\"cpus\":2}}";
        let findings = vec![
            ok("answers", "in ~/k"),
            told("journal", "off"),
            look("sockets", "json.sock 0666 lets anybody in", "chmod 600 ~/k/json.sock"),
        ];
        let text = page(&Value::parse(report).unwrap(), &section(findings), Style::default());
        assert_eq!(
            text,
            "kymo 0.1.0 on Debian 13, Linux 6.18, 2 CPUs\n\
             \n\
             daemon\n  \
               ok  answers      in ~/k\n  \
               --  journal      off\n  \
               !!  sockets      json.sock 0666 lets anybody in\n                   \
                               -> chmod 600 ~/k/json.sock\n\
             \n\
             1 thing to look at: sockets\n"
        );
        assert!(plain(vec![ok("a", "b")]).ends_with("\nnothing to mend\n"));
        let two = plain(vec![look("a", "b", "c"), look("a", "b", "c")]);
        assert!(two.ends_with("\n2 things to look at: a, a\n"), "{two}");
    }

    #[test]
    fn no_line_is_too_long_and_nothing_is_left_out() {
        let path = format!("/{}", "x".repeat(200));
        let todo = format!("{} {path}", "word ".repeat(60));
        for (columns, is_colored) in [(80, false), (40, false), (3, false), (500, false)] {
            let style = Style::of(Some(columns), is_colored);
            let findings = section(vec![look("answers", path.clone(), todo.clone())]);
            let text = page(&Value::Null, &findings, style);
            let longest = text.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(longest <= usize::from(columns).clamp(40, 80), "{columns}: {text}");
            assert_eq!(text.matches('x').count(), 400, "{text}");
            assert_eq!(text.matches("word").count(), 60, "{text}");
        }
    }

    #[test]
    fn a_name_stays_with_its_number() {
        assert_eq!(wrap("cpu 18, pressure 24, gpu 3", 16, 0), ["cpu 18,", "pressure 24,", "gpu 3"]);
        assert_eq!(wrap("cpu 18, pressure is 24", 16, 0), ["cpu 18, pressure", "is 24"]);
    }

    #[test]
    fn colours_are_there_only_if_wanted() {
        let findings = || section(vec![ok("a", "b"), look("c", "d", "e\u{1b}[2J")]);
        let colored = page(&Value::Null, &findings(), Style::of(None, true));
        for code in ["\x1b[32mok\x1b[0m", "\x1b[1;33m!!\x1b[0m", "\x1b[1mdaemon\x1b[0m"] {
            assert!(colored.contains(code), "{colored:?}");
        }
        assert!(!colored.contains("\x1b[2J"), "{colored:?}");
        let plain = page(&Value::Null, &findings(), Style::of(None, false));
        assert!(!plain.contains('\x1b'), "{plain:?}");
    }
}
