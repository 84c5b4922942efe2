#![allow(unsafe_code)]
//! CoreFoundation objects: who owns one releases it, once.
//!
//! An object's type is asked for before it is used as one, so that a property of another kind than
//! expected is none. Nothing here changes an object that somebody else has.

use std::ffi::{c_char, c_void};
use std::fmt;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

/// `CFTypeRef`.
pub(super) type Raw = *const c_void;
/// `CFIndex`.
type Index = isize;
/// `CFTypeID`.
type TypeId = usize;

const UTF8: u32 = 0x0800_0100;
/// `kCFNumberSInt32Type` and `kCFNumberSInt64Type` of `CFNumberType`.
const SINT32: Index = 3;
const SINT64: Index = 4;

#[repr(C)]
struct Range {
    location: Index,
    length: Index,
}

/// Something of which only the address is of use.
#[repr(C)]
struct Opaque([u8; 0]);

#[link(name = "CoreFoundation", kind = "framework")]
unsafe extern "C" {
    static kCFTypeDictionaryKeyCallBacks: Opaque;
    static kCFTypeDictionaryValueCallBacks: Opaque;
    static kCFTypeArrayCallBacks: Opaque;

    fn CFRelease(object: Raw);
    fn CFGetTypeID(object: Raw) -> TypeId;
    safe fn CFArrayGetTypeID() -> TypeId;
    safe fn CFBooleanGetTypeID() -> TypeId;
    safe fn CFDataGetTypeID() -> TypeId;
    safe fn CFDictionaryGetTypeID() -> TypeId;
    safe fn CFNumberGetTypeID() -> TypeId;
    safe fn CFStringGetTypeID() -> TypeId;

    fn CFArrayGetCount(array: Raw) -> Index;
    fn CFArrayGetValueAtIndex(array: Raw, index: Index) -> Raw;
    fn CFArrayCreateMutable(allocator: Raw, capacity: Index, callbacks: *const Opaque) -> Raw;
    fn CFArrayAppendValue(array: Raw, value: Raw);
    fn CFBooleanGetValue(boolean: Raw) -> u8;
    fn CFDataGetBytePtr(data: Raw) -> *const u8;
    fn CFDataGetLength(data: Raw) -> Index;
    fn CFDictionaryGetValue(dictionary: Raw, key: Raw) -> Raw;
    fn CFDictionaryCreate(
        allocator: Raw,
        keys: *const Raw,
        values: *const Raw,
        count: Index,
        key_callbacks: *const Opaque,
        value_callbacks: *const Opaque,
    ) -> Raw;
    fn CFDictionaryCreateMutableCopy(allocator: Raw, capacity: Index, dictionary: Raw) -> Raw;
    fn CFDictionarySetValue(dictionary: Raw, key: Raw, value: Raw);
    fn CFNumberCreate(allocator: Raw, kind: Index, value: *const c_void) -> Raw;
    fn CFNumberGetValue(number: Raw, kind: Index, value: *mut c_void) -> u8;
    fn CFStringCreateWithBytes(
        allocator: Raw,
        bytes: *const u8,
        size: Index,
        encoding: u32,
        is_external: u8,
    ) -> Raw;
    fn CFStringGetLength(text: Raw) -> Index;
    fn CFStringGetBytes(
        text: Raw,
        range: Range,
        encoding: u32,
        loss: u8,
        is_external: u8,
        buffer: *mut u8,
        size: Index,
        used: *mut Index,
    ) -> Index;
}

/// An object that is ours to release.
pub(super) struct Owned(NonNull<c_void>);

// SAFETY: CoreFoundation counts references atomically, and objects here are bound to no thread and
// no run loop. Each is used through its one owner, so by one thread at a time.
unsafe impl Send for Owned {}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the object is alive, and one count of it is ours, which ends here.
        unsafe { CFRelease(self.raw()) }
    }
}

impl fmt::Debug for Owned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Owned")
    }
}

/// An object that somebody else keeps alive for `'a`.
#[derive(Clone, Copy)]
pub(super) struct Ref<'a>(NonNull<c_void>, PhantomData<&'a Owned>);

/// A dictionary.
#[derive(Clone, Copy)]
pub(super) struct Dictionary<'a>(Ref<'a>);

/// An array.
#[derive(Clone, Copy)]
pub(super) struct Array<'a>(Ref<'a>);

