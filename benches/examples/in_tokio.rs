//! kymo as a task of tokio, beside the host's other tasks. Nothing of kymo depends on tokio: its
//! descriptor and its deadline are enough.
//!
//! `cargo run -p kymo-benches --example in_tokio`

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use kymo::protocol::Body;
use kymo::{Builder, Reactor, Wish};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

/// Turns the loop until it is stopped.
// Newer versions of tokio have an unsafe `register_with_interest` in the place of this, for which a
// type must keep its descriptor for as long as it lives. A reactor does.
#[allow(deprecated)]
async fn drive(reactor: Reactor) -> io::Result<()> {
    let mut kymo = AsyncFd::with_interest(reactor, Interest::READABLE)?;
    while !kymo.get_ref().is_done() {
        match kymo.get_ref().deadline() {
            Some(Duration::ZERO) => yield_now().await,
            // Late or readable: both are a reason for a turn.
            Some(deadline) => {
                if let Ok(ready) = timeout(deadline, kymo.readable_mut()).await {
                    ready?.clear_ready();
                }
            }
            None => kymo.readable_mut().await?.clear_ready(),
        }
        kymo.get_mut().turn(Some(Duration::ZERO))?;
    }
    Ok(())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let mut reactor = Builder::new().build()?;
    let (bell, stopper) = (Arc::new(Notify::new()), reactor.stopper());
    let ring = Arc::clone(&bell);
    let wish = Wish { rate_mhz: 50_000, ..Wish::default() };
    let mut subscriber = reactor.attach(&wish, move || ring.notify_one())?;
    let kymo = tokio::spawn(drive(reactor));

    // Another task of the host.
    let clock = tokio::spawn(async {
        for _ in 0..4 {
            sleep(Duration::from_millis(50)).await;
        }
        "four quarters"
    });

    let mut frames = 0;
    while frames < 20 {
        match subscriber.next_frame()? {
            Some(frame) => frames += u32::from(matches!(frame.body, Body::Vitals(_))),
            None => bell.notified().await,
        }
    }
    println!("{frames} frames and {}", clock.await?);
    stopper.stop();
    kymo.await??;
    println!("stopped");
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run())
}
