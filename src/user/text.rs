//! Characters that nobody sees.

/// Whether a character is white space, U+FEFF (a byte order mark, and once a space of no width) included.
pub fn is_white_space(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

/// Names a character that nobody sees.
pub fn invisible(c: char) -> Option<String> {
    let name = match c {
        ' ' => "a space",
        '\t' | '\n' | '\r' => "a tab or a line break",
        '\u{a0}' | '\u{202f}' => "a no-break space",
        '\u{ad}' => "a soft hyphen",
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => {
            "a zero-width character"
        }
        c if c.is_whitespace() => "white space",
        _ => return None,
    };
    Some(format!("{name} (U+{:04X})", u32::from(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_named() {
        for (c, name) in [
            (' ', "a space (U+0020)"),
            ('\n', "a tab or a line break (U+000A)"),
            ('\u{a0}', "a no-break space (U+00A0)"),
            ('\u{200b}', "a zero-width character (U+200B)"),
            ('\u{202a}', "a zero-width character (U+202A)"),
            ('\u{feff}', "a zero-width character (U+FEFF)"),
            ('\u{ad}', "a soft hyphen (U+00AD)"),
            ('\u{3000}', "white space (U+3000)"),
        ] {
            assert_eq!(invisible(c).as_deref(), Some(name), "{c:?}");
        }
        assert_eq!("a-é😀\u{7}".chars().find_map(invisible), None);
    }
}
