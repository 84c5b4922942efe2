//! What was asked for.

use std::path::PathBuf;
use std::time::Duration;

/// How to run.
#[derive(Clone, Debug)]
pub struct Args {
    /// The long form: hundreds of clients each, a warm-up before each, and narrow bounds.
    pub is_full: bool,
    /// How long each behaviour lasts.
    pub span: Duration,
    /// Only behaviours whose name holds this.
    pub only: Option<String>,
    /// Only say what behaviours there are.
    pub is_list: bool,
    /// This process is the hostile one.
    pub attack: Option<Orders>,
}

/// What a hostile process is told.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    /// Its behaviour.
    pub name: String,
    /// Where the sockets are.
    pub directory: PathBuf,
    /// The daemon's process.
    pub pid: i32,
    /// Clients it is.
    pub clients: usize,
}

impl Args {
    /// From this process's command line. A bare word is a filter, as other tests have it.
    pub fn parse() -> Result<Self, String> {
        let span = Duration::from_millis(100);
        let mut args = Self { is_full: false, span, only: None, is_list: false, attack: None };
        let mut orders = Orders::default();
        let (mut is_attack, mut span) = (false, None);
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--list" => args.is_list = true,
                "--full" => args.is_full = true,
                "--only" => args.only = Some(value()?),
                "--span-ms" => span = Some(number(&value()?)?),
                "--attack" => (is_attack, orders.name) = (true, value()?),
                "--dir" => orders.directory = value()?.into(),
                "--pid" => orders.pid = number(&value()?)?,
                "--clients" => orders.clients = number(&value()?)?,
                // Of cargo and of libtest, whose place this takes.
                _ if word.starts_with('-') => {}
                _ => args.only = Some(word),
            }
        }
        if args.is_full {
            args.span = Duration::from_millis(2_050);
        }
        args.span = span.map_or(args.span, Duration::from_millis);
        args.attack = is_attack.then_some(orders);
        Ok(args)
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}
