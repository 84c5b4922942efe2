//! Structs that programs fill in, and that may grow: each begins with its own size, as the program
//! knew it. What it did not know is 0, and 0 is always what one gets who asks for nothing.

use std::mem::MaybeUninit;
use std::ptr;

use crate::error::{Fail, Outcome};
use crate::event::KymoEvent;
use crate::hub_options::KymoHubOptions;
use crate::wish::KymoWish;

/// A struct of C that begins with its size as a `u32`.
///
/// # Safety
///
/// All zeros are one, and so is whatever bytes a C program has put into its fields.
pub unsafe trait Sized: Copy {}

// SAFETY: numbers, null pointers and no functions.
unsafe impl Sized for KymoHubOptions {}
// SAFETY: numbers, and texts that are null and empty.
unsafe impl Sized for KymoEvent {}
// SAFETY: numbers, null pointers and no function.
unsafe impl Sized for KymoWish {}

/// Copies what a program filled in.
pub fn read<T: Sized>(given: *const T, name: &str) -> Outcome<T> {
    if given.is_null() {
        return Err(Fail::null(name));
    }
    // SAFETY: not null; it begins with its size, says the caller.
    let size = unsafe { given.cast::<u32>().read() };
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if !(size_of::<u32>()..=size_of::<T>()).contains(&size) {
        let most = size_of::<T>();
        let words = format_args!("{name} says that it has {size} bytes; it has at most {most}");
        return Err(Fail::invalid(words));
    }
    let mut whole = MaybeUninit::<T>::zeroed();
    // SAFETY: so many bytes are there, says the caller, and there is room for them.
    unsafe { ptr::copy_nonoverlapping(given.cast::<u8>(), whole.as_mut_ptr().cast(), size) };
    // SAFETY: zeros, or what a program has put there: both are a `T`.
    Ok(unsafe { whole.assume_init() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    #[repr(C)]
    struct Wish {
        size: u32,
        rate: u32,
        later: u64,
    }

    // SAFETY: numbers.
    unsafe impl Sized for Wish {}

    #[test]
    fn what_an_older_program_does_not_know_is_zero() {
        let wish = Wish { size: 8, rate: 7, later: 9 };
        let read_wish = read(&raw const wish, "wish").unwrap();
        assert_eq!((read_wish.size, read_wish.rate, read_wish.later), (8, 7, 0));
        let whole = Wish { size: 16, ..wish };
        assert_eq!(read(&raw const whole, "wish").unwrap().later, 9);
        for size in [0, 3, 17, u32::MAX] {
            let wish = Wish { size, ..wish };
            assert!(read(&raw const wish, "wish").is_err(), "{size}");
        }
        assert!(read::<Wish>(ptr::null(), "wish").is_err());
    }
}
