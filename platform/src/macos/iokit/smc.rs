#![allow(unsafe_code)]
//! The controller by its driver's connection, which anybody may open to read.

use std::ffi::{CStr, c_void};
use std::fmt;

use super::registry::{NONE, Object, Port};
use super::{checked, code};
use crate::apple::smc::{Controller, Exchange, KernReturn};

/// On Apple silicon the second is made from the first, so the first finds both.
const CLASSES: [&CStr; 2] = [c"AppleSMC", c"AppleSMCKeysEndpoint"];
/// The one method of the driver that reads and writes keys.
const SELECTOR: u32 = 2;
/// The type of connection that has it.
const TYPE: u32 = 0;
/// `MACH_SEND_INVALID_DEST` and `MIG_SERVER_DIED`: the connection's port is dead.
const INVALID_DEST: i32 = 0x1000_0003;
const SERVER_DIED: i32 = -308;

#[link(name = "IOKit", kind = "framework")]
unsafe extern "C" {
    safe fn IOServiceOpen(service: Port, task: Port, kind: u32, connect: &mut Port) -> i32;
    safe fn IOServiceClose(connect: Port) -> i32;
    fn IOConnectCallStructMethod(
        connect: Port,
        selector: u32,
        input: *const c_void,
        input_size: usize,
        output: *mut c_void,
        output_size: *mut usize,
    ) -> i32;
}

/// A connection to the driver, opened when it is first needed.
pub struct AppleSmc(Option<Connection>);

struct Connection(Port);

impl Drop for Connection {
    fn drop(&mut self) {
        // The one right to it ends here; there is nobody to tell that it was none.
        let _ = IOServiceClose(self.0);
    }
}

impl fmt::Debug for AppleSmc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AppleSmc").field(&self.0.is_some()).finish()
    }
}

impl AppleSmc {
    /// Not connected yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }

    /// Whether there is a controller that lets itself be opened.
    #[must_use]
    pub fn is_there(&mut self) -> bool {
        self.connection().is_ok()
    }

    fn connection(&mut self) -> Result<&Connection, KernReturn> {
        match &mut self.0 {
            Some(connection) => Ok(connection),
            none => Ok(none.insert(Connection::open()?)),
        }
    }
}

impl Default for AppleSmc {
    fn default() -> Self {
        Self::new()
    }
}

impl Connection {
    fn open() -> Result<Self, KernReturn> {
        let mut refused = KernReturn(code::NO_DEVICE);
        for class in CLASSES {
            let Ok(services) = Object::services(class) else { continue };
            // The service itself is needed for the opening alone.
            while let Some(service) = services.next() {
                match Self::of(&service) {
                    Ok(connection) => return Ok(connection),
                    Err(code) => refused = code,
                }
            }
        }
        Err(refused)
    }

    fn of(service: &Object) -> Result<Self, KernReturn> {
        #[allow(deprecated)] // in favour of another crate
        // SAFETY: reads a word that the C library set at the start.
        let task = unsafe { libc::mach_task_self() };
        let mut connect = NONE;
        checked(IOServiceOpen(service.port(), task, TYPE, &mut connect))?;
        Ok(Self(connect))
    }

    fn call(&self, request: &Exchange) -> Result<Exchange, KernReturn> {
        let mut answer = Exchange::default();
        let mut size = size_of::<Exchange>();
        // SAFETY: the connection is ours; the request is read and the answer written, each of the
        // size that is told; any bytes are an answer.
        let code = unsafe {
            IOConnectCallStructMethod(
                self.0,
                SELECTOR,
                (&raw const *request).cast(),
                size_of::<Exchange>(),
                (&raw mut answer).cast(),
                &raw mut size,
            )
        };
        checked(code)?;
        // Less is no answer: what was not written is not 0.
        if size == size_of::<Exchange>() { Ok(answer) } else { Err(KernReturn(code::UNDERRUN)) }
    }
}

impl Controller for AppleSmc {
    fn exchange(&mut self, request: &Exchange) -> Result<Exchange, KernReturn> {
        let is_fresh = self.0.is_none();
        let answer = self.connection()?.call(request);
        match answer {
            Err(KernReturn(
                INVALID_DEST | SERVER_DIED | code::NO_DEVICE | code::NOT_ATTACHED | code::NOT_OPEN,
            )) => {
                self.0 = None;
                // One more try; how soon the next is, is the caller's affair.
                if is_fresh { answer } else { self.connection()?.call(request) }
            }
            answer => answer,
        }
    }
}
