//! The owner's own tools gone wild.

use std::time::Duration;

use crate::attack::{Attack, Scene};
use crate::behaviour::{Behaviour, Counter};
use crate::common::Owner;
use crate::script::{self, Leaves, Script};
use crate::words::{action, submit, submit_frame};

const CONTROL: Script = Script { door: "control.sock", ..Script::NEW };

pub const ALL: &[Behaviour] = &[
    Behaviour::script(
        "pings",
        "pings without end",
        Script { then: |_, _| action("ping"), ..CONTROL },
    )
    .clients(7),
    Behaviour::script(
        "status",
        "status without end",
        Script { then: |_, _| action("status"), ..CONTROL },
    )
    .clients(7),
    Behaviour::script(
        "status-unread",
        "status without end, and never a read",
        Script { then: |_, _| action("status"), reads: 0, ..CONTROL },
    )
    .clients(7),
    Behaviour::script(
        "sensors-and-metrics",
        "reads every source as often as it can",
        Script { then: |_, n| action(if n % 2 == 0 { "sensors" } else { "metrics" }), ..CONTROL },
    )
    .clients(7),
    Behaviour::script(
        "submits",
        "events without end",
        Script { then: |_, _| submit("hostile", 20).repeat(16), ..CONTROL },
    )
    .clients(7)
    .grows(&[Counter::Events]),
    Behaviour::script(
        "submits-unread",
        "events without end, whose replies nobody reads",
        Script { then: |_, _| submit("hostile", 20).repeat(16), reads: 0, ..CONTROL },
    )
    .clients(7)
    .grows(&[Counter::Events]),
    Behaviour::script(
        "submits-in-frames",
        "events without end, as frames",
        Script { then: |_, _| submit_frame("hostile").repeat(16), ..CONTROL },
    )
    .clients(7)
    .grows(&[Counter::Events]),
    Behaviour::script(
        "large-submits",
        "events of 7 KB without end",
        Script { then: |_, _| submit("hostile", 7000), ..CONTROL },
    )
    .clients(7)
    .grows(&[Counter::Events]),
    Behaviour::script(
        "synced",
        "events without end, each to be on the disk before it is answered",
        Script {
            then: |_, _| {
                let event = "\"event\":{\"topic\":\"hostile\"}";
                format!("{{\"action\":\"submit\",{event},\"ack\":\"synced\"}}\n").into_bytes()
            },
            ..CONTROL
        },
    )
    .clients(7),
    Behaviour::script(
        "oversize",
        "events larger than an event may be",
        Script { then: |_, _| submit("hostile", 20_000), ..CONTROL },
    )
    .clients(7)
    .stands(&[Counter::Events]),
    Behaviour::script(
        "one-key",
        "the same event under the same key from everybody",
        Script {
            then: |scene, _| {
                let key = format!("\"key\":{{\"client\":\"all\",\"number\":{}}}", scene.next);
                let event = "\"event\":{\"topic\":\"hostile\"}";
                format!("{{\"action\":\"submit\",{event},{key}}}\n").repeat(16).into_bytes()
            },
            ..CONTROL
        },
    )
    .clients(7)
    .stands(&[Counter::Events]),
    Behaviour::script(
        "many-keys",
        "each event under a key of a client of its own, so that all keys are forgotten",
        Script {
            first: |_, n| {
                let request = |key: u64| {
                    let key = format!("\"key\":{{\"client\":\"{n}-{key}\",\"number\":{n}}}");
                    let event = "\"event\":{\"topic\":\"hostile\"}";
                    format!("{{\"action\":\"submit\",{event},{key}}}\n")
                };
                (0..32).map(request).collect::<String>().into_bytes()
            },
            leaves: Leaves::AfterAnswer,
            ..CONTROL
        },
    )
    .clients(7)
    .grows(&[Counter::Events]),
    Behaviour::script(
        "reloads",
        "has the settings read again without end",
        Script { then: |_, _| action("reload"), ..CONTROL },
    )
    .clients(7),
    Behaviour::script(
        "toggles",
        "begins and ends sessions without end",
        Script { then: |_, _| action("toggle"), ..CONTROL },
    )
    .clients(7)
    .grows(&[Counter::Events]),
    Behaviour::script(
        "unknown-actions",
        "requests for what nobody does",
        Script { then: |_, _| action("destroy").repeat(64), ..CONTROL },
    )
    .clients(7)
    .grows(&[Counter::Mistakes]),
    Behaviour::script(
        "blanks",
        "white space without end to control.sock",
        Script { then: |_, _| vec![b' '; 65_536], ..CONTROL },
    )
    .clients(7),
    Behaviour::script(
        "control-places",
        "takes all places of control.sock and says nothing",
        Script { pace: Duration::from_millis(5), ..CONTROL },
    )
    .clients(64)
    .grows(&[Counter::Refused]),
    Behaviour::script(
        "control-storm",
        "a ping, an answer, and a new connection for the next",
        Script { first: |_, _| action("ping"), leaves: Leaves::AfterAnswer, ..CONTROL },
    )
    .clients(64),
    Behaviour::own("strangers", "another user asks to quit and to toggle", strangers)
        .stands(&[Counter::Events])
        .grows(&[Counter::Refused])
        .needs_root(),
];

/// Subscribers that say `first` and read `reads` bytes a round, while one thread submits events
/// with a topic that is hard to tell from others.
pub fn submit_beside(
    attack: &mut Attack,
    first: fn(&Scene, u64) -> Vec<u8>,
    reads: usize,
) -> std::io::Result<()> {
    let stream = std::os::unix::net::UnixStream::connect(attack.path("control.sock"))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    let mut owner = Owner(crate::common::Json::new(stream));
    let until = attack.until;
    let submitter = std::thread::spawn(move || {
        let topic = "a".repeat(120);
        let request = String::from_utf8_lossy(&submit(&topic, 1)).repeat(16);
        while std::time::Instant::now() < until {
            owner.0.say(&request);
            (0..16).for_each(|_| drop(owner.0.try_line()));
        }
    });
    script::play(&Script { first, reads, ..Script::NEW }, attack);
    submitter.join().map_err(|_| std::io::Error::other("the publisher panicked"))
}

/// Opens the doors for everybody, and becomes somebody else.
fn strangers(attack: &mut Attack) -> std::io::Result<()> {
    use nix::unistd::{Gid, Uid, setgid, setuid};
    use std::os::unix::fs::PermissionsExt;
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
    };
    open(&attack.orders.directory, 0o755)?;
    open(&attack.path("control.sock"), 0o666)?;
    setgid(Gid::from_raw(65_534))?;
    setuid(Uid::from_raw(65_534))?;
    let script =
        Script { first: |_, n| action(if n % 2 == 0 { "quit" } else { "toggle" }), ..CONTROL };
    script::play(&script, attack);
    Ok(())
}
