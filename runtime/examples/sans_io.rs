//! The hub without the operating system: a transport and a clock of one's own. Here both are
//! simulated, so that ten minutes pass in a moment, and twice the same way.
//!
//! `cargo run -p kymo --example sans_io`

use std::error::Error;

use kymo::platform::clock::Now;
use kymo::platform::peer::Peer;
use kymo::platform::{Fake, LocalTime};
use kymo::{Config, History, Hub, Identity, Sampler};

/// What a client says as it would through a socket.
const WISH: &[u8] = b"{\"subscribe\":[\"vitals\"],\"rate_hz\":2}\n";

fn main() -> Result<(), Box<dyn Error>> {
    let mut now = Now { mono_ns: 1_000_000_000, boot_ns: 1_000_000_000, wall_ns: 1 << 60 };
    let identity = Identity { epoch: 1, run: 2, uid: 0 };
    let config = Config::default();
    let mut hub = Hub::new(&config, identity, History::none(), LocalTime::new(), now);
    let mut sampler = Sampler::new(Box::new(Fake::seeded(7)));

    // 1. Somebody connects, and bytes come.
    let peer = Peer { uid: 0, gid: 0, pid: None };
    let id = hub.accept(None, peer, now).map_err(|refusal| format!("{refusal:?}"))?;
    hub.input_space(id)[..WISH.len()].copy_from_slice(WISH);
    hub.handle_received(id, WISH.len(), now);

    let (mut wire, mut turns) = (Vec::new(), 0);
    let end_ns = now.mono_ns + 600_000_000_000;
    while now.mono_ns < end_ns {
        // 2. The time, and what is due by it.
        let slept_ns = hub.handle_time(now);
        sampler.handle_resume(slept_ns);
        if let Some(tick_ns) = hub.take_tick(now) {
            sampler.handle_tick(tick_ns, now);
            hub.plan_tick(tick_ns);
            hub.publish(tick_ns, now, &sampler);
        }
        hub.handle_deadlines(now);
        hub.commit(now);
        // 3. What is to be sent: as much of it as the transport takes.
        while let Some(ready) = hub.poll_ready() {
            let bytes = hub.transmit(ready, now).concat();
            wire.extend_from_slice(&bytes);
            hub.handle_sent(ready, bytes.len(), now);
        }
        // 4. Who is to go.
        while let Some(closed) = hub.poll_closed() {
            println!("{closed:?} has ended");
        }
        // 5. Sleep until something is due; here time itself is moved.
        let tick_ns = hub.ticks().map(|ticks| ticks.first_ns);
        let next_ns = [tick_ns, hub.deadline_ns()].into_iter().flatten().min().unwrap_or(end_ns);
        let passed_ns = next_ns.saturating_sub(now.mono_ns).max(1);
        now.mono_ns += passed_ns;
        now.boot_ns += passed_ns;
        now.wall_ns += passed_ns;
        turns += 1;
    }
    let lines = String::from_utf8(wire)?;
    let vitals = lines.lines().filter(|line| line.starts_with("{\"type\":\"vitals\"")).count();
    println!("{vitals} vitals of ten minutes in {turns} turns");
    Ok(())
}
