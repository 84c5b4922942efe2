//! Handing out what lives here, and getting at what is in it.

use std::mem::MaybeUninit;
use std::sync::{Mutex, MutexGuard, TryLockError};

use crate::error::{Fail, KymoError, Outcome};

/// Where a caller wants a pointer to something new. Nothing is read from there.
pub type Place<'a, T> = Option<&'a mut MaybeUninit<T>>;

/// The place, if it is one.
pub fn place<'a, T>(place: Place<'a, T>, name: &str) -> Outcome<&'a mut MaybeUninit<T>> {
    place.ok_or_else(|| Fail::null(name))
}

/// What an argument points to, if it does.
pub fn given<'a, T>(argument: Option<&'a T>, name: &str) -> Outcome<&'a T> {
    argument.ok_or_else(|| Fail::null(name))
}

/// What is behind a handle. Never waits: who finds it taken is told so, which is also what a
/// callback gets that uses the handle it is called for.
pub fn lock<T>(inside: &Mutex<T>) -> Outcome<MutexGuard<'_, T>> {
    inside.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => KymoError::KymoBusy.into(),
        TryLockError::Poisoned(_) => KymoError::KymoPanic.into(),
    })
}
