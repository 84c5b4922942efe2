//! `kymo replay --serve`: a recording as a machine, served by the library to any client.
//!
//! The recording takes the place of what a daemon reads: at each tick its vitals, sensors and
//! processes are those that the recording had at that time, as old as they were then and since. So
//! streams, rates, formats, `every` and gaps are the library's own, and so are sequences and times:
//! those of now. Events keep the time that they tell of themselves.

mod feed;
mod scene;
mod sources;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use kymo::{Builder, Capacity, Reactor};
use kymo_platform::{Signal, Signals};
use kymo_protocol::limits::EVENT_BYTES_MAX;

use crate::args::Replay;
use crate::failure::Failure;
use crate::link::name_of;
use crate::tell;
use feed::{Feed, survey};
use scene::Scene;
use sources::{PlayedMachine, PlayedProcesses, sources};

/// Serves a recording in `directory` until its end, or until somebody interrupts it.
///
/// # Errors
///
/// The [`Failure`] that ended it; also when something of the recording is lost, at its end.
pub fn serve(options: &Replay, directory: &std::path::Path) -> Result<(), Failure> {
    let system = |error: std::io::Error| Failure::new(format!("can't serve: {error}"));
    // Before there is another thread, which gets the mask.
    let signals = Signals::new(&[Signal::Interrupt, Signal::Terminate]).map_err(system)?;
    let survey = survey(options)?;
    let speed = options.speed.unwrap_or(1.0);
    let scene = Arc::new(Mutex::new(Scene::new(speed)));
    let mut reactor = build(directory, &scene, &survey)?;
    reactor.watch_signals(signals).map_err(system)?;
    let stopper = reactor.stopper();
    let feed = Feed::new(options, Arc::clone(&scene), reactor.publisher())?;
    let is_stopped = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&is_stopped);
    tell(format_args!("serving {} in {}", name_of(Some(&options.path)), name_of(Some(directory))));
    let feeder = thread::spawn(move || {
        let outcome = feed.run(&told);
        stopper.stop();
        outcome
    });
    let ran = reactor.run();
    is_stopped.store(true, Ordering::Release);
    feeder.thread().unpark();
    let fed = feeder.join().unwrap_or_else(|_| Err(Failure::new("the player ended")));
    ran.map_err(system)?;
    fed
}

/// The library, with the recording in the place of a machine.
fn build(
    directory: &std::path::Path,
    scene: &Arc<Mutex<Scene>>,
    survey: &feed::Survey,
) -> Result<Reactor, Failure> {
    let failed = |error: kymo::StartError| Failure::new(format!("can't serve: {error}"));
    let mut builder = Builder::new()
        .in_directory(directory)
        .machine(Box::new(PlayedMachine(Arc::clone(scene))))
        .with(|config| {
            // Whatever was recorded can be told again.
            config.limits.event_bytes = EVENT_BYTES_MAX;
            config.inbox = Some(Capacity { event_bytes: EVENT_BYTES_MAX, ..Capacity::default() });
            // Nothing is read that could be too dear.
            config.sensors.max_cpu_ppm = 1_000_000;
        });
    for source in sources(scene, survey) {
        builder = builder.source(source);
    }
    let mut reactor = builder.build().map_err(failed)?;
    if survey.has_processes {
        reactor.read_processes(Box::new(PlayedProcesses::new(Arc::clone(scene))));
    }
    Ok(reactor)
}
