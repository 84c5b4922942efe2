//! Whatever stands in a file of settings, it is refused at a place that the file has, and nothing
//! is taken over then; or it says the same when it is read again, and when what it said is written
//! down in full and read. What a text does not mention stays.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};

use kymo::{Config, ConfigFile, ConfigFileError, ListenerFormat, TomlError, TomlReader};
use kymo_protocol::StreamId;

pub(crate) fn check(data: &[u8]) {
    let base = Config::in_directory("/simulated");
    let mut config = base.clone();
    let text = match str::from_utf8(data) {
        Ok(text) => text,
        Err(error) => {
            let before = str::from_utf8(&data[..error.valid_up_to()]).unwrap();
            let line = before.split('\n').next_back().unwrap_or_default();
            let column = line.trim_start_matches('\u{feff}').chars().count() + 1;
            let at = (before.matches('\n').count() + 1, column);
            let refused = from_file(data, &mut config);
            assert!(data.len() > kymo::limits::CONFIG_SIZE_MAX || place(&refused) == at);
            return assert_eq!(config, base);
        }
    };
    let mut reader = TomlReader::new();
    if let Err(error) = reader.read(text, &mut config) {
        let lines: Vec<&str> = text.split('\n').collect();
        let (line, column) = place(&error);
        assert!((1..=lines.len()).contains(&line), "{error} of {} lines", lines.len());
        assert!((1..=lines[line - 1].chars().count() + 1).contains(&column), "{error}");
        assert!(!error.text.is_empty() && !error.text.contains(char::is_control), "{error:?}");
        assert_eq!(config, base, "of what is refused something was taken over");
        // The reader is as good as before.
        return assert_eq!(reader.read(text, &mut config), Err(error));
    }
    let mut again = base.clone();
    assert_eq!((reader.read(text, &mut again), &again), (Ok(()), &config));
    // What a text does not mention stays.
    assert_eq!((reader.read("", &mut again), &again), (Ok(()), &config));
    let told = config.check();
    let mut written = Config { directory: base.directory, ..Config::default() };
    let text = written_down(&config);
    assert_eq!((written.read_toml(&text), &written), (Ok(()), &config), "{text}");
    assert_eq!(written.check(), told);
}

fn place(error: &TomlError) -> (usize, usize) {
    (error.line as usize, error.column as usize)
}

fn from_file(data: &[u8], config: &mut Config) -> TomlError {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("kymo-fuzz-{}-{number}.toml", std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, data).unwrap();
    let read = ConfigFile::new(&path).unwrap().read(config);
    std::fs::remove_file(&path).unwrap();
    match read {
        Err(ConfigFileError::Toml(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn quoted(text: &str) -> String {
    let escape = |letter: char| match letter {
        '"' | '\\' => format!("\\{letter}"),
        letter if letter.is_control() => format!("\\U{:08x}", u32::from(letter)),
        letter => letter.to_string(),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}

/// Every setting, whether it is the default or not.
fn written_down(config: &Config) -> String {
    let Config { limits, quotas, sensors, .. } = config;
    let hertz = |mhz: u32| f64::from(mhz) / 1000.0;
    let mut text = format!("rate_hz = {}\n", hertz(config.rate_mhz));
    let (clients, rate, bytes) = (limits.clients, hertz(limits.rate_mhz_max), limits.event_bytes);
    writeln!(text, "limits = {{ clients = {clients}, rate_max = {rate}, event_bytes = {bytes} }}")
        .unwrap();
    let (events, bytes) = (quotas.events_per_s, quotas.bytes_per_s);
    writeln!(
        text,
        "quotas.connections = {:#x}\nquotas.events_per_s = {events}\n",
        quotas.connections
    )
    .unwrap();
    writeln!(text, "quotas.bytes_per_s = {bytes}\n[sensors]").unwrap();
    writeln!(text, "max_cpu = {}", f64::from(sensors.max_cpu_ppm) / 1e6).unwrap();
    writeln!(text, "alarms = {}\nharmful = {}", sensors.alarms, sensors.harmful).unwrap();
    let path = |key: &str, path: &str| format!("{key} = {}\n", quoted(path));
    text += &sensors.smc_keys.as_deref().map(|keys| path("smc_keys", keys)).unwrap_or_default();
    let group = config.access.read_group.as_deref();
    text += &group.map(|group| path("[access]\nread_group", group)).unwrap_or_default();
    if let Some(journal) = &config.journal {
        writeln!(text, "[journal]\nbytes = {}", journal.bytes).unwrap();
        text += &journal.path.as_deref().map(|found| path("path", found)).unwrap_or_default();
    }
    for listener in &config.listeners {
        let format = match listener.format {
            ListenerFormat::Binary => "binary",
            ListenerFormat::Json => "json",
            ListenerFormat::Opta1 => "opta1",
            ListenerFormat::Control => "control",
        };
        text += &path("[[listener]]\npath", &listener.path);
        let names = [("'vitals'", StreamId::VITALS), ("'events'", StreamId::EVENTS)];
        let names =
            names.iter().filter(|name| listener.streams.contains(name.1)).map(|name| name.0);
        let streams = names.collect::<Vec<_>>().join(", ");
        writeln!(text, "format = '{format}'\nstreams = [{streams}]").unwrap();
        writeln!(text, "bare = {}", listener.bare).unwrap();
        let rate = listener.rate_mhz.map(|rate| format!("rate_hz = {}\n", hertz(rate)));
        let mode = listener.mode.map(|mode| format!("mode = {mode:#o}\n"));
        text += &(rate.unwrap_or_default() + &mode.unwrap_or_default());
    }
    text
}
