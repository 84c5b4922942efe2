//! What of a recording is lost, in words.

use kymo_protocol::recording::Damage;

use crate::units;

/// What of a recording is lost, so far.
#[derive(Debug, Default)]
pub struct Losses {
    /// What is told when it is known what stands behind it, and when that was before.
    pending: Option<(Damage, u64)>,
    holes: u64,
    bytes: u64,
    records: u64,
    /// Whether nobody knows how many records some hole had.
    is_open: bool,
}

impl Losses {
    /// Something is lost behind what was made at `from_ns`.
    pub fn begin(&mut self, damage: Damage, from_ns: u64) {
        self.holes += 1;
        self.bytes += damage.bytes;
        self.records += damage.records.unwrap_or(0);
        self.is_open |= damage.records.is_none();
        self.pending = Some((damage, from_ns));
    }

    /// The last loss in words, once; `to_ns` is when the next frame was made, if there is one.
    pub fn take(&mut self, to_ns: Option<u64>) -> Option<String> {
        let (Damage { offset, bytes, records }, from_ns) = self.pending.take()?;
        let records = match records {
            None => "an unknown number of records".into(),
            Some(records) => counted(records),
        };
        let from = units::stopwatch(from_ns);
        let when = match to_ns.map(units::stopwatch) {
            Some(to) if to == from => format!("at {from}"),
            Some(to) => format!("between {from} and {to}"),
            None => format!("from {from} on"),
        };
        Some(format!("lost: {bytes} bytes at {offset}, {records}, {when}"))
    }

    /// All of them in words; `None` if there was none.
    pub fn summary(&self) -> Option<String> {
        let Self { holes, bytes, records, is_open, .. } = self;
        let at_least = if *is_open { " at least" } else { "" };
        let places = if *holes == 1 { "place" } else { "places" };
        let records = counted(*records);
        let text = format!("{bytes} bytes in {holes} {places},{at_least} {records}");
        (*holes > 0).then(|| format!("the recording is damaged: {text}"))
    }
}

fn counted(records: u64) -> String {
    let plural = if records == 1 { "" } else { "s" };
    format!("{records} record{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_says_what_where_and_when() {
        let mut losses = Losses::default();
        assert_eq!((losses.take(None), losses.summary()), (None, None));
        losses.begin(Damage { offset: 96, bytes: 344, records: Some(1) }, 1_500_000_000);
        assert_eq!(
            losses.take(Some(62_000_000_000)).unwrap(),
            "lost: 344 bytes at 96, 1 record, between 0:01.500 and 1:02.000"
        );
        assert_eq!(losses.take(None), None, "once");
        losses.begin(Damage { offset: 440, bytes: 0, records: Some(0) }, 1_500_000_000);
        assert_eq!(
            losses.take(Some(1_500_400_000)).unwrap(),
            "lost: 0 bytes at 440, 0 records, at 0:01.500"
        );
        losses.begin(Damage { offset: 5000, bytes: 7, records: None }, 3_600_000_000_000);
        assert_eq!(
            losses.take(None).unwrap(),
            "lost: 7 bytes at 5000, an unknown number of records, from 1:00:00.000 on"
        );
        assert_eq!(
            losses.summary().unwrap(),
            "the recording is damaged: 351 bytes in 3 places, at least 1 record"
        );
    }
}
