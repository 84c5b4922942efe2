//! kymo in calloop, as Wayland programs use it, beside a timer of the host's.
//!
//! `cargo run -p kymo-benches --example in_calloop`

use std::error::Error;
use std::os::fd::AsFd;
use std::time::Duration;

use calloop::generic::Generic;
use calloop::timer::{TimeoutAction, Timer};
use calloop::{EventLoop, Interest, Mode, PostAction};
use kymo::protocol::Body;
use kymo::{Builder, Wish};

/// What the host keeps.
#[derive(Default)]
struct App {
    blinks: u32,
    readable: u32,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut kymo = Builder::new().build()?;
    // Read in the same loop, after each turn: it need not be woken.
    let wish = Wish { rate_mhz: 50_000, ..Wish::default() };
    let mut subscriber = kymo.attach(&wish, || ())?;

    let mut event_loop = EventLoop::<App>::try_new()?;
    let handle = event_loop.handle();
    // calloop keeps what it watches, so it gets a duplicate.
    let descriptor = kymo.as_fd().try_clone_to_owned()?;
    handle.insert_source(Generic::new(descriptor, Interest::READ, Mode::Level), |_, _, app| {
        app.readable += 1;
        Ok(PostAction::Continue)
    })?;
    let blink = Duration::from_millis(50);
    handle.insert_source(Timer::from_duration(blink), move |_, (), app| {
        app.blinks += 1;
        TimeoutAction::ToDuration(blink)
    })?;

    let (mut app, mut frames) = (App::default(), 0);
    while frames < 20 || app.blinks < 4 {
        event_loop.dispatch(kymo.deadline(), &mut app)?;
        kymo.turn(Some(Duration::ZERO))?;
        while let Some(frame) = subscriber.next_frame()? {
            frames += u32::from(matches!(frame.body, Body::Vitals(_)));
        }
    }
    println!("{frames} frames and {} blinks", app.blinks);
    println!("readable {} times", app.readable);
    Ok(())
}
