//! Figures about a running session.

use kymo_protocol::{AppState, EventFields, EventKind, Number, NumberValue};

/// What a `metrics_update` says. What is `None`, and a measure that is not finite, is null in JSON
/// and left out of frames: 0 means that 0 was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SessionMetrics {
    /// What the application is doing.
    pub state: AppState,
    /// Which session; `None` for the one that is open.
    pub session_id: Option<u64>,
    /// Pieces of speech in the session.
    pub segments: Option<u64>,
    /// Words in the session.
    pub words: Option<u64>,
    /// Words per minute.
    pub wpm: Option<f64>,
    /// Length of the session in seconds.
    pub duration_s: Option<f64>,
    /// Time from speech to text in milliseconds.
    pub latency_ms: Option<f64>,
    /// Memory of the graphics processor in use, in millions of bytes.
    pub gpu_memory_mb: Option<f64>,
    /// The same as a share of all, in percent.
    pub gpu_memory_percent: Option<f64>,
    /// Share of the processors in use, in percent.
    pub cpu_percent: Option<f64>,
}

impl SessionMetrics {
    /// Nothing measured yet in this state.
    #[must_use]
    pub const fn new(state: AppState) -> Self {
        Self {
            state,
            session_id: None,
            segments: None,
            words: None,
            wpm: None,
            duration_s: None,
            latency_ms: None,
            gpu_memory_mb: None,
            gpu_memory_percent: None,
            cpu_percent: None,
        }
    }

    pub(super) fn fields(&self) -> EventFields<'static> {
        let mut fields = EventFields::new(EventKind::MetricsUpdate);
        fields.state = Some(self.state);
        let counts = [
            (Number::SessionId, self.session_id),
            (Number::Segments, self.segments),
            (Number::Words, self.words),
        ];
        let measures = [
            (Number::Wpm, self.wpm),
            (Number::DurationS, self.duration_s),
            (Number::LatencyMs, self.latency_ms),
            (Number::GpuMemoryMb, self.gpu_memory_mb),
            (Number::GpuMemoryPercent, self.gpu_memory_percent),
            (Number::CpuPercent, self.cpu_percent),
        ];
        for (number, value) in counts.into_iter().filter_map(|(n, value)| Some((n, value?))) {
            fields.numbers.set(number, NumberValue::Integer(value));
        }
        for (number, value) in measures.into_iter().filter_map(|(n, value)| Some((n, value?))) {
            fields.numbers.set(number, NumberValue::Float(value));
        }
        fields
    }
}
