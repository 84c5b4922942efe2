//! Settings from TOML, as `kymod --config FILE` reads them.
//!
//! | table | key | type | range | default |
//! |---|---|---|---|---|
//! | `[[listener]]` | `path` | string | a file name in the directory, or absolute | required |
//! | | `format` | string | `binary`, `json`, `opta1` | required |
//! | | `streams` | strings | `vitals` | `["vitals"]` |
//! | | `rate_hz` | number | 0.1 to 1000 Hz | the daemon's rate |
//! | | `mode` | integer | 0o600 to 0o777, with 0o600 | 0o600 |
//! | | `bare` | boolean | only with `json` | false |
//! | `[limits]` | `clients` | integer | 1 to 16384 | 256 |
//! | | `rate_max` | number | 0.1 to 1000 Hz | 1000 |
//!
//! Each `[[listener]]` adds one to those there are. Anything else is an error that says where,
//! because a misspelt setting would otherwise be one that silently does not hold. Whether the
//! settings fit together is for [`Config::check`](crate::Config::check) to say.

mod toml;

use std::fmt;

use kymo_protocol::limits::{RATE_MHZ_MAX, RATE_MHZ_MIN};
use kymo_protocol::{StreamId, Streams};

use crate::config::{Config, Listener, ListenerFormat};
use crate::limits::CLIENTS_MAX;
use toml::{Fault, Key, Node, Table, Value};

/// The streams a listener can give unasked.
const STREAMS: [(&str, StreamId); 1] = [("vitals", StreamId::VITALS)];

const FORMATS: [(&str, ListenerFormat); 3] = [
    ("binary", ListenerFormat::Binary),
    ("json", ListenerFormat::Json),
    ("opta1", ListenerFormat::Opta1),
];

/// What is wrong in a settings file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TomlError {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What is wrong.
    pub text: String,
}

impl fmt::Display for TomlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.text)
    }
}

impl std::error::Error for TomlError {}

impl TomlError {
    fn new(text: &str, fault: Fault) -> Self {
        let before = text.get(..fault.at).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self {
            line: before.matches('\n').count() + 1,
            column: line.trim_start_matches('\u{feff}').chars().count() + 1,
            text: fault.text,
        }
    }
}

impl Config {
    /// Takes settings from a TOML text over. What the text does not mention stays as it is.
    ///
    /// ```
    /// let mut config = kymo::Config::in_directory("/run/kymo");
    /// config.read_toml("[[listener]]\npath = 'opta.sock'\nformat = 'opta1'\n")?;
    /// assert_eq!(config.listeners.len(), 3);
    ///
    /// let error = config.read_toml("[limits]\nclient = 9\n").unwrap_err();
    /// assert_eq!(error.to_string(), "2:1: unknown key `client`; did you mean `clients`?");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A [`TomlError`] that names the first mistake; nothing is taken over then.
    pub fn read_toml(&mut self, text: &str) -> Result<(), TomlError> {
        let mut read = self.clone();
        toml::parse(text)
            .and_then(|root| read.take_over(root))
            .map_err(|fault| TomlError::new(text, fault))?;
        *self = read;
        Ok(())
    }

    fn take_over(&mut self, root: Table) -> Result<(), Fault> {
        for (key, node) in root.entries {
            match key.name.as_str() {
                "listener" => {
                    for node in array(&key, node, "tables: write [[listener]]")? {
                        let at = node.at;
                        let listener = listener(at, table(&key, node)?)?;
                        self.listeners.push(listener);
                    }
                }
                "limits" => self.take_limits(table(&key, node)?)?,
                _ => return Err(unknown("key", &key, &["listener", "limits"])),
            }
        }
        Ok(())
    }

    fn take_limits(&mut self, table: Table) -> Result<(), Fault> {
        for (key, node) in table.entries {
            match key.name.as_str() {
                "clients" => {
                    let clients = integer(&key, &node, 1..=i64::from(CLIENTS_MAX))?;
                    self.limits.clients = clients
                        .ok_or_else(|| out_of_range(&key, &node, &format!("1 to {CLIENTS_MAX}")))?;
                }
                "rate_max" => self.limits.rate_mhz_max = rate(&key, &node)?,
                _ => return Err(unknown("key", &key, &["clients", "rate_max"])),
            }
        }
        Ok(())
    }
}

