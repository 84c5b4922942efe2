//! A hub, the sockets of its clients, and its loop.

use std::collections::BTreeMap;

use kymo::{
    Config, Handled, History, Hub, Identity, InboxCounts, Listener, ListenerFormat, Sampler,
    SessionId, Sources, Surroundings,
};
use kymo_platform::clock::Now;
use kymo_platform::peer::Peer;
use kymo_platform::{Fake, LocalTime};
use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::{
    Action, EventFields, FrameHeader, Hello, Position, Request, Stamp, Subscribe, emit,
};
use serde_json::Value;

pub const MS: u64 = 1_000_000;
pub const EPOCH: u128 = 0xE;
/// The listeners, by their index.
pub const STREAM: usize = 0;
pub const JSON: usize = 1;
pub const CONTROL: usize = 2;

/// A client's end of a connection.
#[derive(Debug)]
pub struct Socket {
    /// What has come and was not read.
    pub got: Vec<u8>,
    /// Bytes of `got` at which it takes no more.
    pub capacity: usize,
    /// What is on its way to the hub.
    pub said: Vec<u8>,
    /// Whether it says no more.
    pub ended: bool,
    pub blocked: bool,
    /// Whether the hub has let it go.
    pub closed: bool,
    /// Frames that it has begun to take, each of them whole.
    pub begun: Vec<Vec<u8>>,
    /// The rest of the last of them.
    promised: Vec<u8>,
    told_end: bool,
}

impl Socket {
    /// Takes the first `size` of the bytes that the hub shows.
    fn take(&mut self, bytes: &[u8], size: usize) {
        self.got.extend_from_slice(&bytes[..size]);
        self.blocked = size < bytes.len();
        let rest = self.promised.len().min(size);
        assert_eq!(bytes[..rest], self.promised[..rest], "the rest of a frame is another one's");
        self.promised.drain(..rest);
        let mut at = rest;
        while at < size {
            let end = at + first_size(&bytes[at..]);
            self.begun.push(bytes[at..end].to_vec());
            self.promised.extend_from_slice(&bytes[size.clamp(at, end)..end]);
            at = end;
        }
    }
}

/// The size of the frame or line that begins `bytes`.
fn first_size(bytes: &[u8]) -> usize {
    if bytes[0] == b'{' {
        bytes.iter().position(|byte| *byte == b'\n').expect("a whole line") + 1
    } else {
        32 + FrameHeader::parse(bytes).expect("a frame").payload_size()
    }
}

pub struct Rig {
    pub hub: Hub,
    pub sampler: Sampler,
    pub sources: Sources,
    pub now: Now,
    /// The ticks that were taken.
    pub ticks: Vec<u64>,
    pub sockets: BTreeMap<SessionId, Socket>,
    /// How much a socket takes of so many bytes that it has room for, when its room has an end.
    pub take: Box<dyn FnMut(usize) -> usize>,
}

impl Rig {
    pub fn new(clients: u32) -> Self {
        Self::with(clients, 8192, History::none())
    }

    /// The same with events of so many bytes, and with what was kept of a run before.
    pub fn with(clients: u32, event_bytes: u32, history: History) -> Self {
        let mut config = Config::in_directory("/simulated");
        config.limits.clients = clients;
        config.limits.event_bytes = event_bytes;
        let bare = Listener::new("bare", ListenerFormat::Json).unwrap();
        config.listeners.push(Listener { bare: true, ..bare }).unwrap();
        let start = 1_000_000 * MS;
        let now = Now { mono_ns: start, boot_ns: start, wall_ns: 1_700_000_000_000 * MS };
        let identity = Identity { epoch: EPOCH, run: 2, uid: 0 };
        Self {
            hub: Hub::new(&config, identity, history, LocalTime::new(), now),
            sampler: Sampler::new(Box::new(Fake::seeded(1))),
            sources: Sources::new(Vec::new(), 0.01, || {}).unwrap(),
            now,
            ticks: Vec::new(),
            sockets: BTreeMap::new(),
            take: Box::new(|size| size),
        }
    }

    pub fn try_connect(&mut self, listener: usize) -> Option<SessionId> {
        let peer = Peer { uid: 0, gid: 0, pid: None };
        let id = self.hub.accept(Some(listener), peer, self.now).ok()?;
        let socket = Socket {
            got: Vec::new(),
            capacity: usize::MAX,
            said: Vec::new(),
            ended: false,
            blocked: false,
            closed: false,
            begun: Vec::new(),
            promised: Vec::new(),
            told_end: false,
        };
        let before = self.sockets.insert(id, socket);
        assert!(before.is_none_or(|before| before.closed), "two connections have one place");
        Some(id)
    }

