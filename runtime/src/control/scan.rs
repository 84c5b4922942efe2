//! Where a request ends: a JSON object needs no newline behind it.

/// Looks for the end of the object at the front of an input, each byte once however it comes.
#[derive(Clone, Copy, Debug, Default)]
pub struct ObjectScan {
    /// Bytes looked at.
    at: usize,
    depth: u32,
    in_string: bool,
    escaped: bool,
}

impl ObjectScan {
    /// Bytes up to the end of the object at the front of `input`, once it is there. What is not
    /// JSON at all ends where its reader is going to refuse it: at a line's end outside of an
    /// object or inside of a string.
    pub fn end(&mut self, input: &[u8]) -> Option<usize> {
        while let Some(byte) = input.get(self.at) {
            self.at += 1;
            if self.step(*byte) {
                let end = self.at;
                *self = Self::default();
                return Some(end);
            }
        }
        None
    }

    /// Whether the request ends with this byte.
    fn step(&mut self, byte: u8) -> bool {
        if byte == b'\n' && (self.in_string || self.depth == 0) {
            return true;
        }
        if self.in_string {
            self.in_string = byte != b'"' || self.escaped;
            self.escaped = byte == b'\\' && !self.escaped;
            return false;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ends(input: &[u8], step: usize) -> Vec<usize> {
        let (mut scan, mut start, mut ends) = (ObjectScan::default(), 0, Vec::new());
        let mut seen = 0;
        while seen < input.len() {
            seen = (seen + step).min(input.len());
            while let Some(end) = scan.end(&input[start..seen]) {
                start += end;
                ends.push(start);
            }
        }
        ends
    }

    #[test]
    fn an_object_ends_with_its_last_brace() {
        assert_eq!(ends(br#"{"a":{"b":"}\"}"}}{"#, 99), [18]);
        assert_eq!(ends(b"{}{} {}", 99), [2, 4, 7]);
        assert_eq!(ends(b"{\n\"a\": [1,\n2]}\n", 99), [14, 15]);
        assert_eq!(ends(b"ping\n{}", 99), [5, 7]);
        assert_eq!(ends(b"{\"a\n{}", 99), [4, 6]);
        assert_eq!(ends(br#"{"\\"}{}"#, 99), [6, 8]);
        assert_eq!(ends(b"]", 99), [1]);
    }

    proptest! {
        #[test]
        fn it_finds_the_same_ends_however_the_bytes_come(
            input in prop::collection::vec(prop::sample::select(b"{}[]\"\\\na ".to_vec()), 0..60),
            step in 1usize..7,
        ) {
            prop_assert_eq!(ends(&input, step), ends(&input, 99));
        }
    }
}
