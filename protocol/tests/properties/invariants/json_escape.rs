//! A written string is read back as it was, by serde_json and by the reader; and the reader reads
//! what serde_json writes, and strings that are nothing but escapes. No byte of a written string
//! can move a terminal's cursor.

use kymo_protocol::json::{Reader, Token, Writer};

pub(crate) fn check(data: &[u8]) {
    holds(&String::from_utf8_lossy(data));
    // Characters that few bytes are UTF-8 of are as likely as others.
    let number =
        |bytes: &[u8]| bytes.iter().fold(0, |number, byte| (number << 8) | u32::from(*byte));
    let all = data.chunks(3).filter_map(|bytes| char::from_u32(number(bytes) % 0x11_0000));
    holds(&all.collect::<String>());
}

fn holds(text: &str) {
    let mut buffer = vec![0; 6 * text.len() + 2];
    let mut writer = Writer::new(&mut buffer);
    writer.string(text);
    let size = writer.finish().expect("six bytes for one are enough");
    let written = &buffer[..size];
    assert!(written.iter().all(|byte| *byte >= 0x20 && *byte != 0x7F));
    assert_eq!(serde_json::from_slice::<String>(written).expect("a string"), text);
    assert_eq!(read(written), text);
    assert_eq!(read(&serde_json::to_vec(&text).expect("a string")), text);
    let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    assert_eq!(read(format!("\"{units}\"").as_bytes()), text);
}

fn read(json: &[u8]) -> String {
    let mut reader = Reader::new(json).expect("UTF-8");
    let Ok(Some(Token::String(text))) = reader.next_token() else { panic!("a string") };
    assert_eq!(reader.next_token(), Ok(None));
    text.chars().collect()
}
