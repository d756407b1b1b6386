//! The targets of `make fuzz` on their corpus, and on what comes of it by small changes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use fastrand::Rng;
use proptest::prelude::*;
use roster_reference::fuzz;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

struct Target {
    name: &'static str,
    corpus: &'static str,
    take: fn(&[u8]),
}

const TARGETS: [Target; 6] = [
    Target { name: "body", corpus: include_str!("fuzz/corpus/body.txt"), take: fuzz::body::take },
    Target { name: "bearer", corpus: include_str!("fuzz/corpus/bearer.txt"), take: fuzz::bearer::take },
    Target { name: "cursor", corpus: include_str!("fuzz/corpus/cursor.txt"), take: fuzz::cursor::take },
    Target { name: "filter", corpus: include_str!("fuzz/corpus/filter.txt"), take: fuzz::filter::take },
    Target { name: "path", corpus: include_str!("fuzz/corpus/path.txt"), take: fuzz::path::take },
    Target { name: "lease", corpus: include_str!("fuzz/corpus/lease.txt"), take: fuzz::lease::take },
];

/// A line of `tests/fuzz/corpus/TARGET.txt`: a name, which is `-` if libFuzzer found it, a space, and the input, escaped as
/// by [`slice::escape_ascii`].
struct Input {
    name: &'static str,
    bytes: Vec<u8>,
}

impl Target {
    fn corpus(&self) -> impl Iterator<Item = Input> {
        self.corpus.lines().map(|line| {
            let (name, escaped) = line.split_once(' ').unwrap();
            Input { name, bytes: unescaped(escaped) }
        })
    }
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut characters = text.bytes();
    let mut bytes = Vec::new();
    while let Some(byte) = characters.next() {
        bytes.push(match byte {
            b'\\' => match characters.next().unwrap() {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'x' => {
                    let mut digit = || char::from(characters.next().unwrap()).to_digit(16).unwrap();
                    u8::try_from(digit() * 16 + digit()).unwrap()
                }
                quoted => quoted,
            },
            byte => byte,
        });
    }
    bytes
}

#[test]
fn a_line_of_the_corpus_is_an_input_as_rust_escapes_it() {
    let all: Vec<u8> = (0..=255).collect();
    assert_eq!(unescaped(&all.escape_ascii().to_string()), all);
}

/// For libFuzzer, which reads a file an input.
#[test]
#[ignore = "`make fuzz` asks for it"]
fn the_corpus_is_unpacked() {
    for target in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/target/corpus").join(target.name);
        fs::create_dir_all(&folder).unwrap();
        for (line, Input { name, bytes }) in target.corpus().enumerate() {
            fs::write(folder.join(format!("{:03}-{name}", line + 1)), bytes).unwrap();
        }
    }
}

#[test]
fn the_corpus_is_taken() {
    for target in TARGETS {
        for Input { name, bytes } in target.corpus() {
            println!("{} takes {name}: {}", target.name, bytes.escape_ascii());
            (target.take)(&bytes);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn what_comes_of_the_corpus_by_small_changes_is_taken_too(seed: u64) {
        static CORPUS: LazyLock<[Vec<Vec<u8>>; 6]> =
            LazyLock::new(|| TARGETS.map(|target| target.corpus().map(|input| input.bytes).collect()));
        let mut rng = Rng::with_seed(seed);
        for (target, corpus) in TARGETS.iter().zip(&*CORPUS) {
            (target.take)(&changed(&mut rng, corpus));
        }
    }
}

/// An input of the corpus after some changes, at times with a part of another one.
fn changed(rng: &mut Rng, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut input = corpus[rng.usize(..corpus.len())].clone();
    for _ in 0..rng.usize(1..6) {
        let start = rng.usize(..=input.len());
        let end = rng.usize(start..=input.len().min(start + 8));
        let other = &corpus[rng.usize(..corpus.len())];
        let from = rng.usize(..=other.len());
        let part = match rng.u8(0..4) {
            0 => Vec::new(),
            1 => vec![rng.u8(..)],
            2 => input[start..end].repeat(rng.usize(1..20)),
            _ => other[from..rng.usize(from..=other.len())].to_vec(),
        };
        input.splice(start..end, part);
    }
    input
}
