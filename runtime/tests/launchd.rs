//! The LaunchAgent and the LaunchDaemon for macOS are property lists, and the agent's sockets are
//! those the daemon asks for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test

use std::path::Path;

use kymo::place;
use kymo_platform::activation::LISTENERS;

/// A property list's value; its numbers are as they are written.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Word(String),
    Flag(bool),
    List(Vec<Value>),
    Table(Vec<(String, Value)>),
}

impl Value {
    fn get(&self, key: &str) -> &Self {
        let Self::Table(members) = self else { panic!("{key} of {self:?}") };
        let mut found = members.iter().filter(|(name, _)| name == key);
        let (_, value) = found.next().unwrap_or_else(|| panic!("no {key}"));
        assert!(found.next().is_none(), "{key} stands there twice");
        value
    }

    fn word(&self) -> &str {
        let Self::Word(word) = self else { panic!("{self:?}") };
        word
    }
}

/// What is left of a property list's text.
struct Reader<'t>(&'t str);

impl<'t> Reader<'t> {
    fn tag(&mut self) -> &'t str {
        let (before, behind) = self.0.split_once('<').expect("a tag");
        assert!(before.trim().is_empty(), "{before:?} between tags");
        let (tag, rest) = behind.split_once('>').expect("the end of a tag");
        self.0 = rest;
        tag
    }

    fn text(&mut self, tag: &str) -> &'t str {
        let (text, rest) = self.0.split_once('<').expect("the end of a text");
        assert!(!text.contains('&'), "{text}: this reader knows no entities");
        self.0 = rest.strip_prefix(&format!("/{tag}>")).unwrap_or_else(|| panic!("{tag} ends"));
        text
    }

    fn value(&mut self, tag: &str) -> Value {
        match tag {
            "string" | "integer" => {
                let text = self.text(tag);
                assert!(tag == "string" || text.parse::<u32>().is_ok(), "{text}");
                Value::Word(text.into())
            }
            "true/" | "false/" => Value::Flag(tag == "true/"),
            "array" => {
                let mut list = Vec::new();
                loop {
                    match self.tag() {
                        "/array" => break Value::List(list),
                        tag => list.push(self.value(tag)),
                    }
                }
            }
            "dict" => {
                let mut members = Vec::new();
                loop {
                    match self.tag() {
                        "/dict" => break Value::Table(members),
                        "key" => {
                            let key = self.text("key").into();
                            let tag = self.tag();
                            members.push((key, self.value(tag)));
                        }
                        tag => panic!("<{tag}> where a key should be"),
                    }
                }
            }
            tag => panic!("<{tag}>"),
        }
    }
}

fn without_comments(text: &str) -> String {
    let mut parts = text.split("<!--");
    let mut left = parts.next().unwrap().to_string();
    for part in parts {
        let (comment, behind) = part.split_once("-->").expect("the end of a comment");
        assert!(!comment.contains("--"), "{comment}");
        left += behind;
    }
    left
}

/// What a file of the client's folder of services says, with what every one says.
fn list(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/cli/service");
    let text = without_comments(&std::fs::read_to_string(folder.join(name)).unwrap());
    let (head, body) = text.split_once("<plist version=\"1.0\">").unwrap();
    assert!(head.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist "));
    let mut reader = Reader(body);
    let tag = reader.tag();
    let list = reader.value(tag);
    assert_eq!((reader.tag(), reader.0.trim()), ("/plist", ""));
    assert_eq!(list.get("Label").word(), "org.kymo.kymod");
    let Value::List(program) = list.get("ProgramArguments") else { panic!() };
    assert!(program[0].word().starts_with('/') && program[0].word().ends_with("/kymod"));
    assert_eq!(list.get("KeepAlive").get("Crashed"), &Value::Flag(true));
    assert_eq!(list.get("ProcessType").word(), "Interactive");
    assert_eq!(list.get("Umask").word().parse(), Ok(0o077));
    list
}

#[test]
fn the_daemon_has_sockets_of_its_own() {
    let daemon = list("daemon.plist");
    assert_eq!(daemon.get("RunAtLoad"), &Value::Flag(true));
    let Value::Table(members) = daemon else { panic!() };
    assert!(members.iter().all(|(name, _)| name != "Sockets"));
}

#[test]
fn the_agents_sockets_are_those_the_daemon_asks_for() {
    let agent = list("agent.plist");
    let Value::Table(sockets) = agent.get("Sockets") else { panic!() };
    let mut names: Vec<&str> = sockets.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let mut asked = LISTENERS;
    asked.sort_unstable();
    assert_eq!(names, asked);
    // Clients look where a daemon of this user serves by itself.
    let home = |name: &str| (name == "HOME").then(|| "/Users/YOU".into());
    let directory = place::to_serve(home, false).unwrap();
    for (name, socket) in sockets {
        let expected = directory.join(format!("{name}.sock"));
        assert_eq!(Path::new(socket.get("SockPathName").word()), expected);
        assert_eq!(socket.get("SockPathMode").word().parse(), Ok(0o600));
        assert_eq!(socket.get("SockType").word(), "stream");
    }
}
