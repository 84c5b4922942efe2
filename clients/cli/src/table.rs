//! A reply as people read it: a line for each member, a table for each list of objects.

use std::fmt::Write;

use crate::clean::clean;
use crate::value::Value;

/// `reply` without the members in `hidden`.
pub fn table(reply: &Value, hidden: &[&str]) -> String {
    let mut text = String::new();
    let Value::Object(members) = reply else { return text };
    let members: Vec<&(String, Value)> =
        members.iter().filter(|(key, _)| !hidden.contains(&key.as_str())).collect();
    let mut rows = Vec::new();
    for (key, value) in &members {
        flatten(key, value, &mut rows);
    }
    let width = rows.iter().map(|(key, _)| key.chars().count()).max().unwrap_or(0);
    for (key, value) in &rows {
        let line = format!("{key:width$}  {value}");
        let _ = writeln!(text, "{}", clean(line.chars()).trim_end());
    }
    for (key, value) in members {
        if let Some(list) = objects(value) {
            let _ = writeln!(text, "\n{}", clean(key.chars()));
            text.push_str(&columns(list));
        }
    }
    text
}

/// A list that is a table of its own.
fn objects(value: &Value) -> Option<&[Value]> {
    match value {
        Value::List(list) if matches!(list.first(), Some(Value::Object(_))) => Some(list),
        _ => None,
    }
}

fn flatten(key: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                flatten(&format!("{key}.{name}"), value, rows);
            }
        }
        Value::List(list) if objects(value).is_some() => {
            rows.push((key.into(), list.len().to_string()));
        }
        value => {
            let name = key.rsplit('.').next().unwrap_or(key);
            rows.push((key.into(), cell(name, value)));
        }
    }
}

/// The value of a member on one line. A factor comes with all the digits of a 32-bit number, of
/// which two decimals tell people something.
fn cell(name: &str, value: &Value) -> String {
    if name == "stretch"
        && let Value::Plain(text) = value
        && let Ok(factor) = text.parse::<f64>()
    {
        return format!("{factor:.2}");
    }
    short(value)
}

/// A value on one line.
fn short(value: &Value) -> String {
    match value {
        Value::List(list) if list.is_empty() => "none".into(),
        Value::List(list) => list.iter().map(short).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| format!("{key}={}", short(value)));
            members.collect::<Vec<_>>().join(" ")
        }
        value => value.word().unwrap_or_default().into(),
    }
}

/// Objects below each other, a column for each key that one of them has.
fn columns(list: &[Value]) -> String {
    let mut keys: Vec<&str> = Vec::new();
    for value in list {
        if let Value::Object(members) = value {
            let new = members.iter().map(|(key, _)| key.as_str());
            new.for_each(|key| {
                if !keys.contains(&key) {
                    keys.push(key)
                }
            });
        }
    }
    let head: Vec<String> = keys.iter().map(|key| (*key).into()).collect();
    let cells = list.iter().map(|value| {
        let cells = keys.iter().map(|key| value.get(key).map(|value| cell(key, value)));
        cells.map(Option::unwrap_or_default).collect()
    });
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(cells).collect();
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..keys.len()).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        let _ = writeln!(text, "  {}", clean(line.chars()).trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_looks_like_this() {
        let reply = "{\"status\":\"success\",\"version\":\"0.1.0\",\"session_id\":null,\
            \"latency\":{\"p50\":1.5,\"p99\":20},\"modes\":[],\"clients\":[\
            {\"id\":0,\"streams\":[\"vitals\",\"events\"]},{\"id\":11,\"pid\":7}]}";
        let text = table(&Value::parse(reply).unwrap(), &["status"]);
        assert_eq!(
            text,
            "version      0.1.0\n\
             session_id   none\n\
             latency.p50  1.5\n\
             latency.p99  20\n\
             modes        none\n\
             clients      2\n\
             \n\
             clients\n  \
               id  streams         pid\n  \
               0   vitals, events\n  \
               11                  7\n"
        );
    }

    #[test]
    fn a_stretch_has_two_decimals() {
        let reply = "{\"process_source\":{\"total_ns\":1.2345,\"stretch\":1.0},\
            \"sample_sources\":[{\"stretch\":10.050000190734863},{\"stretch\":null}]}";
        assert_eq!(
            table(&Value::parse(reply).unwrap(), &[]),
            "process_source.total_ns  1.2345\n\
             process_source.stretch   1.00\n\
             sample_sources           2\n\
             \n\
             sample_sources\n  \
               stretch\n  \
               10.05\n  \
               none\n"
        );
    }

    #[test]
    fn nothing_harmful_gets_through() {
        let reply = "{\"a\\u001b\":\"\\u001b[2J\\n\",\"b\":[{\"\\u0007\":\"\\u009b\"}]}";
        let text = table(&Value::parse(reply).unwrap(), &[]);
        assert!(!text.chars().any(|char| char.is_control() && char != '\n'), "{text:?}");
    }
}
