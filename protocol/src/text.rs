//! Text in fields of fixed size.

/// The longest prefix of `text` of at most `size` bytes that ends between two characters.
pub(crate) fn prefix(text: &str, size: usize) -> &str {
    let mut end = size.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
