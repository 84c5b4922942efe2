//! A sort for short lists, in a hundredth of the code that the standard library's take for each
//! type: a daemon whose file is bounded has seven of them, of lists that are made once.

/// Sorts `list` by insertion, in place and stably: `is_less` says that its first argument belongs
/// before its second. For a few hundred elements at most: the time grows with their square.
///
/// ```
/// let mut list = [3, 1, 2];
/// kymo_platform::sort::insertion(&mut list, |one, other| one < other);
/// assert_eq!(list, [1, 2, 3]);
/// ```
pub fn insertion<T>(list: &mut [T], is_less: impl Fn(&T, &T) -> bool) {
    for end in 1..list.len() {
        let mut at = end;
        while let Some([one, other]) = at.checked_sub(1).and_then(|from| list.get_mut(from..=at)) {
            if !is_less(other, one) {
                break;
            }
            std::mem::swap(one, other);
            at -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_sorts_as_the_standard_library_does(mut list: Vec<(u8, u32)>) {
            let mut expected = list.clone();
            expected.sort_by_key(|(key, _)| *key);
            super::insertion(&mut list, |one, other| one.0 < other.0);
            prop_assert_eq!(list, expected);
        }
    }
}