fn listener(at: usize, table: Table) -> Result<Listener, Fault> {
    const KEYS: [&str; 6] = ["path", "format", "streams", "rate_hz", "mode", "bare"];
    let (mut path, mut format) = (None, None);
    let mut listener = Listener::new("", ListenerFormat::Json);
    for (key, node) in table.entries {
        match key.name.as_str() {
            "path" => path = Some(string(&key, &node)?.to_string()),
            "format" => format = Some(choice("format", &key, &node, &FORMATS)?),
            "streams" => {
                listener.streams = Streams::default();
                for node in array(&key, node, "strings")? {
                    let stream = choice("stream", &key, &node, &STREAMS)?;
                    listener.streams = listener.streams.with(stream);
                }
            }
            "rate_hz" => listener.rate_mhz = Some(rate(&key, &node)?),
            "mode" => listener.mode = mode(&key, &node)?,
            "bare" => match node.value {
                Value::Bool(bare) => listener.bare = bare,
                _ => return Err(wrong_type(&key, &node, "true or false")),
            },
            _ => return Err(unknown("key", &key, &KEYS)),
        }
    }
    let missing = |name| Fault { at, text: format!("this listener has no `{name}`") };
    listener.path = path.ok_or_else(|| missing("path"))?.into();
    listener.format = format.ok_or_else(|| missing("format"))?;
    Ok(listener)
}

fn table(key: &Key, node: Node) -> Result<Table, Fault> {
    match node.value {
        Value::Table(table) => Ok(table),
        _ => Err(wrong_type(key, &node, "a table")),
    }
}

fn array(key: &Key, node: Node, of: &str) -> Result<Vec<Node>, Fault> {
    match node.value {
        Value::Array(items, _) => Ok(items),
        _ => Err(wrong_type(key, &node, &format!("an array of {of}"))),
    }
}

fn string<'a>(key: &Key, node: &'a Node) -> Result<&'a str, Fault> {
    match &node.value {
        Value::String(text) => Ok(text),
        _ => Err(wrong_type(key, node, "a string")),
    }
}

/// One of a few words.
fn choice<T: Copy>(what: &str, key: &Key, node: &Node, choices: &[(&str, T)]) -> Result<T, Fault> {
    let word = string(key, node)?;
    choices.iter().find(|(name, _)| *name == word).map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        unknown(what, &Key { name: word.into(), at: node.at }, &names)
    })
}

/// An integer; `None` when it is out of its range.
fn integer(
    key: &Key,
    node: &Node,
    range: std::ops::RangeInclusive<i64>,
) -> Result<Option<u32>, Fault> {
    match node.value {
        Value::Integer(value) if range.contains(&value) => Ok(u32::try_from(value).ok()),
        Value::Integer(_) => Ok(None),
        _ => Err(wrong_type(key, node, "an integer")),
    }
}

fn mode(key: &Key, node: &Node) -> Result<u32, Fault> {
    let mode = integer(key, node, 0..=0o777)?.filter(|mode| mode & 0o600 == 0o600);
    // 600 without the prefix is the mistake everybody makes.
    mode.ok_or_else(|| out_of_range(key, node, "0o600 to 0o777 in octal, owner's bits included"))
}

