//! Steps that readers of objects share.

use crate::json::read::{JsonError, JsonFault, Reader, Token};

/// The index in `keys` of the next member's name; `None` at the object's end.
pub(crate) fn member(
    reader: &mut Reader<'_>,
    keys: &[&str],
    seen: &mut u32,
) -> Result<Option<usize>, JsonError> {
    match next(reader)? {
        Token::ObjectEnd => Ok(None),
        Token::Key(name) => {
            let index = keys.iter().position(|key| name.is(key));
            let index = index.ok_or(reader.error(JsonFault::Key))?;
            if *seen & 1 << index != 0 {
                return Err(reader.error(JsonFault::Key));
            }
            *seen |= 1 << index;
            Ok(Some(index))
        }
        _ => Err(reader.error(JsonFault::Character)),
    }
}

/// The next token; the text must not end here.
pub(crate) fn next<'a>(reader: &mut Reader<'a>) -> Result<Token<'a>, JsonError> {
    reader.next_token()?.ok_or(reader.error(JsonFault::End))
}

/// Takes one particular token.
pub(crate) fn expect(reader: &mut Reader<'_>, token: Token<'_>) -> Result<(), JsonError> {
    if next(reader)? == token { Ok(()) } else { Err(reader.error(JsonFault::Value)) }
}
