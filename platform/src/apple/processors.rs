//! Every processor, from one look to the next.

use super::kernel::processor::{Processor, Ticks};
use super::kernel::{Kernel, PROCESSORS_MAX, Refusal};

/// The processors of a machine.
#[derive(Debug)]
pub(crate) struct Processors {
    /// Never grows beyond what it was made with.
    known: Vec<Processor>,
    ticks: Box<[Ticks; PROCESSORS_MAX]>,
}

impl Processors {
    pub(crate) fn new() -> Self {
        let ticks = Box::new([[0; 4]; PROCESSORS_MAX]);
        Self { known: Vec::with_capacity(PROCESSORS_MAX), ticks }
    }

    /// Looks at all of them; says how many there are, also where there is no room for them.
    pub(crate) fn look(&mut self, kernel: &mut dyn Kernel) -> Result<usize, Refusal> {
        // The clock first: then it never runs ahead of the ticks.
        let awake_ns = kernel.clock().awake_ns();
        let count = kernel.processors(&mut self.ticks[..])?;
        let ticks = self.ticks.iter().take(count);
        if self.known.len() == ticks.len() {
            for (processor, ticks) in self.known.iter_mut().zip(ticks) {
                processor.advance(*ticks, awake_ns);
            }
        } else {
            self.known.clear();
            // No more than there is room for.
            self.known.extend(ticks.map(|ticks| Processor::new(*ticks, awake_ns)));
        }
        Ok(count)
    }

    /// As the last look found them.
    pub(crate) fn known(&self) -> &[Processor] {
        &self.known
    }
}
