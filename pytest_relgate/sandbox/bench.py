"""The miniature Plasmite's benchmark, an example of the crate. Text only."""

from __future__ import annotations

from typing import Final

PATH: Final = "examples/plasmite-bench.rs"

EXAMPLE: Final = """\
//! Times of a pool, as JSON: `cargo run --release --example plasmite-bench -- --messages 5000 --format json`.

use plasmite::core::Pool;
use std::hint::black_box;
use std::time::Instant;

const CAPACITY: usize = 10_000;

fn full() -> Pool {
    let mut pool = Pool::new(CAPACITY);
    for _ in 0..CAPACITY {
        pool.append("hello");
    }
    pool
}

fn append(messages: u32) -> f64 {
    let mut pool = full();
    let started = Instant::now();
    for _ in 0..messages {
        pool.append("hello");
    }
    started.elapsed().as_secs_f64() * 1000.0 / f64::from(messages)
}

fn get_scan(messages: u32) -> f64 {
    let pool = full();
    let started = Instant::now();
    for _ in 0..messages {
        black_box(pool.iter().last());
    }
    started.elapsed().as_secs_f64() * 1000.0 / f64::from(messages)
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let asked = words.iter().position(|word| word == "--messages");
    let messages = asked.map_or(1000, |at| words[at + 1].parse().expect("how many"));
    let times = [
        ("append", append(messages)),
        ("get_scan", get_scan(messages)),
    ];
    let results: Vec<String> = times
        .iter()
        .map(|(bench, ms)| format!("{{\\"bench\\": \\"{bench}\\", \\"ms_per_msg\\": {ms:.9}}}"))
        .collect();
    println!("{{\\"results\\": [{}]}}", results.join(", "));
}
"""

UNEVEN: Final = """\
fn uneven() -> f64 {
    let runs = std::fs::read(".bench-runs").unwrap_or_default();
    std::fs::write(".bench-runs", [&runs[..], b"x"].concat()).expect("a place to count runs");
    [0.5, 5.0, 9.0][runs.len() % 3]
}

"""
"""A host on which the same code takes another time in every run."""
