//! Where a JSON value ends, found without parsing it.

/// Follows the brackets of a text, outside of its strings.
#[derive(Default)]
pub struct Nesting {
    /// Brackets that are open.
    pub depth: u32,
    is_in_string: bool,
    is_escaped: bool,
}

impl Nesting {
    /// Begins where so many brackets are open.
    pub fn at(depth: u32) -> Self {
        Nesting { depth, ..Nesting::default() }
    }

    /// Takes the next byte. A bracket that closes what is not open changes nothing.
    pub fn take(&mut self, byte: u8) {
        if self.is_in_string {
            self.is_in_string = self.is_escaped || byte != b'"';
            self.is_escaped = !self.is_escaped && byte == b'\\';
            return;
        }
        match byte {
            b'"' => self.is_in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    /// Whether no bracket and no string is open.
    pub fn is_outside(&self) -> bool {
        self.depth == 0 && !self.is_in_string
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_string_opens_and_closes_nothing() {
        for (text, depth, is_outside) in [
            (r#"{"a]":["\"}"#, 2, false),
            (r#"{"a]":["\"}"]}"#, 0, true),
            (r#""[\\""#, 0, true),
            (r#""[\""#, 0, false),
            ("]}[", 1, false),
        ] {
            let mut nesting = Nesting::default();
            text.bytes().for_each(|byte| nesting.take(byte));
            assert_eq!((nesting.depth, nesting.is_outside()), (depth, is_outside), "{text}");
        }
    }
}
