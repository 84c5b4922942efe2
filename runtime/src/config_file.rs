//! Settings from TOML, as `kymod --config FILE` reads them.
//!
//! | table | key | type | range | default |
//! |---|---|---|---|---|
//! | | `rate_hz` | number | 0.1 to 1000 Hz | 25 |
//! | `[[listener]]` | `path` | string | a file name in the directory, or absolute | required |
//! | | `format` | string | `binary`, `json`, `opta1`, `control` | required |
//! | | `streams` | strings | `vitals`, `events`; by format, see below | all it may be |
//! | | `rate_hz` | number | 0.1 to 1000 Hz | the daemon's rate |
//! | | `mode` | integer | 0o600 to 0o777, with 0o600 | 0o600; 0o660 with a `read_group` |
//! | | `bare` | boolean | only with `json` | false |
//! | `[limits]` | `clients` | integer | 1 to 16384 | 256 |
//! | | `rate_max` | number | 0.1 to 1000 Hz | 1000 |
//! | | `event_bytes` | integer | 1024 to 61440 | 8192 |
//! | `[journal]` | `enabled` | boolean | | true where the table stands, and in kymod |
//! | | `bytes` | integer | 262144 to 1073741824, and 16 × `event_bytes` | 4194304 |
//! | | `path` | string | absolute, at most 960 bytes | the state directory |
//! | `[quotas]` | `connections` | integer | 0 to 16384; 0 is no quota | 0 |
//! | | `events_per_s` | integer | 0 to 10000000; 0 is no quota | 0 |
//! | | `bytes_per_s` | integer | 0, or `event_bytes` to 1073741824 | 0 |
//! | `[access]` | `read_group` | string | a group's name, at most 32 bytes | nobody |
//! | `[sensors]` | `max_cpu` | number | 0.0001 to 1, a share of one CPU | 0.01 |
//! | | `harmful` | boolean | whether chips are read that a read disturbs | `false` |
//! | | `alarms` | boolean | whether chips' alarms are read, which may clear them for others | `false` |
//! | | `smc_keys` | string | an absolute path, at most 960 bytes; only Macs look at it | none |
//! | `[sandbox]` | `enabled` | boolean | whether kymod confines itself | `true` |
//! | `[[recorder]]` | `name` | string | letters, digits, `-`, `_`, at most 24 bytes | required |
//! | | `streams` | strings | `vitals`, `samples`, `processes`, `events` | vitals and events |
//! | | `rate_hz` | number | 0.1 to 1000 Hz | the daemon's rate |
//! | | `before_s` | integer | 1 to 3600; vitals of that time must fit in `bytes` | 60 |
//! | | `after_s` | integer | 0 to 3600 | 10 |
//! | | `bytes` | integer | 262144 to 268435456, taken at the start | 1048576 |
//! | | `path` | string | absolute, at most 256 bytes | `recordings` in the state directory |
//! | | `files` | integer | 1 to 64 | 8 |
//! | | `pause_s` | integer | 1 to 3600, from file to file | 60 |
//! | | `field` | string | one of the vitals | no threshold |
//! | | `above`, `below` | number | one of them, in the field's unit | required with `field` |
//! | | `for_s` | number | 0 to 3600 | 0 |
//! | | `topic` | string | a pattern of topics, at most 128 bytes | none |
//!
//! `json` serves both streams unasked, `opta1` has vitals alone, clients of a `binary` listener
//! name theirs themselves, and `control` takes requests, of its owner and root alone, whatever the
//! `read_group`. Quotas are those of one user id, whichever it is.
//!
//! Each `[[listener]]` and `[[recorder]]` adds one to those there are. Anything else is an error
//! that says where, because a misspelt setting would otherwise be one that silently does not hold.
//! Whether the settings fit together is for [`Config::check`](crate::Config::check) to say.
//!
//! Settings are read again while the hub runs, so only [`TomlReader::new`] and [`ConfigFile::new`]
//! allocate.

