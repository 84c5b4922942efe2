//! How lives of the daemon end and begin, and what happens to its disk.

use kymo::journal::Start;

use crate::daemon::{Daemon, STEPS};
use crate::faults::Fault;
use crate::storage::SEGMENT_SIZE;
use crate::world::World;

impl World {
    /// What is to go wrong in this step.
    pub fn plan_faults(&mut self) {
        let Self { faults, daemon, .. } = self;
        if faults.strikes(Fault::DeathAtStep) {
            // Each in turn, so that none is left out.
            self.death_wheel += 1;
            daemon.death = daemon.death.or(Some(self.death_wheel % STEPS.len()));
        }
        if faults.strikes(Fault::DeathInStorage) {
            self.arm_disk();
        }
        let Self { faults, daemon, disk, truth, .. } = self;
        if faults.strikes(Fault::Flip) {
            disk.flip(faults.random(Fault::Flip));
            faults.count(Fault::Flip, 1);
            (truth.flips, truth.is_sound) = (truth.flips + 1, false);
        }
        if faults.strikes(Fault::Sync) {
            disk.fail_sync();
        }
        if self.full > 0 {
            self.full -= 1;
            disk.set_full(self.full > 0);
        } else if faults.strikes(Fault::Full) {
            self.full = 1 + faults.random(Fault::Full).below(60);
            disk.set_full(true);
        }
        if self.hangs > 0 {
            self.hangs -= 1;
            if self.hangs == 0 {
                let has_hung = daemon.let_answer(self.now);
                faults.count(Fault::Hang, u64::from(has_hung));
            }
        } else if faults.strikes(Fault::Hang) {
            // Long enough for a read to begin and to be given up.
            self.hangs = 26 + faults.random(Fault::Hang).below(8);
            daemon.gate.close();
        }
        let [full, unsynced] = disk.take_refused();
        faults.count(Fault::Full, full);
        faults.count(Fault::Sync, unsynced);
        truth.is_sound &= full + unsynced == 0;
    }

    /// The next operations of the disk are the last of this life.
    fn arm_disk(&mut self) {
        let random = self.faults.random(Fault::DeathInStorage);
        let operations = random.below(12);
        let whole = if random.one_in(2) { 0 } else { SEGMENT_SIZE };
        let is_torn = self.faults.strikes(Fault::Torn);
        let size = self.faults.random(Fault::Torn).index(900);
        self.disk.kill_after(operations, if is_torn { size } else { whole });
    }

    /// The daemon is dead.
    pub fn die(&mut self) {
        if !self.note_death() {
            let step = self.daemon.death.expect("it died of something");
            self.deaths[step] += 1;
            self.faults.count(Fault::DeathAtStep, 1);
        }
        let Self { daemon, net, faults, witnesses, now, .. } = self;
        daemon.testify(witnesses, net, faults, *now);
        let is_powerless = self.faults.strikes(Fault::Power);
        self.end_life(is_powerless);
    }

    /// Whether the disk killed it.
    fn note_death(&mut self) -> bool {
        let (operation, is_torn) = self.disk.revive();
        if let Some(operation) = operation {
            self.operations[operation] += 1;
            self.faults.count(Fault::DeathInStorage, 1);
            self.faults.count(Fault::Torn, u64::from(is_torn));
        }
        operation.is_some()
    }

    /// It ends in good order, and the machine may be started anew.
    pub fn stop(&mut self) {
        self.daemon.hub.shut_down(self.now);
        for _ in 0..3 {
            if !self.run() {
                return self.die();
            }
            for client in &mut self.clients {
                let Some(id) = client.id else { continue };
                client.read(self.net.socket(id), usize::MAX, &mut self.truth);
            }
        }
        self.daemon.close();
        self.faults.count(Fault::Stop, 1);
        self.boot += u128::from(self.random.one_in(2));
        self.note_death();
        self.end_life(false);
    }

    /// Everybody reads what is left, and another life begins with what the disk has.
    fn end_life(&mut self, is_powerless: bool) {
        self.net.cut();
        self.bury();
        self.disk.set_full(false);
        (self.full, self.hangs, self.true_s) = (0, 0, [0.0; 2]);
        if is_powerless {
            let [lost, reordered] = self.disk.lose_power(self.faults.random(Fault::Power));
            self.faults.count(Fault::Power, lost);
            self.faults.count(Fault::Reordered, reordered);
            self.truth.is_sound = false;
            self.boot += 1;
        }
        let mut is_powerless = is_powerless;
        loop {
            self.lives += 1;
            let epoch = u128::from(self.random.next()) << 64 | u128::from(self.lives);
            let start = Start { epoch, salt: self.random.next(), boot: self.boot };
            let found = Daemon::look(&self.disk, &start);
            self.truth.restart(&found, is_powerless);
            is_powerless = false;
            if self.faults.strikes(Fault::DeathInStorage) {
                self.arm_disk();
            }
            let clients = self.options.clients;
            if let Some(daemon) = Daemon::start(&self.disk, &start, clients, self.now) {
                self.daemon = daemon;
                break;
            }
            self.note_death();
        }
        self.meet_witnesses();
    }
}