impl Owned {
    /// What a function whose name says Create or Copy returned; null is none.
    ///
    /// # Safety
    ///
    /// `raw` is null, or an object of which one count is the caller's to give away.
    pub(super) unsafe fn new(raw: Raw) -> Option<Self> {
        NonNull::new(raw.cast_mut()).map(Self)
    }

    /// A text.
    pub(super) fn text(text: &str) -> Option<Self> {
        let size = Index::try_from(text.len()).ok()?;
        // SAFETY: the bytes are there for the call, as many as it is told, and are UTF-8.
        let raw = unsafe { CFStringCreateWithBytes(ptr::null(), text.as_ptr(), size, UTF8, 0) };
        // SAFETY: Create: the count is ours.
        unsafe { Self::new(raw) }
    }

    /// A number.
    pub(super) fn number(number: i32) -> Option<Self> {
        // SAFETY: the value is there for the call, and is of the type that is named.
        let raw = unsafe { CFNumberCreate(ptr::null(), SINT32, (&raw const number).cast()) };
        // SAFETY: Create: the count is ours.
        unsafe { Self::new(raw) }
    }

    /// A dictionary of two.
    pub(super) fn pairs(keys: [&Self; 2], values: [&Self; 2]) -> Option<Self> {
        let (keys, values) = (keys.map(Self::raw), values.map(Self::raw));
        let (of_keys, of_values) =
            (&raw const kCFTypeDictionaryKeyCallBacks, &raw const kCFTypeDictionaryValueCallBacks);
        // SAFETY: both arrays hold two live objects, which the dictionary retains by the
        // callbacks, and those are CoreFoundation's own for objects.
        let raw = unsafe {
            CFDictionaryCreate(ptr::null(), keys.as_ptr(), values.as_ptr(), 2, of_keys, of_values)
        };
        // SAFETY: Create: the count is ours.
        unsafe { Self::new(raw) }
    }

    /// An array of those objects of `array` that are wanted.
    pub(super) fn those_of(
        array: Array<'_>,
        is_wanted: &mut dyn FnMut(Ref<'_>) -> bool,
    ) -> Option<Self> {
        // SAFETY: the callbacks are CoreFoundation's own for objects.
        let raw = unsafe { CFArrayCreateMutable(ptr::null(), 0, &raw const kCFTypeArrayCallBacks) };
        // SAFETY: Create: the count is ours.
        let some = unsafe { Self::new(raw) }?;
        for object in (0..array.len()).filter_map(|index| array.get(index)) {
            if is_wanted(object) {
                // SAFETY: the array was made mutable here, and retains the live object.
                unsafe { CFArrayAppendValue(some.raw(), object.raw()) }
            }
        }
        Some(some)
    }

    /// A copy of `dictionary` with one value in the place of another.
    pub(super) fn with(dictionary: Dictionary<'_>, key: &Self, value: &Self) -> Option<Self> {
        // SAFETY: it is a live dictionary; the copy has its callbacks, those of objects.
        let raw = unsafe { CFDictionaryCreateMutableCopy(ptr::null(), 0, dictionary.0.raw()) };
        // SAFETY: Create: the count is ours.
        let copy = unsafe { Self::new(raw) }?;
        // SAFETY: the copy was made mutable here, and retains both live objects.
        unsafe { CFDictionarySetValue(copy.raw(), key.raw(), value.raw()) }
        Some(copy)
    }

    /// For a call that needs the object.
    pub(super) fn raw(&self) -> Raw {
        self.0.as_ptr()
    }

    /// For as long as it lives.
    pub(super) fn as_ref(&self) -> Ref<'_> {
        Ref(self.0, PhantomData)
    }
}

impl<'a> Ref<'a> {
    /// What a function whose name says Get returned; null is none.
    ///
    /// # Safety
    ///
    /// `raw` is null, or an object that lives for `'a`.
    pub(super) unsafe fn new(raw: Raw) -> Option<Self> {
        NonNull::new(raw.cast_mut()).map(|object| Self(object, PhantomData))
    }

    /// For a call that needs the object.
    pub(super) fn raw(self) -> Raw {
        self.0.as_ptr()
    }

    fn is(self, kind: TypeId) -> bool {
        // SAFETY: the object is alive.
        unsafe { CFGetTypeID(self.raw()) == kind }
    }