mod decode;
mod draft;
mod fault;
mod recorder_draft;
mod schema;
mod toml;
mod walk;
mod word;

use std::ffi::{CString, OsStr};
use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;

use crate::buffer::Buffer;
use crate::config::Config;
use crate::limits::CONFIG_SIZE_MAX;
use crate::message::{Message, Said};
use draft::Draft;
use fault::Fault;
pub use toml::TomlReader;

/// What is wrong in a text of settings, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TomlError {
    /// The line, from 1.
    pub line: u32,
    /// The character in the line, from 1.
    pub column: u32,
    /// What is wrong.
    pub text: Message,
}

/// Why a file of settings can't be used. Showing it allocates nothing.
#[derive(Debug)]
pub enum ConfigFileError {
    /// The operating system refused it.
    System(io::Error),
    /// It is no file: reading it could wait forever.
    NoFile,
    /// What stands in it is wrong.
    Toml(TomlError),
}

/// A file of settings, and the memory to read it again and again. To be kept as long as the hub:
/// the memory is a large block of which little is touched, and giving it back before the hub takes
/// its own makes glibc touch more of that.
#[derive(Debug)]
pub struct ConfigFile {
    path: CString,
    bytes: Buffer,
    reader: TomlReader,
}

impl fmt::Display for TomlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.text)
    }
}

impl std::error::Error for TomlError {}

impl TomlError {
    fn new(text: &str, fault: Fault) -> Self {
        let mut end = fault.at.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let before = text.get(..end).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).saturating_add(1);
        Self {
            line: number(before.matches('\n').count()),
            column: number(line.trim_start_matches('\u{feff}').chars().count()),
            text: fault.text,
        }
    }
}

impl fmt::Display for ConfigFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(error) => write!(f, "{}", Said(error)),
            Self::NoFile => f.write_str("not a regular file"),
            Self::Toml(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for ConfigFileError {}

impl TomlReader {
    /// Takes settings from a TOML text over. What the text does not mention stays as it is.
    ///
    /// # Errors
    ///
    /// A [`TomlError`] that names the first mistake; nothing is taken over then.
    pub fn read(&mut self, text: &str, config: &mut Config) -> Result<(), TomlError> {
        let mut draft = Draft::new(config);
        self.draw(text, &mut draft).map_err(|fault| TomlError::new(text, fault))?;
        draft.finish(config);
        Ok(())
    }
}

impl Config {
    /// Takes settings from a TOML text over. What the text does not mention stays as it is. To read
    /// more than once, and without a heap allocation, keep a [`TomlReader`].
    ///
    /// ```
    /// let mut config = kymo::Config::in_directory("/run/kymo");
    /// config.read_toml("[[listener]]\npath = 'opta.sock'\nformat = 'opta1'\n")?;
    /// assert_eq!(config.listeners.len(), 4);
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
        // Not the largest: a large block that is given back makes glibc put the hub's buffers where
        // they are cleared, and so touched, instead of mapped.
        TomlReader::for_size(text.len()).read(text, self)
    }
}