    pub fn connect(&mut self, listener: usize) -> SessionId {
        self.try_connect(listener).expect("a place")
    }

    pub fn socket(&mut self, id: SessionId) -> &mut Socket {
        self.sockets.get_mut(&id).unwrap()
    }

    /// Says something, as much of it at once as the hub takes.
    pub fn say(&mut self, id: SessionId, bytes: &[u8]) {
        self.socket(id).said.extend_from_slice(bytes);
        self.receive(id);
    }

    fn receive(&mut self, id: SessionId) {
        let socket = self.sockets.get_mut(&id).unwrap();
        let mut taken = 0;
        while !socket.closed && taken < kymo::limits::READ_PER_TURN {
            let space = self.hub.input_space(id);
            let size = space.len().min(socket.said.len());
            if size == 0 {
                if socket.said.is_empty() && socket.ended && !socket.told_end && !space.is_empty() {
                    socket.told_end = true;
                    self.hub.handle_input_end(id, self.now);
                }
                return;
            }
            space[..size].copy_from_slice(&socket.said[..size]);
            socket.said.drain(..size);
            taken += size;
            self.hub.handle_received(id, size, self.now);
        }
    }

    /// Moves the clock.
    pub fn pass(&mut self, ns: u64) {
        self.now.mono_ns += ns;
        self.now.boot_ns += ns;
        self.now.wall_ns += ns;
    }

    /// The machine sleeps.
    pub fn suspend(&mut self, ns: u64) {
        self.now.boot_ns += ns;
        self.now.wall_ns += ns;
    }

    /// Somebody sets the wall clock.
    pub fn step(&mut self, ns: i64) {
        self.now.wall_ns = self.now.wall_ns.checked_add_signed(ns).unwrap();
    }