/// Hertz as people write them, in thousandths.
fn rate(key: &Key, node: &Node) -> Result<u32, Fault> {
    #[allow(clippy::cast_precision_loss)] // far from the range then
    let hz = match node.value {
        Value::Integer(hz) => hz as f64,
        Value::Float(hz) => hz,
        _ => return Err(wrong_type(key, node, "a number")),
    };
    let mhz = (hz * 1000.0).round();
    if !(f64::from(RATE_MHZ_MIN)..=f64::from(RATE_MHZ_MAX)).contains(&mhz) {
        return Err(out_of_range(key, node, "0.1 to 1000 Hz"));
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // in range, see above
    Ok(mhz as u32)
}

fn wrong_type(key: &Key, node: &Node, wanted: &str) -> Fault {
    let text = format!("`{}` is {}; it must be {wanted}", key.name, node.value.kind());
    Fault { at: node.at, text }
}

fn out_of_range(key: &Key, node: &Node, range: &str) -> Fault {
    Fault { at: node.at, text: format!("`{}` may be {range}", key.name) }
}

fn unknown(what: &str, key: &Key, known: &[&str]) -> Fault {
    let name = key.name.as_str();
    let related = |known: &str| name.len() > 2 && (known.contains(name) || name.contains(known));
    let nearest = known
        .iter()
        .map(|known| (if related(known) { 1 } else { distance(name, known) }, known))
        .min()
        .filter(|(distance, known)| *distance <= 2 && *distance < known.len());
    let name = name.escape_debug();
    key.fault(match nearest {
        Some((_, known)) => format!("unknown {what} `{name}`; did you mean `{known}`?"),
        None => format!("unknown {what} `{name}`; known: `{}`", known.join("`, `")),
    })
}

/// How many characters must be inserted, removed or replaced to make one word the other.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (index, a) in one.chars().enumerate() {
        let mut diagonal = index;
        row[0] = index + 1;
        for (at, b) in other.chars().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[at + 1];
            row[at + 1] = replaced.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[other.chars().count()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Config, String> {
        let before = Config::in_directory("/run/kymo");
        let mut config = before.clone();
        match config.read_toml(text) {
            Ok(()) => Ok(config),
            Err(error) => {
                assert_eq!(config, before);
                Err(error.to_string())
            }
        }
    }

    fn added(text: &str) -> Listener {
        let mut config = read(text).unwrap();
        assert_eq!(config.listeners.len(), 3);
        config.listeners.pop().unwrap()
    }

    #[test]
    fn every_key_is_taken_over() {
        let text = "\u{feff}# all of them\r\n[[listener]]\r\npath = \"opta.sock\" # here\r\n\
                    format = 'json'\r\nstreams = [\r\n  \"\"\"vitals\"\"\", # one\r\n]\r\n\
                    rate_hz = 12.5\r\nmode = 0o660\r\nbare = true\r\n\
                    [limits]\r\nclients = 1_000\r\nrate_max = 500\r\n";
        let config = read(text).unwrap();
        assert_eq!((config.limits.clients, config.limits.rate_mhz_max), (1000, 500_000));
        let expected = Listener {
            rate_mhz: Some(12_500),
            mode: 0o660,
            bare: true,
            ..Listener::new("opta.sock", ListenerFormat::Json)
        };
        assert_eq!(config.listeners[2], expected);
        assert_eq!(config.check(), Ok(()));
    }

    #[test]
    fn defaults_are_those_of_the_format() {
        for (name, format) in FORMATS {
            let listener = added(&format!("[[listener]]\npath='/p'\nformat='{name}'"));
            assert_eq!(listener, Listener::new("/p", format));
        }
        assert_eq!(read("").unwrap(), Config::in_directory("/run/kymo"));
        let silent = added("[[listener]]\npath='/p'\nformat='json'\nstreams=[]");
        assert!(silent.streams.is_empty());
    }

    #[test]
    fn dotted_and_inline_forms_mean_the_same() {
        assert_eq!(read("limits.clients = 5").unwrap().limits.clients, 5);
        assert_eq!(read("'limits'.\"clients\" = 0x05").unwrap().limits.clients, 5);
        assert_eq!(read("limits = { clients = 5, rate_max = 1e2 }").unwrap().limits.clients, 5);
        let listener = added("listener = [{ path = 'p', format = '''\njson''' }]");
        assert_eq!(listener, Listener::new("p", ListenerFormat::Json));
        let escaped = added("[[listener]]\npath = \"a\\u00e9\\x62\"\nformat = \"js\\x6fn\"");
        assert_eq!(escaped, Listener::new("aéb", ListenerFormat::Json));
    }

    #[test]
    fn mistakes_in_keys_are_named() {
        let head = "[[listener]]\npath='p'\nformat='json'\n";
        let cases = [
            ("formta='json'", "4:1: unknown key `formta`; did you mean `format`?"),
            ("rate=1", "4:1: unknown key `rate`; did you mean `rate_hz`?"),
            (
                "colour=1",
                "4:1: unknown key `colour`; known: `path`, `format`, `streams`, `rate_hz`, \
                 `mode`, `bare`",
            ),
            ("path='q'", "4:1: `path` is set twice"),
            ("\"pa\\u0074h\"='q'", "4:1: `path` is set twice"),
            ("limit.clients=1", "4:1: unknown key `limit`; known: "),
            ("[limit]\nclients=1", "4:2: unknown key `limit`; did you mean `limits`?"),
            ("[limits]\nmax_clients=1", "5:1: unknown key `max_clients`; did you mean `clients`?"),
            ("[limits]\n[limits]", "5:2: `limits` is set twice"),
            ("[listener]", "4:2: `listener` is set twice"),
            ("[listener.path]", "4:11: `path` is set twice"),
            ("[[limits]]", "4:3: `limits` is an array; it must be a table"),
            ("[[listener]]\nformat='json'", "4:3: this listener has no `path`"),
            ("[[listener]]\npath='q'", "4:3: this listener has no `format`"),
            ("\"\\u001b[2J\"=1", "4:1: unknown key `\\u{1b}[2J`; known: "),
            ("a.b.c.d.e.f.g.h.i=1", "4:17: a key has at most 8 parts"),
        ];
        for (text, expected) in cases {
            let error = read(&format!("{head}{text}")).unwrap_err();
            assert!(error.starts_with(expected), "{text}\n  gives {error}");
        }
        let error = read("limits={clients=1}\nlimits.rate_max=1").unwrap_err();
        assert_eq!(error, "2:1: `limits` is set twice");
        let error = read("listener=[]\n[[listener]]").unwrap_err();
        assert_eq!(error, "2:3: `listener` is set twice");
    }

    #[test]
    fn mistakes_in_values_are_named() {
        let cases = [
            ("path=1", "2:6: `path` is an integer; it must be a string"),
            ("format=''", "2:8: unknown format ``; known: `binary`, `json`, `opta1`"),
            ("format='jsno'", "2:8: unknown format `jsno`; did you mean `json`?"),
            ("streams='vitals'", "2:9: `streams` is a string; it must be an array of strings"),
            ("streams=['vitals', 1]", "2:20: `streams` is an integer; it must be a string"),
            ("streams=['events']", "2:10: unknown stream `events`; known: `vitals`"),
            ("rate_hz='25'", "2:9: `rate_hz` is a string; it must be a number"),
            ("rate_hz=0.09", "2:9: `rate_hz` may be 0.1 to 1000 Hz"),
            ("rate_hz=1001", "2:9: `rate_hz` may be 0.1 to 1000 Hz"),
            ("rate_hz=nan", "2:9: `rate_hz` may be 0.1 to 1000 Hz"),
            ("rate_hz=-inf", "2:9: `rate_hz` may be 0.1 to 1000 Hz"),
            ("rate_hz=1979-05-27", "2:9: `rate_hz` is a date or time; it must be a number"),
            ("mode=600", "2:6: `mode` may be 0o600 to 0o777 in octal, owner's bits included"),
            ("mode=0o400", "2:6: `mode` may be "),
            ("mode=0o1600", "2:6: `mode` may be "),
            ("mode=-1", "2:6: `mode` may be "),
            ("mode=6.0", "2:6: `mode` is a number; it must be an integer"),
            ("bare='yes'", "2:6: `bare` is a string; it must be true or false"),
            ("bare={}", "2:6: `bare` is a table; it must be true or false"),
        ];
        for (text, expected) in cases {
            // What is missing is told last.
            let error = read(&format!("[[listener]]\n{text}\n")).unwrap_err();
            assert!(error.starts_with(expected), "{text}\n  gives {error}");
        }
        for (text, expected) in [
            ("clients=0", "2:9: `clients` may be 1 to 16384"),
            ("clients=16385", "2:9: `clients` may be 1 to 16384"),
            ("clients=true", "2:9: `clients` is a boolean; it must be an integer"),
            ("clients=9999999999999999999", "2:9: too large a number"),
            ("rate_max=[]", "2:10: `rate_max` is an array; it must be a number"),
        ] {
            let error = read(&format!("[limits]\n{text}\n")).unwrap_err();
            assert_eq!(error, expected, "{text}");
        }
        assert_eq!(
            read("listener=1").unwrap_err(),
            "1:10: `listener` is an integer; it must be an array of tables: write [[listener]]"
        );
        assert_eq!(
            read("listener=[1]").unwrap_err(),
            "1:11: `listener` is an integer; it must be a table"
        );
        assert_eq!(
            read("limits=1").unwrap_err(),
            "1:8: `limits` is an integer; it must be a table"
        );
    }

    #[test]
    fn bad_toml_is_located() {
        for (text, place) in [
            ("limits", "1:"),
            ("[limits]\nclients = ", "2:"),
            ("[limits]\nclients = five", "2:11: "),
            ("[limits]\nclients = 0o9", "2:13: "),
            ("[limits\nclients = 5", "1:8: "),
            ("[[listener]\n", "1:"),
            ("a = \"open\nb = 1", "1:10: "),
            ("a = '''open", "1:"),
            ("# \u{1} in a comment", "1:3: "),
            ("é = 1", "1:1: "),
            ("limits.clients = 5 rate = 6", "1:"),
            ("a = [[[[[[[[[[[[[[1]]]]]]]]]]]]]]", "1:"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(place), "{text}\n  gives {error}");
            assert!(!error.contains(|c: char| c.is_control()), "{error:?}");
        }
    }

    #[test]
    fn distances_are_counted() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("formta", "format"), 2);
        assert_eq!(distance("mode", "mode"), 0);
        assert_eq!(distance("mod", "mode"), 1);
    }

    const PIECES: [&str; 42] = [
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        "=",
        ",",
        ".",
        "\n",
        "\r\n",
        " ",
        "\t",
        "#",
        "'",
        "\"",
        "'''",
        "\"\"\"",
        "\\",
        "\\u12",
        "_",
        "-",
        "+",
        "0o",
        "0x",
        "1e",
        "600",
        "25.5",
        "true",
        "nan",
        "1979-05-27",
        "listener",
        "limits",
        "path",
        "format",
        "streams",
        "mode",
        "clients",
        "json",
        "vitals",
        "é",
        "\u{feff}",
    ];

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = read(&text);
        }

        #[test]
        fn nothing_like_toml_makes_it_panic(
            picks in proptest::collection::vec(0..PIECES.len(), 0..40),
        ) {
            let text: String = picks.into_iter().map(|pick| PIECES[pick]).collect();
            if let Err(error) = read(&text) {
                prop_assert!(error.contains(": "));
            }
        }
    }
}