impl ConfigFile {
    /// The file at `path`, which is not looked at yet; the only call that allocates. A relative
    /// path is that of the working directory at each reading.
    ///
    /// # Errors
    ///
    /// When the path has a NUL in it.
    pub fn new(path: &Path) -> io::Result<Self> {
        let path = CString::new(path.as_os_str().as_bytes())?;
        // One byte more, to see that there is more.
        Ok(Self { path, bytes: Buffer::new(CONFIG_SIZE_MAX + 1), reader: TomlReader::new() })
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(self.path.as_bytes()))
    }

    /// Takes its settings over, as [`TomlReader::read`] does.
    ///
    /// # Errors
    ///
    /// Why not; nothing is taken over then.
    pub fn read(&mut self, config: &mut Config) -> Result<(), ConfigFileError> {
        let size = self.fill().map_err(ConfigFileError::System)?;
        let Some(size) = size else { return Err(ConfigFileError::NoFile) };
        let bytes = self.bytes.get(..size).unwrap_or_default();
        let text = match str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let fault = Fault::new(valid.len(), format_args!("not text in UTF-8"));
                let valid = str::from_utf8(valid).unwrap_or_default();
                return Err(ConfigFileError::Toml(TomlError::new(valid, fault)));
            }
        };
        self.reader.read(text, config).map_err(ConfigFileError::Toml)
    }

    /// Reads the file, as far as it may go; `None` when it is something else.
    fn fill(&mut self) -> io::Result<Option<usize>> {
        // Opening a pipe would wait for somebody to write into it.
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let mut file = File::from(open(self.path.as_c_str(), flags, Mode::empty())?);
        if !file.metadata()?.is_file() {
            return Ok(None);
        }
        let mut size = 0;
        while let Some(space) = self.bytes.get_mut(size..).filter(|space| !space.is_empty()) {
            match file.read(space) {
                Ok(0) => break,
                Ok(count) => size += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some(size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{JournalSettings, Listener, ListenerFormat, Quotas};
    use kymo_platform::socket::PATH_MAX;
    use kymo_protocol::{StreamId, Streams};
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

    fn plain(path: &str, format: ListenerFormat) -> Listener {
        Listener::new(path, format).unwrap()
    }

    fn added(text: &str) -> Listener {
        let mut config = read(text).unwrap();
        assert_eq!(config.listeners.len(), 4);
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
            mode: Some(0o660),
            bare: true,
            streams: ListenerFormat::Opta1.streams(),
            ..plain("opta.sock", ListenerFormat::Json)
        };
        assert_eq!(config.listeners[3], expected);
        assert_eq!(config.check(), Ok(()));
    }

    #[test]
    fn defaults_are_those_of_the_format() {
        let formats = [
            ("binary", ListenerFormat::Binary),
            ("json", ListenerFormat::Json),
            ("opta1", ListenerFormat::Opta1),
            ("control", ListenerFormat::Control),
        ];
        for (name, format) in formats {
            let listener = added(&format!("[[listener]]\npath='/p'\nformat='{name}'"));
            assert_eq!(listener, plain("/p", format));
        }
        assert_eq!(read("").unwrap(), Config::in_directory("/run/kymo"));
        let silent = added("[[listener]]\npath='/p'\nformat='json'\nstreams=[]");
        assert!(silent.streams.is_empty());
    }

    #[test]
    fn every_other_table_is_taken_over() {
        let config = read(
            "rate_hz = 12.5\n[limits]\nevent_bytes = 61440\n[journal]\nbytes = 983040\n\
             path = '/var/lib/kymo'\n[quotas]\nconnections = 4\nevents_per_s = 1_000\n\
             bytes_per_s = 65536\n[access]\nread_group = 'adm'\n\
             [sensors]\nmax_cpu = 0.025\nalarms = true\nharmful = true\n\
             smc_keys = '/etc/kymo/keys.txt'\n[sandbox]\nenabled = false\n",
        )
        .unwrap();
        assert_eq!((config.rate_mhz, config.limits.event_bytes), (12_500, 61_440));
        let path = Some("/var/lib/kymo".try_into().unwrap());
        assert_eq!(config.journal, Some(JournalSettings { bytes: 983_040, path }));
        let quotas = Quotas { connections: 4, events_per_s: 1000, bytes_per_s: 65_536 };
        assert_eq!(config.quotas, quotas);
        assert_eq!(config.access.read_group.as_deref(), Some("adm"));
        let smc_keys = Some("/etc/kymo/keys.txt".try_into().unwrap());
        let expected =
            crate::Sensors { max_cpu_ppm: 25_000, alarms: true, harmful: true, smc_keys };
        assert_eq!(config.sensors, expected);
        assert!(!config.sandbox && read("").unwrap().sandbox);
        assert_eq!(read("sensors.max_cpu = 1").unwrap().sensors.max_cpu(), 1.0);
        assert_eq!(config.check(), Ok(()));
    }

    #[test]
    fn a_journal_is_there_unless_the_text_says_no() {
        let on = Some(JournalSettings::default());
        for (before, text, after) in [
            (None, "", None),
            (None, "[journal]", on.clone()),
            (None, "journal = {}", on.clone()),
            (None, "journal.enabled = true", on.clone()),
            (on.clone(), "", on.clone()),
            (on.clone(), "[journal]\nenabled = false\nbytes = 262144", None),
            (on.clone(), "journal.enabled = false\njournal.bytes = 262144", None),
            (None, "[journal]\nbytes = 262144\nenabled = false", None),
        ] {
            let mut config = Config { journal: before, ..Config::default() };
            config.read_toml(text).unwrap();
            assert_eq!(config.journal, after, "{text}");
        }
    }

    #[test]
    fn what_is_too_much_is_refused() {
        let one = |n| format!("[[listener]]\npath='l{n}'\nformat='json'\n");
        let fit: String = (0..13).map(one).collect();
        assert_eq!(read(&fit).unwrap().listeners.len(), 16);
        let error = read(&(fit + &one(13))).unwrap_err();
        assert_eq!(error, "40:3: at most 16 listeners");
        let long = "#\n".repeat(CONFIG_SIZE_MAX / 2);
        assert!(read(&long).is_ok());
        let error = read(&(long + "\n")).unwrap_err();
        assert_eq!(error, "8193:1: settings have at most 16384 bytes");
    }

    #[test]
    fn a_file_is_read_again_and_again() {
        let path = std::env::temp_dir().join(format!("kymo-config-{}.toml", std::process::id()));
        let mut file = ConfigFile::new(&path).unwrap();
        let mut config = Config::in_directory("/run/kymo");
        let _ = std::fs::remove_file(&path);
        let error = file.read(&mut config).unwrap_err();
        assert_eq!(error.to_string(), "No such file or directory");
        for rate in [5, 7] {
            std::fs::write(&path, format!("rate_hz = {rate}")).unwrap();
            file.read(&mut config).unwrap();
            assert_eq!(config.rate_mhz, rate * 1000);
        }
        std::fs::write(&path, b"rate_hz = 9\n# caf\xe9\n").unwrap();
        assert_eq!(file.read(&mut config).unwrap_err().to_string(), "2:6: not text in UTF-8");
        std::fs::write(&path, " ".repeat(CONFIG_SIZE_MAX + 9)).unwrap();
        let error = file.read(&mut config).unwrap_err().to_string();
        assert_eq!(error, "1:16385: settings have at most 16384 bytes");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(config.rate_mhz, 7000);
        let mut file = ConfigFile::new(Path::new("/dev/null")).unwrap();
        assert!(matches!(file.read(&mut config), Err(ConfigFileError::NoFile)));
        assert!(ConfigFile::new(Path::new("a\0b")).is_err());
    }

    #[test]
    fn dotted_and_inline_forms_mean_the_same() {
        assert_eq!(read("limits.clients = 5").unwrap().limits.clients, 5);
        assert_eq!(read("'limits'.\"clients\" = 0x05").unwrap().limits.clients, 5);
        assert_eq!(read("limits = { clients = 5, rate_max = 1e2 }").unwrap().limits.clients, 5);
        let listener = added("listener = [{ path = 'p', format = '''\njson''' }]");
        assert_eq!(listener, plain("p", ListenerFormat::Json));
        let escaped = added("[[listener]]\npath = \"a\\u00e9\\x62\"\nformat = \"js\\x6fn\"");
        assert_eq!(escaped, plain("aéb", ListenerFormat::Json));
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
            ("path.b.c=1", "4:1: `path` is set twice"),
            ("mode.b.c=1", "4:1: `mode` is a table; it must be an integer"),
            ("[mode]", "4:2: unknown key `mode`; known: `rate_hz`, `listener`, `limits`, "),
            ("[listener.mode]", "4:11: `mode` is a table; it must be an integer"),
            ("[[listener.streams]]", "4:12: `streams` is an array; it must be "),
            ("[limits]\nclients=1\n[limits.clients]", "6:9: `clients` is set twice"),
            ("[limits]\nlimits.clients=1", "5:1: unknown key `limits`; known: `clients`, "),
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
    fn recorders_are_read_whole() {
        let mut config = Config::in_directory("/k");
        config
            .read_toml(
                "[[recorder]]\nname='spikes'\nfield='cpu_usage'\nabove=89.5\nfor_s=1.5\n\
                 streams=['vitals','samples']\nrate_hz=100\nbefore_s=5\nafter_s=0\n\
                 bytes=1000000\npath='/r'\nfiles=3\npause_s=7\n\
                 [[recorder]]\nname='b'\ntopic='app.*'",
            )
            .unwrap();
        let [first, second] = &config.recorders[..] else { panic!() };
        let threshold = first.threshold.unwrap();
        assert_eq!(threshold.to_string(), "cpu_usage above 89.5 for 1.5 s");
        let streams = Streams::default().with(StreamId::VITALS).with(StreamId::SAMPLES);
        assert_eq!((first.name.as_str(), first.streams), ("spikes", streams));
        let measures = [first.before_s, first.after_s, first.bytes, first.files, first.pause_s];
        assert_eq!(measures, [5, 0, 1_000_000, 3, 7]);
        assert_eq!((first.rate_mhz, first.path.as_deref()), (Some(100_000), Some("/r")));
        assert_eq!((second.threshold, second.topic.as_deref()), (None, Some("app.*")));
        config.check().unwrap();
        let read = |text: &str| {
            let text = format!("[[recorder]]\n{text}");
            Config::in_directory("/k").read_toml(&text).unwrap_err().to_string()
        };
        for (text, expected) in [
            ("", "1:3: this recorder has no `name`"),
            ("name='x'\nabove=1", "1:3: this recorder has a threshold without a `field`"),
            ("name='x'\nfor_s=1", "1:3: this recorder has a threshold without a `field`"),
            ("name='x'\nfield='cpu_usage'", "1:3: this recorder has a `field` without `above`"),
            (
                "name='x'\nfield='cpu_usage'\nabove=1\nbelow=2",
                "1:3: this recorder has both `above` and `below`",
            ),
            ("field='cpu'", "2:7: unknown field `cpu`; did you mean `cpu_usage`?"),
            ("above='1'", "2:7: `above` is a string; it must be a number"),
            ("above=nan", "2:7: `above` may be a number that a value could have"),
            ("for_s=-1", "2:7: `for_s` may be 0 to 3600 s"),
            ("path='x'", "2:6: `path` may be an absolute path"),
            ("name='x'\nname='y'", "3:1: `name` is set twice"),
            ("mode=1", "2:1: unknown key `mode`; "),
        ] {
            let error = read(text);
            assert!(error.starts_with(expected), "{text}\n  gives {error}");
        }
        let many = "[[recorder]]\nname='x'\n".repeat(5);
        let error = Config::in_directory("/k").read_toml(&many).unwrap_err().to_string();
        assert_eq!(error, "9:3: at most 4 recorders");
    }

    #[test]
    fn mistakes_in_values_are_named() {
        let cases = [
            ("path=1", "2:6: `path` is an integer; it must be a string"),
            ("format=''", "2:8: unknown format ``; known: `binary`, `json`, `opta1`"),
            ("format='jsno'", "2:8: unknown format `jsno`; did you mean `json`?"),
            ("streams='vitals'", "2:9: `streams` is a string; it must be an array of strings"),
            ("streams=['vitals', 1]", "2:20: `streams` is an integer; it must be a string"),
            ("streams=['event']", "2:10: unknown stream `event`; did you mean `events`?"),
            ("streams=['samples']", "2:10: unknown stream `samples`; known: `vitals`, `events`"),
            ("streams=[['vitals']]", "2:10: `streams` is an array; it must be a string"),
            ("streams=[{}]", "2:10: `streams` is a table; it must be a string"),
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
    }

    #[test]
    fn mistakes_in_tables_are_named() {
        for (text, expected) in [
            ("rate_hz=0", "1:9: `rate_hz` may be 0.1 to 1000 Hz"),
            ("rate_hz=1\nrate_hz=2", "2:1: `rate_hz` is set twice"),
            ("[rate_hz]", "1:2: `rate_hz` is a table; it must be a number"),
            ("limits.event_bytes=1023", "1:20: `event_bytes` may be 1024 to 61440"),
            ("[journal]\nenabled=1", "2:9: `enabled` is an integer; it must be true or false"),
            ("[journal]\nbytes=1", "2:7: `bytes` may be 262144 to 1073741824"),
            ("[journal]\npath='state'", "2:6: `path` may be an absolute path"),
            ("[sensors]\nsmc_keys='keys'", "2:10: `smc_keys` may be an absolute path"),
            ("[sensors]\nsmc_keys=''", "2:10: `smc_keys` may be an absolute path"),
            ("[sensors]\nsmc_keys=1", "2:10: `smc_keys` is an integer; it must be a string"),
            ("[journal]\nsize=1", "2:1: unknown key `size`; known: `enabled`, `bytes`, `path`"),
            ("[quotas]\nconnections=-1", "2:13: `connections` may be 0 to 16384"),
            ("[quotas]\nevents=1", "2:1: unknown key `events`; did you mean `events_per_s`?"),
            ("[access]\nread_group=7", "2:12: `read_group` is an integer; it must be a string"),
            ("sensors.max_cpu=0.00004", "1:17: `max_cpu` may be 0.0001 to 1"),
            ("[sensors]\nmax_cpu=2", "2:9: `max_cpu` may be 0.0001 to 1"),
            ("[sensors]\nmax_cpu='1'", "2:9: `max_cpu` is a string; it must be a number"),
            ("[sensors]\nalarms=1", "2:8: `alarms` is an integer; it must be true or false"),
            ("[sensors]\nmaxcpu=1", "2:1: unknown key `maxcpu`; did you mean `max_cpu`?"),
            ("[acess]", "1:2: unknown key `acess`; did you mean `access`?"),
        ] {
            assert_eq!(read(text).unwrap_err(), expected, "{text}");
        }
        let long = format!("[access]\nread_group='{}'", "g".repeat(33));
        let error = "2:12: `read_group` has 33 bytes; a group's name may have 32";
        assert_eq!(read(&long).unwrap_err(), error);
        for (table, key) in [("journal", "path"), ("sensors", "smc_keys")] {
            let error = read(&format!("[{table}]\n{key}='/{}'", "p".repeat(960))).unwrap_err();
            assert!(error.ends_with("` has 961 bytes; a path may have 960"), "{error}");
        }
        let long = format!("[[listener]]\npath='{}'", "p".repeat(200));
        let error = format!("2:6: `path` has 200 bytes; a socket's path may have {PATH_MAX}");
        assert_eq!(read(&long).unwrap_err(), error);
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
            ("# \u{1} in a comment", "1:3: "),
            ("é = 1", "1:1: "),
            ("[[listener]]\npath = \nmode = 0o600", "2:"),
            ("rate_hz = = 1", "1:11: extra `=`"),
            ("rate_hz = 1 2", "1:"),
            ("listener = [{ path = 'a' 'b' }]", "1:"),
            ("limits.clients = 5 rate = 6", "1:"),
            ("rate_hz = [[[[[[[[[[[[[[1]]]]]]]]]]]]]]", "1:11: "),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(place), "{text}\n  gives {error}");
            assert!(!error.contains(|c: char| c.is_control()), "{error:?}");
        }
    }

    const PIECES: [&str; 44] = [
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
        "rate_hz",
        "journal",
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
