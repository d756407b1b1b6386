//! The targets of `make fuzz` on their corpus, and on what comes of it by small changes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use fastrand::Rng;
use proptest::prelude::*;
use roster_reference::fuzz;
use std::path::Path;
use std::sync::LazyLock;

struct Target {
    name: &'static str,
    take: fn(&[u8]),
}

const TARGETS: [Target; 5] = [
    Target { name: "body", take: fuzz::body::take },
    Target { name: "bearer", take: fuzz::bearer::take },
    Target { name: "cursor", take: fuzz::cursor::take },
    Target { name: "path", take: fuzz::path::take },
    Target { name: "lease", take: fuzz::lease::take },
];

impl Target {
    /// The inputs of the corpus, in the order of their names.
    fn corpus(&self) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(self.name);
        let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
    }
}

#[test]
fn the_corpus_is_taken() {
    for target in TARGETS {
        for input in target.corpus() {
            println!("{} takes {}", target.name, input.escape_ascii());
            (target.take)(&input);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn what_comes_of_the_corpus_by_small_changes_is_taken_too(seed: u64) {
        static CORPUS: LazyLock<[Vec<Vec<u8>>; 5]> = LazyLock::new(|| TARGETS.map(|target| target.corpus()));
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