    /// One turn of the loop, with events of this process.
    pub fn turn(&mut self, events: &[EventFields<'_>]) {
        let slept_ns = self.hub.handle_time(self.now);
        if slept_ns > 0 {
            self.sampler.handle_resume(slept_ns);
            self.sources.handle_resume(slept_ns);
            self.hub.set_cadences(self.sources.cadences(), self.now);
        }
        if let Some(tick_ns) = self.hub.take_tick(self.now) {
            self.ticks.push(tick_ns);
            self.sampler.handle_tick(tick_ns, self.now);
            let wanted = self.hub.wanted();
            self.sources.handle_tick(tick_ns, self.now, wanted, self.hub.samples());
            self.hub.plan_tick(tick_ns);
            self.hub.publish(tick_ns, self.now, &self.sampler);
            self.hub.set_cadences(self.sources.cadences(), self.now);
            self.serve();
        }
        let open: Vec<_> = self.sockets.iter().filter(|s| !s.1.closed).map(|s| *s.0).collect();
        for id in open {
            self.receive(id);
        }
        self.hub.handle_deadlines(self.now);
        self.hub.handle_rest(self.now);
        while let Some((id, action)) = self.hub.poll_command() {
            if action == Action::Quit {
                self.hub.shut_down(self.now);
            }
            let surroundings = Surroundings {
                sampler: &self.sampler,
                sources: &self.sources,
                queue_size: 0,
                inbox: InboxCounts::default(),
                allocations: None,
                sandbox: None,
            };
            self.hub.answer_command(id, action, Handled::No, &surroundings, self.now);
        }
        let mut payload = vec![0; if events.is_empty() { 0 } else { 64 * 1024 }];
        for event in events {
            let size = event.write(&mut payload).unwrap();
            self.hub.take_event(&mut payload[..size], self.now);
        }
        self.hub.commit(self.now);
        self.serve();
        while let Some(id) = self.hub.poll_closed() {
            self.socket(id).closed = true;
        }
        self.look_at_processes();
    }

    /// Whether a pass is planned for a time ahead. Its later slices are told by another clock, and
    /// are none.
    fn is_ahead(&self, slice_ns: u64) -> bool {
        (1..60_000 * MS).contains(&slice_ns.saturating_sub(self.now.mono_ns))
    }

    fn look_at_processes(&mut self) {
        if self.hub.wanted().processes_ns.is_none() {
            self.sources.rest_processes();
        } else if self.sources.slice_ns().is_some_and(|slice_ns| !self.is_ahead(slice_ns))
            && let Some(done) = self.sources.handle_slice()
        {
            self.hub.publish_processes(&done, self.now);
        }
    }

    fn serve(&mut self) {
        for _ in 0..self.hub.ready() {
            let Some(id) = self.hub.poll_ready() else { return };
            let bytes: Vec<u8> = self.hub.transmit(id, self.now).concat();
            if bytes.is_empty() {
                continue;
            }
            let socket = self.sockets.get_mut(&id).unwrap();
            assert!(!socket.blocked, "bytes for a socket that takes none");
            let room = socket.capacity.saturating_sub(socket.got.len());
            let size = match socket.capacity {
                usize::MAX => bytes.len(),
                _ => (self.take)(room.min(bytes.len())),
            };
            socket.take(&bytes, size);
            self.hub.handle_sent(id, size, self.now);
        }
    }

    /// Whether the loop would not sleep.
    fn is_busy(&mut self) -> bool {
        let Self { hub, sockets, .. } = self;
        let mut has_unread = |(id, socket): (&SessionId, &Socket)| {
            !socket.closed && !socket.said.is_empty() && !hub.input_space(*id).is_empty()
        };
        sockets.iter().any(&mut has_unread) || hub.ready() > 0 || hub.has_rest()
    }

    /// Something woke the loop: turns until it would sleep again.
    pub fn run(&mut self) {
        for _ in 0..10_000 {
            self.turn(&[]);
            if !self.is_busy() {
                return;
            }
        }
        panic!("the loop spins");
    }

    /// Reads `size` bytes at most; the hub learns that there is room.
    pub fn read(&mut self, id: SessionId, size: usize) -> Vec<u8> {
        let socket = self.sockets.get_mut(&id).unwrap();
        let bytes = socket.got.drain(..size.min(socket.got.len())).collect();
        if socket.blocked && !socket.closed && socket.got.len() < socket.capacity {
            socket.blocked = false;
            self.hub.handle_writable(id);
        }
        bytes
    }

    /// Turns and reads until there is nothing to be read.
    pub fn read_all(&mut self, id: SessionId) -> Vec<u8> {
        self.run();
        let mut all = Vec::new();
        loop {
            let bytes = self.read(id, usize::MAX);
            if bytes.is_empty() {
                return all;
            }
            all.extend(bytes);
            // Room in a socket wakes the loop only if it waited for that.
            if self.is_busy() {
                self.run();
            }
        }
    }

    /// The same as lines, all of them whole.
    pub fn lines(&mut self, id: SessionId) -> Vec<Value> {
        let bytes = self.read_all(id);
        assert!(bytes.is_empty() || bytes.ends_with(b"\n"), "a cut line");
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).expect("a whole line")).collect()
    }

    /// The client goes, with all it has not read.
    pub fn hang_up(&mut self, id: SessionId) {
        if self.socket(id).closed {
            return;
        }
        self.receive(id);
        self.hub.handle_hangup(id, self.now);
        self.socket(id).ended = true;
        self.receive(id);
    }
}

/// A request frame.
pub fn request(id: u64, action: Action, event: Option<&EventFields<'_>>) -> Vec<u8> {
    let (mut payload, mut bytes) = (vec![0; 16 * 1024], vec![0; 20 * 1024]);
    let size = event.map_or(0, |event| event.write(&mut payload).unwrap());
    let size = Request::emit(&mut bytes, id, action, None, None, &payload[..size]).unwrap();
    bytes.truncate(size);
    bytes
}

/// Hello, and a subscription to streams by their bits.
pub fn subscription(fixed: &SubscribeFixed, topics: &[&str]) -> Vec<u8> {
    subscription_to(fixed, topics, &[])
}

/// The same with groups of sensors.
pub fn subscription_to(fixed: &SubscribeFixed, topics: &[&str], groups: &[&str]) -> Vec<u8> {
    let mut bytes = vec![0; 2048];
    let stamp = Stamp { boot_ns: 0 };
    let (hello, first) = emit::<Hello>(&mut bytes, Position::NONE, stamp).unwrap();
    hello.set("simulated");
    let second = Subscribe::emit(&mut bytes[first..], stamp, fixed, topics, groups).unwrap();
    bytes.truncate(first + second);
    bytes
}
