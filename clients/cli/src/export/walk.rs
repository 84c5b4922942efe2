//! A way through a recording, for whoever wants its values.

use kymo_client::{Catalog, ClockMap, Frame, StreamId};
use kymo_protocol::Body;

use crate::args::Export;
use crate::failure::Failure;
use crate::recording::{Losses, Player, Shown, close, nanoseconds, tell_end, unreadable};
use crate::tell;

/// Something on the way.
pub enum Seen<'a> {
    /// A frame of data, what names its samples, and when it was made.
    Frame(Frame<'a>, &'a Catalog, Moment),
    /// Nobody knows what was between what was seen before and what follows: of one stream, or of
    /// all.
    Break(Option<StreamId>),
}

/// When something was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Since the recording's beginning.
    pub elapsed_ns: u64,
    /// Since 1970.
    pub wall_ns: u64,
}

/// Shows what lies between `--from` and `--to` to `visit`, in order; `aloud` says on standard error
/// what is lost.
///
/// # Errors
///
/// Those of `visit`, at once; and at the end when something of the recording is lost.
pub fn walk(
    options: &Export,
    aloud: bool,
    visit: &mut dyn FnMut(&Seen<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let unreadable = |error| unreadable(&options.path, &error);
    let from_ns = nanoseconds(options.from);
    let mut player = Player::open(&options.path, from_ns).map_err(unreadable)?;
    let mut catalog = Catalog::default();
    let mut losses = Losses::default();
    let tell_loss = |losses: &mut Losses, to_ns| {
        if let Some(text) = losses.take(to_ns).filter(|_| aloud) {
            tell(format_args!("{text}"));
        }
    };
    loop {
        let before_ns = player.elapsed_ns();
        let clock: ClockMap = player.clock();
        match player.next().map_err(unreadable)? {
            Shown::Nothing => {}
            Shown::End => break,
            Shown::Connected(_) => {
                catalog = Catalog::default();
                visit(&Seen::Break(None))?;
            }
            Shown::Lost(..) | Shown::Fresh(_) => visit(&Seen::Break(None))?,
            Shown::Hole(damage) => {
                losses.begin(damage, before_ns);
                visit(&Seen::Break(None))?;
            }
            Shown::Gap(gap) => visit(&Seen::Break(Some(gap.stream)))?,
            Shown::Frame(frame, elapsed_ns) => {
                if let Body::Catalog(part) = frame.body {
                    catalog.handle_part(part);
                    continue;
                }
                tell_loss(&mut losses, Some(elapsed_ns));
                if options.to.is_some_and(|to| elapsed_ns > nanoseconds(to)) {
                    return close(&options.path, &player, &losses, false);
                }
                let wall_ns = clock.wall_at(frame.header.timestamp.get());
                visit(&Seen::Frame(frame, &catalog, Moment { elapsed_ns, wall_ns }))?;
            }
        }
    }
    tell_loss(&mut losses, None);
    if aloud {
        tell_end(&options.path, &player);
    }
    close(&options.path, &player, &losses, true)
}