    /// As a dictionary, if it is one.
    pub(super) fn dictionary(self) -> Option<Dictionary<'a>> {
        self.is(CFDictionaryGetTypeID()).then_some(Dictionary(self))
    }

    /// As an array, if it is one.
    pub(super) fn array(self) -> Option<Array<'a>> {
        self.is(CFArrayGetTypeID()).then_some(Array(self))
    }

    /// As a truth value, if it is one.
    pub(super) fn truth(self) -> Option<bool> {
        // SAFETY: it is a boolean.
        self.is(CFBooleanGetTypeID()).then(|| unsafe { CFBooleanGetValue(self.raw()) } != 0)
    }

    /// As a whole number, if it is one that 64 bits hold.
    pub(super) fn number(self) -> Option<i64> {
        if !self.is(CFNumberGetTypeID()) {
            return None;
        }
        let mut number = 0i64;
        // SAFETY: it is a number, and the value has the size of the type that is named.
        let is_exact =
            unsafe { CFNumberGetValue(self.raw(), SINT64, (&raw mut number).cast()) } != 0;
        is_exact.then_some(number)
    }

    /// As bytes, if it is those.
    pub(super) fn data(self) -> Option<&'a [u8]> {
        if !self.is(CFDataGetTypeID()) {
            return None;
        }
        // SAFETY: it is data.
        let size = usize::try_from(unsafe { CFDataGetLength(self.raw()) }).ok()?;
        // SAFETY: it is data.
        let bytes = unsafe { CFDataGetBytePtr(self.raw()) };
        if bytes.is_null() || size == 0 {
            return Some(&[]);
        }
        // SAFETY: so many bytes stand there as long as the data lives, which is immutable.
        Some(unsafe { std::slice::from_raw_parts(bytes, size) })
    }

    /// As a text, if it is one, or bytes of one up to a NUL. What does not fit is cut off.
    pub(super) fn text<const SIZE: usize>(self) -> Option<heapless::String<SIZE>> {
        let mut buffer = [0; SIZE];
        let bytes = match self.data() {
            Some(data) => data.split(|byte| *byte == 0).next()?,
            None => self.utf8(&mut buffer)?,
        };
        let mut text = heapless::String::new();
        let letters = bytes.utf8_chunks().flat_map(|chunk| chunk.valid().chars());
        // The rest does not fit.
        let _ = letters.into_iter().try_for_each(|letter| text.push(letter));
        Some(text)
    }

    fn utf8(self, buffer: &mut [u8]) -> Option<&[u8]> {
        if !self.is(CFStringGetTypeID()) {
            return None;
        }
        // SAFETY: it is a string.
        let range = Range { location: 0, length: unsafe { CFStringGetLength(self.raw()) } };
        let (size, mut used) = (Index::try_from(buffer.len()).ok()?, 0);
        let start = buffer.as_mut_ptr();
        // SAFETY: it is a string of that length, and the buffer has that size; whole letters are
        // written until it is full, and how many bytes that are.
        unsafe { CFStringGetBytes(self.raw(), range, UTF8, b'?', 0, start, size, &raw mut used) };
        buffer.get(..usize::try_from(used).ok()?)
    }
}

impl<'a> Dictionary<'a> {
    /// The value of that name.
    pub(super) fn get(self, key: &str) -> Option<Ref<'a>> {
        let key = Owned::text(key)?;
        // SAFETY: both are alive, and dictionaries of properties have strings as keys.
        let raw = unsafe { CFDictionaryGetValue(self.0.raw(), key.raw()) };
        // SAFETY: Get: the dictionary keeps it alive, and nobody changes it.
        unsafe { Ref::new(raw) }
    }

    /// For a call that needs the object.
    pub(super) fn raw(self) -> Raw {
        self.0.raw()
    }
}

impl<'a> Array<'a> {
    /// How many there are.
    pub(super) fn len(self) -> usize {
        // SAFETY: it is an array.
        usize::try_from(unsafe { CFArrayGetCount(self.0.raw()) }).unwrap_or(0)
    }

    /// The one at that place.
    pub(super) fn get(self, index: usize) -> Option<Ref<'a>> {
        if index >= self.len() {
            return None;
        }
        let index = Index::try_from(index).ok()?;
        // SAFETY: it is an array, and there is something at that place.
        let raw = unsafe { CFArrayGetValueAtIndex(self.0.raw(), index) };
        // SAFETY: Get: the array keeps it alive, and nobody changes it.
        unsafe { Ref::new(raw) }
    }
}

/// The name of a plane, a class or a call.
pub(super) type Name = *const c_char;
